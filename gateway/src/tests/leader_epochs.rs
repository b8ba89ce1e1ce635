//! The constant leader epoch, wherever a client meets it.

use model::NodeId;
use wire::Response;
use wire::messages::fetch::PartitionData;
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use super::peer::{Peer, fetch_of, outcome, produce_to};
use super::sign_in::sign_in;
use super::world::{PASSWORD, READER, World, batch, partition};

async fn end_of(
    peer: &mut Peer,
    (topic, index): (&str, i32),
    current_leader_epoch: i32,
    leader_epoch: i32,
) -> EpochEndOffset {
    let asked = OffsetForLeaderPartition {
        partition: index,
        current_leader_epoch,
        leader_epoch,
    };
    let request = OffsetForLeaderEpochRequest {
        topics: vec![OffsetForLeaderTopic {
            topic: topic.to_owned(),
            partitions: vec![asked],
        }],
        ..OffsetForLeaderEpochRequest::default()
    };
    match peer.call(4, request).await {
        Response::OffsetForLeaderEpoch(response) => response.topics[0].partitions[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn told(end: &EpochEndOffset) -> (i16, i32, i64) {
    (end.error_code, end.leader_epoch, end.end_offset)
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_epoch_is_the_end_of_the_log() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    assert_eq!(told(&end_of(&mut peer, ("t", 0), -1, 0).await), (0, 0, 0));
    for value in [b"a", b"b"] {
        let response = peer.produce(produce_to("t", 0, batch(value))).await;
        assert_eq!(outcome(&response).0, 0);
    }
    for (current, epoch, expected) in [
        (-1, 0, (0, 0, 2)),
        (0, 0, (0, 0, 2)),
        (0, 1, (0, -1, -1)),
        (0, -1, (0, -1, -1)),
        (1, 0, (75, -1, -1)),
        (-2, 0, (74, -1, -1)),
    ] {
        let end = end_of(&mut peer, ("t", 0), current, epoch).await;
        assert_eq!(told(&end), expected, "{current} {epoch}");
    }
    assert_eq!(end_of(&mut peer, ("t", 1), 0, 0).await.error_code, 3);
    assert_eq!(end_of(&mut peer, ("unknown", 0), 0, 0).await.error_code, 3);
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    assert_eq!(end_of(&mut reader, ("t", 0), 0, 0).await.error_code, 29);
}

async fn fetch_one(
    peer: &mut Peer,
    offset: i64,
    current_leader_epoch: i32,
    last_fetched_epoch: i32,
) -> PartitionData {
    let mut request = fetch_of("t", &[(0, offset)]);
    let asked = &mut request.topics[0].partitions[0];
    asked.current_leader_epoch = current_leader_epoch;
    asked.last_fetched_epoch = last_fetched_epoch;
    peer.fetch(request).await.responses[0].partitions[0].clone()
}

#[tokio::test(start_paused = true)]
async fn a_fetch_is_held_to_the_epoch() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    peer.produce(produce_to("t", 0, batch(b"a"))).await;
    for (current, last, code) in [(0, 0, 0), (-1, -1, 0), (1, -1, 75), (-5, -1, 74), (0, 1, 1)] {
        let data = fetch_one(&mut peer, 0, current, last).await;
        assert_eq!(data.error_code, code, "{current} {last}");
        assert_eq!(data.diverging_epoch.epoch, -1);
        assert_eq!(data.records.unwrap().is_empty(), code != 0);
    }
    let beyond = fetch_one(&mut peer, 7, 0, 0).await;
    let diverging = (
        beyond.diverging_epoch.epoch,
        beyond.diverging_epoch.end_offset,
    );
    assert_eq!((beyond.error_code, diverging), (0, (0, 1)));
    assert_eq!(fetch_one(&mut peer, 7, 0, -1).await.error_code, 1);
}

#[tokio::test(start_paused = true)]
async fn the_epoch_stays_whatever_moves() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    peer.produce(produce_to("t", 0, batch(b"a"))).await;
    let node = world.node.clone();
    let transport = std::sync::Arc::new(node);
    world.services.router.nodes().insert(NodeId(7), transport);
    world.control.move_topic(topic, NodeId(7));
    world.services.router.refresh();
    let moved = world.services.router.route(partition(topic, 0)).unwrap();
    assert_eq!(moved.leader_epoch.0, 1);

    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".to_owned()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    let Response::Metadata(metadata) = peer.call(9, request).await else {
        panic!("another key's answer");
    };
    assert_eq!(metadata.topics[0].partitions[0].leader_epoch, 0);
    for (timestamp, current, expected) in [
        (-1, 0, (0, 0)),
        (-2, -1, (0, 0)),
        (i64::MAX, 0, (0, -1)),
        (-1, 1, (75, -1)),
    ] {
        let request = ListOffsetsRequest {
            topics: vec![ListOffsetsTopic {
                name: "t".to_owned(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: 0,
                    current_leader_epoch: current,
                    timestamp,
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let Response::ListOffsets(offsets) = peer.call(5, request).await else {
            panic!("another key's answer");
        };
        let found = &offsets.topics[0].partitions[0];
        assert_eq!(
            (found.error_code, found.leader_epoch),
            expected,
            "{timestamp}"
        );
    }
}
