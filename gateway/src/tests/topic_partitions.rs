//! DescribeTopicPartitions.

use wire::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicRequest,
};

use super::peer::{Peer, called};
use super::sign_in::sign_in;
use super::world::{PASSWORD, READER, World};
use crate::limits::PAGE_PARTITIONS_MAX;

/// Name, error code and partitions of a topic.
type Told<'a> = (&'a str, i16, Vec<i32>);

fn asking(
    names: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> DescribeTopicPartitionsRequest {
    let topics = names.iter().map(|name| TopicRequest {
        name: (*name).to_owned(),
    });
    DescribeTopicPartitionsRequest {
        topics: topics.collect(),
        response_partition_limit: limit,
        cursor: cursor.map(|(name, partition_index)| Cursor {
            topic_name: name.to_owned(),
            partition_index,
        }),
    }
}

async fn describe(
    peer: &mut Peer,
    names: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> DescribeTopicPartitionsResponse {
    called!(
        peer,
        0,
        DescribeTopicPartitions,
        asking(names, limit, cursor)
    )
}

fn told(response: &DescribeTopicPartitionsResponse) -> Vec<Told<'_>> {
    let topics = response.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|told| told.partition_index);
        let name = topic.name.as_deref().unwrap();
        (name, topic.error_code, partitions.collect())
    });
    topics.collect()
}

fn next(response: &DescribeTopicPartitionsResponse) -> Option<(&str, i32)> {
    let cursor = response.next_cursor.as_ref();
    cursor.map(|cursor| (cursor.topic_name.as_str(), cursor.partition_index))
}

#[tokio::test(start_paused = true)]
async fn partitions_are_those_that_metadata_shows() {
    let world = World::new();
    let id = world.topic("t", 4);
    let response = describe(&mut world.connect(), &["t"], 2000, None).await;
    let [topic] = &response.topics[..] else {
        panic!("{response:?}");
    };
    assert_eq!(
        (topic.error_code, topic.topic_id, topic.is_internal),
        (0, id.0, false)
    );
    assert_eq!(topic.topic_authorized_operations, 0b1101_1111_1000);
    let second = &topic.partitions[1];
    assert_eq!(
        (second.error_code, second.leader_id, second.leader_epoch),
        (0, 1, 0)
    );
    assert_eq!(second.replica_nodes, [1, 2, 0]);
    assert_eq!(second.isr_nodes, [1, 2, 0]);
    assert_eq!(second.eligible_leader_replicas.as_deref(), Some(&[][..]));
    assert_eq!(second.last_known_elr.as_deref(), Some(&[][..]));
    assert!(second.offline_replicas.is_empty());
    assert_eq!(next(&response), None);
}

#[tokio::test(start_paused = true)]
async fn pages_follow_one_another_by_name() {
    let world = World::new();
    world.topic("b", 3);
    world.topic("a", 2);
    world.topic("c", 1);
    world.foreign_topic("aa");
    let mut peer = world.connect();
    for names in [&[][..], &["c", "b", "a", "b"]] {
        let first = describe(&mut peer, names, 2, None).await;
        assert_eq!(told(&first), [("a", 0, vec![0, 1])]);
        assert_eq!(next(&first), Some(("b", 0)));
        let second = describe(&mut peer, names, 2, next(&first)).await;
        assert_eq!(told(&second), [("b", 0, vec![0, 1])]);
        assert_eq!(next(&second), Some(("b", 2)));
        let last = describe(&mut peer, names, 2, next(&second)).await;
        assert_eq!(told(&last), [("b", 0, vec![2]), ("c", 0, vec![0])]);
        assert_eq!(next(&last), None);
    }
    // A limit that leaves room for nothing counts as one.
    for limit in [1, 0, -1, i32::MIN] {
        let response = describe(&mut peer, &[], limit, None).await;
        assert_eq!(told(&response), [("a", 0, vec![0])]);
        assert_eq!(next(&response), Some(("a", 1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_has_a_bound() {
    let world = World::new();
    let max = PAGE_PARTITIONS_MAX as i32;
    world.topic("t", PAGE_PARTITIONS_MAX as u32 + 1);
    let mut peer = world.connect();
    let response = describe(&mut peer, &["t"], i32::MAX, None).await;
    assert_eq!(response.topics[0].partitions.len(), PAGE_PARTITIONS_MAX);
    assert_eq!(next(&response), Some(("t", max)));
    let response = describe(&mut peer, &["t"], i32::MAX, next(&response)).await;
    assert_eq!(told(&response), [("t", 0, vec![max])]);
    assert_eq!(next(&response), None);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_may_be_to_what_is_not_there() {
    let world = World::new();
    world.topic("a", 1);
    world.topic("c", 1);
    let mut peer = world.connect();
    let response = describe(&mut peer, &[], 10, Some(("b", 7))).await;
    assert_eq!(told(&response), [("c", 0, vec![0])]);
    let response = describe(&mut peer, &[], 10, Some(("a", i32::MAX))).await;
    assert_eq!(told(&response), [("a", 0, vec![]), ("c", 0, vec![0])]);
    let response = describe(&mut peer, &[], 10, Some(("d", 0))).await;
    assert_eq!(told(&response), []);
    // One that makes no sense is refused for each name.
    for cursor in [("b", 0), ("a", -1)] {
        let response = describe(&mut peer, &["c", "a"], 10, Some(cursor)).await;
        assert_eq!(told(&response), [("c", 42, vec![]), ("a", 42, vec![])]);
    }
    let response = describe(&mut peer, &[], 10, Some(("a", -1))).await;
    assert_eq!(told(&response), []);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_described_has_an_error_of_its_own() {
    let world = World::new();
    world.topic("known", 1);
    let mut peer = world.connect();
    let names = ["unknown", "no name", "known"];
    let response = describe(&mut peer, &names, 10, None).await;
    let expected = [
        ("known", 0, vec![0]),
        ("no name", 17, vec![]),
        ("unknown", 3, vec![]),
    ];
    assert_eq!(told(&response), expected);
    let operations = response.topics.iter();
    let mut operations = operations.map(|topic| topic.topic_authorized_operations);
    assert!(operations.all(|operations| operations == 0b1101_1111_1000));
    assert_eq!(world.control.map().topics.len(), 1, "none is created");
}

#[tokio::test(start_paused = true)]
async fn only_topics_that_the_caller_may_describe_are_told() {
    let world = World::new();
    world.topic("public", 1);
    world.topic("a-secret", 1);
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    let response = describe(&mut reader, &[], 1, None).await;
    assert_eq!(told(&response), [("public", 0, vec![0])]);
    assert_eq!(next(&response), None);
    let names = ["a-secret", "public", "a-nothing"];
    let response = describe(&mut reader, &names, 10, None).await;
    let expected = [
        ("public", 0, vec![0]),
        ("a-nothing", 29, vec![]),
        ("a-secret", 29, vec![]),
    ];
    assert_eq!(told(&response), expected);
    assert_eq!(response.topics[2].topic_id, [0; 16]);
    assert_eq!(response.topics[2].topic_authorized_operations, i32::MIN);
}
