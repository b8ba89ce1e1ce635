//! DeleteRecords (key 21), versions 0-2.
//!
//! Moves the start of logs up, durably, each partition on its own; -1 stands for the high watermark.
//! The right to delete the topic is asked for. MSK Serverless does not serve this key.
//!
//! What differs from Apache Kafka: a partition that is named repeatedly is cut once, at the largest of
//! its offsets, and answered for each mention; one whose owner does not answer in time is error 7, and
//! may be done.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth::Action;
use futures_util::{StreamExt, stream};
use model::{Offset, Topic, TopicPartition};
use node_api::{LogBounds, ReadError};
use tokio::time::Instant;
use wire::ErrorCode;
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};

use crate::admission::parking_time;
use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::error::Fault;
use crate::limits::READS_IN_PARALLEL_MAX;
use crate::owner::ask_owner;
use crate::permission::Authorized;

/// Stands for the high watermark.
const TO_HIGH_WATERMARK: i64 = -1;

/// Told instead of a log's start where it did not move.
const NO_LOW_WATERMARK: i64 = -1;

/// Cuts the logs off, in parallel.
pub(crate) async fn handle(call: Call, request: DeleteRecordsRequest) -> Answer {
    let deadline = Instant::now() + parking_time(request.timeout_ms);
    let cuts = request.topics.iter().flat_map(|topic| {
        let found = call.topic(TopicKey::Name(&topic.name), Action::DeleteTopic);
        let found = found.map(Authorized::into_request);
        let cuts = topic.partitions.iter();
        cuts.map(move |asked| {
            let topic = found.as_ref().map_err(Fault::clone);
            let cut = topic.and_then(|topic| cut(topic, asked));
            (asked.partition_index, cut)
        })
    });
    let cuts: Vec<_> = cuts.collect();
    let starts = delete_each(&call, once(&cuts), deadline).await;
    let done = cuts.into_iter().map(|(index, cut)| {
        let done = cut.and_then(|(partition, _)| starts[&partition].clone());
        match done {
            Ok(start) => DeleteRecordsPartitionResult {
                partition_index: index,
                low_watermark: start.to_wire(),
                error_code: 0,
            },
            Err(fault) => refused(index, call.refuse(&fault)),
        }
    });
    let done: Vec<_> = done.collect();
    let mut done = done.into_iter();
    let topics = request.topics.into_iter();
    let topics = topics.map(|topic| DeleteRecordsTopicResult {
        partitions: done.by_ref().take(topic.partitions.len()).collect(),
        name: topic.name,
    });
    call.answer(DeleteRecordsResponse {
        topics: topics.collect(),
        ..DeleteRecordsResponse::default()
    })
}

/// The same error for every partition.
pub(crate) fn refusal(request: &DeleteRecordsRequest, code: ErrorCode) -> DeleteRecordsResponse {
    let topics = request.topics.iter().map(|topic| DeleteRecordsTopicResult {
        name: topic.name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|asked| refused(asked.partition_index, code))
            .collect(),
    });
    DeleteRecordsResponse {
        topics: topics.collect(),
        ..DeleteRecordsResponse::default()
    }
}

fn refused(partition_index: i32, code: ErrorCode) -> DeleteRecordsPartitionResult {
    DeleteRecordsPartitionResult {
        partition_index,
        low_watermark: NO_LOW_WATERMARK,
        error_code: code.code(),
    }
}

/// Where a partition is to be cut; no offset for the high watermark.
type Cut = (TopicPartition, Option<Offset>);

/// Each partition once, with the largest of its offsets; the high watermark is above all.
fn once(cuts: &[(i32, Result<Cut, Fault>)]) -> BTreeMap<TopicPartition, Option<Offset>> {
    let mut largest = BTreeMap::new();
    for &(partition, offset) in cuts.iter().flat_map(|(_, cut)| cut) {
        largest
            .entry(partition)
            .and_modify(|known: &mut Option<Offset>| {
                *known = known.zip(offset).map(|(a, b)| a.max(b))
            })
            .or_insert(offset);
    }
    largest
}

/// Cuts the partitions, in parallel; what became of each.
async fn delete_each(
    call: &Call,
    cuts: BTreeMap<TopicPartition, Option<Offset>>,
    deadline: Instant,
) -> BTreeMap<TopicPartition, Result<Offset, Fault>> {
    let cuts = cuts.into_iter().map(|(partition, offset)| async move {
        (partition, delete(call, partition, offset, deadline).await)
    });
    stream::iter(cuts)
        .buffered(READS_IN_PARALLEL_MAX)
        .collect()
        .await
}

/// What is to be cut where.
fn cut(topic: &Arc<Topic>, asked: &DeleteRecordsPartition) -> Result<Cut, Fault> {
    let partition = partition_of(topic, asked.partition_index)?;
    let policy = topic.config.cleanup_policy;
    if policy.compacts() && !policy.deletes() {
        return Err(Fault::Policy(
            "Records of a compacted topic can not be deleted.",
        ));
    }
    if asked.offset == TO_HIGH_WATERMARK {
        return Ok((partition, None));
    }
    let offset = Offset::from_wire(asked.offset).ok_or(ReadError::OutOfRange {
        bounds: LogBounds::default(),
    })?;
    Ok((partition, Some(offset)))
}

/// Asks the partition's owner, again while there is none. Whether it was done is not known after that.
async fn delete(
    call: &Call,
    partition: TopicPartition,
    offset: Option<Offset>,
    deadline: Instant,
) -> Result<Offset, Fault> {
    let deleted = ask_owner(call, partition, deadline, |node, _| {
        node.delete_records(partition, offset)
    });
    deleted.await.map_err(|fault| match fault {
        Fault::Read(ReadError::NotOwner | ReadError::Busy) => Fault::TimedOut,
        fault => fault,
    })
}
