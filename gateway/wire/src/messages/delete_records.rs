//! DeleteRecords (21): versions 0-2, flexible from 2.
//!
//! Owns: the tables of request and response.

use crate::schema::messages;

messages! {
    /// Partitions to cut off at the front.
    pub struct DeleteRecordsRequest, versions [0..=2], flexible [2..] {
        /// The topics.
        topics: Vec<DeleteRecordsTopic> [0..],
        /// How long the client waits, in milliseconds.
        timeout_ms: i32 [0..],
    }

    /// The partitions of one topic.
    pub struct DeleteRecordsTopic {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<DeleteRecordsPartition> [0..],
    }

    /// Where to cut one partition.
    pub struct DeleteRecordsPartition {
        /// The partition.
        partition_index: i32 [0..],
        /// The first offset that stays; -1 for the high watermark.
        offset: i64 [0..],
    }

    /// What became of each partition.
    pub struct DeleteRecordsResponse, versions [0..=2], flexible [2..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// The topics.
        topics: Vec<DeleteRecordsTopicResult> [0..],
    }

    /// What became of the partitions of one topic.
    pub struct DeleteRecordsTopicResult {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<DeleteRecordsPartitionResult> [0..],
    }

    /// What became of one partition.
    pub struct DeleteRecordsPartitionResult {
        /// The partition.
        partition_index: i32 [0..],
        /// The first offset that the partition still holds; -1 with an error.
        low_watermark: i64 [0..],
        /// Zero, or why nothing was cut off.
        error_code: i16 [0..],
    }
}
