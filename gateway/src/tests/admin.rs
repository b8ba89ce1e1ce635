//! Metadata, CreateTopics and DeleteTopics.

use wire::Response;
use wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest, CreateTopicsResponse,
};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

use super::peer::Peer;
use super::world::World;
use crate::limits::METADATA_PARTITIONS_MAX;

async fn metadata(peer: &mut Peer, version: i16, request: MetadataRequest) -> MetadataResponse {
    match peer.call(version, request).await {
        Response::Metadata(response) => response,
        other => panic!("{other:?}"),
    }
}

fn named(names: &[&str]) -> MetadataRequest {
    let topics = names.iter().map(|name| MetadataRequestTopic {
        name: Some((*name).to_owned()),
        ..MetadataRequestTopic::default()
    });
    MetadataRequest {
        topics: Some(topics.collect()),
        ..MetadataRequest::default()
    }
}

fn by_id(id: [u8; 16]) -> MetadataRequest {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            topic_id: id,
            name: None,
        }]),
        ..MetadataRequest::default()
    }
}

#[tokio::test(start_paused = true)]
async fn brokers_are_constant_and_have_the_address_the_client_came_by() {
    let world = World::new();
    let topic = world.topic("t", 4);
    let mut peer = world.connect();
    let response = metadata(&mut peer, 10, named(&["t"])).await;
    let brokers: Vec<_> = response
        .brokers
        .iter()
        .map(|b| (b.node_id, b.host.as_str(), b.port))
        .collect();
    let at = "boot.example";
    assert_eq!(brokers, [(0, at, 9098), (1, at, 9098), (2, at, 9098)]);
    assert_eq!(response.cluster_id.as_deref(), Some("uuid-1"));
    assert_eq!(response.controller_id, 0);
    assert_eq!(response.cluster_authorized_operations, i32::MIN);
    let shown = &response.topics[0];
    assert_eq!((shown.error_code, shown.topic_id), (0, topic.0));
    let leaders: Vec<_> = shown.partitions.iter().map(|p| p.leader_id).collect();
    assert_eq!(leaders, [0, 1, 2, 0]);
    let last = &shown.partitions[3];
    assert_eq!(
        (last.leader_epoch, &*last.replica_nodes),
        (0, &[0, 1, 2][..])
    );
    assert_eq!(last.isr_nodes, last.replica_nodes);
}

#[tokio::test(start_paused = true)]
async fn all_none_and_some_topics() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    let all = || MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    assert_eq!(metadata(&mut peer, 1, all()).await.topics.len(), 1);
    assert_eq!(metadata(&mut peer, 0, named(&[])).await.topics.len(), 1);
    assert_eq!(metadata(&mut peer, 1, named(&[])).await.topics.len(), 0);
    let found = metadata(&mut peer, 12, by_id(topic.0)).await;
    assert_eq!(found.topics[0].name.as_deref(), Some("t"));
    let unknown = &metadata(&mut peer, 12, by_id([9; 16])).await.topics[0];
    assert_eq!((unknown.error_code, &unknown.name), (100, &None));
    let too_early = &metadata(&mut peer, 10, by_id(topic.0)).await.topics[0];
    assert_eq!(
        (too_early.error_code, too_early.name.as_deref()),
        (42, Some(""))
    );
    let asked = MetadataRequest {
        include_cluster_authorized_operations: true,
        include_topic_authorized_operations: true,
        ..named(&["t"])
    };
    let response = metadata(&mut peer, 8, asked).await;
    assert_eq!(
        response.topics[0].topic_authorized_operations,
        0b1101_1111_1000
    );
    assert_eq!(response.cluster_authorized_operations, 0b1_1101_1000_0000);
}

