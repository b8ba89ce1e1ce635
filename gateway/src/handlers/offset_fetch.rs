//! OffsetFetch (key 9), versions 1-10; several groups from version 8, topics by id in version 10.
//!
//! As in Kafka: a partition without an offset, or one that does not exist, is offset -1 without an error; a topic that
//! the caller may not describe is error 29 by name or left out of "all topics"; an unknown id is 100; an error of the
//! group stands at every partition in version 1, and for the group from version 2. Without a
//! coordinator the error is 16: Java consumers before 3.9 take 15 for their end. Member id and epoch (version 9) mean
//! nothing to groups of the classic protocol.
//!
//! What differs from Apache Kafka: topics are answered in the order of the request; groups beyond 32 MiB of answer are
//! error 42. There are no transactions yet, so every offset is stable.

use std::collections::{BTreeMap, BTreeSet};

use auth::{Action, Resource};
use futures_util::{StreamExt, stream};
use model::{TopicId, TopicName, TopicPartition};
use node_api::group::{FetchOffsets, FetchedOffset};
use node_api::{GroupError, GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};

use crate::answer_room::AnswerRoom;
use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;
use crate::limits::GROUPS_IN_PARALLEL_MAX;
use crate::permission::Authorized;

mod one_group;

/// First version with several groups.
const VERSION_WITH_GROUPS: i16 = 8;

/// First version in which topics are named by id.
const VERSION_WITH_IDS: i16 = 10;

/// Bytes that are counted for a partition beside its text.
const PARTITION_BYTES: usize = 32;

/// Tells the offsets of each group.
pub(crate) async fn handle(call: Call, request: OffsetFetchRequest) -> Answer {
    let coordinators = Coordinators::new(&call);
    let room = AnswerRoom::default();
    if call.version() < VERSION_WITH_GROUPS {
        let group = one_group::asked(request);
        let told = tell(&coordinators, &room, &group).await;
        let told = told.unwrap_or_else(|fault| {
            one_group::refused(&group, call.version(), call.refuse(&fault))
        });
        return call.answer(one_group::answer(told));
    }
    let (asking, told) = (&coordinators, &room);
    let groups = request.groups.into_iter().map(|group| async move {
        let told = tell(asking, told, &group).await;
        told.unwrap_or_else(|fault| refused(&group, asking.call().refuse(&fault)))
    });
    let groups = stream::iter(groups).buffered(GROUPS_IN_PARALLEL_MAX);
    let groups = groups.collect().await;
    call.answer(OffsetFetchResponse {
        groups,
        ..OffsetFetchResponse::default()
    })
}

/// The same error for every group.
pub(crate) fn refusal(
    request: &OffsetFetchRequest,
    version: i16,
    code: ErrorCode,
) -> OffsetFetchResponse {
    if version < VERSION_WITH_GROUPS {
        let group = one_group::asked(request.clone());
        return one_group::answer(one_group::refused(&group, version, code));
    }
    let groups = request.groups.iter().map(|group| refused(group, code));
    OffsetFetchResponse {
        groups: groups.collect(),
        ..OffsetFetchResponse::default()
    }
}

/// How many groups, topics and partitions the request names.
pub(crate) fn items(request: &OffsetFetchRequest) -> usize {
    let topics = request.topics.iter().flatten();
    let alone: usize = topics.map(|topic| 1 + topic.partition_indexes.len()).sum();
    let topics = request
        .groups
        .iter()
        .flat_map(|group| &group.topics)
        .flatten();
    let grouped: usize = topics.map(|topic| 1 + topic.partition_indexes.len()).sum();
    alone + request.groups.len() + grouped
}

fn refused(group: &OffsetFetchRequestGroup, code: ErrorCode) -> OffsetFetchResponseGroup {
    OffsetFetchResponseGroup {
        group_id: group.group_id.clone(),
        error_code: code.code(),
        ..OffsetFetchResponseGroup::default()
    }
}

async fn tell(
    coordinators: &Coordinators<'_>,
    room: &AnswerRoom,
    asked: &OffsetFetchRequestGroup,
) -> Result<OffsetFetchResponseGroup, Fault> {
    let group = coordinators.group(Action::DescribeGroup, &asked.group_id)?;
    room.check()?;
    let topics = match &asked.topics {
        Some(topics) => named(coordinators, &group, topics).await?,
        None => all(coordinators, &group).await?,
    };
    room.take(topics.iter().map(size_of_topic).sum());
    Ok(OffsetFetchResponseGroup {
        group_id: asked.group_id.clone(),
        topics,
        error_code: 0,
    })
}

fn size_of_topic(topic: &OffsetFetchResponseTopics) -> usize {
    let texts = topic.partitions.iter().flat_map(|told| &told.metadata);
    let texts: usize = texts.map(String::len).sum();
    topic.name.len() + texts + topic.partitions.len() * PARTITION_BYTES
}

