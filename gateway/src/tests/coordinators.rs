//! The way to a group's coordinator: shards, moves, waiting, order on a connection.

use std::sync::Arc;
use std::time::Duration;

use model::{NodeId, VirtualClusterId};
use node_api::group::{JoinRefused, Joined, shard_of};
use node_api::{GroupError, GroupReply};
use tokio::time::Instant;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::JoinGroupRequest;
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::{ApiKey, Response};

use super::fake_coordinator::Hold;
use super::fake_node::FakeNode;
use super::peer::{called, outcome, produce_to};
use super::world::{CLUSTER, World, batch, partition};
use crate::client::Door;
use crate::limits::{COORDINATOR_RETRY_AFTER, FAREWELL_MAX, PARKING_MAX};

pub(super) fn heartbeat(group: &str) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: group.to_owned(),
        generation_id: 3,
        member_id: "m".to_owned(),
        group_instance_id: None,
    }
}

pub(super) fn join(group: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        ..JoinGroupRequest::default()
    }
}

pub(super) fn joined() -> GroupReply {
    GroupReply::Join(Ok(Joined {
        member_id: "m".to_owned(),
        generation: 1,
        protocol_type: "consumer".to_owned(),
        protocol: "range".to_owned(),
        leader: "l".to_owned(),
        members: Vec::new(),
        skip_assignment: false,
    }))
}

/// Another node, that the gateway can reach.
fn second_node(world: &World) -> FakeNode {
    let node = FakeNode::new();
    let nodes = world.services.router.nodes();
    nodes.insert(NodeId(1), Arc::new(node.clone()));
    node
}

#[tokio::test(start_paused = true)]
async fn a_group_is_asked_at_its_shard_within_its_cluster() {
    let world = World::new();
    let topic = world.groups();
    let coordinator = &world.node.coordinator;
    coordinator.always(GroupReply::Heartbeat(Ok(())));
    let mut peer = world.connect();
    let response = called!(peer, 4, Heartbeat, heartbeat("orders"));
    assert_eq!((response.error_code, response.throttle_time_ms), (0, 0));
    let other = super::world::OTHER_CLUSTER;
    let mut stranger = world.connect_by(Door::Plaintext(other));
    called!(stranger, 0, Heartbeat, heartbeat("orders"));
    let seen: Vec<_> = coordinator
        .asked()
        .into_iter()
        .map(|(shard, call)| (shard, call.cluster, call.group))
        .collect();
    let expected = |cluster: VirtualClusterId| {
        let shard = partition(topic, shard_of(cluster, "orders"));
        (shard, cluster, "orders".to_owned())
    };
    assert_eq!(seen, [expected(CLUSTER), expected(other)]);
    assert_ne!(seen[0].0, seen[1].0);
}

