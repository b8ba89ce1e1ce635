//! OffsetForLeaderEpoch (23): versions 2-4, flexible from 4.
//!
//! Owns: the tables of request and response.
//! 2: the client's own leader epoch is checked (KIP-320). 3: the asking replica is named (KIP-392).

use crate::schema::messages;

messages! {
    /// Leader epochs whose ends are looked for.
    pub struct OffsetForLeaderEpochRequest, versions [2..=4], flexible [4..] {
        /// The follower that asks; -1 for a consumer, -2 for one that may look beyond the high watermark.
        replica_id: i32 [3..] = -2,
        /// The topics.
        topics: Vec<OffsetForLeaderTopic> [0..],
    }

    /// The epochs in one topic.
    pub struct OffsetForLeaderTopic {
        /// The topic.
        topic: String [0..],
        /// The partitions.
        partitions: Vec<OffsetForLeaderPartition> [0..],
    }

    /// The epoch in one partition.
    pub struct OffsetForLeaderPartition {
        /// The partition.
        partition: i32 [0..],
        /// The leader epoch that the client knows; -1 to skip the check.
        current_leader_epoch: i32 [2..] = -1,
        /// The epoch whose end is looked for.
        leader_epoch: i32 [0..],
    }

    /// The ends that were found.
    pub struct OffsetForLeaderEpochResponse, versions [2..=4], flexible [4..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [2..],
        /// The topics.
        topics: Vec<OffsetForLeaderTopicResult> [0..],
    }

    /// The ends in one topic.
    pub struct OffsetForLeaderTopicResult {
        /// The topic.
        topic: String [0..],
        /// The partitions.
        partitions: Vec<EpochEndOffset> [0..],
    }

    /// The end of an epoch in one partition.
    pub struct EpochEndOffset {
        /// Zero, or why nothing was looked up.
        error_code: i16 [0..],
        /// The partition.
        partition: i32 [0..],
        /// The largest epoch up to the one asked for; -1 if there is none.
        leader_epoch: i32 [1..] = -1,
        /// The offset behind its last record; -1 if there is none.
        end_offset: i64 [0..] = -1,
    }
}
