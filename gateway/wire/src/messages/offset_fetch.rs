//! OffsetFetch (9): versions 1-10, flexible from 6.
//!
//! Owns: the tables of request and response.
//! 2: null asks for all topics; an error for the whole group. 5: leader epochs (KIP-320). 7: waits for open
//! transactions (KIP-447). 8: several groups, and the fields of one group are gone (KIP-709). 9: for members of the
//! consumer protocol too (KIP-848). 10: topics by id.

use crate::schema::messages;

messages! {
    /// Committed offsets to tell.
    pub struct OffsetFetchRequest, versions [1..=10], flexible [6..] {
        /// The group, up to version 7.
        group_id: String [0..=7],
        /// Its topics, up to version 7; null is all that have offsets.
        topics: Option<Vec<OffsetFetchRequestTopic>> [0..=7] null [2..=7] = Some(Vec::new()),
        /// The groups, from version 8.
        groups: Vec<OffsetFetchRequestGroup> [8..],
        /// Whether an offset that an open transaction may replace is answered with UNSTABLE_OFFSET_COMMIT.
        require_stable: bool [7..],
    }

    /// The partitions of one topic, up to version 7.
    pub struct OffsetFetchRequestTopic {
        /// The topic.
        name: String [0..=7],
        /// The partitions.
        partition_indexes: Vec<i32> [0..=7],
    }

    /// A group, from version 8.
    pub struct OffsetFetchRequestGroup {
        /// The group.
        group_id: String [8..],
        /// The member that asks, in the consumer protocol; else null.
        member_id: Option<String> [9..] null [9..],
        /// Its epoch; -1 for no check.
        member_epoch: i32 [9..] = -1,
        /// Its topics; null is all that have offsets.
        topics: Option<Vec<OffsetFetchRequestTopics>> [8..] null [8..] = Some(Vec::new()),
    }

    /// The partitions of one topic, from version 8.
    pub struct OffsetFetchRequestTopics {
        /// The topic's name, up to version 9.
        name: String [8..=9],
        /// The topic's id, from version 10.
        topic_id: [u8; 16] [10..],
        /// The partitions.
        partition_indexes: Vec<i32> [8..],
    }

    /// The committed offsets.
    pub struct OffsetFetchResponse, versions [1..=10], flexible [6..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [3..],
        /// The topics, up to version 7.
        topics: Vec<OffsetFetchResponseTopic> [0..=7],
        /// Zero, or why nothing is told, up to version 7. Version 1 has the error at every partition only.
        error_code: i16 [2..=7],
        /// The groups, from version 8.
        groups: Vec<OffsetFetchResponseGroup> [8..],
    }

    /// The offsets in one topic, up to version 7.
    pub struct OffsetFetchResponseTopic {
        /// The topic.
        name: String [0..=7],
        /// The partitions.
        partitions: Vec<OffsetFetchResponsePartition> [0..=7],
    }

    /// The offset in one partition, up to version 7.
    pub struct OffsetFetchResponsePartition {
        /// The partition.
        partition_index: i32 [0..=7],
        /// The offset; -1 if there is none.
        committed_offset: i64 [0..=7],
        /// The leader epoch committed with it; -1 if there is none.
        committed_leader_epoch: i32 [5..=7] = -1,
        /// The text committed with it; empty if there is no offset.
        metadata: Option<String> [0..=7] null [0..=7] = Some(String::new()),
        /// Zero, or why the offset is not told.
        error_code: i16 [0..=7],
    }

    /// The offsets of one group, from version 8.
    pub struct OffsetFetchResponseGroup {
        /// The group.
        group_id: String [8..],
        /// The topics.
        topics: Vec<OffsetFetchResponseTopics> [8..],
        /// Zero, or why nothing of the group is told.
        error_code: i16 [8..],
    }

    /// The offsets in one topic, from version 8.
    pub struct OffsetFetchResponseTopics {
        /// The topic's name, up to version 9.
        name: String [8..=9],
        /// The topic's id, from version 10.
        topic_id: [u8; 16] [10..],
        /// The partitions.
        partitions: Vec<OffsetFetchResponsePartitions> [8..],
    }

    /// The offset in one partition, from version 8.
    pub struct OffsetFetchResponsePartitions {
        /// The partition.
        partition_index: i32 [8..],
        /// The offset; -1 if there is none.
        committed_offset: i64 [8..],
        /// The leader epoch committed with it; -1 if there is none.
        committed_leader_epoch: i32 [8..] = -1,
        /// The text committed with it; empty if there is no offset.
        metadata: Option<String> [8..] null [8..] = Some(String::new()),
        /// Zero, or why the offset is not told.
        error_code: i16 [8..],
    }
}
