//! Whoever alters, repeats, moves or invents records ends the connection, and is told.

use proptest::prelude::*;
use rustls::{AlertDescription, Error};
use tokio::io::AsyncReadExt;

use super::pair::{
    RawClient, Setup, a_suite_of_each_version, cause, pattern, records, setup, suites,
};
use crate::{RecordError, TlsStream};

/// What the server hands out before it fails, and why it does.
async fn read_to_failure(server: &mut TlsStream) -> (Vec<u8>, RecordError) {
    let mut received = Vec::new();
    let error = server.read_to_end(&mut received).await.unwrap_err();
    (received, cause(&error))
}

/// What the server handed out, why it failed, and what it told.
type Played = (Vec<u8>, RecordError, Option<AlertDescription>);

/// What the server handed out before a record that is not the peer's next one; it told so.
async fn played_to_forgery(played: impl Future<Output = Played>) -> Vec<u8> {
    let (received, failure, alert) = played.await;
    assert_eq!(failure, RecordError::BadMac);
    assert_eq!(alert, Some(AlertDescription::BadRecordMac));
    received
}

/// Sends records; says what came of it.
async fn play(setup: &Setup, make: impl FnOnce(&mut RawClient) -> Vec<u8>) -> Played {
    let (mut client, mut server) = RawClient::connect(setup).await;
    let sealed = make(&mut client);
    client.send(&sealed).await;
    let (received, failure) = read_to_failure(&mut server).await;
    let write = tokio::io::AsyncWriteExt::write(&mut server, b"x").await;
    assert_eq!(cause(&write.unwrap_err()), failure, "nor is more written");
    drop(server);
    let alert = match client.receive().await {
        Err(Error::AlertReceived(alert)) => Some(alert),
        other => panic!("{other:?}"),
    };
    (received, failure, alert)
}

#[tokio::test]
async fn an_altered_record_is_never_handed_out() {
    for suite in a_suite_of_each_version() {
        let setup = setup(suite);
        for at in [5, 13, 14, 5000, 10_000, 16_400] {
            let played = play(&setup, |client| {
                let mut sealed = client.seal(b"before");
                let mut altered = client.seal(&pattern(16 << 10));
                altered[at] ^= 1 << (at % 8);
                sealed.extend_from_slice(&altered);
                sealed
            });
            assert_eq!(played_to_forgery(played).await, b"before");
        }
    }
}

#[tokio::test]
async fn a_record_counts_once_and_at_its_place() {
    for suite in a_suite_of_each_version() {
        let setup = setup(suite);
        for order in [&[0, 0][..], &[1, 0], &[0, 2], &[0, 1, 2, 1]] {
            let played = play(&setup, |client| {
                let sealed = [b"a", b"b", b"c"].map(|data| client.seal(data));
                order.iter().flat_map(|&at| sealed[at].clone()).collect()
            });
            let received = played_to_forgery(played).await;
            let good = order.iter().enumerate().take_while(|(at, to)| at == *to);
            assert_eq!(received, b"abc"[..good.count()], "{order:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_record_is_refused_by_name() {
    use AlertDescription as Alert;
    for suite in a_suite_of_each_version() {
        let setup = setup(suite);
        for (bytes, expected) in [
            (&[23, 3, 3, 0x41, 0x01][..], Alert::RecordOverflow),
            (&[23, 3, 3, 0xff, 0xff], Alert::RecordOverflow),
            (&[23, 3, 3, 0, 0], Alert::BadRecordMac),
            (&[23, 3, 3, 0, 1, 0], Alert::BadRecordMac),
            (&[20, 3, 3, 0, 1, 1], Alert::UnexpectedMessage),
            (b"GET / HTTP/1.1\r\n", Alert::UnexpectedMessage),
            (&[23, 2, 0, 0, 1], Alert::DecodeError),
        ] {
            let played = play(&setup, |client| {
                [client.seal(b"x"), bytes.to_vec()].concat()
            });
            let (received, _, alert) = played.await;
            assert_eq!((&received[..], alert), (&b"x"[..], Some(expected)));
        }
    }
}

#[tokio::test]
async fn an_alert_of_the_client_ends_the_connection() {
    // A client tells why it refuses: here a record of ours that was altered on its way.
    let (mut client, mut server) = RawClient::connect(&setup(suites()[0])).await;
    let refused = client.connection.read_tls(&mut &[23, 3, 3, 0, 2, 0, 0][..]);
    refused.unwrap();
    assert!(client.connection.process_new_packets().is_err());
    let alert = client.seal(b"");
    client.send(&alert).await;
    let (_, failure) = read_to_failure(&mut server).await;
    let expected = RecordError::AlertReceived(AlertDescription::BadRecordMac);
    assert_eq!(failure, expected);
}

/// Sends these bytes in pieces; gives what was handed out before the end, however it came.
fn digest(
    make: impl FnOnce(&mut RawClient) -> Vec<u8>,
    piece_bytes: usize,
    room: usize,
) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut client, mut server) = RawClient::connect(&setup(suites()[0])).await;
        let sealed = make(&mut client);
        let sending = async {
            for piece in sealed.chunks(piece_bytes) {
                // The server may have closed.
                let _ = tokio::io::AsyncWriteExt::write_all(&mut client.socket, piece).await;
                tokio::task::yield_now().await;
            }
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut client.socket).await;
        };
        let reading = async {
            let mut received = Vec::new();
            let mut buffer = vec![0; room];
            while let Ok(read @ 1..) = server.read(&mut buffer).await {
                received.extend_from_slice(&buffer[..read]);
            }
            received
        };
        tokio::join!(sending, reading).1
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bytes_of_chance_are_refused_without_harm(
        head in prop::sample::select(vec![&[][..], &[23, 3, 3], &[23, 3, 3, 0], &[23, 3, 3, 0x40]]),
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        piece_bytes in 1_usize..3000,
    ) {
        let received = digest(|_| [head, &bytes].concat(), piece_bytes, 100);
        prop_assert!(received.is_empty());
    }

    #[test]
    fn a_damaged_stream_gives_its_undamaged_beginning(
        sizes in prop::collection::vec(1_usize..30_000, 1..6),
        damage_at in any::<prop::sample::Index>(),
        damage in 1_u8..,
        piece_bytes in 1_usize..40_000,
        room in 1_usize..60_000,
    ) {
        let data = pattern(sizes.iter().sum());
        let mut whole_before = 0;
        let received = digest(
            |client| {
                let mut rest = &data[..];
                let mut all = Vec::new();
                for &size in &sizes {
                    let (now, later) = rest.split_at(size);
                    all.extend(client.seal(now));
                    rest = later;
                }
                let at = damage_at.index(all.len());
                let mut passed = 0;
                for record in records(&all) {
                    passed += record.len();
                    if passed > at {
                        break;
                    }
                    whole_before += record.len() - 5 - 17;
                }
                all[at] ^= damage;
                all
            },
            piece_bytes,
            room,
        );
        // The version in a header of TLS 1.3 means nothing; all else does.
        prop_assert!(received == data[..whole_before] || received == data);
    }
}
