//! Requests that manage topics, and changes of partitions.

use model::{CleanupPolicy, TopicConfig};
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::{ApiKey, Response};

use super::*;

fn creation(name: &str) -> CreateTopicsRequest {
    let topic = CreatableTopic {
        name: name.to_owned(),
        num_partitions: 1,
        replication_factor: -1,
        ..CreatableTopic::default()
    };
    CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: 30_000,
        ..CreateTopicsRequest::default()
    }
}

async fn create(peer: &mut Peer, version: i16, name: &str) -> (i16, i32) {
    match peer.call(version, creation(name)).await {
        Response::CreateTopics(response) => {
            (response.topics[0].error_code, response.throttle_time_ms)
        }
        other => panic!("{other:?}"),
    }
}

/// Whoever manages topics faster than the rate is slowed, on any number of connections.
#[tokio::test(start_paused = true)]
async fn topic_requests_keep_to_their_rate() {
    let world = World::new();
    let start = Instant::now();
    let mut told = Vec::new();
    for number in 0..8 {
        let mut peer = world.connect();
        told.push(create(&mut peer, 7, &format!("t{number}")).await);
    }
    assert_eq!(told[..2], [(0, 0), (0, 0)]);
    assert_eq!(told[2..4], [(0, 500), (0, 1_000)]);
    assert_eq!(told[7].0, 0);
    assert!(
        (1_990..2_100).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(told[7].1, 1_000, "what has waited is told what is left");
    let mut peer = world.connect();
    assert_eq!(metadata(&mut peer).await, 0, "other requests go on");
}

#[tokio::test(start_paused = true)]
async fn partitions_in_use_are_told_by_the_rule_that_refuses_them() {
    let world = World::new();
    let policies = [
        CleanupPolicy::Delete,
        CleanupPolicy::Keep,
        CleanupPolicy::Compact,
        CleanupPolicy::CompactDelete,
    ];
    for (power, cleanup_policy) in policies.into_iter().enumerate() {
        let config = TopicConfig {
            cleanup_policy,
            ..TopicConfig::default()
        };
        world.topic_with(&format!("t{power}"), 1 << power, config);
    }
    let used = |limit| figures(&world, limit).used;
    assert_eq!(used(LimitName::Partitions), Some(1 + 2));
    assert_eq!(used(LimitName::CompactedPartitions), Some(4 + 8));
}

async fn metadata_of(peer: &mut Peer, name: &str) -> (i16, i32) {
    let topic = MetadataRequestTopic {
        name: Some(name.to_owned()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        allow_auto_topic_creation: true,
        ..MetadataRequest::default()
    };
    match peer.call(9, request).await {
        Response::Metadata(response) => (response.topics[0].error_code, response.throttle_time_ms),
        other => panic!("{other:?}"),
    }
}

/// Topics that are created by asking for them are slowed down as others are, and never refused.
#[tokio::test(start_paused = true)]
async fn topics_that_metadata_creates_keep_to_the_rate() {
    let world = World::new();
    let mut peers: Vec<_> = (0..5).map(|_| world.connect()).collect();
    let start = Instant::now();
    for (number, peer) in peers.iter_mut().enumerate() {
        assert_eq!(metadata_of(peer, &format!("t{number}")).await.0, 0);
    }
    assert!(start.elapsed() >= ms(490), "{:?}", start.elapsed());
    assert_eq!(metadata_of(&mut world.connect(), "t0").await, (0, 0));
}

/// What the map says is spent is refused without asking the control plane.
#[tokio::test(start_paused = true)]
async fn metadata_creates_nothing_when_the_changes_are_spent() {
    let world = World::new();
    world.control.change(|map| {
        let changes = map.partition_changes.entry(CLUSTER).or_default();
        changes.add(model::Timestamp(super::super::world::WALL_START), 249);
    });
    world.services.router.refresh();
    assert_eq!(metadata_of(&mut world.connect(), "t").await.0, 89);
    let map = world.control.map();
    assert!(map.topic_by_name(CLUSTER, "t").is_none());
}

/// Who would have to wait for long is refused, with the time to hold back.
#[tokio::test(start_paused = true)]
async fn topic_requests_far_above_their_rate_are_refused() {
    let world = World::new();
    let mut peers: Vec<_> = (0..20).map(|_| world.connect()).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        let version = if number == 19 { 5 } else { 7 };
        peer.send(version, creation(&format!("t{number}"))).await;
    }
    let start = Instant::now();
    let mut codes = Vec::new();
    for (number, peer) in peers.iter_mut().enumerate() {
        let version = if number == 19 { 5 } else { 7 };
        let (_, response) = peer.receive(ApiKey::CreateTopics, version).await;
        let Response::CreateTopics(response) = response else {
            panic!("an answer to CreateTopics");
        };
        codes.push((response.topics[0].error_code, response.throttle_time_ms));
    }
    assert!(start.elapsed() <= ms(4_100), "{:?}", start.elapsed());
    assert_eq!(codes[11], (0, 1_000));
    assert!(codes[..12].iter().all(|(code, _)| *code == 0), "{codes:?}");
    assert!(
        codes[12..19].iter().all(|told| *told == (89, 1_000)),
        "{codes:?}"
    );
    assert_eq!(codes[19], (7, 1_000));
    assert_eq!(figures(&world, LimitName::TopicRequests).refused, 8);
}

#[tokio::test(start_paused = true)]
async fn too_many_changes_of_partitions_are_refused() {
    let world = world(|limits| limits.topic_requests_per_s = 1_000);
    let mut peer = world.connect();
    create(&mut peer, 7, "old").await;
    world.control.refuse_changes(ms(4_000));
    assert_eq!(create(&mut peer, 6, "t").await, (89, 4_000));
    assert_eq!(create(&mut peer, 5, "t").await.0, 44);
    world.control.refuse_changes(ms(300_000));
    assert_eq!(create(&mut peer, 7, "t").await, (89, 10_000));
    for (version, code) in [(5, 89), (4, 44)] {
        let request = DeleteTopicsRequest {
            topic_names: vec!["old".to_owned()],
            timeout_ms: 30_000,
            ..DeleteTopicsRequest::default()
        };
        let Response::DeleteTopics(response) = peer.call(version, request).await else {
            panic!("a delete answer");
        };
        assert_eq!(response.responses[0].error_code, code);
    }
    assert_eq!(figures(&world, LimitName::PartitionChanges).refused, 5);
    let start = Instant::now();
    metadata(&mut peer).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "a refusal stops nothing");
}
