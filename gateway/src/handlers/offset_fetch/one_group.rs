//! OffsetFetch up to version 7, whose requests and answers have one group: into the form of later versions, and back.
//!
//! Owns: the two forms. Does not own: what is told.

use wire::ErrorCode;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

/// First version that has a place for an error of the group.
const VERSION_WITH_ERROR: i16 = 2;

/// The group of the request.
pub(super) fn asked(request: OffsetFetchRequest) -> OffsetFetchRequestGroup {
    let topic = |topic: OffsetFetchRequestTopic| OffsetFetchRequestTopics {
        name: topic.name,
        partition_indexes: topic.partition_indexes,
        ..OffsetFetchRequestTopics::default()
    };
    let topics = request.topics;
    OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics: topics.map(|topics| topics.into_iter().map(topic).collect()),
        ..OffsetFetchRequestGroup::default()
    }
}

/// Nothing of the group is told.
pub(super) fn refused(
    group: &OffsetFetchRequestGroup,
    version: i16,
    code: ErrorCode,
) -> OffsetFetchResponseGroup {
    let refused = OffsetFetchResponseGroup {
        error_code: code.code(),
        ..OffsetFetchResponseGroup::default()
    };
    if version >= VERSION_WITH_ERROR {
        return refused;
    }
    let topics = group.topics.iter().flatten();
    let topics = topics.map(|topic| OffsetFetchResponseTopics {
        name: topic.name.clone(),
        partitions: topic
            .partition_indexes
            .iter()
            .map(|&index| super::none(index, code))
            .collect(),
        ..OffsetFetchResponseTopics::default()
    });
    OffsetFetchResponseGroup {
        topics: topics.collect(),
        ..refused
    }
}

/// The answer, which is that of one group.
pub(super) fn answer(group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let partition = |told: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: told.partition_index,
        committed_offset: told.committed_offset,
        committed_leader_epoch: told.committed_leader_epoch,
        metadata: told.metadata,
        error_code: told.error_code,
    };
    let topic = |told: OffsetFetchResponseTopics| OffsetFetchResponseTopic {
        name: told.name,
        partitions: told.partitions.into_iter().map(partition).collect(),
    };
    OffsetFetchResponse {
        topics: group.topics.into_iter().map(topic).collect(),
        error_code: group.error_code,
        ..OffsetFetchResponse::default()
    }
}