async fn fetch(
    coordinators: &Coordinators<'_>,
    group: &Authorized<String>,
    partitions: Option<Vec<TopicPartition>>,
) -> Result<Vec<FetchedOffset>, Fault> {
    let fetch = GroupRequest::FetchOffsets(FetchOffsets { partitions });
    let outcome = match coordinators.ask(group, fetch).await {
        Ok(GroupReply::FetchOffsets(outcome)) => outcome.map_err(Fault::from),
        Ok(_) => Err(wrong_reply()),
        Err(fault) => Err(fault),
    };
    outcome.map_err(|fault| match fault {
        Fault::Group(GroupError::NotAvailable) => GroupError::NotCoordinator.into(),
        fault => fault,
    })
}

/// The offsets of every topic that there is and that the caller may describe.
async fn all(
    coordinators: &Coordinators<'_>,
    group: &Authorized<String>,
) -> Result<Vec<OffsetFetchResponseTopics>, Fault> {
    let call = coordinators.call();
    let mut topics = BTreeMap::<TopicName, OffsetFetchResponseTopics>::new();
    for fetched in fetch(coordinators, group, None).await? {
        let id = fetched.key.topic;
        let Some(topic) = call.map.topic_by_id(call.cluster.id, id) else {
            continue;
        };
        let is_there = (fetched.key.partition as usize) < topic.placements.len();
        let resource = Resource::Topic(topic.name.as_str());
        if is_there && call.caller.may(Action::DescribeTopic, resource) {
            let told =
                topics
                    .entry(topic.name.clone())
                    .or_insert_with(|| OffsetFetchResponseTopics {
                        name: topic.name.to_string(),
                        topic_id: id.0,
                        ..OffsetFetchResponseTopics::default()
                    });
            let index = fetched.key.partition as i32;
            told.partitions.push(committed(index, fetched));
        }
    }
    Ok(topics.into_values().collect())
}

/// The offsets of the topics that were named.
async fn named(
    coordinators: &Coordinators<'_>,
    group: &Authorized<String>,
    topics: &[OffsetFetchRequestTopics],
) -> Result<Vec<OffsetFetchResponseTopics>, Fault> {
    let call = coordinators.call();
    let (slots, keys) = sort_out(call, topics);
    let fetched = if keys.is_empty() {
        Vec::new()
    } else {
        fetch(coordinators, group, Some(keys)).await?
    };
    let (mut slots, mut fetched) = (slots.into_iter(), fetched.into_iter());
    let topics = topics.iter().map(|topic| {
        let indexes = topic.partition_indexes.iter().zip(slots.by_ref());
        let partitions = indexes.filter_map(|(&index, slot)| Some((index, slot?)));
        let partitions = partitions.map(|(index, slot)| match slot {
            Ok(true) => fetched.next().map_or_else(
                || none(index, call.refuse(&wrong_reply())),
                |fetched| committed(index, fetched),
            ),
            Ok(false) => none(index, ErrorCode::None),
            Err(fault) => none(index, call.refuse(&fault)),
        });
        OffsetFetchResponseTopics {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: partitions.collect(),
        }
    });
    Ok(topics.collect())
}

/// Whether a partition of the request is among what is fetched; none where it was named before: it is
/// answered once, so that an answer is not many times what the group keeps.
type Slot = Option<Result<bool, Fault>>;

/// What is to be fetched, and a slot for each partition of the request.
fn sort_out(call: &Call, topics: &[OffsetFetchRequestTopics]) -> (Vec<Slot>, Vec<TopicPartition>) {
    let mut slots = Vec::new();
    let mut keys = Vec::new();
    let mut seen = BTreeSet::new();
    for asked in topics {
        let key = if call.version() >= VERSION_WITH_IDS {
            TopicKey::Id(TopicId(asked.topic_id))
        } else {
            TopicKey::Name(&asked.name)
        };
        let topic = call
            .topic(key, Action::DescribeTopic)
            .map(Authorized::into_request);
        for &index in &asked.partition_indexes {
            let topic = topic.as_ref().map_err(Fault::clone);
            let slot = match topic.and_then(|topic| partition_of(topic, index)) {
                Ok(key) => {
                    let is_new = seen.insert(key);
                    keys.extend(is_new.then_some(key));
                    is_new.then_some(Ok(true))
                }
                Err(Fault::UnknownTopicOrPartition) => Some(Ok(false)),
                Err(fault) => Some(Err(fault)),
            };
            slots.push(slot);
        }
    }
    (slots, keys)
}

fn committed(partition_index: i32, fetched: FetchedOffset) -> OffsetFetchResponsePartitions {
    let epoch = fetched
        .leader_epoch
        .and_then(|epoch| i32::try_from(epoch.0).ok());
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: fetched.offset.map_or(-1, model::Offset::to_wire),
        committed_leader_epoch: epoch.unwrap_or(-1),
        metadata: Some(fetched.metadata),
        error_code: 0,
    }
}

fn none(partition_index: i32, code: ErrorCode) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        error_code: code.code(),
        ..OffsetFetchResponsePartitions::default()
    }
}
