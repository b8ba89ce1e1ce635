//! OffsetCommit (key 8), versions 2-10; topics by id in version 10.
//!
//! Offsets are kept by topic id, so that a topic that is created again begins without. As in Kafka, a topic that the
//! caller may not read is error 29, one that is unknown 3 (100 by id), and where nothing is left to commit, the group
//! is not looked at; a group without a name may have offsets.
//!
//! What differs from Apache Kafka: topics are answered in the order of the request; an offset below zero is error 42,
//! where Kafka keeps it and then tells it as none; of a partition that is named repeatedly only the last offset is
//! written, and every mention is answered with what became of it; metadata beyond 4 MiB of a request is error 12.

use std::collections::BTreeMap;

use auth::Action;
use model::{LeaderEpoch, Offset, TopicId, TopicPartition};
use node_api::group::{CommitOffset, CommitOffsets, Membership};
use node_api::{GroupError, GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;
use crate::limits::COMMITTED_METADATA_BYTES_MAX;
use crate::permission::Authorized;

/// First version in which topics are named by id.
const VERSION_WITH_IDS: i16 = 10;

/// What becomes of each partition of the request, in its order.
type Outcomes = Vec<Result<(), Fault>>;

/// For each partition of the request, in its order, which of the offsets that are committed stands for it.
type Places = Vec<Result<usize, Fault>>;

/// Commits what can be committed.
pub(crate) async fn handle(call: Call, mut request: OffsetCommitRequest) -> Answer {
    let outcomes = commit(&call, &mut request).await;
    let mut codes = outcomes
        .into_iter()
        .map(|outcome| outcome.map_or_else(|fault| call.refuse(&fault).code(), |()| 0));
    call.answer(respond(request, || codes.next().unwrap_or_default()))
}

/// The same error for every partition.
pub(crate) fn refusal(request: &OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse {
    respond(request.clone(), || code.code())
}

fn respond(request: OffsetCommitRequest, mut code: impl FnMut() -> i16) -> OffsetCommitResponse {
    let topics = request.topics.into_iter();
    let topics = topics.map(|topic| OffsetCommitResponseTopic {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: code(),
            })
            .collect(),
    });
    OffsetCommitResponse {
        topics: topics.collect(),
        ..OffsetCommitResponse::default()
    }
}

async fn commit(call: &Call, request: &mut OffsetCommitRequest) -> Outcomes {
    let coordinators = Coordinators::new(call);
    let group = match coordinators.group(Action::AlterGroup, &request.group_id) {
        Ok(group) => group,
        Err(fault) => {
            let partitions = request.topics.iter().map(|topic| topic.partitions.len());
            return vec![Err(fault); partitions.sum()];
        }
    };
    let (places, offsets) = sort_out(call, request);
    if offsets.is_empty() {
        return settle(places, Ok(Vec::new()));
    }
    let commit = GroupRequest::CommitOffsets(CommitOffsets {
        membership: Membership {
            member_id: std::mem::take(&mut request.member_id),
            instance_id: request.group_instance_id.take(),
            generation: request.generation_id_or_member_epoch,
        },
        offsets,
        retention_ms: u64::try_from(request.retention_time_ms).ok(),
    });
    let committed = match coordinators.ask(&group, commit).await {
        Ok(GroupReply::CommitOffsets(committed)) => committed.map_err(Fault::from),
        Ok(_) => Err(wrong_reply()),
        Err(fault) => Err(fault),
    };
    settle(places, committed)
}

/// Each partition that was handed over gets what the coordinator says of it, or of all.
fn settle(places: Places, committed: Result<Vec<Result<(), GroupError>>, Fault>) -> Outcomes {
    let outcomes = places.into_iter().map(|place| {
        let place = place?;
        let committed = committed.as_ref().map_err(Fault::clone)?;
        Ok((*committed.get(place).ok_or_else(wrong_reply)?)?)
    });
    outcomes.collect()
}

/// What is committed, each partition once.
#[derive(Default)]
struct Sorted {
    offsets: Vec<CommitOffset>,
    places: BTreeMap<TopicPartition, usize>,
    metadata_bytes: usize,
}

