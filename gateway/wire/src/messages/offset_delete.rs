//! OffsetDelete (47): version 0, never flexible (KIP-496).
//!
//! Owns: the tables of request and response.

use crate::schema::messages;

messages! {
    /// Committed offsets to delete.
    pub struct OffsetDeleteRequest, versions [0..=0], flexible [none] {
        /// The group.
        group_id: String [0..],
        /// The topics.
        topics: Vec<OffsetDeleteRequestTopic> [0..],
    }

    /// The partitions of one topic.
    pub struct OffsetDeleteRequestTopic {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<OffsetDeleteRequestPartition> [0..],
    }

    /// A partition whose offset is to be deleted.
    pub struct OffsetDeleteRequestPartition {
        /// The partition.
        partition_index: i32 [0..],
    }

    /// What became of each offset.
    pub struct OffsetDeleteResponse, versions [0..=0], flexible [none] {
        /// Zero, or why nothing was deleted.
        error_code: i16 [0..],
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// The topics.
        topics: Vec<OffsetDeleteResponseTopic> [0..],
    }

    /// What became of the offsets in one topic.
    pub struct OffsetDeleteResponseTopic {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<OffsetDeleteResponsePartition> [0..],
    }

    /// What became of the offset in one partition.
    pub struct OffsetDeleteResponsePartition {
        /// The partition.
        partition_index: i32 [0..],
        /// Zero, or why the offset was not deleted.
        error_code: i16 [0..],
    }
}
