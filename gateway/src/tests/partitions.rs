//! CreatePartitions and DeleteRecords.

use std::time::Duration;

use model::{CleanupPolicy, TopicConfig};
use wire::Response;
use wire::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};

use super::peer::{Peer, fetch_of, fetched, outcome, produce_to};
use super::sign_in::sign_in;
use super::world::{PASSWORD, READER, World, batch, partition};

async fn grow(peer: &mut Peer, topics: &[(&str, i32)], validate_only: bool) -> Vec<(String, i16)> {
    let topic = |&(name, count): &(&str, i32)| CreatePartitionsTopic {
        name: name.to_owned(),
        count,
        assignments: None,
    };
    let request = CreatePartitionsRequest {
        topics: topics.iter().map(topic).collect(),
        timeout_ms: 5000,
        validate_only,
    };
    match peer.call(3, request).await {
        Response::CreatePartitions(response) => {
            let results = response.results.into_iter();
            let mut results: Vec<_> = results.map(|r| (r.name, r.error_code)).collect();
            results.sort_unstable();
            results
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn new_partitions_are_written_and_read_at_once() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    let done = |code| vec![("t".to_owned(), code)];
    assert_eq!(grow(&mut peer, &[("t", 3)], true).await, done(0));
    let response = peer.produce(produce_to("t", 2, batch(b"a"))).await;
    assert_eq!(outcome(&response).0, 3, "it was only checked");
    // Both at once: what follows must see what the first did.
    world.control.set_delay(Duration::from_secs(1));
    let request = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: "t".to_owned(),
            count: 3,
            assignments: Some(vec![CreatePartitionsAssignment::default(); 2]),
        }],
        timeout_ms: 5000,
        validate_only: false,
    };
    peer.send(0, request).await;
    peer.send(9, produce_to("t", 2, batch(b"a"))).await;
    let (_, grown) = peer.receive(wire::ApiKey::CreatePartitions, 0).await;
    assert!(matches!(grown, Response::CreatePartitions(r) if r.results[0].error_code == 0));
    let (_, produced) = peer.receive(wire::ApiKey::Produce, 9).await;
    assert!(matches!(produced, Response::Produce(r) if outcome(&r) == (0, 0)));
    assert_eq!(world.node.records(partition(topic, 2)), 1);
    assert_eq!(
        fetched(&peer.fetch(fetch_of("t", &[(2, 0)])).await),
        [(0, 1, 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn each_topic_grows_or_is_refused_on_its_own() {
    let world = World::new();
    world.topic("t", 1);
    world.topic("u", 2);
    let mut peer = world.connect();
    let asked = [
        ("t", 2),
        ("u", 2),
        ("unknown", 2),
        ("twice", 2),
        ("twice", 3),
    ];
    let results = grow(&mut peer, &asked, false).await;
    let expected = [("t", 0), ("twice", 42), ("u", 37), ("unknown", 3)];
    assert_eq!(
        results,
        expected.map(|(name, code)| (name.to_owned(), code))
    );
    assert!(grow(&mut peer, &[], false).await.is_empty());
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    let results = grow(&mut reader, &[("t", 5), ("public", 5)], false).await;
    assert!(results.iter().all(|(_, code)| *code == 29), "{results:?}");
}

async fn delete(peer: &mut Peer, topic: &str, partitions: &[(i32, i64)]) -> Vec<(i16, i64)> {
    let partition = |&(partition_index, offset): &(i32, i64)| DeleteRecordsPartition {
        partition_index,
        offset,
    };
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.to_owned(),
            partitions: partitions.iter().map(partition).collect(),
        }],
        timeout_ms: 5000,
    };
    match peer.call(2, request).await {
        Response::DeleteRecords(response) => {
            let results = response.topics[0].partitions.iter();
            results.map(|r| (r.error_code, r.low_watermark)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_front_of_a_log_is_cut_off() {
    let world = World::new();
    world.topic("t", 2);
    let mut peer = world.connect();
    for value in [b"a", b"b", b"c"] {
        peer.produce(produce_to("t", 0, batch(value))).await;
    }
    assert_eq!(delete(&mut peer, "t", &[(0, 2)]).await, [(0, 2)]);
    let response = peer.fetch(fetch_of("t", &[(0, 1)])).await;
    assert_eq!(fetched(&response), [(1, 3, 0)]);
    assert_eq!(response.responses[0].partitions[0].log_start_offset, 2);
    assert_eq!(
        fetched(&peer.fetch(fetch_of("t", &[(0, 2)])).await),
        [(0, 3, 1)]
    );
    let cuts = [(0, 1), (0, 4), (0, -2), (9, 0), (1, -1), (0, -1)];
    let expected = [(0, 3), (0, 3), (1, -1), (3, -1), (0, 0), (0, 3)];
    assert_eq!(delete(&mut peer, "t", &cuts).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_named_repeatedly_is_cut_once_at_the_largest_offset() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    for value in [b"a", b"b", b"c"] {
        peer.produce(produce_to("t", 0, batch(value))).await;
    }
    let cuts = [(0, 1), (0, 2), (0, 1)];
    assert_eq!(delete(&mut peer, "t", &cuts).await, [(0, 2); 3]);
    assert_eq!(
        delete(&mut peer, "t", &[(0, 1), (0, 4)]).await,
        [(1, -1); 2]
    );
}

#[tokio::test(start_paused = true)]
async fn records_are_not_deleted_where_they_must_not_be() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let compacted = TopicConfig {
        cleanup_policy: CleanupPolicy::Compact,
        ..TopicConfig::default()
    };
    world.topic_with("compacted", 1, compacted);
    let mut peer = world.connect();
    assert_eq!(delete(&mut peer, "compacted", &[(0, -1)]).await, [(44, -1)]);
    assert_eq!(delete(&mut peer, "unknown", &[(0, -1)]).await, [(3, -1)]);
    let owned = partition(topic, 0);
    world.node.behave(|manners| {
        manners.disowned.insert(owned);
    });
    let start = tokio::time::Instant::now();
    assert_eq!(delete(&mut peer, "t", &[(0, -1)]).await, [(7, -1)]);
    assert!(start.elapsed().as_secs() >= 4, "the owner was waited for");
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    assert_eq!(delete(&mut reader, "public", &[(0, -1)]).await, [(29, -1)]);
}
