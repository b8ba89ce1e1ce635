//! DescribeTopicPartitions (75): version 0, flexible (KIP-966).
//!
//! Owns: the tables of request and response.

use crate::schema::messages;

messages! {
    /// Which topics to describe, and from where on.
    pub struct DescribeTopicPartitionsRequest, versions [0..=0], flexible [0..] {
        /// The topics; none is all of them.
        topics: Vec<TopicRequest> [0..],
        /// How many partitions the answer may have.
        response_partition_limit: i32 [0..] = 2000,
        /// Where the answer begins; null is the beginning.
        cursor: Option<Cursor> [0..] null [0..],
    }

    /// A topic.
    pub struct TopicRequest {
        /// Its name.
        name: String [0..],
    }

    /// A place in the list of all partitions, topics by name.
    pub struct Cursor {
        /// The topic.
        topic_name: String [0..],
        /// The partition.
        partition_index: i32 [0..],
    }

    /// Topics and their partitions.
    pub struct DescribeTopicPartitionsResponse, versions [0..=0], flexible [0..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// The topics.
        topics: Vec<DescribeTopicPartitionsResponseTopic> [0..],
        /// Where to go on; null if that was all.
        next_cursor: Option<Cursor> [0..] null [0..],
    }

    /// A topic.
    pub struct DescribeTopicPartitionsResponseTopic {
        /// Zero, or why it is not described.
        error_code: i16 [0..],
        /// Its name.
        name: Option<String> [0..] null [0..],
        /// Its id.
        topic_id: [u8; 16] [0..],
        /// Whether it is the cluster's own.
        is_internal: bool [0..],
        /// Its partitions.
        partitions: Vec<DescribeTopicPartitionsResponsePartition> [0..],
        /// A bit for each operation that the client may do to it; `i32::MIN` if that is not told.
        topic_authorized_operations: i32 [0..] = i32::MIN,
    }

    /// A partition.
    pub struct DescribeTopicPartitionsResponsePartition {
        /// Zero, or what is wrong with it.
        error_code: i16 [0..],
        /// Its number.
        partition_index: i32 [0..],
        /// The node that leads it.
        leader_id: i32 [0..],
        /// The leader's epoch.
        leader_epoch: i32 [0..] = -1,
        /// The nodes that hold it.
        replica_nodes: Vec<i32> [0..],
        /// Those of them that are in sync.
        isr_nodes: Vec<i32> [0..],
        /// Those that may become leader though they are not in sync; null if that is not told.
        eligible_leader_replicas: Option<Vec<i32>> [0..] null [0..],
        /// The last of those that were known; null if that is not told.
        last_known_elr: Option<Vec<i32>> [0..] null [0..],
        /// Those that are down.
        offline_replicas: Vec<i32> [0..],
    }
}
