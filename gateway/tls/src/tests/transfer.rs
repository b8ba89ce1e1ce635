//! What is written comes out, whatever the sizes, the suite and the interruptions; and how it ends.

use std::io::IoSlice;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::pair::{RawClient, a_suite_of_each_version, cause, connect, pattern, setup, suites};
use crate::RecordError;

/// Writes in pieces of any size, of any number of slices, then says that this was all.
async fn write(mut stream: impl AsyncWrite + Unpin, data: &[u8], mut chance: StdRng) {
    let mut written = 0;
    while written < data.len() {
        let end = data.len().min(written + chance.random_range(1..100_000));
        let middle = chance.random_range(written..=end);
        let slices = [&data[written..middle], &[], &data[middle..end]].map(IoSlice::new);
        written += stream.write_vectored(&slices).await.unwrap();
        if chance.random_ratio(1, 8) {
            stream.flush().await.unwrap();
        }
    }
    stream.shutdown().await.unwrap();
}

/// Reads in pieces of any size, to the end.
async fn read(mut stream: impl AsyncRead + Unpin, expected: &[u8], mut chance: StdRng) {
    let mut buffer = vec![0; 300_000];
    let mut read = 0;
    loop {
        let room = match chance.random_range(0..4) {
            0 => chance.random_range(1..10),
            1 => chance.random_range(1..20_000),
            _ => chance.random_range(1..buffer.len()),
        };
        let step = stream.read(&mut buffer[..room]).await.unwrap();
        if step == 0 {
            break;
        }
        assert!(buffer[..step] == expected[read..read + step]);
        read += step;
    }
    assert_eq!(read, expected.len());
}

async fn both_ways(suite: rustls::SupportedCipherSuite, bytes: usize) {
    let (client, server) = connect(&setup(suite)).await;
    let (from_client, to_client) = (pattern(bytes), pattern(bytes + 1));
    let (client_read, client_write) = tokio::io::split(client);
    let (server_read, server_write) = tokio::io::split(server);
    let chance = |seed| StdRng::seed_from_u64(seed);
    tokio::join!(
        write(client_write, &from_client, chance(1)),
        read(server_read, &from_client, chance(2)),
        write(server_write, &to_client, chance(3)),
        read(client_read, &to_client, chance(4)),
    );
}

#[tokio::test]
async fn every_suite_carries_data_both_ways() {
    for suite in suites() {
        both_ways(suite, 2 << 20).await;
    }
}

#[tokio::test]
async fn much_data_is_carried_both_ways_at_once() {
    for suite in a_suite_of_each_version() {
        both_ways(suite, 50 << 20).await;
    }
}

#[tokio::test]
async fn many_small_writes_arrive_in_order() {
    let (mut client, mut server) = connect(&setup(suites()[0])).await;
    let data = pattern(100_000);
    let (mut received, mut answered) = (vec![0; data.len()], vec![0; data.len()]);
    let (one, other) = tokio::join!(
        async {
            for piece in data.chunks(7) {
                client.write_all(piece).await.unwrap();
            }
            client.flush().await.unwrap();
            client.read_exact(&mut answered).await
        },
        async {
            for piece in received.chunks_mut(5) {
                server.read_exact(piece).await.unwrap();
            }
            for piece in data.chunks(3) {
                server.write_all(piece).await.unwrap();
            }
            server.flush().await
        }
    );
    one.unwrap();
    other.unwrap();
    assert!(received == data && answered == data);
}

