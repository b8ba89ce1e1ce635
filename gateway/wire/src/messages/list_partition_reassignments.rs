//! ListPartitionReassignments (46): version 0, flexible (KIP-455).
//!
//! Owns: the tables of request and response.

use crate::schema::messages;

messages! {
    /// Which reassignments to list.
    pub struct ListPartitionReassignmentsRequest, versions [0..=0], flexible [0..] {
        /// How long the client waits, in milliseconds.
        timeout_ms: i32 [0..] = 60_000,
        /// The topics; null is all of them.
        topics: Option<Vec<ListPartitionReassignmentsTopics>> [0..] null [0..],
    }

    /// The partitions of one topic.
    pub struct ListPartitionReassignmentsTopics {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partition_indexes: Vec<i32> [0..],
    }

    /// The partitions that are being reassigned.
    pub struct ListPartitionReassignmentsResponse, versions [0..=0], flexible [0..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// Zero, or why the list is not told.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [0..] null [0..],
        /// The topics.
        topics: Vec<OngoingTopicReassignment> [0..],
    }

    /// The partitions of one topic that are being reassigned.
    pub struct OngoingTopicReassignment {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<OngoingPartitionReassignment> [0..],
    }

    /// A partition that is being reassigned.
    pub struct OngoingPartitionReassignment {
        /// The partition.
        partition_index: i32 [0..],
        /// The nodes that hold it.
        replicas: Vec<i32> [0..],
        /// Those that come.
        adding_replicas: Vec<i32> [0..],
        /// Those that go.
        removing_replicas: Vec<i32> [0..],
    }
}
