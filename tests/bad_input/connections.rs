//! What is no Kafka at all, and frames that are too long, cut off, or never come.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tests::client::{CallError, Client, Endpoint, FetchLimits, fetch_request};
use tests::ledger::{Tag, batch};
use wire::{ApiKey, ErrorCode};

use crate::{CLOSED_WITHIN, Site};

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";

/// An ApiVersions request as a client without TLS sends it.
const PLAIN_KAFKA: &[u8] = b"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff";

/// Sends bytes on a fresh connection and expects it to be closed: what came back.
async fn closed_after(mut client: Client, bytes: &[u8]) -> Vec<u8> {
    client.set_patience(CLOSED_WITHIN);
    // The server may close before all is sent.
    let _ = client.send_bytes(bytes).await;
    client
        .read_to_end()
        .await
        .expect("the connection is closed")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_is_closed() {
    let site = Site::start();
    let garbage: Vec<u8> = (0..600_u32).map(|i| (i * 7 + 13) as u8).collect();
    for bytes in [
        HTTP,
        PLAIN_KAFKA,
        &garbage,
        &[0; 1000],
        b"\x16\x03\x01\xff\xff\x01",
    ] {
        let client = Client::connect(&site.access.endpoint.bare()).await.unwrap();
        let answer = closed_after(client, bytes).await;
        let is_alert = answer.first() == Some(&21);
        assert!(
            answer.is_empty() || is_alert,
            "{bytes:?} was answered with {answer:?}"
        );
    }
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_kafka_inside_of_tls_is_closed_without_an_answer() {
    let site = Site::start();
    let garbage: Vec<u8> = (0..600_u32).map(|i| (i * 7 + 128) as u8).collect();
    for bytes in [
        HTTP,
        &garbage,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0",
    ] {
        let answer = closed_after(site.stranger().await, bytes).await;
        assert!(answer.is_empty(), "{bytes:?} was answered with {answer:?}");
        let answer = closed_after(site.client().await, bytes).await;
        assert!(
            answer.is_empty(),
            "{bytes:?} was answered with {answer:?} after sign-in"
        );
    }
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_another_authority_or_name_refuses_the_server() {
    let (site, other) = (Site::start(), Site::start());
    let address = site.access.endpoint.address();
    let wrong_ca = Endpoint::tls(address, "localhost", &other.server.ready().ca_file).unwrap();
    let wrong_name = site.access.endpoint.by_name("elsewhere.example").unwrap();
    for (endpoint, reason) in [
        (wrong_ca, "invalid peer certificate"),
        (wrong_name, "not valid for name"),
    ] {
        let error = Client::connect(&endpoint)
            .await
            .err()
            .expect("no trust, no connection");
        assert!(error.to_string().contains(reason), "{error}");
    }
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_above_the_cap_is_refused_by_its_length() {
    let site = Site::start();
    let begin = Instant::now();
    let before = (512 << 10) + 1_u32;
    assert!(
        closed_after(site.stranger().await, &before.to_be_bytes())
            .await
            .is_empty()
    );
    let after = (100 << 20) + 1_u32;
    assert!(
        closed_after(site.client().await, &after.to_be_bytes())
            .await
            .is_empty()
    );
    for length in [-1_i32, i32::MIN, i32::MAX] {
        assert!(
            closed_after(site.client().await, &length.to_be_bytes())
                .await
                .is_empty()
        );
    }
    assert!(begin.elapsed() < CLOSED_WITHIN, "nothing is waited for");
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_above_the_limit_is_an_error_and_the_connection_goes_on() {
    let site = Site::start();
    let mut client = site.client().await;
    client.create_topic("large", 1).await.unwrap();
    let tag = Tag {
        producer: 0,
        number: 0,
    };
    // The topic's limit, after which a Java client splits its batch; and the cluster's, as MSK Serverless has it.
    for (bytes, expected) in [
        (2 << 20, ErrorCode::MessageTooLarge),
        (9 << 20, ErrorCode::InvalidRequest),
    ] {
        let large = batch(tag, None, 1, bytes);
        let answer = client.produce("large", 0, large).await.unwrap();
        assert_eq!(answer.error_code, expected.code(), "{answer:?}");
    }
    let small = batch(tag, None, 1, 100);
    let answer = client.produce("large", 0, small).await.unwrap();
    assert_eq!((answer.error_code, answer.base_offset), (0, 0));
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_go_on_is_closed() {
    let site = Site::start_with(|launch| {
        launch
            .set("GATEWAY__HANDSHAKE_TIMEOUT_MS", "500")
            .set("GATEWAY__SIGN_IN_TIMEOUT_MS", "500")
    });
    let begin = Instant::now();
    let silent = Client::connect(&site.access.endpoint.bare()).await.unwrap();
    closed_after(silent, b"").await;
    let half_a_hello = Client::connect(&site.access.endpoint.bare()).await.unwrap();
    closed_after(half_a_hello, b"\x16\x03\x01\x02\x00\x01").await;
    closed_after(site.stranger().await, b"").await;
    closed_after(site.stranger().await, b"\0\0").await;
    closed_after(site.stranger().await, b"\0\x01\0\0half a frame").await;
    assert!(begin.elapsed() < CLOSED_WITHIN, "{:?}", begin.elapsed());
    assert!(
        begin.elapsed() > Duration::from_secs(1),
        "nobody is closed at once"
    );
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_cut_off_ends_the_connection() {
    let site = Site::start();
    for bytes in [&b"\0\0"[..], b"\0\0\0\x20\0\x03\0\x0c"] {
        let mut client = site.client().await;
        client.set_patience(CLOSED_WITHIN);
        client.send_bytes(bytes).await.unwrap();
        client.finish_sending().await.unwrap();
        assert!(client.read_to_end().await.unwrap().is_empty());
    }
    site.check().await;
}

/// A client that goes away in the middle of what it asked for leaves nothing behind that waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_not_waited_for() {
    let site = Site::start();
    site.client().await.create_topic("left", 1).await.unwrap();
    for _ in 0..20 {
        let mut client = site.client().await;
        client.set_patience(Duration::from_millis(50));
        let waiting = FetchLimits {
            max_wait_ms: 60_000,
            ..FetchLimits::default()
        };
        let gone = client.fetch("left", 0, 0, waiting).await;
        assert!(matches!(gone, Err(CallError::TimedOut(_))), "{gone:?}");
    }
    let deadline = Instant::now() + CLOSED_WITHIN;
    while open_connections(&site) > 0.0 {
        assert!(
            Instant::now() < deadline,
            "{} connections are open",
            open_connections(&site)
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    site.check().await;
}

fn open_connections(site: &Site) -> f64 {
    const GAUGE: &str = "tidegate_gateway_connections ";
    let (_, page) = site.server.page("/metrics").unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix(GAUGE));
    line.expect("the gauge is there").parse().unwrap()
}

/// More bytes of answers than the sockets hold, to a client that does not read: it is cut off, others are served.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_off() {
    let site = Site::start_with(|launch| {
        launch
            .set("GATEWAY__WRITE_TIMEOUT_MS", "1000")
            .set("CLUSTERS__DEMO__PLAN", "provisioned")
    });
    let mut client = site.client().await;
    client.create_topic("unread", 1).await.unwrap();
    for number in 0..8 {
        let sent = batch(
            Tag {
                producer: 0,
                number,
            },
            None,
            1,
            1_000_000,
        );
        assert_eq!(
            client.produce("unread", 0, sent).await.unwrap().error_code,
            0
        );
    }
    let mut deaf = site.client().await;
    for _ in 0..8 {
        // The server stops to read at some point.
        deaf.set_patience(Duration::from_millis(200));
        let limits = FetchLimits {
            max_bytes: 8 << 20,
            ..FetchLimits::default()
        };
        let _ = deaf.send(fetch_request("unread", 0, 0, limits)).await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    deaf.set_patience(CLOSED_WITHIN);
    let received = deaf.read_to_end().await.expect("the connection is closed");
    assert!(
        received.len() < 8 * 8_000_000,
        "{} bytes arrived all the same",
        received.len()
    );
    site.check().await;
}

/// ApiVersions of a future version has an answer that every client can read, and the connection goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_future_is_answered_in_version_0() {
    let site = Site::start();
    let mut client = site.stranger().await;
    client
        .send_bytes(b"\0\0\0\x0b\0\x12\0\x63\0\0\0\x07\xff\xff\0")
        .await
        .unwrap();
    let frame = client.receive_frame().await.unwrap();
    let (id, answer) = wire::Response::decode(ApiKey::ApiVersions, 0, frame).unwrap();
    let wire::Response::ApiVersions(answer) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (id, answer.error_code),
        (7, ErrorCode::UnsupportedVersion.code())
    );
    assert_eq!(answer.api_keys.len(), 1);
    client.sign_in(&site.access.scram()).await.unwrap();
    site.check().await;
}

/// Keys that are not served, and versions that are not, end the connection, as in Kafka.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_and_versions_end_the_connection() {
    let site = Site::start();
    for (key, version) in [
        (4, 0),
        (9999, 0),
        (-1, 0),
        (3, 99),
        (3, -1),
        (0, 2),
        (17, 2),
    ] {
        let frame = header_only(key, version);
        assert!(
            closed_after(site.client().await, &frame).await.is_empty(),
            "{key} {version}"
        );
        assert!(
            closed_after(site.stranger().await, &frame).await.is_empty(),
            "{key} {version}"
        );
    }
    site.check().await;
}

fn header_only(key: i16, version: i16) -> Bytes {
    let mut frame = vec![0, 0, 0, 10];
    frame.extend(key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(b"\0\0\0\x01\xff\xff");
    frame.into()
}
