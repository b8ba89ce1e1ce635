//! OffsetCommit (8): versions 2-10, flexible from 8.
//!
//! Owns: the tables of request and response.
//! 5: the client says no more for how long offsets are kept. 6: leader epochs (KIP-320). 7: static members (KIP-345).
//! 9: for members of the consumer protocol too (KIP-848). 10: topics by id.

use crate::schema::messages;

messages! {
    /// Offsets that a group has come to.
    pub struct OffsetCommitRequest, versions [2..=10], flexible [8..] {
        /// The group.
        group_id: String [0..],
        /// The generation, or the member's epoch in the consumer protocol; -1 from a client that is no member.
        generation_id_or_member_epoch: i32 [1..] = -1,
        /// The member; empty from a client that is none.
        member_id: String [1..],
        /// The static member's own name, or null.
        group_instance_id: Option<String> [7..] null [7..],
        /// For how long the offsets are to be kept, in milliseconds; -1 for as long as the server likes.
        retention_time_ms: i64 [2..=4] = -1,
        /// The topics.
        topics: Vec<OffsetCommitRequestTopic> [0..],
    }

    /// Offsets in one topic.
    pub struct OffsetCommitRequestTopic {
        /// The topic's name, up to version 9.
        name: String [0..=9],
        /// The topic's id, from version 10.
        topic_id: [u8; 16] [10..],
        /// The partitions.
        partitions: Vec<OffsetCommitRequestPartition> [0..],
    }

    /// The offset in one partition.
    pub struct OffsetCommitRequestPartition {
        /// The partition.
        partition_index: i32 [0..],
        /// The offset of the next record to read.
        committed_offset: i64 [0..],
        /// The leader epoch of the last record read; -1 if it is not known.
        committed_leader_epoch: i32 [6..] = -1,
        /// A text of the client's own, kept beside the offset.
        committed_metadata: Option<String> [0..] null [0..],
    }

    /// What became of each offset.
    pub struct OffsetCommitResponse, versions [2..=10], flexible [8..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [3..],
        /// The topics.
        topics: Vec<OffsetCommitResponseTopic> [0..],
    }

    /// What became of the offsets in one topic.
    pub struct OffsetCommitResponseTopic {
        /// The topic's name, up to version 9.
        name: String [0..=9],
        /// The topic's id, from version 10.
        topic_id: [u8; 16] [10..],
        /// The partitions.
        partitions: Vec<OffsetCommitResponsePartition> [0..],
    }

    /// What became of the offset in one partition.
    pub struct OffsetCommitResponsePartition {
        /// The partition.
        partition_index: i32 [0..],
        /// Zero, or why the offset was not stored. There is no error for the whole request.
        error_code: i16 [0..],
    }
}
