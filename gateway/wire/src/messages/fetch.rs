//! Fetch (1): versions 4-18, flexible from 12.
//!
//! Owns: the tables of request and response.
//! 7: sessions (KIP-227). 9: leader epochs (KIP-320). 10: zstd (KIP-110). 12: divergence is told. 13: topics by id
//! (KIP-516). 15-18: fields that only followers fill.

use crate::records::Records;
use crate::schema::messages;

messages! {
    /// Where to read, and how much.
    pub struct FetchRequest, versions [4..=18], flexible [12..] {
        /// The cluster that the client means, if it knows.
        cluster_id: Option<String> [12..] null [12..] tag 0,
        /// The follower that asks; -1 for a consumer.
        replica_id: i32 [0..=14] = -1,
        /// The follower that asks, from version 15 (KIP-903).
        replica_state: ReplicaState [15..] tag 1,
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32 [0..],
        /// How many bytes are worth an answer before that.
        min_bytes: i32 [0..],
        /// How many bytes all partitions together may return; the first batch is returned even above it (KIP-74).
        max_bytes: i32 [3..] = 0x7fff_ffff,
        /// 0: read uncommitted. 1: read committed, up to the last stable offset, with the list of aborted transactions.
        isolation_level: i8 [4..],
        /// The fetch session; 0 for none.
        session_id: i32 [7..],
        /// The place in the session; -1 for a full request without a session.
        session_epoch: i32 [7..] = -1,
        /// The topics to read.
        topics: Vec<FetchTopic> [0..],
        /// The partitions to drop from the session.
        forgotten_topics_data: Vec<ForgottenTopic> [7..],
        /// The client's rack.
        rack_id: String [11..],
    }

    /// Who follows.
    pub struct ReplicaState {
        /// The follower; -1 for a consumer.
        replica_id: i32 [15..] = -1,
        /// Its epoch; -1 if it is not known.
        replica_epoch: i64 [15..] = -1,
    }

    /// Where to read in one topic.
    pub struct FetchTopic {
        /// The topic's name, up to version 12.
        topic: String [0..=12],
        /// The topic's id, from version 13.
        topic_id: [u8; 16] [13..],
        /// The partitions.
        partitions: Vec<FetchPartition> [0..],
    }

    /// Where to read in one partition.
    pub struct FetchPartition {
        /// The partition.
        partition: i32 [0..],
        /// The leader epoch that the client knows; -1 to skip the check.
        current_leader_epoch: i32 [9..] = -1,
        /// The first offset wanted.
        fetch_offset: i64 [0..],
        /// The epoch of the last record that the client has; -1 for none.
        last_fetched_epoch: i32 [12..] = -1,
        /// The follower's first offset; a consumer sends -1.
        log_start_offset: i64 [5..] = -1,
        /// How many bytes this partition may return; the first batch is returned even above it (KIP-74).
        partition_max_bytes: i32 [0..],
        /// The follower's folder.
        replica_directory_id: [u8; 16] [17..] tag 0,
        /// The high watermark that the follower knows (KIP-1166).
        high_watermark: i64 [18..] tag 1 = i64::MAX,
    }

    /// Partitions to drop from a session.
    pub struct ForgottenTopic {
        /// The topic's name, up to version 12.
        topic: String [7..=12],
        /// The topic's id, from version 13.
        topic_id: [u8; 16] [13..],
        /// The partitions.
        partitions: Vec<i32> [7..],
    }

    /// What was read.
    pub struct FetchResponse, versions [4..=18], flexible [12..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// Zero, or why nothing was read at all.
        error_code: i16 [7..],
        /// The fetch session; 0 for none, which is always allowed.
        session_id: i32 [7..],
        /// The topics.
        responses: Vec<FetchableTopicResponse> [0..],
        /// Addresses of the leaders that are named with an error (KIP-951).
        node_endpoints: Vec<NodeEndpoint> [16..] tag 0,
    }

    /// What was read from one topic.
    pub struct FetchableTopicResponse {
        /// The topic's name, up to version 12.
        topic: String [0..=12],
        /// The topic's id, from version 13.
        topic_id: [u8; 16] [13..],
        /// The partitions.
        partitions: Vec<PartitionData> [0..],
    }

    /// What was read from one partition.
    pub struct PartitionData {
        /// The partition.
        partition_index: i32 [0..],
        /// Zero, or why nothing was read.
        error_code: i16 [0..],
        /// The offset below which all records are committed. To be filled in empty answers too.
        high_watermark: i64 [0..],
        /// The offset below which every transaction has ended.
        last_stable_offset: i64 [4..] = -1,
        /// The first offset that the partition still holds.
        log_start_offset: i64 [5..] = -1,
        /// Where the client's log left ours, told from `last_fetched_epoch`.
        diverging_epoch: EpochEndOffset [12..] tag 0,
        /// Who leads the partition, with an error that asks for it.
        current_leader: LeaderIdAndEpoch [12..] tag 1,
        /// The snapshot to read instead; for followers.
        snapshot_id: SnapshotId [12..] tag 2,
        /// The aborted transactions in what was read; null unless the client reads committed records only.
        aborted_transactions: Option<Vec<AbortedTransaction>> [4..] null [4..] = Some(Vec::new()),
        /// The replica to read from next; -1 for the leader.
        preferred_read_replica: i32 [11..] = -1,
        /// Whole batches, the first being the one that contains the offset asked for.
        records: Option<Records> [0..] null [0..],
    }

    /// The end of an epoch.
    pub struct EpochEndOffset {
        /// The epoch; -1 if there is no divergence.
        epoch: i32 [12..] = -1,
        /// Its end.
        end_offset: i64 [12..] = -1,
    }

    /// A partition's leader.
    pub struct LeaderIdAndEpoch {
        /// The node; -1 if it is not known.
        leader_id: i32 [12..] = -1,
        /// The leader's epoch; -1 if it is not known.
        leader_epoch: i32 [12..] = -1,
    }

    /// A snapshot.
    pub struct SnapshotId {
        /// Its end.
        end_offset: i64 [0..] = -1,
        /// Its largest epoch.
        epoch: i32 [0..] = -1,
    }

    /// A transaction that was aborted.
    pub struct AbortedTransaction {
        /// The producer.
        producer_id: i64 [4..],
        /// The transaction's first offset.
        first_offset: i64 [4..],
    }

    /// A node's address.
    pub struct NodeEndpoint {
        /// The node.
        node_id: i32 [16..],
        /// Its host name.
        host: String [16..],
        /// Its port.
        port: i32 [16..],
        /// Its rack, if it has one.
        rack: Option<String> [16..] null [16..],
    }
}
