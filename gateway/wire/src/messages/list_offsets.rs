//! ListOffsets (2): versions 1-11, flexible from 6.
//!
//! Owns: the tables of request and response.
//! Special timestamps: -1 latest, -2 earliest, -3 of the largest timestamp (7, KIP-734), -4 earliest local (8,
//! KIP-405), -5 latest tiered (9, KIP-1005), -6 earliest that waits for upload (11, KIP-1023).

use crate::schema::messages;

messages! {
    /// Timestamps to look up.
    pub struct ListOffsetsRequest, versions [1..=11], flexible [6..] {
        /// The follower that asks; -1 for a consumer.
        replica_id: i32 [0..],
        /// 0: read uncommitted. 1: read committed, where the latest offset is the last stable one.
        isolation_level: i8 [2..],
        /// The topics.
        topics: Vec<ListOffsetsTopic> [0..],
        /// How long the lookup may take in remote storage, in milliseconds.
        timeout_ms: i32 [10..],
    }

    /// Timestamps to look up in one topic.
    pub struct ListOffsetsTopic {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<ListOffsetsPartition> [0..],
    }

    /// A timestamp to look up in one partition.
    pub struct ListOffsetsPartition {
        /// The partition.
        partition_index: i32 [0..],
        /// The leader epoch that the client knows; -1 to skip the check.
        current_leader_epoch: i32 [4..] = -1,
        /// Milliseconds since 1970, or one of the special values.
        timestamp: i64 [0..],
    }

    /// What was found.
    pub struct ListOffsetsResponse, versions [1..=11], flexible [6..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [2..],
        /// The topics.
        topics: Vec<ListOffsetsTopicResponse> [0..],
    }

    /// What was found in one topic.
    pub struct ListOffsetsTopicResponse {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<ListOffsetsPartitionResponse> [0..],
    }

    /// What was found in one partition.
    pub struct ListOffsetsPartitionResponse {
        /// The partition.
        partition_index: i32 [0..],
        /// Zero, or why nothing was looked up.
        error_code: i16 [0..],
        /// The timestamp of the record found; -1 if there is none.
        timestamp: i64 [1..] = -1,
        /// Its offset; -1 if there is none.
        offset: i64 [1..] = -1,
        /// Its leader epoch; -1 if it is not known.
        leader_epoch: i32 [4..] = -1,
    }
}
