//! Keys are replaced when the client asks, and when they have sealed enough.

use rustls::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::pair::{
    NAME, RawClient, a_suite_of_each_version, cause, connect_with, pattern, setup, suites,
};
use crate::control::FRUITLESS_RECORDS_MAX;
use crate::{RecordError, TlsAcceptor};

#[tokio::test]
async fn the_client_may_replace_keys_as_it_likes() {
    for suite in suites().into_iter().filter(|s| s.tls13().is_some()) {
        let (mut client, mut server) = RawClient::connect(&setup(suite)).await;
        for round in 0..100_u8 {
            client.connection.refresh_traffic_keys().unwrap();
            let sealed = client.seal(&[round; 40_000]);
            client.send(&sealed).await;
            let mut data = [0; 40_000];
            server.read_exact(&mut data).await.unwrap();
            assert_eq!(data, [round; 40_000]);
            server.write_all(&[round; 3]).await.unwrap();
            server.flush().await.unwrap();
            assert_eq!(client.receive().await.unwrap(), [round; 3]);
        }
    }
}

#[tokio::test]
async fn a_request_is_answered_by_a_server_that_only_reads() {
    let (mut client, mut server) = RawClient::connect(&setup(suites()[0])).await;
    client.connection.refresh_traffic_keys().unwrap();
    let sealed = client.seal(b"x");
    client.send(&sealed).await;
    server.read_exact(&mut [0]).await.unwrap();
    let mut update = [0; 5 + 5 + 17];
    client.socket.read_exact(&mut update).await.unwrap();
    client.connection.read_tls(&mut &update[..]).unwrap();
    client.connection.process_new_packets().unwrap();
    server.write_all(b"under the new key").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.receive().await.unwrap(), b"under the new key");
}

#[tokio::test]
async fn a_client_that_does_nothing_but_replace_keys_is_refused() {
    let (mut client, mut server) = RawClient::connect(&setup(suites()[0])).await;
    for _ in 0..FRUITLESS_RECORDS_MAX {
        client.connection.refresh_traffic_keys().unwrap();
        let sealed = client.seal(b"");
        client.send(&sealed).await;
    }
    let sealed = client.seal(b"x");
    client.send(&sealed).await;
    server.read_exact(&mut [0]).await.unwrap();
    for _ in 0..=FRUITLESS_RECORDS_MAX {
        client.connection.refresh_traffic_keys().unwrap();
        let sealed = client.seal(b"");
        client.send(&sealed).await;
    }
    let error = server.read(&mut [0]).await.unwrap_err();
    assert!(matches!(cause(&error), RecordError::Unexpected(_)));
    let told = client.receive().await.unwrap_err();
    let expected = AlertDescription::UnexpectedMessage;
    assert_eq!(told, rustls::Error::AlertReceived(expected));
}

#[tokio::test]
async fn a_key_that_has_sealed_enough_is_replaced_or_given_up() {
    for suite in a_suite_of_each_version() {
        let setup = setup(suite);
        let acceptor = TlsAcceptor::new(&setup.server).with_records_per_key(5);
        let (mut client, mut server) = connect_with(&setup, &acceptor, NAME).await;
        let data = pattern(1 << 20);
        let mut received = Vec::new();
        let sending = async {
            server.write_all(&data).await?;
            server.shutdown().await
        };
        let (sent, read) = tokio::join!(sending, client.read_to_end(&mut received));
        read.expect("in TLS 1.2 it is a good end, too");
        if suite.tls13().is_some() {
            sent.unwrap();
            assert!(received == data);
        } else {
            assert_eq!(cause(&sent.unwrap_err()), RecordError::KeyExhausted);
            assert!(received == data[..4 << 14], "after Finished, four are left");
        }
    }
}

#[tokio::test]
async fn both_ends_replace_keys_at_once() {
    let setup = setup(suites()[0]);
    let acceptor = TlsAcceptor::new(&setup.server).with_records_per_key(3);
    let (client, mut server) = connect_with(&setup, &acceptor, NAME).await;
    let (socket, connection) = client.into_inner();
    let mut client = RawClient { socket, connection };
    for round in 0..50_u8 {
        client.connection.refresh_traffic_keys().unwrap();
        let sealed = client.seal(&[round]);
        let sending = async {
            server.write_all(&pattern(100_000)).await.unwrap();
            server.flush().await.unwrap();
            assert_eq!(server.read_u8().await.unwrap(), round);
        };
        let receiving = async {
            client.send(&sealed).await;
            let mut received = Vec::new();
            while received.len() < 100_000 {
                received.extend(client.receive().await.unwrap());
            }
            assert!(received == pattern(100_000));
        };
        tokio::join!(sending, receiving);
    }
}
