//! The order on a connection, its bounds, and what ends it.

use std::time::Duration;

use bytes::Bytes;
use wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::messages::produce::ProduceRequest;
use wire::{ApiKey, Response};

use super::peer::{Peer, fetch_of, outcome, produce_to};
use super::world::{World, batch, partition};
use crate::config::GatewayConfig;
use crate::limits::{
    FAREWELL_MAX, FRAME_STALL_MAX, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_REQUESTS_MAX, REQUEST_ITEMS_MAX,
};

/// Two requests under way, of which the second could be answered first.
#[tokio::test(start_paused = true)]
async fn answers_leave_in_the_order_of_requests() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    world.node.set_open(false);
    let first = peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    let second = peer.send(2, ApiVersionsRequest::default()).await;
    assert!(peer.is_quiet_for(Duration::from_secs(5)).await);
    world.node.set_open(true);
    assert_eq!(peer.receive(ApiKey::Produce, 9).await.0, first);
    assert_eq!(peer.receive(ApiKey::ApiVersions, 2).await.0, second);
}

#[tokio::test(start_paused = true)]
async fn batches_of_a_connection_are_appended_in_the_order_in_which_they_came() {
    let world = World::new();
    let topic = world.topic("t", 2);
    let mut peer = world.connect();
    world.node.behave(|manners| manners.lose_replies = 3);
    let batches: Vec<_> = (0..40)
        .map(|number: u32| batch(&number.to_be_bytes()))
        .collect();
    for records in &batches {
        peer.send(9, produce_to("t", 1, records.clone())).await;
    }
    for base_offset in 0..40 {
        let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
            panic!("a produce answer");
        };
        assert_eq!(outcome(&response), (0, base_offset));
    }
    let bodies: Vec<_> = batches.iter().map(|records| records.slice(61..)).collect();
    assert_eq!(world.node.bodies(partition(topic, 1)), bodies);
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_change_of_topics_sees_it() {
    let world = World::new();
    world.control.set_delay(Duration::from_secs(1));
    let mut peer = world.connect();
    let topic = CreatableTopic {
        name: "new".to_owned(),
        num_partitions: 1,
        replication_factor: -1,
        ..CreatableTopic::default()
    };
    let create = CreateTopicsRequest {
        topics: vec![topic],
        ..CreateTopicsRequest::default()
    };
    peer.send(5, create).await;
    peer.send(9, produce_to("new", 0, batch(b"a"))).await;
    peer.receive(ApiKey::CreateTopics, 5).await;
    let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
        panic!("a produce answer");
    };
    assert_eq!(outcome(&response), (0, 0));
}

fn topic_named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic {
        name: Some(name.to_owned()),
        ..MetadataRequestTopic::default()
    }
}

