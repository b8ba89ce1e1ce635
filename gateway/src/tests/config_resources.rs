//! ListConfigResources.

use wire::messages::list_config_resources::{
    ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use super::peer::{Peer, called};
use super::sign_in::sign_in;
use super::world::{PASSWORD, READER, World};
use crate::limits::CONFIG_RESOURCES_MAX;

async fn list(peer: &mut Peer, version: i16, types: &[i8]) -> ListConfigResourcesResponse {
    let resource_types = types.to_vec();
    let request = ListConfigResourcesRequest { resource_types };
    called!(peer, version, ListConfigResources, request)
}

fn told(response: &ListConfigResourcesResponse) -> Vec<(i8, &str)> {
    let resources = response.config_resources.iter();
    resources
        .map(|told| (told.resource_type, told.resource_name.as_str()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn there_are_topics_brokers_and_their_loggers() {
    let world = World::new();
    world.topic("b", 1);
    world.topic("a", 2);
    world.foreign_topic("hidden");
    let mut peer = world.connect();
    let loggers = [(8, "0"), (8, "1"), (8, "2")];
    let brokers = [(4, "0"), (4, "1"), (4, "2")];
    let topics = [(2, "a"), (2, "b")];
    for (types, expected) in [
        (&[][..], [&loggers[..], &brokers, &topics].concat()),
        (&[2, 4, 2], [&brokers[..], &topics].concat()),
        (&[8], loggers.to_vec()),
        (&[16, 32], Vec::new()),
    ] {
        let response = list(&mut peer, 1, types).await;
        assert_eq!(response.error_code, 0);
        assert_eq!(told(&response), expected, "{types:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_version_lists_client_metrics_and_there_are_none() {
    let world = World::new();
    world.topic("t", 1);
    let response = list(&mut world.connect(), 0, &[]).await;
    assert_eq!((response.error_code, told(&response).len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_type_that_nobody_knows_is_refused_for_all() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    for types in [&[2, 3][..], &[0], &[-1], &[64]] {
        let response = list(&mut peer, 1, types).await;
        assert_eq!((response.error_code, told(&response).len()), (35, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn it_takes_the_right_to_describe_the_cluster_s_configuration() {
    let world = World::new();
    world.topic("public", 1);
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    for version in 0..=1 {
        let response = list(&mut reader, version, &[]).await;
        assert_eq!((response.error_code, told(&response).len()), (31, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn topics_that_the_caller_may_not_describe_are_left_out() {
    let world = World::new();
    world.topic("public", 1);
    world.topic("secret", 1);
    world.let_reader("kafka-cluster:DescribeClusterDynamicConfiguration");
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    let response = list(&mut reader, 1, &[2]).await;
    assert_eq!(response.error_code, 0);
    assert_eq!(told(&response), [(2, "public")]);
}

#[tokio::test(start_paused = true)]
async fn too_many_resources_are_refused() {
    let world = World::new();
    world.topic("t", 1);
    // Each has a logger as well.
    world.change_cluster(|cluster| cluster.virtual_brokers = CONFIG_RESOURCES_MAX as u32 / 2);
    let mut peer = world.connect();
    let response = list(&mut peer, 1, &[4, 8]).await;
    assert_eq!(response.error_code, 0);
    assert_eq!(told(&response).len(), CONFIG_RESOURCES_MAX);
    let response = list(&mut peer, 1, &[]).await;
    assert_eq!((response.error_code, told(&response).len()), (42, 0));
    let response = list(&mut peer, 1, &[2]).await;
    assert_eq!(response.error_code, 0);
    assert_eq!(told(&response), [(2, "t")]);
}
