//! CreatePartitions (37): versions 0-3, flexible from 2.
//!
//! Owns: the tables of request and response.
//! 3: may be throttled by an error (KIP-599).

use crate::schema::messages;

messages! {
    /// Topics that get more partitions.
    pub struct CreatePartitionsRequest, versions [0..=3], flexible [2..] {
        /// The topics.
        topics: Vec<CreatePartitionsTopic> [0..],
        /// How long the client waits, in milliseconds.
        timeout_ms: i32 [0..],
        /// Whether to check everything and create nothing.
        validate_only: bool [0..],
    }

    /// A topic.
    pub struct CreatePartitionsTopic {
        /// Its name.
        name: String [0..],
        /// How many partitions it is to have in all.
        count: i32 [0..],
        /// Where each new partition is to be; null to leave it to the server.
        assignments: Option<Vec<CreatePartitionsAssignment>> [0..] null [0..] = Some(Vec::new()),
    }

    /// Where a new partition is to be.
    pub struct CreatePartitionsAssignment {
        /// The nodes.
        broker_ids: Vec<i32> [0..],
    }

    /// What became of each topic.
    pub struct CreatePartitionsResponse, versions [0..=3], flexible [2..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// The topics.
        results: Vec<CreatePartitionsTopicResult> [0..],
    }

    /// What became of one topic.
    pub struct CreatePartitionsTopicResult {
        /// Its name.
        name: String [0..],
        /// Zero, or why it has no more partitions than before.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [0..] null [0..],
    }
}
