//! Topics that are changed while they are in use: what was changed is felt, and lasts over a restart.

use bytes::Bytes;
use model::Timestamp;
use records::{BatchBuilder, BatchHeader, Codec, NewRecord};
use tests::client::{Client, FetchLimits};
use tests::process::Server;
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use crate::{launch, signed_in};

const TOPIC: &str = "changing";

/// Kafka's number of topics among resources.
const TOPIC_RESOURCE: i8 = 2;

const EARLIEST: i64 = -2;

/// A batch of three records.
fn batch(codec: Codec, value_bytes: usize, timestamp: i64) -> Bytes {
    let value = vec![b'v'; value_bytes];
    let mut builder = BatchBuilder::new(codec);
    for _ in 0..3 {
        builder.push(&NewRecord {
            timestamp: Timestamp(timestamp),
            key: Some(b"key"),
            value: Some(&value),
            headers: &[],
        });
    }
    builder.build()
}

async fn set(client: &mut Client, properties: &[(&str, &str)]) -> i16 {
    let change = |&(name, value): &(&str, &str)| AlterableConfig {
        name: name.to_owned(),
        config_operation: 0,
        value: Some(value.to_owned()),
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: TOPIC_RESOURCE,
            resource_name: TOPIC.to_owned(),
            configs: properties.iter().map(change).collect(),
        }],
        validate_only: false,
    };
    client.call(request).await.unwrap().responses[0].error_code
}

/// The values of these properties.
async fn told(client: &mut Client, names: &[&str]) -> Vec<String> {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: TOPIC_RESOURCE,
            resource_name: TOPIC.to_owned(),
            configuration_keys: None,
        }],
        ..DescribeConfigsRequest::default()
    };
    let answer = client.call(request).await.unwrap();
    let value = |name: &&str| {
        let mut configs = answer.results[0].configs.iter();
        let config = configs.find(|config| config.name == **name).unwrap();
        config.value.clone().unwrap()
    };
    names.iter().map(value).collect()
}

async fn produce(client: &mut Client, index: i32, records: Bytes) -> (i16, i64) {
    let answer = client.produce(TOPIC, index, records).await.unwrap();
    (answer.error_code, answer.base_offset)
}

async fn first_codec(client: &mut Client, index: i32, offset: i64) -> Option<Codec> {
    let read = client.fetch(TOPIC, index, offset, FetchLimits::default());
    let records = read.await.unwrap().records.unwrap().into_bytes();
    BatchHeader::parse(&records).unwrap().attributes.codec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_changes_while_it_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let server = launch(folder.path()).start().unwrap();
    let mut client = signed_in(&server.access().unwrap()).await;
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    client.create_topic(TOPIC, 1).await.unwrap();
    let plain = || batch(Codec::Uncompressed, 500, now);
    assert_eq!(produce(&mut client, 0, plain()).await, (0, 0));
    assert_eq!(produce(&mut client, 1, plain()).await, (3, -1));

    grow(&mut client, 2).await;
    assert_eq!(produce(&mut client, 1, plain()).await, (0, 0));

    let changes = [
        ("max.message.bytes", "5000"),
        ("compression.type", "zstd"),
        ("message.timestamp.before.max.ms", "60000"),
        ("segment.bytes", "14"),
    ];
    assert_eq!(set(&mut client, &changes).await, 0);
    assert_eq!(set(&mut client, &[("cleanup.policy", "compact")]).await, 40);
    feel(&mut client, now, 3).await;

    let cut = cut(&mut client, 4).await;
    assert_eq!(cut, (0, 4));
    let server = again(server, folder.path());
    let mut client = signed_in(&server.access().unwrap()).await;
    let names = changes.map(|(name, _)| name);
    assert_eq!(
        told(&mut client, &names).await,
        changes.map(|(_, value)| value)
    );
    let start = client.list_offset(TOPIC, 0, EARLIEST).await.unwrap();
    assert_eq!((start.offset, start.leader_epoch), (4, 0));
    feel(&mut client, now, 6).await;
    assert_eq!(produce(&mut client, 1, plain()).await, (0, 3));
}

async fn grow(client: &mut Client, count: i32) {
    let topic = CreatePartitionsTopic {
        name: TOPIC.to_owned(),
        count,
        assignments: None,
    };
    let request = CreatePartitionsRequest {
        topics: vec![topic],
        timeout_ms: 10_000,
        validate_only: false,
    };
    let grown = client.call(request).await.unwrap();
    assert_eq!(grown.results[0].error_code, 0, "{grown:?}");
}

/// Moves the start of partition 0; gives back error and start.
async fn cut(client: &mut Client, offset: i64) -> (i16, i64) {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: TOPIC.to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset,
            }],
        }],
        timeout_ms: 10_000,
    };
    let answer = client.call(request).await.unwrap();
    let cut = &answer.topics[0].partitions[0];
    (cut.error_code, cut.low_watermark)
}

/// The topic's properties are obeyed by what is appended to partition 0 from here on.
async fn feel(client: &mut Client, now: i64, end: i64) {
    let large = batch(Codec::Uncompressed, 2000, now);
    assert_eq!(produce(client, 0, large).await.0, 10);
    let old = batch(Codec::Gzip, 500, now - 3_600_000);
    assert_eq!(produce(client, 0, old).await.0, 32);
    let good = batch(Codec::Gzip, 500, now);
    assert_eq!(produce(client, 0, good).await, (0, end));
    assert_eq!(first_codec(client, 0, end).await, Some(Codec::Zstd));
}

/// The same server after a clean stop.
fn again(server: Server, folder: &std::path::Path) -> Server {
    let stopped = server.terminate(std::time::Duration::from_secs(10));
    stopped.unwrap();
    launch(folder).start().unwrap()
}
