//! Requests that make no sense, of a client that has signed in: an error for the part that is wrong, and the
//! connection goes on.

use bytes::Bytes;
use tests::client::{Client, FetchLimits, fetch_request, partition_of, produce_request};
use tests::ledger::{Tag, batch};
use wire::ErrorCode;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::Site;

const TOPIC: &str = "orders";

/// One partition.
async fn site_with_topic() -> (Site, Client) {
    let site = Site::start();
    let mut client = site.client().await;
    let created = client.create_topic(TOPIC, 1).await.unwrap();
    assert_eq!(created.error_code, 0);
    (site, client)
}

fn good() -> Vec<u8> {
    batch(
        Tag {
            producer: 0,
            number: 0,
        },
        None,
        2,
        100,
    )
    .to_vec()
}

async fn produced(client: &mut Client, topic: &str, partition: i32, records: Vec<u8>) -> i16 {
    let answer = client
        .produce(topic, partition, records.into())
        .await
        .unwrap();
    if answer.error_code != 0 {
        assert_eq!(answer.base_offset, -1, "an error has no plausible offset");
    }
    answer.error_code
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_and_partitions_that_are_not_there() {
    let (site, mut client) = site_with_topic().await;
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    for (topic, partition) in [("none", 0), (TOPIC, 1), (TOPIC, -1), (TOPIC, i32::MAX)] {
        assert_eq!(
            produced(&mut client, topic, partition, good()).await,
            unknown
        );
        let fetched = client
            .fetch(topic, partition, 0, FetchLimits::default())
            .await
            .unwrap();
        assert_eq!(fetched.error_code, unknown, "{topic} {partition}");
        let found = client.list_offset(topic, partition, -1).await.unwrap();
        assert_eq!(
            (found.error_code, found.offset),
            (unknown, -1),
            "{topic} {partition}"
        );
    }
    let told = client.metadata(Some(&["none"])).await.unwrap();
    assert_eq!(told.topics[0].error_code, unknown);
    assert_eq!(
        client.delete_topic("none").await.unwrap().error_code,
        unknown
    );
    assert_eq!(produced(&mut client, TOPIC, 0, good()).await, 0);
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_not_there() {
    let (site, mut client) = site_with_topic().await;
    let unknown = ErrorCode::UnknownTopicId.code();
    let mut produce = produce_request(TOPIC, 0, good().into(), -1);
    produce.topic_data[0].topic_id = [7; 16];
    let answer = partition_of(client.call_at(13, produce).await.unwrap()).unwrap();
    assert_eq!((answer.error_code, answer.base_offset), (unknown, -1));
    let mut fetch = fetch_request(TOPIC, 0, 0, FetchLimits::default());
    fetch.topics[0].topic_id = [7; 16];
    let answer = client.call_at(17, fetch).await.unwrap();
    assert_eq!(answer.responses[0].partitions[0].error_code, unknown);
    let by_id = MetadataRequestTopic {
        topic_id: [7; 16],
        name: None,
    };
    let request = MetadataRequest {
        topics: Some(vec![by_id]),
        ..MetadataRequest::default()
    };
    let told = client.call(request).await.unwrap();
    assert_eq!(
        (told.topics[0].error_code, told.topics[0].name.as_deref()),
        (unknown, None)
    );
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_no_topic_names() {
    let (site, mut client) = site_with_topic().await;
    let invalid = ErrorCode::InvalidTopicException.code();
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a b", "a/b", "ünï", "a\0b", &long] {
        let created = client.create_topic(name, 1).await.unwrap();
        assert_eq!(created.error_code, invalid, "{name:?}");
        let asked = MetadataRequestTopic {
            name: Some(name.to_owned()),
            ..Default::default()
        };
        let request = MetadataRequest {
            topics: Some(vec![asked]),
            allow_auto_topic_creation: true,
            ..MetadataRequest::default()
        };
        let told = client.call(request).await.unwrap();
        assert_eq!(told.topics[0].error_code, invalid, "{name:?}");
    }
    let all = client.metadata(None).await.unwrap();
    assert_eq!(all.topics.len(), 1, "nothing was created");
    site.check().await;
}

fn topic(name: &str) -> CreatableTopic {
    CreatableTopic {
        name: name.to_owned(),
        num_partitions: 1,
        replication_factor: -1,
        ..CreatableTopic::default()
    }
}

fn with_config(name: &str, config: &str, value: &str) -> CreatableTopic {
    let config = CreatableTopicConfig {
        name: config.to_owned(),
        value: Some(value.to_owned()),
    };
    CreatableTopic {
        configs: vec![config],
        ..topic(name)
    }
}

fn with_partitions(name: &str, num_partitions: i32) -> CreatableTopic {
    CreatableTopic {
        num_partitions,
        ..topic(name)
    }
}

fn with_replicas(name: &str, replication_factor: i16) -> CreatableTopic {
    CreatableTopic {
        replication_factor,
        ..topic(name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_cannot_be() {
    let (site, mut client) = site_with_topic().await;
    let cases = [
        (topic(TOPIC), ErrorCode::TopicAlreadyExists),
        (with_partitions("a", 0), ErrorCode::InvalidPartitions),
        (with_partitions("b", -2), ErrorCode::InvalidPartitions),
        (with_replicas("c", 2), ErrorCode::InvalidReplicationFactor),
        (with_replicas("d", 0), ErrorCode::InvalidReplicationFactor),
        (
            with_config("e", "no.such.config", "1"),
            ErrorCode::InvalidConfig,
        ),
        (
            with_config("f", "retention.ms", "soon"),
            ErrorCode::InvalidConfig,
        ),
    ];
    let topics = cases.iter().map(|(topic, _)| topic.clone()).collect();
    let request = CreateTopicsRequest {
        topics,
        ..CreateTopicsRequest::default()
    };
    let answer = client.call(request).await.unwrap();
    for (topic, expected) in &cases {
        let result = answer
            .topics
            .iter()
            .find(|result| result.name == topic.name)
            .unwrap();
        assert_eq!(
            result.error_code,
            expected.code(),
            "{topic:?}: {:?}",
            result.error_message
        );
    }
    let topics = vec![topic("twice"), topic("twice")];
    let twice = CreateTopicsRequest {
        topics,
        ..CreateTopicsRequest::default()
    };
    let answer = client.call(twice).await.unwrap();
    assert!(
        answer
            .topics
            .iter()
            .all(|r| r.error_code == ErrorCode::InvalidRequest.code())
    );
    let all = client.metadata(None).await.unwrap();
    assert_eq!(all.topics.len(), 1, "nothing was created");
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_none() {
    const MAGIC_AT: usize = 16;
    const ATTRIBUTES_AT: usize = 22;
    let (site, mut client) = site_with_topic().await;
    let changed = |at: usize, to: u8| {
        let mut records = good();
        records[at] = to;
        records
    };
    let altered = changed(good().len() - 2, 0xff);
    assert_eq!(
        produced(&mut client, TOPIC, 0, altered).await,
        ErrorCode::CorruptMessage.code()
    );
    let two = [good(), good()].concat();
    assert_eq!(
        produced(&mut client, TOPIC, 0, two).await,
        ErrorCode::InvalidRecord.code()
    );
    let cases = [
        ("nothing", Vec::new()),
        ("half a header", good()[..30].to_vec()),
        ("half a batch", good()[..100].to_vec()),
        ("an old format", changed(MAGIC_AT, 1)),
        ("a control batch", changed(ATTRIBUTES_AT, 0x20)),
        ("an unknown codec", changed(ATTRIBUTES_AT, 0x07)),
    ];
    for (what, records) in cases {
        assert_ne!(produced(&mut client, TOPIC, 0, records).await, 0, "{what}");
    }
    let mut without = produce_request(TOPIC, 0, Bytes::new(), -1);
    without.topic_data[0].partition_data[0].records = None;
    let answer = partition_of(client.call(without).await.unwrap()).unwrap();
    assert_ne!(answer.error_code, 0);
    let end = client.list_offset(TOPIC, 0, -1).await.unwrap();
    assert_eq!(end.offset, 0, "nothing was appended");
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_that_cannot_be_granted() {
    let (site, mut client) = site_with_topic().await;
    for acks in [2, -2, i16::MAX] {
        let request = produce_request(TOPIC, 0, good().into(), acks);
        let answer = partition_of(client.call(request).await.unwrap()).unwrap();
        assert_eq!(
            answer.error_code,
            ErrorCode::InvalidRequiredAcks.code(),
            "{acks}"
        );
    }
    for offset in [1, -1, i64::MAX, i64::MIN] {
        let fetched = client
            .fetch(TOPIC, 0, offset, FetchLimits::default())
            .await
            .unwrap();
        assert_eq!(
            fetched.error_code,
            ErrorCode::OffsetOutOfRange.code(),
            "{offset}"
        );
    }
    let mut session = fetch_request(TOPIC, 0, 0, FetchLimits::default());
    (session.session_id, session.session_epoch) = (5, 5);
    let answer = client.call(session).await.unwrap();
    assert_eq!(answer.error_code, ErrorCode::FetchSessionIdNotFound.code());
    let transactional = InitProducerIdRequest {
        transactional_id: Some("payments".to_owned()),
        transaction_timeout_ms: 60_000,
        ..InitProducerIdRequest::default()
    };
    let answer = client.call(transactional).await.unwrap();
    let denied = ErrorCode::TransactionalIdAuthorizationFailed.code();
    assert_eq!((answer.error_code, answer.producer_id), (denied, -1));
    site.check().await;
}

/// acks=0 has no answer, neither for success nor for failure; the failure ends the connection, which is the client's
/// only sign.
#[tokio::test(flavor = "multi_thread")]
async fn without_acknowledgement_there_is_no_answer() {
    let (site, mut client) = site_with_topic().await;
    let request = produce_request(TOPIC, 0, good().into(), 0);
    client.send_unanswered(11, request).await.unwrap();
    // The next answer is that of the next request, whose batch comes after the two records.
    let answer = client.produce(TOPIC, 0, good().into()).await.unwrap();
    assert_eq!((answer.error_code, answer.base_offset), (0, 2));
    let request = produce_request("none", 0, good().into(), 0);
    client.send_unanswered(11, request).await.unwrap();
    assert!(client.read_to_end().await.unwrap().is_empty());
    site.check().await;
}