#[tokio::test]
async fn futures_that_are_dropped_lose_nothing() {
    const BYTES: usize = 2 << 20;
    let (client, server) = connect(&setup(suites()[0])).await;
    let data = pattern(BYTES);
    let (client_read, client_write) = tokio::io::split(client);
    let (mut server_read, mut server_write) = tokio::io::split(server);
    let reading = async {
        let mut received = Vec::new();
        while received.len() < BYTES {
            let step = server_read.read_buf(&mut received);
            if tokio::time::timeout(Duration::ZERO, step).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
        assert!(received == data);
    };
    let writing = async {
        let mut written = 0;
        while written < BYTES {
            let step = server_write.write(&data[written..]);
            match tokio::time::timeout(Duration::ZERO, step).await {
                Ok(step) => written += step.unwrap(),
                Err(_) => tokio::task::yield_now().await,
            }
        }
        let flush = |seconds| Duration::from_secs(seconds);
        while tokio::time::timeout(flush(0), server_write.flush())
            .await
            .is_err()
        {
            tokio::task::yield_now().await;
        }
        tokio::time::timeout(flush(10), server_write.shutdown())
            .await
            .unwrap()
            .unwrap();
    };
    let chance = || StdRng::seed_from_u64(5);
    tokio::join!(
        reading,
        writing,
        write(client_write, &data, chance()),
        read(client_read, &data, chance()),
    );
}

/// One end says `data` and closes, and the other reads to the end.
async fn hear_out(
    from: &mut (impl AsyncWrite + Unpin),
    to: &mut (impl AsyncRead + Unpin),
    data: &[u8],
) {
    let mut received = Vec::new();
    let say = async {
        from.write_all(data).await.unwrap();
        from.shutdown().await.unwrap();
    };
    let (_, read) = tokio::join!(say, to.read_to_end(&mut received));
    read.unwrap();
    assert!(received == data);
}

#[tokio::test]
async fn each_end_may_close_first_and_hear_the_other_out() {
    for suite in a_suite_of_each_version() {
        let data = pattern(300_000);
        let (mut client, mut server) = connect(&setup(suite)).await;
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 9]).await.unwrap(), 0);
        assert_eq!(server.read(&mut [0; 9]).await.unwrap(), 0, "it stays so");
        hear_out(&mut server, &mut client, &data).await;

        let (mut client, mut server) = connect(&setup(suite)).await;
        server.shutdown().await.unwrap();
        let after = server.write(b"x").await.unwrap_err();
        assert_eq!(after.kind(), std::io::ErrorKind::BrokenPipe);
        assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0);
        hear_out(&mut client, &mut server, &data).await;
    }
}

#[tokio::test]
async fn an_end_that_is_not_announced_is_an_error() {
    for whole in [true, false] {
        let (mut client, mut server) = RawClient::connect(&setup(suites()[0])).await;
        let sealed = client.seal(b"data");
        let part = if whole { 0 } else { 9 };
        client.send(&sealed).await;
        client.send(&sealed[..part]).await;
        client.socket.shutdown().await.unwrap();
        let mut data = [0; 9];
        assert_eq!(server.read(&mut data).await.unwrap(), 4);
        for _ in 0..2 {
            let error = server.read(&mut data).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
            assert_eq!(cause(&error), RecordError::Truncated);
        }
        server.write_all(b"answer").await.unwrap();
        server.flush().await.unwrap();
        assert_eq!(client.receive().await.unwrap(), b"answer");
    }
}

#[tokio::test]
async fn what_is_written_waits_within_a_bound() {
    let (mut client, mut server) = connect(&setup(suites()[0])).await;
    let data = pattern(64 << 20);
    let mut written = 0;
    loop {
        let step = server.write(&data[written..]);
        match tokio::time::timeout(Duration::from_millis(200), step).await {
            Ok(step) => written += step.unwrap(),
            Err(_) => break,
        }
    }
    assert!(written < data.len(), "the socket is full");
    assert!(server.buffered_bytes() < 200 << 10);
    let mut received = vec![0; written];
    let (flushed, read) = tokio::join!(server.flush(), client.read_exact(&mut received));
    flushed.unwrap();
    read.unwrap();
    assert!(received == data[..written]);
    assert_eq!(server.buffered_bytes(), 0);
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer() {
    let (mut client, mut server) = RawClient::connect(&setup(suites()[0])).await;
    assert_eq!(server.buffered_bytes(), 0);
    let sealed = client.seal(&pattern(16 << 10));
    client.send(&sealed[..1000]).await;
    let mut data = vec![0; 16 << 10];
    let mut partly = tokio::spawn(async move {
        let read = tokio::time::timeout(Duration::from_millis(100), server.read(&mut data));
        assert!(read.await.is_err(), "a part of a record is no data");
        assert_eq!(server.buffered_bytes(), 1000);
        server
    });
    let mut server = (&mut partly).await.unwrap();
    client.send(&sealed[1000..]).await;
    server.read_exact(&mut [0; 1000]).await.unwrap();
    assert_eq!(server.buffered_bytes(), (16 << 10) - 1000);
    server.read_exact(&mut vec![0; 15 << 10]).await.unwrap();
    server.read_exact(&mut [0; 24]).await.unwrap();
    assert_eq!(server.buffered_bytes(), 0);
    server.write_all(b"answer").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(server.buffered_bytes(), 0);
}
