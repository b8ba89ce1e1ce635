//! The usual requests with one topic and one partition in them.
//!
//! Owns: building them and taking the one part of the answer out. Does not own: what an error code means.

use bytes::Bytes;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicResult, CreateTopicsRequest};
use wire::messages::delete_topics::{DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData,
};

use super::{CallError, Client};

/// How long the server may take, as requests say it.
const TIMEOUT_MS: i32 = 30_000;

/// How long a fetch waits and how much it brings.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// Longest wait for `min_bytes`.
    pub max_wait_ms: i32,
    /// Bytes that are worth an answer.
    pub min_bytes: i32,
    /// Bytes that an answer may have.
    pub max_bytes: i32,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: 4 << 20,
        }
    }
}

/// One batch for one partition.
#[must_use]
pub fn produce_request(topic: &str, index: i32, batch: Bytes, acks: i16) -> ProduceRequest {
    let partition = PartitionProduceData {
        index,
        records: Some(batch),
    };
    let topic = TopicProduceData {
        name: topic.to_owned(),
        partition_data: vec![partition],
        ..TopicProduceData::default()
    };
    ProduceRequest {
        acks,
        timeout_ms: TIMEOUT_MS,
        topic_data: vec![topic],
        ..ProduceRequest::default()
    }
}

/// A read of one partition.
#[must_use]
pub fn fetch_request(
    topic: &str,
    partition: i32,
    fetch_offset: i64,
    limits: FetchLimits,
) -> FetchRequest {
    let partition = FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes: limits.max_bytes,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: topic.to_owned(),
        partitions: vec![partition],
        ..FetchTopic::default()
    };
    FetchRequest {
        max_wait_ms: limits.max_wait_ms,
        min_bytes: limits.min_bytes,
        max_bytes: limits.max_bytes,
        topics: vec![topic],
        ..FetchRequest::default()
    }
}

/// The one partition of an answer to [`produce_request`].
///
/// # Errors
/// [`CallError::Unexpected`], if there is not one.
pub fn partition_of(answer: ProduceResponse) -> Result<PartitionProduceResponse, CallError> {
    only(only(answer.responses)?.partition_responses)
}

impl Client {
    /// Appends one batch and waits for the answer.
    ///
    /// # Errors
    /// Any [`CallError`]; the answer may still hold an error code.
    pub async fn produce(
        &mut self,
        topic: &str,
        index: i32,
        batch: Bytes,
    ) -> Result<PartitionProduceResponse, CallError> {
        let answer = self.call(produce_request(topic, index, batch, -1)).await?;
        partition_of(answer)
    }

    /// Reads from one partition.
    ///
    /// # Errors
    /// Any [`CallError`]; the answer may still hold an error code.
    pub async fn fetch(
        &mut self,
        topic: &str,
        partition: i32,
        fetch_offset: i64,
        limits: FetchLimits,
    ) -> Result<PartitionData, CallError> {
        let request = fetch_request(topic, partition, fetch_offset, limits);
        let answer = self.call(request).await?;
        only(only(answer.responses)?.partitions)
    }

    /// Looks an offset up by time, or by one of the special times.
    ///
    /// # Errors
    /// Any [`CallError`]; the answer may still hold an error code.
    pub async fn list_offset(
        &mut self,
        topic: &str,
        partition_index: i32,
        timestamp: i64,
    ) -> Result<ListOffsetsPartitionResponse, CallError> {
        let partition = ListOffsetsPartition {
            partition_index,
            timestamp,
            ..ListOffsetsPartition::default()
        };
        let topic = ListOffsetsTopic {
            name: topic.to_owned(),
            partitions: vec![partition],
        };
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![topic],
            timeout_ms: TIMEOUT_MS,
            ..ListOffsetsRequest::default()
        };
        let answer = self.call(request).await?;
        only(only(answer.topics)?.partitions)
    }

    /// What there is: these topics, or all. None is created.
    ///
    /// # Errors
    /// Any [`CallError`]; the answer may still hold error codes.
    pub async fn metadata(
        &mut self,
        topics: Option<&[&str]>,
    ) -> Result<MetadataResponse, CallError> {
        let by_name = |name: &&str| MetadataRequestTopic {
            name: Some((*name).to_owned()),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: topics.map(|names| names.iter().map(by_name).collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        self.call(request).await
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// Any [`CallError`]; the answer may still hold an error code.
    pub async fn create_topic(
        &mut self,
        name: &str,
        num_partitions: i32,
    ) -> Result<CreatableTopicResult, CallError> {
        let topic = CreatableTopic {
            name: name.to_owned(),
            num_partitions,
            replication_factor: -1,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            ..CreateTopicsRequest::default()
        };
        only(self.call(request).await?.topics)
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// Any [`CallError`]; the answer may still hold an error code.
    pub async fn delete_topic(&mut self, name: &str) -> Result<DeletableTopicResult, CallError> {
        let topic = DeleteTopicState {
            name: Some(name.to_owned()),
            ..DeleteTopicState::default()
        };
        let request = DeleteTopicsRequest {
            topics: vec![topic],
            timeout_ms: TIMEOUT_MS,
            ..DeleteTopicsRequest::default()
        };
        only(self.call(request).await?.responses)
    }

    /// Asks for a producer id.
    ///
    /// # Errors
    /// Any [`CallError`]; the answer may still hold an error code.
    pub async fn init_producer_id(&mut self) -> Result<InitProducerIdResponse, CallError> {
        self.call(InitProducerIdRequest::default()).await
    }
}

/// The one element that was asked for.
fn only<T>(parts: Vec<T>) -> Result<T, CallError> {
    let count = parts.len();
    let mut parts = parts.into_iter();
    match (parts.next(), parts.next()) {
        (Some(part), None) => Ok(part),
        _ => Err(CallError::Unexpected(format!(
            "{count} parts instead of one"
        ))),
    }
}
