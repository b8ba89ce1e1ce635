//! DescribeCluster and ListPartitionReassignments.

use wire::Response;
use wire::messages::describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
use wire::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
    ListPartitionReassignmentsTopics,
};

use super::peer::Peer;
use super::sign_in::sign_in;
use super::world::{PASSWORD, READER, World};

async fn describe(
    peer: &mut Peer,
    version: i16,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    match peer.call(version, request).await {
        Response::DescribeCluster(response) => response,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_what_metadata_shows() {
    let world = World::new();
    let mut peer = world.connect();
    for version in 0..=2 {
        let request = DescribeClusterRequest::default();
        let response = describe(&mut peer, version, request).await;
        assert_eq!(response.error_code, 0);
        assert_eq!(response.cluster_id, "uuid-1");
        assert_eq!(response.controller_id, 0);
        assert_eq!(response.cluster_authorized_operations, i32::MIN);
        let brokers = response.brokers.iter();
        let brokers: Vec<_> = brokers
            .map(|b| (b.broker_id, b.host.as_str(), b.port, b.is_fenced))
            .collect();
        let at = "boot.example";
        assert_eq!(
            brokers,
            [
                (0, at, 9098, false),
                (1, at, 9098, false),
                (2, at, 9098, false)
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn only_brokers_can_be_reached() {
    let world = World::new();
    let mut peer = world.connect();
    for (endpoint_type, code) in [(2, 114), (0, 115), (3, 115)] {
        let request = DescribeClusterRequest {
            endpoint_type,
            ..DescribeClusterRequest::default()
        };
        let response = describe(&mut peer, 1, request).await;
        assert_eq!((response.error_code, response.brokers.len()), (code, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn rights_on_the_cluster_are_told_to_those_who_may_describe_it() {
    let world = World::new();
    let asked = || DescribeClusterRequest {
        include_cluster_authorized_operations: true,
        ..DescribeClusterRequest::default()
    };
    let response = describe(&mut world.connect(), 1, asked()).await;
    assert_eq!(response.cluster_authorized_operations, 0b1_1101_1000_0000);
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    let response = describe(&mut reader, 1, asked()).await;
    assert_eq!((response.error_code, response.brokers.len()), (0, 3));
    assert_eq!(response.cluster_authorized_operations, 0);
}

async fn reassignments(
    peer: &mut Peer,
    topics: Option<&[&str]>,
) -> ListPartitionReassignmentsResponse {
    let topic = |name: &&str| ListPartitionReassignmentsTopics {
        name: (*name).to_owned(),
        partition_indexes: vec![0],
    };
    let request = ListPartitionReassignmentsRequest {
        timeout_ms: 5000,
        topics: topics.map(|names| names.iter().map(topic).collect()),
    };
    match peer.call(0, request).await {
        Response::ListPartitionReassignments(response) => response,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ever_being_reassigned() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    for topics in [None, Some(&["t", "unknown"][..])] {
        let response = reassignments(&mut peer, topics).await;
        assert_eq!((response.error_code, response.topics.len()), (0, 0));
        assert_eq!(response.error_message, None);
    }
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    let response = reassignments(&mut reader, None).await;
    assert_eq!(response.error_code, 31);
    assert!(response.error_message.is_some());
}