#[tokio::test(start_paused = true)]
async fn a_move_is_a_pause() {
    let world = World::new();
    let topic = world.groups();
    world
        .node
        .coordinator
        .answer(|_| Err(GroupError::NotCoordinator));
    let new_owner = second_node(&world);
    let replies = [
        GroupReply::Heartbeat(Err(GroupError::NotCoordinator)),
        GroupReply::Heartbeat(Err(GroupError::RebalanceInProgress)),
    ];
    let mut replies = replies.into_iter();
    new_owner
        .coordinator
        .answer(move |_| Ok(replies.next().unwrap()));
    let mut peer = world.connect();
    let sent = peer.send(4, heartbeat("g")).await;
    assert!(peer.is_quiet_for(10 * COORDINATOR_RETRY_AFTER).await);
    let asked = world.node.coordinator.asked().len();
    assert!((2..=11).contains(&asked), "asked {asked} times");
    world.control.move_topic(topic, NodeId(1));
    let (received, response) = peer.receive(ApiKey::Heartbeat, 4).await;
    assert_eq!(sent, received);
    assert!(matches!(response, Response::Heartbeat(r) if r.error_code == 27));
    assert_eq!(new_owner.coordinator.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_died_is_not_waited_for() {
    let world = World::new();
    let topic = world.groups();
    world.node.coordinator.hold(Hold::Everything);
    let new_owner = second_node(&world);
    new_owner.coordinator.always(joined());
    let mut peer = world.connect();
    peer.send(5, join("g")).await;
    world.node.coordinator.has_under_way(1).await;
    world.control.move_topic(topic, NodeId(1));
    let (_, response) = peer.receive(ApiKey::JoinGroup, 5).await;
    assert!(matches!(response, Response::JoinGroup(r) if r.generation_id == 1));
    world.node.coordinator.has_under_way(0).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_coordinator_the_wait_ends() {
    let world = World::new();
    let mut peer = world.connect();
    let start = Instant::now();
    let response = called!(peer, 3, Heartbeat, heartbeat("g"));
    assert_eq!(response.error_code, 15);
    let waited = start.elapsed();
    assert!(waited <= PARKING_MAX && waited + 2 * COORDINATOR_RETRY_AFTER > PARKING_MAX);
    let list = called!(peer, 0, ListGroups, ListGroupsRequest::default());
    assert_eq!((list.error_code, list.groups.len()), (15, 0));
    world.groups();
    world.node.coordinator.hold(Hold::Everything);
    let start = Instant::now();
    let response = called!(peer, 3, Heartbeat, heartbeat("g"));
    assert_eq!((response.error_code, start.elapsed()), (15, PARKING_MAX));
    world.node.coordinator.has_under_way(0).await;
}

/// What a node cannot do now is asked again, unless repeating it could do harm.
#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_not_available_is_asked_again() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    let mut answers = [
        Err(GroupError::NotAvailable),
        Ok(GroupReply::Heartbeat(Err(GroupError::NotAvailable))),
        Ok(GroupReply::Heartbeat(Ok(()))),
    ]
    .into_iter();
    coordinator.answer(move |_| answers.next().unwrap());
    let mut peer = world.connect();
    assert_eq!(called!(peer, 4, Heartbeat, heartbeat("g")).error_code, 0);
    assert_eq!(coordinator.asked().len(), 3);
    coordinator.answer(|_| Err(GroupError::NotAvailable));
    assert_eq!(called!(peer, 5, JoinGroup, join("g")).error_code, 15);
    assert_eq!(coordinator.asked().len(), 4);
    let start = Instant::now();
    assert_eq!(called!(peer, 4, Heartbeat, heartbeat("g")).error_code, 15);
    assert!(start.elapsed() <= PARKING_MAX, "it is given up in the end");
}

#[tokio::test(start_paused = true)]
async fn a_join_that_is_never_answered_ends_with_its_timeouts() {
    let world = World::new();
    world.groups();
    world.node.coordinator.hold(Hold::Members);
    let mut peer = world.connect();
    let start = Instant::now();
    assert_eq!(called!(peer, 5, JoinGroup, join("g")).error_code, 15);
    assert_eq!(start.elapsed(), PARKING_MAX + Duration::from_secs(70));
    world.node.coordinator.has_under_way(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_join_waits_longer_than_any_other_request() {
    let world = World::new();
    let topic = world.groups();
    let coordinator = &world.node.coordinator;
    coordinator.hold(Hold::Members);
    coordinator.always(joined());
    let mut peer = world.connect();
    peer.send(9, join("g")).await;
    assert!(peer.is_quiet_for(2 * PARKING_MAX).await);
    // The new owner is not there at once; the time at the old one does not count.
    coordinator.answer(|_| {
        Ok(GroupReply::Join(Err(JoinRefused {
            error: GroupError::NotCoordinator,
            member_id: String::new(),
        })))
    });
    coordinator.hold(Hold::Nothing);
    assert!(peer.is_quiet_for(PARKING_MAX / 2).await);
    let new_owner = second_node(&world);
    new_owner.coordinator.always(joined());
    world.control.move_topic(topic, NodeId(1));
    let (_, response) = peer.receive(ApiKey::JoinGroup, 9).await;
    assert!(matches!(response, Response::JoinGroup(r) if r.error_code == 0));
}

#[tokio::test(start_paused = true)]
async fn what_stands_behind_a_join_is_answered_after_it_and_in_time() {
    let world = World::new();
    world.groups();
    let topic = world.topic("t", 1);
    let coordinator = &world.node.coordinator;
    coordinator.hold(Hold::Members);
    coordinator.answer(|call| match call.request {
        node_api::GroupRequest::Join(_) => Ok(joined()),
        _ => Ok(GroupReply::Heartbeat(Ok(()))),
    });
    let mut peer = world.connect();
    let first = peer.send(5, join("g")).await;
    let second = peer.send(4, heartbeat("g")).await;
    let third = peer.send(5, latest("t")).await;
    let fourth = peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    coordinator.has_under_way(1).await;
    assert!(peer.is_quiet_for(3 * PARKING_MAX).await);
    // A batch is appended meanwhile; the heartbeat is not even asked for.
    assert_eq!(world.node.records(partition(topic, 0)), 1);
    assert_eq!(coordinator.asked().len(), 1);
    // Another client of the group is not held up.
    let mut other = world.connect();
    assert_eq!(called!(other, 4, Heartbeat, heartbeat("g")).error_code, 0);
    coordinator.hold(Hold::Nothing);
    assert_eq!(peer.receive(ApiKey::JoinGroup, 5).await.0, first);
    let (received, beat) = peer.receive(ApiKey::Heartbeat, 4).await;
    assert_eq!(received, second);
    assert!(matches!(beat, Response::Heartbeat(r) if r.error_code == 0));
    let (received, offsets) = peer.receive(ApiKey::ListOffsets, 5).await;
    assert_eq!(received, third);
    let Response::ListOffsets(offsets) = offsets else {
        panic!("{offsets:?}");
    };
    let found = &offsets.topics[0].partitions[0];
    assert_eq!((found.error_code, found.offset), (0, 1));
    let (received, produced) = peer.receive(ApiKey::Produce, 9).await;
    assert_eq!(received, fourth);
    assert!(matches!(produced, Response::Produce(r) if outcome(&r) == (0, 0)));
}

fn latest(topic: &str) -> ListOffsetsRequest {
    ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: topic.to_owned(),
            partitions: vec![ListOffsetsPartition {
                timestamp: -1,
                ..ListOffsetsPartition::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_join_is_dropped_with_its_connection() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    coordinator.hold(Hold::Members);
    coordinator.always(joined());
    let mut peer = world.connect();
    peer.send(5, join("g")).await;
    coordinator.has_under_way(1).await;
    let start = Instant::now();
    peer.hang_up().await;
    coordinator.has_under_way(0).await;
    assert!(start.elapsed() <= FAREWELL_MAX + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_fit_is_not_told() {
    let world = World::new();
    world.groups();
    world.node.coordinator.always(GroupReply::Delete(Ok(())));
    let mut peer = world.connect();
    assert_eq!(called!(peer, 4, Heartbeat, heartbeat("g")).error_code, 15);
    assert_eq!(called!(peer, 5, JoinGroup, join("g")).error_code, 15);
}
