//! CreateTopics (19): versions 2-7, flexible from 5.
//!
//! Owns: the tables of request and response.
//! 4: -1 stands for the default of partitions and replicas (KIP-464). 5: the response tells the configuration
//! (KIP-525). 6: may be throttled by an error (KIP-599). 7: the response tells the topic's id.

use crate::schema::messages;

messages! {
    /// Topics to create.
    pub struct CreateTopicsRequest, versions [2..=7], flexible [5..] {
        /// The topics.
        topics: Vec<CreatableTopic> [0..],
        /// How long the client waits, in milliseconds.
        timeout_ms: i32 [0..] = 60_000,
        /// Whether to check everything and create nothing.
        validate_only: bool [1..],
    }

    /// A topic to create.
    pub struct CreatableTopic {
        /// Its name.
        name: String [0..],
        /// How many partitions; -1 for the default, or with `assignments`.
        num_partitions: i32 [0..],
        /// How many replicas of each; -1 for the default, or with `assignments`.
        replication_factor: i16 [0..],
        /// Where each partition is to be; empty to leave it to the server.
        assignments: Vec<CreatableReplicaAssignment> [0..],
        /// Properties that differ from the defaults.
        configs: Vec<CreatableTopicConfig> [0..],
    }

    /// Where a partition is to be.
    pub struct CreatableReplicaAssignment {
        /// The partition.
        partition_index: i32 [0..],
        /// The nodes.
        broker_ids: Vec<i32> [0..],
    }

    /// A property to set.
    pub struct CreatableTopicConfig {
        /// Its name.
        name: String [0..],
        /// Its value.
        value: Option<String> [0..] null [0..],
    }

    /// What became of each topic.
    pub struct CreateTopicsResponse, versions [2..=7], flexible [5..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [2..],
        /// The topics.
        topics: Vec<CreatableTopicResult> [0..],
    }

    /// What became of one topic.
    pub struct CreatableTopicResult {
        /// Its name.
        name: String [0..],
        /// Its id, from version 7.
        topic_id: [u8; 16] [7..],
        /// Zero, or why it was not created.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [1..] null [0..],
        /// Why `configs` is null.
        topic_config_error_code: i16 [5..] tag 0,
        /// How many partitions it has.
        num_partitions: i32 [5..] = -1,
        /// How many replicas each partition has.
        replication_factor: i16 [5..] = -1,
        /// Its properties. Null only with `topic_config_error_code`, or Java's AdminClient fails.
        configs: Option<Vec<CreatableTopicConfigs>> [5..] null [5..] = Some(Vec::new()),
    }

    /// A property of a new topic.
    pub struct CreatableTopicConfigs {
        /// Its name.
        name: String [5..],
        /// Its value.
        value: Option<String> [5..] null [5..],
        /// Whether it cannot be changed.
        read_only: bool [5..],
        /// Where the value comes from.
        config_source: i8 [5..] = -1,
        /// Whether the value is a secret.
        is_sensitive: bool [5..],
    }
}
