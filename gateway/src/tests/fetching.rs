//! Fetch and ListOffsets over real connections: when they are answered, with what, at which cost.

use std::sync::Arc;
use std::time::Duration;

use model::{ByteCount, NodeId, TopicId};
use wire::messages::fetch::{FetchRequest, FetchResponse};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::{ApiKey, Response};

use super::fake_node::FakeNode;
use super::peer::{Peer, fetch_of, fetched, produce_to};
use super::world::{WALL_START, World, batch, batch_at, partition};
use crate::limits::{NEWS_BELIEVED_MAX, READ_PATIENCE_MIN, READ_STRAGGLER_MAX};

/// Bytes of a batch of one record with a value of 100 bytes.
fn batch_bytes() -> i32 {
    batch(&[0; 100]).len() as i32
}

async fn fill(world: &World, topic: &str, index: i32, batches: usize) {
    let mut peer = world.connect();
    for _ in 0..batches {
        peer.produce(produce_to(topic, index, batch(&[0; 100])))
            .await;
    }
}

async fn timed(peer: &mut Peer, request: FetchRequest) -> (FetchResponse, u64) {
    let start = tokio::time::Instant::now();
    let response = peer.fetch(request).await;
    (response, start.elapsed().as_millis() as u64)
}

#[tokio::test(start_paused = true)]
async fn an_empty_partition_is_answered_after_the_wait_with_its_marks() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let (response, waited) = timed(&mut peer, fetch_of("t", &[(0, 0)])).await;
    assert_eq!(fetched(&response), [(0, 0, 0)]);
    let data = &response.responses[0].partitions[0];
    assert_eq!((data.last_stable_offset, data.log_start_offset), (0, 0));
    assert_eq!(data.aborted_transactions, None);
    assert_eq!(waited, 500);

    let at_once = FetchRequest {
        max_wait_ms: 0,
        isolation_level: 1,
        ..fetch_of("t", &[(0, 0)])
    };
    let (response, waited) = timed(&mut peer, at_once).await;
    assert_eq!(waited, 0);
    let data = &response.responses[0].partitions[0];
    assert_eq!(data.aborted_transactions, Some(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_fetch_is_answered_as_soon_as_its_bytes_are_there() {
    let world = World::new();
    world.topic("t", 2);
    let mut consumer = world.connect();
    let request = FetchRequest {
        min_bytes: 3 * batch_bytes(),
        max_wait_ms: 30_000,
        ..fetch_of("t", &[(0, 0), (1, 0)])
    };
    let start = tokio::time::Instant::now();
    consumer.send(12, request).await;
    for index in [0, 1] {
        fill(&world, "t", index, 1).await;
        assert!(consumer.is_quiet_for(Duration::from_secs(1)).await);
    }
    let reads = world.node.reads();
    assert_eq!(
        reads, 2,
        "each partition was looked at once, and not for too few bytes"
    );
    fill(&world, "t", 0, 1).await;
    let response = consumer.receive_fetch().await;
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(fetched(&response), [(0, 2, 2), (0, 1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn too_few_bytes_are_delivered_at_the_end_of_the_wait() {
    let world = World::new();
    world.topic("t", 1);
    let mut consumer = world.connect();
    let request = FetchRequest {
        min_bytes: 1_000_000,
        ..fetch_of("t", &[(0, 0)])
    };
    let start = tokio::time::Instant::now();
    consumer.send(12, request).await;
    assert!(consumer.is_quiet_for(Duration::from_millis(100)).await);
    fill(&world, "t", 0, 2).await;
    let response = consumer.receive_fetch().await;
    assert_eq!(fetched(&response), [(0, 2, 2)]);
    assert_eq!(start.elapsed().as_millis(), 500);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_at_once_beside_what_others_have() {
    let world = World::new();
    world.topic("t", 3);
    fill(&world, "t", 0, 1).await;
    let mut peer = world.connect();
    let request = FetchRequest {
        min_bytes: 1_000_000,
        ..fetch_of("t", &[(0, 0), (1, 7), (9, 0), (2, -1)])
    };
    let (response, waited) = timed(&mut peer, request).await;
    assert_eq!(
        fetched(&response),
        [(0, 1, 1), (1, 0, 0), (3, -1, 0), (1, -1, 0)]
    );
    assert_eq!(waited, 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_comes_whole_if_the_offset_lies_within_it() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let mut builder = records::BatchBuilder::new(records::Codec::Uncompressed);
    for _ in 0..3 {
        builder.push(&records::NewRecord {
            timestamp: model::Timestamp(WALL_START),
            key: None,
            value: None,
            headers: &[],
        });
    }
    peer.produce(produce_to("t", 0, builder.build())).await;
    let response = peer.fetch(fetch_of("t", &[(0, 2)])).await;
    assert_eq!(fetched(&response), [(0, 3, 1)]);
}

#[tokio::test(start_paused = true)]
async fn limits_are_kept_but_for_the_first_batch() {
    let world = World::new();
    world.topic("t", 2);
    fill(&world, "t", 0, 3).await;
    fill(&world, "t", 1, 3).await;
    let mut peer = world.connect();
    let small = |max_bytes| FetchRequest {
        max_bytes,
        ..fetch_of("t", &[(0, 0), (1, 0)])
    };
    let (response, _) = timed(&mut peer, small(2 * batch_bytes() + 1)).await;
    assert_eq!(fetched(&response), [(0, 3, 2), (0, 3, 0)]);
    let (response, _) = timed(&mut peer, small(2 * batch_bytes() + 1)).await;
    assert_eq!(
        fetched(&response),
        [(0, 3, 0), (0, 3, 2)],
        "the turns go round"
    );
    let (response, waited) = timed(&mut peer, small(1)).await;
    assert_eq!(fetched(&response), [(0, 3, 1), (0, 3, 0)]);
    assert_eq!(waited, 0);
}

#[tokio::test(start_paused = true)]
async fn idle_polls_cost_the_node_next_to_nothing() {
    let world = World::new();
    world.topic("t", 4);
    let mut peer = world.connect();
    let request = || fetch_of("t", &[(0, 0), (1, 0), (2, 0), (3, 0)]);
    peer.fetch(request()).await;
    let first = world.node.reads();
    for _ in 0..10 {
        peer.fetch(request()).await;
    }
    assert_eq!((first, world.node.reads()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_asks_a_node_once_unless_it_names_very_many_partitions() {
    let world = World::new();
    let topic = world.topic("t", 600);
    let mut peer = world.connect();
    let few: Vec<_> = (0..50).map(|index| (index, 0)).collect();
    peer.fetch(fetch_of("t", &few)).await;
    assert_eq!(world.node.calls(), [50]);
    let many: Vec<_> = (50..600).map(|index| (index, 0)).collect();
    let slow = Duration::from_millis(100);
    world.node.behave(|manners| {
        manners.slow.insert(partition(topic, 60), slow);
    });
    peer.fetch(fetch_of("t", &many)).await;
    let calls = world.node.calls();
    assert_eq!(calls.iter().sum::<usize>(), 600, "each is looked at once");
    // The one that is slow holds up none of the others.
    assert_eq!(calls[1..], [256, 255, 39]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_interested_in_what_it_fetched_last_in_any_order() {
    let world = World::new();
    let topic = world.topic("t", 4);
    let mut peer = world.connect();
    let mut other = world.connect();
    other.fetch(fetch_of("t", &[(3, 0)])).await;
    for indices in [&[0, 1, 2][..], &[2, 0, 1], &[1, 1, 3], &[3], &[3, 2]] {
        let wanted: Vec<_> = indices.iter().map(|&index| (index, 0)).collect();
        let first = world.node.reads();
        peer.fetch(fetch_of("t", &wanted)).await;
        let again = world.node.reads();
        peer.fetch(fetch_of("t", &wanted)).await;
        assert_eq!(
            world.node.reads(),
            again,
            "news tells that there is nothing"
        );
        assert!(again - first <= wanted.len());
        let expected = indices.iter().chain(&[3]);
        let expected = expected.map(|&index| partition(topic, index as u32));
        assert_eq!(world.node.interest(), expected.collect());
    }
    drop(peer);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.node.interest(), [partition(topic, 3)].into());
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_comes_in_place_of_another_is_not_taken_for_it() {
    let world = World::new();
    world.topic("t", 1);
    world.topic("u", 1);
    fill(&world, "t", 0, 2).await;
    let mut peer = world.connect();
    for (topic, records) in [("t", 2), ("u", 0), ("t", 2), ("t", 2)] {
        let response = peer.fetch(fetch_of(topic, &[(0, 0)])).await;
        assert_eq!(fetched(&response), [(0, records, records as usize)]);
    }
    // Its name goes to a new topic, with an id of its own.
    world.topic("t", 2);
    let response = peer.fetch(fetch_of("t", &[(0, 0), (1, 0)])).await;
    assert_eq!(fetched(&response), [(0, 0, 0), (0, 0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn news_that_is_lost_delays_and_does_not_hide() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    peer.fetch(fetch_of("t", &[(0, 0)])).await;
    world.node.behave(|manners| manners.is_silent = true);
    fill(&world, "t", 0, 1).await;
    let start = tokio::time::Instant::now();
    while fetched(&peer.fetch(fetch_of("t", &[(0, 0)])).await) != [(0, 1, 1)] {
        assert!(start.elapsed() <= NEWS_BELIEVED_MAX + Duration::from_secs(1));
    }
}

/// A long poll that is woken by news of a batch, within a moment.
async fn is_woken(world: &World, node: &FakeNode, topic: TopicId) {
    let mut consumer = world.connect();
    let end = node.records(partition(topic, 0));
    let request = FetchRequest {
        max_wait_ms: 5000,
        ..fetch_of("t", &[(0, end as i64)])
    };
    consumer.send(12, request).await;
    assert!(consumer.is_quiet_for(Duration::from_millis(500)).await);
    let start = tokio::time::Instant::now();
    fill(world, "t", 0, 1).await;
    let response = consumer.receive_fetch().await;
    assert_eq!(fetched(&response), [(0, end as i64 + 1, 1)]);
    assert!(start.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn news_comes_on_after_its_stream_broke() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut consumer = world.connect();
    consumer.fetch(fetch_of("t", &[(0, 0)])).await;
    world.node.break_off();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.node.interest().contains(&partition(topic, 0)));
    is_woken(&world, &world.node, topic).await;
}

#[tokio::test(start_paused = true)]
async fn news_comes_from_the_new_owner_after_a_move() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let second = FakeNode::new();
    let nodes = world.services.router.nodes();
    nodes.insert(NodeId(1), Arc::new(second.clone()));
    let mut consumer = world.connect();
    consumer.fetch(fetch_of("t", &[(0, 0)])).await;
    world.control.move_topic(topic, NodeId(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.node.interest().is_empty());
    assert!(second.interest().contains(&partition(topic, 0)));
    is_woken(&world, &second, topic).await;
}

#[tokio::test(start_paused = true)]
async fn the_latest_committed_offset_is_the_last_stable_one() {
    let world = World::new();
    world.topic("t", 1);
    fill(&world, "t", 0, 3).await;
    world.node.behave(|manners| manners.unstable = 2);
    let mut peer = world.connect();
    for (isolation_level, expected) in [(0, 3), (1, 1)] {
        let latest = ListOffsetsRequest {
            isolation_level,
            ..offsets_request("t", &[(0, -1)])
        };
        let Response::ListOffsets(response) = peer.call(7, latest).await else {
            panic!("an offsets answer");
        };
        assert_eq!(response.topics[0].partitions[0].offset, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_is_cut_to_the_clusters_limit() {
    let world = World::new();
    world.topic("t", 1);
    fill(&world, "t", 0, 5).await;
    let limit = 2 * batch_bytes() as u64 + 1;
    world.change_cluster(|cluster| cluster.limits.fetch_bytes_max = ByteCount(limit));
    let mut peer = world.connect();
    let response = peer.fetch(fetch_of("t", &[(0, 0)])).await;
    assert_eq!(fetched(&response), [(0, 5, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_partition_does_not_hold_the_others_up() {
    let world = World::new();
    let topic = world.topic("t", 2);
    fill(&world, "t", 0, 1).await;
    fill(&world, "t", 1, 1).await;
    let slow = Duration::from_millis(300);
    world.node.behave(|manners| {
        manners.slow.insert(partition(topic, 0), slow);
    });
    let mut peer = world.connect();
    let (response, waited) = timed(&mut peer, fetch_of("t", &[(0, 0), (1, 0)])).await;
    assert_eq!(fetched(&response), [(0, -1, 0), (0, 1, 1)]);
    assert!(
        u128::from(waited) <= READ_STRAGGLER_MAX.as_millis(),
        "{waited}"
    );
    // Alone it is waited for, even by who would not wait.
    let impatient = FetchRequest {
        max_wait_ms: 0,
        ..fetch_of("t", &[(0, 0)])
    };
    let (response, waited) = timed(&mut peer, impatient).await;
    assert_eq!((fetched(&response), waited), (vec![(0, 1, 1)], 300));
}

#[tokio::test(start_paused = true)]
async fn a_partition_without_an_owner_is_empty_not_an_error() {
    let world = World::new();
    let topic = world.topic("t", 1);
    fill(&world, "t", 0, 1).await;
    world.node.behave(|manners| {
        manners.disowned.insert(partition(topic, 0));
    });
    let mut peer = world.connect();
    let (response, waited) = timed(&mut peer, fetch_of("t", &[(0, 0)])).await;
    assert_eq!(
        (response.responses[0].partitions[0].error_code, waited),
        (0, 500)
    );
    peer.send(12, fetch_of("t", &[(0, 0)])).await;
    assert!(peer.is_quiet_for(Duration::from_millis(100)).await);
    world.node.behave(|manners| manners.disowned.clear());
    assert_eq!(fetched(&peer.receive_fetch().await), [(0, 1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_declined() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let wants_one = FetchRequest {
        session_epoch: 0,
        ..fetch_of("t", &[(0, 0)])
    };
    let response = peer.fetch(wants_one).await;
    assert_eq!((response.error_code, response.session_id), (0, 0));
    let continues = FetchRequest {
        session_id: 5,
        session_epoch: 1,
        ..FetchRequest::default()
    };
    assert_eq!(peer.fetch(continues).await.error_code, 70);
}

#[tokio::test(start_paused = true)]
async fn topics_are_read_by_id() {
    let world = World::new();
    let id = world.topic("t", 1);
    fill(&world, "t", 0, 1).await;
    let mut peer = world.connect();
    let mut request = fetch_of("", &[(0, 0)]);
    request.topics[0].topic_id = id.0;
    request.topics.push(request.topics[0].clone());
    request.topics[1].topic_id = [9; 16];
    let Response::Fetch(response) = peer.call(13, request).await else {
        panic!("a fetch answer");
    };
    assert_eq!(fetched(&response), [(0, 1, 1), (100, -1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn memory_is_held_for_what_is_there_and_not_by_those_who_wait() {
    let world = World::new();
    world.topic("t", 1);
    let total = world.services.fetch_memory.available_permits();
    let mut peers: Vec<_> = (0..50).map(|_| world.connect()).collect();
    for peer in &mut peers {
        peer.send(12, fetch_of("t", &[(0, 0)])).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.services.fetch_memory.available_permits(), total);
}

/// While there is no memory a fetch is answered in time, and does not hold up the end.
#[tokio::test(start_paused = true)]
async fn a_fetch_does_not_wait_for_memory_for_ever() {
    let world = World::new();
    world.topic("t", 1);
    fill(&world, "t", 0, 1).await;
    let memory = std::sync::Arc::clone(&world.services.fetch_memory);
    let all = u32::try_from(memory.available_permits()).unwrap();
    let taken = memory.try_acquire_many_owned(all).unwrap();
    let mut peer = world.connect();
    let (response, waited) = timed(&mut peer, fetch_of("t", &[(0, 0)])).await;
    assert_eq!(fetched(&response)[0].2, 0);
    assert_eq!(u128::from(waited), READ_PATIENCE_MIN.as_millis());
    let request = FetchRequest {
        max_wait_ms: 30_000,
        ..fetch_of("t", &[(0, 0)])
    };
    peer.send(12, request).await;
    assert!(peer.is_quiet_for(Duration::from_secs(2)).await);
    world.drain.send_replace(true);
    let start = tokio::time::Instant::now();
    peer.receive_fetch().await;
    assert!(start.elapsed() < Duration::from_millis(10));
    drop(taken);
}

#[tokio::test(start_paused = true)]
async fn offsets_are_found() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    for offset in 0..3 {
        let records = batch_at(WALL_START + 10 * offset, b"a");
        peer.produce(produce_to("t", 0, records)).await;
    }
    for (version, timestamp, expected) in [
        (7, -1, (0, 3, -1)),
        (7, -2, (0, 0, -1)),
        (7, -3, (0, 2, WALL_START + 20)),
        (6, -3, (35, -1, -1)),
        (8, -4, (0, 0, -1)),
        (9, -5, (0, -1, -1)),
        (10, -6, (35, -1, -1)),
        (11, -6, (0, -1, -1)),
        (11, -7, (35, -1, -1)),
        (1, WALL_START + 5, (0, 1, WALL_START + 10)),
        (11, WALL_START + 21, (0, -1, -1)),
    ] {
        let found = list(&mut peer, version, "t", &[(0, timestamp)]).await;
        assert_eq!(found, [expected], "v{version} {timestamp}");
    }
    let found = list(&mut peer, 7, "t", &[(1, -1), (0, -1), (0, -2)]).await;
    assert_eq!(found, [(3, -1, -1), (0, 3, -1), (42, -1, -1)]);
    assert_eq!(
        list(&mut peer, 7, "unknown", &[(0, -1)]).await,
        [(3, -1, -1)]
    );
}

#[tokio::test(start_paused = true)]
async fn an_offset_without_an_owner_is_asked_for_again() {
    let world = World::new();
    let topic = world.topic("t", 1);
    world.node.behave(|manners| {
        manners.disowned.insert(partition(topic, 0));
    });
    let mut peer = world.connect();
    let start = tokio::time::Instant::now();
    assert_eq!(list(&mut peer, 7, "t", &[(0, -1)]).await, [(5, -1, -1)]);
    assert_eq!(start.elapsed().as_secs(), 24);
}

/// Error code, offset and timestamp of each partition.
async fn list(
    peer: &mut Peer,
    version: i16,
    topic: &str,
    asked: &[(i32, i64)],
) -> Vec<(i16, i64, i64)> {
    peer.send(version, offsets_request(topic, asked)).await;
    let (_, Response::ListOffsets(response)) = peer.receive(ApiKey::ListOffsets, version).await
    else {
        panic!("an offsets answer");
    };
    let topics = response.topics.into_iter();
    topics
        .flat_map(|topic| topic.partitions)
        .map(|found| (found.error_code, found.offset, found.timestamp))
        .collect()
}

fn offsets_request(topic: &str, asked: &[(i32, i64)]) -> ListOffsetsRequest {
    let partitions = asked
        .iter()
        .map(|&(partition_index, timestamp)| ListOffsetsPartition {
            partition_index,
            timestamp,
            ..ListOffsetsPartition::default()
        });
    ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: topic.to_owned(),
            partitions: partitions.collect(),
        }],
        ..ListOffsetsRequest::default()
    }
}