#[tokio::test(start_paused = true)]
async fn asking_for_a_topic_creates_it_where_that_is_wanted() {
    let world = World::new();
    let mut peer = world.connect();
    let silent = MetadataRequest {
        allow_auto_topic_creation: false,
        ..named(&["new"])
    };
    assert_eq!(metadata(&mut peer, 4, silent).await.topics[0].error_code, 3);
    let response = metadata(&mut peer, 4, named(&["new", "new", "not valid"])).await;
    let seen: Vec<_> = response
        .topics
        .iter()
        .map(|t| (t.error_code, t.partitions.len()))
        .collect();
    assert_eq!(
        seen,
        [(0, 2), (17, 0)],
        "a name that came twice is told once"
    );
    world.change_cluster(|cluster| cluster.auto_create_topics = false);
    assert_eq!(
        metadata(&mut peer, 4, named(&["other"])).await.topics[0].error_code,
        3
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_describes_only_so_many_partitions() {
    let world = World::new();
    let partitions = METADATA_PARTITIONS_MAX as u32 / 2 + 1;
    world.topic("one", partitions);
    world.topic("two", partitions);
    let mut peer = world.connect();
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    for request in [named(&["one", "two"]), all] {
        let response = metadata(&mut peer, 9, request).await;
        let seen: Vec<_> = response
            .topics
            .iter()
            .map(|t| (t.error_code, t.partitions.len()))
            .collect();
        assert_eq!(seen, [(0, partitions as usize), (42, 0)]);
    }
}

async fn create(peer: &mut Peer, request: CreateTopicsRequest) -> CreateTopicsResponse {
    match peer.call(7, request).await {
        Response::CreateTopics(response) => response,
        other => panic!("{other:?}"),
    }
}

fn new(name: &str, num_partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic {
        name: name.to_owned(),
        num_partitions,
        replication_factor,
        ..CreatableTopic::default()
    }
}

#[tokio::test(start_paused = true)]
async fn each_topic_is_created_or_refused_on_its_own() {
    let world = World::new();
    world.topic("old", 1);
    let mut peer = world.connect();
    let assigned = CreatableTopic {
        assignments: [0, 1]
            .map(|partition_index| CreatableReplicaAssignment {
                partition_index,
                broker_ids: vec![0, 1],
            })
            .into(),
        ..new("assigned", -1, -1)
    };
    let topics = vec![
        new("one", 5, 1),
        new("defaults", -1, -1),
        new("old", 1, 1),
        new("twice", 1, 1),
        new("twice", 2, 1),
        new("none", 0, 1),
        new("unreplicated", 1, 0),
        new("..", 1, 1),
        assigned,
    ];
    let request = CreateTopicsRequest {
        topics,
        timeout_ms: 5000,
        validate_only: false,
    };
    let response = create(&mut peer, request).await;
    let mut seen: Vec<_> = response
        .topics
        .iter()
        .map(|t| {
            (
                t.name.as_str(),
                t.error_code,
                t.num_partitions,
                t.replication_factor,
            )
        })
        .collect();
    seen.sort_unstable();
    let expected = [
        ("..", 17, -1, -1),
        ("assigned", 0, 2, 2),
        ("defaults", 0, 2, 3),
        ("none", 37, -1, -1),
        ("old", 36, -1, -1),
        ("one", 0, 5, 1),
        ("twice", 42, -1, -1),
        ("unreplicated", 38, -1, -1),
    ];
    assert_eq!(seen, expected);
    for topic in &response.topics {
        let created = topic.error_code == 0;
        assert_eq!(topic.error_message.is_none(), created);
        assert_eq!(topic.topic_id != [0; 16], created);
        let configs = topic
            .configs
            .as_ref()
            .expect("never null without its error");
        assert_eq!(configs.len() > 7, created);
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_only_validated_is_not_there() {
    let world = World::new();
    let mut peer = world.connect();
    let request = CreateTopicsRequest {
        topics: vec![new("t", 3, 1)],
        timeout_ms: 5000,
        validate_only: true,
    };
    let topic = &create(&mut peer, request).await.topics[0];
    assert_eq!((topic.error_code, topic.num_partitions), (0, 3));
    assert_eq!(topic.topic_id, [0; 16]);
    let silent = MetadataRequest {
        allow_auto_topic_creation: false,
        ..named(&["t"])
    };
    assert_eq!(metadata(&mut peer, 4, silent).await.topics[0].error_code, 3);
}

async fn delete(
    peer: &mut Peer,
    version: i16,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    match peer.call(version, request).await {
        Response::DeleteTopics(response) => response,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn topics_are_deleted_by_name_and_by_id() {
    let world = World::new();
    world.topic("one", 1);
    let two = world.topic("two", 1);
    world.topic("three", 1);
    let mut peer = world.connect();
    let request = DeleteTopicsRequest {
        topic_names: ["one", "unknown", "unknown"].map(str::to_owned).into(),
        timeout_ms: 5000,
        ..DeleteTopicsRequest::default()
    };
    let response = delete(&mut peer, 5, request).await;
    let mut seen: Vec<_> = response
        .responses
        .iter()
        .map(|t| (t.name.as_deref().unwrap(), t.error_code))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("one", 0), ("unknown", 42)]);

    let state = |name: Option<&str>, topic_id| DeleteTopicState {
        name: name.map(str::to_owned),
        topic_id,
    };
    let request = DeleteTopicsRequest {
        topics: vec![
            state(None, two.0),
            state(None, [9; 16]),
            state(Some("three"), [9; 16]),
            state(Some("gone"), [0; 16]),
        ],
        timeout_ms: 5000,
        ..DeleteTopicsRequest::default()
    };
    let response = delete(&mut peer, 6, request).await;
    let mut seen: Vec<_> = response
        .responses
        .iter()
        .map(|t| (t.name.as_deref(), t.error_code))
        .collect();
    seen.sort_unstable();
    let expected = [
        (None, 100),
        (Some("gone"), 3),
        (Some("three"), 42),
        (Some("two"), 0),
    ];
    assert_eq!(seen, expected);
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let left = metadata(&mut peer, 4, all).await;
    assert_eq!(left.topics.len(), 1);
}
