//! Produce (0): versions 3-13, flexible from 9.
//!
//! Owns: the tables of request and response.
//! Versions 0-2 are advertised and refused (see `versions.rs`). 7: zstd may be used (KIP-110). 8: errors per record
//! (KIP-467). 12: may add partitions to a transaction (KIP-890). 13: topics by id (KIP-516).

use bytes::Bytes;

use crate::schema::messages;

messages! {
    /// Batches to append, by topic and partition.
    pub struct ProduceRequest, versions [3..=13], flexible [9..] {
        /// The producer's transactional id; null for a producer without transactions.
        transactional_id: Option<String> [3..] null [3..],
        /// Who must have a batch before it is acknowledged: 0 nobody (then there is no response), 1 the leader, -1 all.
        acks: i16 [0..],
        /// How long the client lets the server wait for that, in milliseconds.
        timeout_ms: i32 [0..],
        /// The topics.
        topic_data: Vec<TopicProduceData> [0..],
    }

    /// The batches for one topic.
    pub struct TopicProduceData {
        /// The topic's name, up to version 12.
        name: String [0..=12],
        /// The topic's id, from version 13.
        topic_id: [u8; 16] [13..],
        /// The partitions.
        partition_data: Vec<PartitionProduceData> [0..],
    }

    /// The batch for one partition.
    pub struct PartitionProduceData {
        /// The partition.
        index: i32 [0..],
        /// The batch as the client encoded it: a slice of the frame.
        records: Option<Bytes> [0..] null [0..],
    }

    /// What became of each batch.
    pub struct ProduceResponse, versions [3..=13], flexible [9..] {
        /// The topics.
        responses: Vec<TopicProduceResponse> [0..],
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// Addresses of the leaders that are named with NOT_LEADER_OR_FOLLOWER (KIP-951).
        node_endpoints: Vec<NodeEndpoint> [10..] tag 0,
    }

    /// What became of the batches of one topic.
    pub struct TopicProduceResponse {
        /// The topic's name, up to version 12.
        name: String [0..=12],
        /// The topic's id, from version 13.
        topic_id: [u8; 16] [13..],
        /// The partitions.
        partition_responses: Vec<PartitionProduceResponse> [0..],
    }

    /// What became of the batch of one partition.
    pub struct PartitionProduceResponse {
        /// The partition.
        index: i32 [0..],
        /// Zero, or why the batch was refused.
        error_code: i16 [0..],
        /// The offset of the batch's first record.
        base_offset: i64 [0..],
        /// When the batch was appended, if the topic's timestamps are set by the server; else -1.
        log_append_time_ms: i64 [2..] = -1,
        /// The first offset that the partition still holds.
        log_start_offset: i64 [5..] = -1,
        /// The records for which the batch was refused.
        record_errors: Vec<BatchIndexAndErrorMessage> [8..],
        /// Why the batch was refused, in words.
        error_message: Option<String> [8..] null [8..],
        /// Who leads the partition, with NOT_LEADER_OR_FOLLOWER (KIP-951).
        current_leader: LeaderIdAndEpoch [10..] tag 0,
    }

    /// A record for which a batch was refused.
    pub struct BatchIndexAndErrorMessage {
        /// The record's index in the batch.
        batch_index: i32 [8..],
        /// What is wrong with it.
        batch_index_error_message: Option<String> [8..] null [8..],
    }

    /// A partition's leader.
    pub struct LeaderIdAndEpoch {
        /// The node; -1 if it is not known.
        leader_id: i32 [10..] = -1,
        /// The leader's epoch; -1 if it is not known.
        leader_epoch: i32 [10..] = -1,
    }

    /// A node's address.
    pub struct NodeEndpoint {
        /// The node.
        node_id: i32 [10..],
        /// Its host name.
        host: String [10..],
        /// Its port.
        port: i32 [10..],
        /// Its rack, if it has one.
        rack: Option<String> [10..] null [10..],
    }
}
