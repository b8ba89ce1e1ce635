//! DescribeTopicPartitions (key 75), version 0.
//!
//! Topics by name, page by page: an answer has so many partitions as the client wants, at most as many
//! as Kafka's default of `max.request.partition.size.limit`, and at least one; the cursor tells where
//! the next begins. What is told of a topic is what Metadata tells. As in Kafka nothing is created; a
//! topic that the caller may not describe is left out of "all topics", and is error 29 where it was
//! named; other topics tell what the caller may do to them; a cursor below zero, or to a topic that is
//! not among those named, is error 42 for each of these.
//!
//! What differs from Apache Kafka: nothing that is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth::Action;
use model::{Topic, TopicName};
use wire::ErrorCode;
use wire::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

use super::metadata;
use crate::call::{Answer, Call, TopicKey};
use crate::error::Fault;
use crate::limits::PAGE_PARTITIONS_MAX;
use crate::operations;
use crate::permission::Authorized;

/// Names that are looked up before other connections have their turn.
const NAMES_AT_ONCE: usize = 256;

/// Describes as many partitions as there is room for.
pub(crate) async fn handle(call: Call, request: DescribeTopicPartitionsRequest) -> Answer {
    if let Err(fault) = check(&request) {
        return call.answer(refusal(&request, call.refuse(&fault)));
    }
    let mut page = Page::new(&request);
    for (number, name) in names(&call, &request).into_iter().enumerate() {
        if !page.put(&call, name) {
            break;
        }
        // Names that do not exist take no room, so there may be many.
        if number % NAMES_AT_ONCE == NAMES_AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
    }
    page.topics.append(&mut page.denied);
    call.answer(DescribeTopicPartitionsResponse {
        topics: page.topics,
        next_cursor: page.next,
        ..DescribeTopicPartitionsResponse::default()
    })
}

/// The same error for every topic that was named.
pub(crate) fn refusal(
    request: &DescribeTopicPartitionsRequest,
    code: ErrorCode,
) -> DescribeTopicPartitionsResponse {
    let topics = request.topics.iter();
    DescribeTopicPartitionsResponse {
        topics: topics.map(|topic| refused(&topic.name, code)).collect(),
        ..DescribeTopicPartitionsResponse::default()
    }
}

fn refused(name: &str, code: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: code.code(),
        name: Some(name.to_owned()),
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

/// Whether the cursor stands where the request can go on.
fn check(request: &DescribeTopicPartitionsRequest) -> Result<(), Fault> {
    let Some(cursor) = &request.cursor else {
        return Ok(());
    };
    let mut names = request.topics.iter().map(|topic| &topic.name);
    if !request.topics.is_empty() && !names.any(|name| *name == cursor.topic_name) {
        return Err(Fault::Invalid(
            "The topic of the cursor is not among those that are named.",
        ));
    }
    if cursor.partition_index < 0 {
        return Err(Fault::Invalid("The cursor's partition is below zero."));
    }
    Ok(())
}

/// Each topic once, ascending, from that of the cursor on.
fn names<'a>(call: &'a Call, request: &'a DescribeTopicPartitionsRequest) -> BTreeSet<&'a str> {
    let cursor = request.cursor.as_ref();
    let start = cursor.map_or("", |cursor| cursor.topic_name.as_str());
    if request.topics.is_empty() {
        let topics = call.topics_from(start, Action::DescribeTopic);
        let names = topics.map(|topic| topic.name.as_str());
        // Every topic has a partition, so no more topics are needed than the page has partitions, that
        // of the cursor, which may be told already, and one to go on at.
        return names.take(room(request) + 2).collect();
    }
    let names = request.topics.iter().map(|topic| topic.name.as_str());
    names.filter(|name| *name >= start).collect()
}

/// How many partitions a page has.
fn room(request: &DescribeTopicPartitionsRequest) -> usize {
    let wanted = usize::try_from(request.response_partition_limit).unwrap_or(0);
    wanted.clamp(1, PAGE_PARTITIONS_MAX)
}

/// An answer in the making.
struct Page<'a> {
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// Topics that the caller may not describe, which come last.
    denied: Vec<DescribeTopicPartitionsResponseTopic>,
    /// How many partitions it may still describe.
    left: usize,
    /// Where it begins.
    cursor: Option<&'a Cursor>,
    /// Where the next begins.
    next: Option<Cursor>,
}

impl<'a> Page<'a> {
    fn new(request: &'a DescribeTopicPartitionsRequest) -> Self {
        Self {
            topics: Vec::new(),
            denied: Vec::new(),
            left: room(request),
            cursor: request.cursor.as_ref(),
            next: None,
        }
    }

    /// Whether the topic was told whole.
    fn put(&mut self, call: &Call, name: &str) -> bool {
        let found = call.topic(TopicKey::Name(name), Action::DescribeTopic);
        if let Err(fault @ Fault::Denied(_)) = &found {
            self.denied.push(refused(name, call.refuse(fault)));
            return true;
        }
        if self.left == 0 {
            self.go_on_at(name, 0);
            return false;
        }
        match found.map(Authorized::into_request) {
            Ok(topic) => self.describe(call, &topic),
            Err(fault) => {
                let fault = TopicName::parse(name).err().map_or(fault, Fault::from);
                self.topics.push(DescribeTopicPartitionsResponseTopic {
                    topic_authorized_operations: operations::on_topic(&call.caller, name),
                    ..refused(name, call.refuse(&fault))
                });
                true
            }
        }
    }

    fn describe(&mut self, call: &Call, topic: &Arc<Topic>) -> bool {
        let name = topic.name.as_str();
        let count = topic.placements.len();
        let cursor = self.cursor.filter(|cursor| cursor.topic_name == name);
        let start = cursor.map_or(0, |cursor| cursor.partition_index as usize);
        let start = start.min(count);
        let end = count.min(start + self.left);
        let brokers = metadata::broker_count(&call.cluster);
        let partitions = start as u32..end as u32;
        self.topics.push(DescribeTopicPartitionsResponseTopic {
            name: Some(name.to_owned()),
            topic_id: topic.id.0,
            partitions: partitions
                .map(|partition| told(partition, brokers))
                .collect(),
            topic_authorized_operations: operations::on_topic(&call.caller, name),
            ..DescribeTopicPartitionsResponseTopic::default()
        });
        self.left -= end - start;
        if end < count {
            self.go_on_at(name, end as i32);
        }
        end == count
    }

    fn go_on_at(&mut self, name: &str, partition_index: i32) {
        self.next = Some(Cursor {
            topic_name: name.to_owned(),
            partition_index,
        });
    }
}

/// What Metadata shows; replicas that are not in sync, there are none.
fn told(partition: u32, brokers: u32) -> DescribeTopicPartitionsResponsePartition {
    let shown = metadata::partition_of(partition, brokers);
    DescribeTopicPartitionsResponsePartition {
        partition_index: shown.partition_index,
        leader_id: shown.leader_id,
        leader_epoch: shown.leader_epoch,
        replica_nodes: shown.replica_nodes,
        isr_nodes: shown.isr_nodes,
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..DescribeTopicPartitionsResponsePartition::default()
    }
}
