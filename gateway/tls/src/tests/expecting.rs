//! A reader that says how much is to come gets it all, and is never left asleep.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::pair::{connect, pattern, setup, suites};
use crate::TlsStream;

/// Reads frames as the gateway does: a length, then as much.
async fn read_frame(server: &mut TlsStream) -> Vec<u8> {
    let length = server.read_u32().await.unwrap() as usize;
    let mut frame = Vec::with_capacity(length);
    while frame.len() < length {
        server.expect_bytes(length - frame.len());
        let mut target = bytes::BufMut::limit(&mut frame, length);
        let room = length - target.get_ref().len();
        target.set_limit(room);
        assert!(server.read_buf(&mut target).await.unwrap() > 0);
    }
    frame
}

#[tokio::test]
async fn frames_of_any_size_come_whole_one_after_another() {
    let mut chance = StdRng::seed_from_u64(7);
    for suite in suites() {
        let (mut client, mut server) = connect(&setup(suite)).await;
        let sizes: Vec<usize> = (0..40)
            .map(|_| match chance.random_range(0..3) {
                0 => chance.random_range(0..100),
                1 => chance.random_range(0..70_000),
                _ => chance.random_range(0..700_000),
            })
            .collect();
        let data = pattern(700_000);
        // The server is a task of its own, which the client does not wake, and the client waits for each
        // answer, so that nothing that follows hides a lost wake-up.
        let lengths = sizes.clone();
        let expected = data.clone();
        let server_end = tokio::spawn(async move {
            for size in lengths {
                assert!(read_frame(&mut server).await == expected[..size]);
                server.write_u8(1).await.unwrap();
                server.flush().await.unwrap();
            }
        });
        let client_end = async {
            for &size in &sizes {
                client.write_u32(size as u32).await.unwrap();
                for piece in data[..size].chunks(50_000) {
                    client.write_all(piece).await.unwrap();
                    client.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
                client.flush().await.unwrap();
                assert_eq!(client.read_u8().await.unwrap(), 1);
            }
        };
        tokio::time::timeout(Duration::from_secs(60), client_end)
            .await
            .expect("no wake-up is lost");
        server_end.await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_looks_sees_what_a_slow_client_has_sent() {
    let (mut client, mut server) = connect(&setup(suites()[0])).await;
    server.expect_bytes(1 << 20);
    let mut data = vec![0; 1 << 20];
    let pause = Duration::from_millis(20);
    let nothing = tokio::time::timeout(pause, server.read(&mut data)).await;
    assert!(nothing.is_err());
    client.write_all(&[1; 10_000]).await.unwrap();
    client.flush().await.unwrap();
    // The reader is not woken for so little; its timer makes it look.
    let looking = async {
        loop {
            if let Ok(read) = tokio::time::timeout(pause, server.read(&mut data)).await {
                return read.unwrap();
            }
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(10), looking).await;
    assert!(seen.expect("it is seen") > 0);
}

#[tokio::test]
async fn a_reader_is_woken_by_the_end_of_what_it_expects() {
    let (mut client, mut server) = connect(&setup(suites()[0])).await;
    server.expect_bytes(1 << 20);
    let reader = tokio::spawn(async move {
        let mut data = vec![0; 1 << 20];
        server.read(&mut data).await
    });
    tokio::task::yield_now().await;
    client.shutdown().await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(10), reader).await;
    assert_eq!(end.expect("it is woken").unwrap().unwrap(), 0);
}
