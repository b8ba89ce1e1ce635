//! DescribeLogDirs.

use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use wire::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse,
};

use super::peer::{Peer, called, outcome, produce_to};
use super::sign_in::sign_in;
use super::world::{PASSWORD, READER, World, batch, partition};
use crate::limits::LOG_DIR_PARTITIONS_MAX;

/// A topic's name, and number and size of each of its partitions that are told.
type Told<'a> = (&'a str, Vec<(i32, i64)>);

async fn describe(
    peer: &mut Peer,
    version: i16,
    topics: Option<&[(&str, &[i32])]>,
) -> DescribeLogDirsResponse {
    let topic = |(name, partitions): &(&str, &[i32])| DescribableLogDirTopic {
        topic: (*name).to_owned(),
        partitions: partitions.to_vec(),
    };
    let request = DescribeLogDirsRequest {
        topics: topics.map(|topics| topics.iter().map(topic).collect()),
    };
    called!(peer, version, DescribeLogDirs, request)
}

/// What the only folder holds.
fn told(response: &DescribeLogDirsResponse) -> Vec<Told<'_>> {
    assert_eq!((response.error_code, response.results.len()), (0, 1));
    let folder = &response.results[0];
    assert_eq!(
        (folder.error_code, folder.log_dir.as_str()),
        (0, "/tidegate")
    );
    assert_eq!((folder.total_bytes, folder.usable_bytes), (-1, -1));
    assert!(!folder.is_cordoned);
    let topics = folder.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|told| {
            assert_eq!((told.offset_lag, told.is_future_key), (0, false));
            (told.partition_index, told.partition_size)
        });
        (topic.name.as_str(), partitions.collect())
    });
    topics.collect()
}

#[tokio::test(start_paused = true)]
async fn one_folder_holds_every_partition() {
    let world = World::new();
    world.topic("b", 1);
    world.topic("a", 2);
    world.foreign_topic("hidden");
    let mut peer = world.connect();
    let records = batch(b"a record");
    let size = records.len() as i64;
    for _ in 0..3 {
        let produced = peer.produce(produce_to("a", 1, records.clone())).await;
        assert_eq!(outcome(&produced).0, 0);
    }
    for version in 1..=5 {
        let response = describe(&mut peer, version, None).await;
        let expected = [("a", vec![(0, 0), (1, 3 * size)]), ("b", vec![(0, 0)])];
        assert_eq!(told(&response), expected, "version {version}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_cut_off_is_smaller() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let records = batch(b"a record");
    for _ in 0..4 {
        peer.produce(produce_to("t", 0, records.clone())).await;
    }
    let cut = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "t".to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset: 3,
            }],
        }],
        timeout_ms: 5000,
    };
    let _ = called!(peer, 2, DeleteRecords, cut);
    let response = describe(&mut peer, 5, None).await;
    assert_eq!(told(&response), [("t", vec![(0, records.len() as i64)])]);
}

#[tokio::test(start_paused = true)]
async fn what_is_named_is_told_once_if_it_exists() {
    let world = World::new();
    world.topic("a", 3);
    world.topic("b", 1);
    let mut peer = world.connect();
    let named: [(&str, &[i32]); 5] = [
        ("b", &[]),
        ("unknown", &[0]),
        ("a", &[2, 0, 2, 3, -1]),
        ("a b", &[0]),
        ("a", &[0]),
    ];
    let response = describe(&mut peer, 5, Some(&named)).await;
    assert_eq!(told(&response), [("a", vec![(0, 0), (2, 0)])]);
    let response = describe(&mut peer, 5, Some(&[])).await;
    assert_eq!(told(&response), []);
}

#[tokio::test(start_paused = true)]
async fn a_partition_without_an_owner_is_left_out() {
    let world = World::new();
    let topic = world.topic("t", 2);
    world.node.behave(|manners| {
        manners.disowned.insert(partition(topic, 0));
    });
    let response = describe(&mut world.connect(), 5, None).await;
    assert_eq!(told(&response), [("t", vec![(1, 0)])]);
}

#[tokio::test(start_paused = true)]
async fn it_takes_the_right_to_describe_the_cluster() {
    let world = World::new();
    world.topic("public", 1);
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    for (version, code) in [(1, 0), (2, 0), (3, 31), (4, 31), (5, 31)] {
        let response = describe(&mut reader, version, None).await;
        assert_eq!((response.error_code, response.results.len()), (code, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn topics_that_the_caller_may_not_describe_are_left_out() {
    let world = World::new();
    world.topic("public", 1);
    world.topic("secret", 1);
    world.let_reader("kafka-cluster:DescribeCluster");
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    let named: [(&str, &[i32]); 2] = [("secret", &[0]), ("public", &[0])];
    for topics in [None, Some(&named[..])] {
        let response = describe(&mut reader, 5, topics).await;
        assert_eq!(told(&response), [("public", vec![(0, 0)])]);
    }
}

/// More than are asked at one time.
#[tokio::test(start_paused = true)]
async fn partitions_without_an_owner_keep_no_other_from_being_told() {
    let world = World::new();
    let topic = world.topic("t", 600);
    world.node.behave(|manners| {
        let disowned = (0..599).map(|index| partition(topic, index));
        manners.disowned.extend(disowned);
    });
    let response = describe(&mut world.connect(), 5, None).await;
    assert_eq!(told(&response), [("t", vec![(599, 0)])]);
}

#[tokio::test(start_paused = true)]
async fn too_many_partitions_are_refused() {
    let world = World::new();
    world.topic("t", LOG_DIR_PARTITIONS_MAX as u32);
    let mut peer = world.connect();
    let response = describe(&mut peer, 5, None).await;
    assert_eq!(told(&response)[0].1.len(), LOG_DIR_PARTITIONS_MAX);
    world.topic("u", 1);
    let response = describe(&mut peer, 5, None).await;
    assert_eq!((response.error_code, response.results.len()), (42, 0));
    let response = describe(&mut peer, 5, Some(&[("u", &[0])])).await;
    assert_eq!(told(&response), [("u", vec![(0, 0)])]);
}