impl Sorted {
    /// Takes an offset in, in the place of an earlier one of its partition.
    fn put(&mut self, offset: CommitOffset) -> Result<usize, Fault> {
        let place = self.places.get(&offset.key).copied();
        let before = place.map_or(0, |place| self.offsets[place].metadata.len());
        let bytes = self.metadata_bytes - before + offset.metadata.len();
        if bytes > COMMITTED_METADATA_BYTES_MAX {
            return Err(GroupError::OffsetMetadataTooLarge.into());
        }
        self.metadata_bytes = bytes;
        if let Some(place) = place {
            self.offsets[place] = offset;
            return Ok(place);
        }
        self.places.insert(offset.key, self.offsets.len());
        self.offsets.push(offset);
        Ok(self.offsets.len() - 1)
    }
}

/// What can be committed, and for each partition of the request whether it can.
fn sort_out(call: &Call, request: &mut OffsetCommitRequest) -> (Places, Vec<CommitOffset>) {
    let mut sorted = Sorted::default();
    let mut places = Vec::new();
    for asked in &mut request.topics {
        let topic = call
            .topic(key(call, asked), Action::ReadData)
            .map(Authorized::into_request);
        for asked in &mut asked.partitions {
            let topic = topic.as_ref().map_err(Fault::clone);
            let offset = topic
                .and_then(|topic| partition_of(topic, asked.partition_index))
                .and_then(|partition| offset(partition, asked));
            places.push(offset.and_then(|offset| sorted.put(offset)));
        }
    }
    (places, sorted.offsets)
}

fn key<'a>(call: &Call, asked: &'a OffsetCommitRequestTopic) -> TopicKey<'a> {
    if call.version() >= VERSION_WITH_IDS {
        TopicKey::Id(TopicId(asked.topic_id))
    } else {
        TopicKey::Name(&asked.name)
    }
}

fn offset(
    key: TopicPartition,
    asked: &mut OffsetCommitRequestPartition,
) -> Result<CommitOffset, Fault> {
    let metadata = asked.committed_metadata.take().unwrap_or_default();
    let offset = Offset::from_wire(asked.committed_offset);
    let epoch = u32::try_from(asked.committed_leader_epoch).ok();
    Ok(CommitOffset {
        key,
        offset: offset.ok_or(Fault::Invalid("An offset must not be negative."))?,
        leader_epoch: epoch.map(LeaderEpoch),
        metadata,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_gets_what_is_said_of_it() {
        let asked = || vec![Ok(0), Err(Fault::UnknownTopicId), Ok(1)];
        let codes = |committed| {
            let outcomes = settle(asked(), committed).into_iter();
            let codes = outcomes.map(|outcome| outcome.map_or_else(|f| f.code().code(), |()| 0));
            codes.collect::<Vec<_>>()
        };
        let second = Err(GroupError::OffsetMetadataTooLarge);
        assert_eq!(codes(Ok(vec![Ok(()), second])), [0, 100, 12]);
        assert_eq!(
            codes(Err(GroupError::RebalanceInProgress.into())),
            [27, 100, 27]
        );
        assert_eq!(codes(Ok(vec![Ok(())])), [0, 100, 15]);
    }

    #[test]
    fn the_last_offset_of_a_partition_wins_and_metadata_is_bounded() {
        let commit = |partition, offset, bytes| CommitOffset {
            key: TopicPartition {
                topic: TopicId([1; 16]),
                partition,
            },
            offset: Offset::new(offset).expect("it is small"),
            leader_epoch: None,
            metadata: "m".repeat(bytes),
        };
        let mut sorted = Sorted::default();
        let mut put = |offset| sorted.put(offset).map_err(|fault| fault.code().code());
        assert_eq!(put(commit(0, 5, COMMITTED_METADATA_BYTES_MAX)), Ok(0));
        assert_eq!(put(commit(1, 6, 1)), Err(12));
        assert_eq!(put(commit(0, 3, COMMITTED_METADATA_BYTES_MAX - 1)), Ok(0));
        assert_eq!(put(commit(1, 6, 1)), Ok(1));
        let offsets = sorted.offsets.iter();
        let offsets: Vec<_> = offsets.map(|commit| commit.offset.to_wire()).collect();
        assert_eq!(offsets, [3, 6]);
    }
}