/// Only a Metadata request that creates a topic holds up what follows it.
#[tokio::test(start_paused = true)]
async fn a_request_behind_metadata_is_read_unless_that_creates_a_topic() {
    for (name, appended) in [("t", 2), ("new", 1)] {
        let world = World::new();
        let topic = world.topic("t", 1);
        let mut peer = world.connect();
        world.node.behave(|m| m.ack_delay = Duration::from_secs(5));
        peer.send(9, produce_to("t", 0, batch(b"a"))).await;
        let request = MetadataRequest {
            topics: Some(vec![topic_named(name)]),
            ..MetadataRequest::default()
        };
        peer.send(9, request).await;
        peer.send(9, produce_to("t", 0, batch(b"b"))).await;
        assert!(peer.is_quiet_for(Duration::from_secs(1)).await);
        assert_eq!(world.node.records(partition(topic, 0)), appended, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_names_too_much_closes_the_connection() {
    let world = World::new();
    let mut peer = world.connect();
    let request = |count| MetadataRequest {
        topics: Some(vec![topic_named("t"); count]),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let Response::Metadata(response) = peer.call(9, request(REQUEST_ITEMS_MAX)).await else {
        panic!("a metadata answer");
    };
    assert_eq!(response.topics.len(), 1);
    peer.send(9, request(REQUEST_ITEMS_MAX + 1)).await;
    peer.closed().await;
}

/// What came before a frame that ends the connection, or before its end, is answered.
#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_answered_before_a_connection_is_closed() {
    for bytes in [
        &b"\xff\xff\xff\xff"[..],
        b"\0\0\0\x0a\x03\xe7\0\0\0\0\0\x01\xff\xff",
        b"",
    ] {
        let world = World::new();
        world.topic("t", 1);
        let mut peer = world.connect();
        world.node.set_open(false);
        peer.send(9, produce_to("t", 0, batch(b"a"))).await;
        peer.send_bytes(bytes).await;
        if bytes.is_empty() {
            peer.end_writing().await;
        }
        assert!(peer.is_quiet_for(Duration::from_secs(1)).await);
        world.node.set_open(true);
        let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
            panic!("a produce answer");
        };
        assert_eq!(outcome(&response), (0, 0));
        peer.closed().await;
        peer.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_farewell_does_not_take_for_ever() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    world.node.set_open(false);
    peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    peer.send_bytes(b"\xff\xff\xff\xff").await;
    assert_eq!(peer.closed().await.as_secs(), FAREWELL_MAX.as_secs());
}

#[tokio::test(start_paused = true)]
async fn acks_0_is_not_answered_and_a_refusal_closes() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    let silent = |topic: &str| ProduceRequest {
        acks: 0,
        ..produce_to(topic, 0, batch(b"a"))
    };
    peer.send(9, silent("t")).await;
    peer.call(2, ApiVersionsRequest::default()).await;
    assert_eq!(world.node.records(partition(topic, 0)), 1);
    // What came before a refusal is answered, what came after it is not.
    world.node.set_open(false);
    for request in [
        produce_to("t", 0, batch(b"b")),
        silent("unknown"),
        produce_to("t", 0, batch(b"c")),
    ] {
        peer.send(9, request).await;
    }
    assert!(peer.is_quiet_for(Duration::from_secs(1)).await);
    world.node.set_open(true);
    peer.receive(ApiKey::Produce, 9).await;
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn only_so_many_requests_are_under_way() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    world.node.set_open(false);
    let free = || world.services.request_memory.available_permits();
    let total = free();
    let mut sent = 0;
    for _ in 0..IN_FLIGHT_REQUESTS_MAX {
        sent += peer.send_sized(9, produce_to("t", 0, batch(b"a"))).await;
    }
    for _ in 0..20 {
        peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    }
    assert!(peer.is_quiet_for(Duration::from_secs(5)).await);
    assert_eq!(total - free(), sent);
    world.node.set_open(true);
    for _ in 0..IN_FLIGHT_REQUESTS_MAX + 20 {
        peer.receive(ApiKey::Produce, 9).await;
    }
    let all = IN_FLIGHT_REQUESTS_MAX as u64 + 20;
    assert_eq!(world.node.records(partition(topic, 0)), all);
    assert_eq!(free(), total);
}

#[tokio::test(start_paused = true)]
async fn a_partition_above_its_rate_is_acknowledged_late_and_its_connection_not_read() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    world.node.behave(|manners| {
        manners.ack_delay = Duration::from_secs(2);
        manners.stop_reading = Duration::from_secs(3);
    });
    let start = tokio::time::Instant::now();
    let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
    assert_eq!((outcome(&response), response.throttle_time_ms), ((0, 0), 0));
    assert_eq!(start.elapsed().as_secs(), 2);
    world
        .node
        .behave(|manners| manners.ack_delay = Duration::ZERO);
    peer.send(9, produce_to("t", 0, batch(b"b"))).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(world.node.records(partition(topic, 0)), 1, "not read yet");
    peer.receive(ApiKey::Produce, 9).await;
    assert_eq!(start.elapsed().as_secs(), 3);
}

/// What a node asks for is counted from its answer, however late that came.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_held_from_when_it_came() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    world.node.behave(|m| m.ack_delay = Duration::from_secs(2));
    world.node.set_open(false);
    let start = tokio::time::Instant::now();
    peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    assert!(peer.is_quiet_for(Duration::from_secs(3)).await);
    world.node.set_open(true);
    peer.receive(ApiKey::Produce, 9).await;
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_closes_the_connection() {
    let world = World::new();
    let unknown_key = b"\0\0\0\x0a\x03\xe7\0\0\0\0\0\x01\xff\xff";
    let produce_2 = b"\0\0\0\x0a\0\0\0\x02\0\0\0\x01\xff\xff";
    let cut_off = b"\0\0\0\x0c\0\x03\0\x01\0\0\0\x01\xff\xff\0\0";
    let oversize = &(105_000_000_u32).to_be_bytes();
    for bytes in [
        &unknown_key[..],
        produce_2,
        cut_off,
        oversize,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
    ] {
        let mut peer = world.connect();
        peer.send_bytes(bytes).await;
        assert!(peer.closed().await < Duration::from_secs(1), "{bytes:?}");
        peer.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_larger_after_sign_in_than_before() {
    let world = World::new();
    let announced = (600_u32 << 10).to_be_bytes();
    let mut stranger = world.connect_tls();
    stranger.send_bytes(&announced).await;
    assert!(stranger.closed().await < Duration::from_secs(1));
    let mut known = world.connect();
    known.send_bytes(&announced).await;
    assert!(known.is_quiet_for(Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn a_newer_api_versions_is_told_what_is_served() {
    let world = World::new();
    let mut peer = world.connect_tls();
    peer.send_bytes(b"\0\0\0\x0b\0\x12\0\x63\0\0\0\x2a\xff\xff\0")
        .await;
    let frame = peer.frame().await.unwrap();
    let (id, Response::ApiVersions(response)) =
        Response::decode(ApiKey::ApiVersions, 0, frame).unwrap()
    else {
        panic!("an ApiVersions answer");
    };
    assert_eq!((id, response.error_code), (42, 35));
    assert_eq!(response.api_keys, [ApiKey::ApiVersions.advertised()]);
    let Response::ApiVersions(ApiVersionsResponse { api_keys, .. }) =
        peer.call(0, ApiVersionsRequest::default()).await
    else {
        panic!("an ApiVersions answer");
    };
    assert_eq!(api_keys, wire::advertised());
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_in_time() {
    let world = World::with(GatewayConfig {
        idle_timeout_ms: 300_000,
        sign_in_timeout_ms: 20_000,
        ..GatewayConfig::default()
    });
    let patience = Duration::from_secs(100);
    let mut stranger = world.connect_tls();
    assert_eq!(stranger.closed().await.as_secs(), 20);
    let mut idle = world.connect();
    idle.call(2, ApiVersionsRequest::default()).await;
    assert!(idle.is_quiet_for(Duration::from_secs(299)).await);
    assert!(tokio::time::timeout(patience, idle.task).await.is_ok());
    let mut stalled = world.connect();
    stalled.send_bytes(b"\0\0\x01\0abc").await;
    assert_eq!(stalled.closed().await.as_secs(), FRAME_STALL_MAX.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    peer.produce(produce_to("t", 0, batch(&vec![0; 900_000])))
        .await;
    let memory = &world.services.fetch_memory;
    let total = memory.available_permits();
    for _ in 0..10 {
        peer.send(12, fetch_of("t", &[(0, 0)])).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let held = total - memory.available_permits();
    assert!(
        (900_000..3_000_000).contains(&held),
        "{held} bytes of answers wait for the client"
    );
    let task = &mut peer.task;
    let ended = tokio::time::timeout(Duration::from_secs(40), task).await;
    assert!(ended.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_connection_that_ended() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let services = &world.services;
    let memory = || {
        [
            &services.request_memory,
            &services.sign_in_memory,
            &services.fetch_memory,
        ]
        .map(|memory| memory.available_permits())
    };
    let before = memory();
    let mut peer = world.connect();
    peer.produce(produce_to("t", 0, batch(b"a"))).await;
    peer.fetch(fetch_of("t", &[(0, 0)])).await;
    peer.send(12, fetch_of("t", &[(0, 1)])).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(world.node.interest().contains(&partition(topic, 0)));
    peer.hang_up().await;
    assert_eq!(memory(), before);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(world.node.interest().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_so_many_bytes_are_under_way() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    world.node.set_open(false);
    let memory = &world.services.request_memory;
    let total = memory.available_permits();
    let records = batch(&vec![0; 1_000_000]);
    let all_sent = async {
        for _ in 0..60 {
            peer.send(9, produce_to("t", 0, records.clone())).await;
        }
    };
    let patience = Duration::from_secs(5);
    assert!(tokio::time::timeout(patience, all_sent).await.is_err());
    let taken = total - memory.available_permits();
    let bounds = IN_FLIGHT_BYTES_MAX..IN_FLIGHT_BYTES_MAX + 1_100_000;
    assert!(bounds.contains(&taken), "{taken}");
}

/// Every key and version, as a client that has signed in and as one that has not.
#[tokio::test(start_paused = true)]
async fn every_served_version_is_answered() {
    let world = World::new();
    world.topic(wire::SAMPLE_TOPIC, 2);
    for (key, version, frame) in wire::sample_frames() {
        for (mut peer, signed_in) in [(world.connect(), true), (world.connect_tls(), false)] {
            peer.send_bytes(&frame).await;
            let frame = peer.frame().await;
            let frame = frame.unwrap_or_else(|| panic!("{key:?} v{version} {signed_in}"));
            let (id, _) = Response::decode(key, version, frame).unwrap();
            assert_eq!(id, 1);
        }
    }
}

/// Bytes that are no request, whatever they are, end in a closed connection or an answer.
#[tokio::test(start_paused = true)]
async fn damaged_frames_do_no_harm() {
    let world = World::new();
    world.topic(wire::SAMPLE_TOPIC, 2);
    world.topic("t", 1);
    let mut random = 1_u64;
    for (_, _, frame) in wire::sample_frames() {
        for _ in 0..20 {
            let mut damaged = frame.clone();
            for _ in 0..3 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let at = 4 + (random >> 33) as usize % (damaged.len() - 4);
                damaged[at] = (random >> 24) as u8;
            }
            for signed_in in [true, false] {
                let mut peer = if signed_in {
                    world.connect()
                } else {
                    world.connect_tls()
                };
                peer.send_bytes(&damaged).await;
                let answer = tokio::time::timeout(Duration::from_secs(90), peer.frame()).await;
                drop(answer);
                peer.hang_up().await;
            }
        }
    }
    let mut peer = world.connect();
    let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
    assert_eq!(outcome(&response).0, 0);
}

#[tokio::test(start_paused = true)]
async fn sasl_on_the_plaintext_listener_is_refused_and_does_no_harm() {
    let world = World::new();
    let mut peer = world.connect();
    let handshake = wire::messages::sasl_handshake::SaslHandshakeRequest {
        mechanism: "SCRAM-SHA-256".to_owned(),
    };
    let Response::SaslHandshake(response) = peer.call(1, handshake).await else {
        panic!("a handshake answer");
    };
    assert_eq!(response.error_code, 34);
    peer.call(9, MetadataRequest::default()).await;
}

/// A large request arrives in pieces and is whole in the end.
#[tokio::test(start_paused = true)]
async fn a_large_batch_comes_whole() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer: Peer = world.connect();
    let records: Bytes = batch(&vec![7; 1_000_000]);
    let response = peer.produce(produce_to("t", 0, records.clone())).await;
    assert_eq!(outcome(&response), (0, 0));
    assert_eq!(
        world.node.bodies(partition(topic, 0)),
        [records.slice(61..)]
    );
}
