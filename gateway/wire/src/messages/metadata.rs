//! Metadata (3): versions 0-13, flexible from 9.
//!
//! Owns: the tables of request and response.
//! All topics are asked for by an empty array in version 0 and by null from 1 on. 4: topics may be created.
//! 10: topic ids are told. 12: topics may be asked for by id. 13: an error for the whole request.

use crate::schema::messages;

messages! {
    /// The topics of interest.
    pub struct MetadataRequest, versions [0..=13], flexible [9..] {
        /// The topics; null is all of them, an empty array none. In version 0 the empty array is all.
        topics: Option<Vec<MetadataRequestTopic>> [0..] null [1..] = Some(Vec::new()),
        /// Whether a topic that does not exist may be created; before version 4 it may.
        allow_auto_topic_creation: bool [4..] = true,
        /// Whether to tell what the client may do to the cluster.
        include_cluster_authorized_operations: bool [8..=10],
        /// Whether to tell what the client may do to each topic.
        include_topic_authorized_operations: bool [8..],
    }

    /// A topic of interest.
    pub struct MetadataRequestTopic {
        /// The topic's id, or zero to ask by name.
        topic_id: [u8; 16] [10..],
        /// The topic's name, or null to ask by id (which servers understand from version 12 on).
        name: Option<String> [0..] null [10..],
    }

    /// The cluster, as the client is to see it.
    pub struct MetadataResponse, versions [0..=13], flexible [9..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [3..],
        /// The nodes.
        brokers: Vec<MetadataResponseBroker> [0..],
        /// The cluster's id.
        cluster_id: Option<String> [2..] null [2..],
        /// The node to which topics are to be administered.
        controller_id: i32 [1..] = -1,
        /// The topics.
        topics: Vec<MetadataResponseTopic> [0..],
        /// A bit for each operation allowed on the cluster; `i32::MIN` if it was not asked for.
        cluster_authorized_operations: i32 [8..=10] = i32::MIN,
        /// Zero, or why there is no answer at all.
        error_code: i16 [13..],
    }

    /// A node.
    pub struct MetadataResponseBroker {
        /// The node's id.
        node_id: i32 [0..],
        /// Its host name.
        host: String [0..],
        /// Its port.
        port: i32 [0..],
        /// Its rack, if it has one.
        rack: Option<String> [1..] null [1..],
    }

    /// A topic.
    pub struct MetadataResponseTopic {
        /// Zero, or why the topic is not told.
        error_code: i16 [0..],
        /// The topic's name; null for an unknown topic that was asked for by id. Before version 12 null is a bug.
        name: Option<String> [0..] null [12..],
        /// The topic's id; zero for an unknown topic that was asked for by name.
        topic_id: [u8; 16] [10..],
        /// Whether the topic belongs to the system.
        is_internal: bool [1..],
        /// The partitions.
        partitions: Vec<MetadataResponsePartition> [0..],
        /// A bit for each operation allowed on the topic; `i32::MIN` if it was not asked for.
        topic_authorized_operations: i32 [8..] = i32::MIN,
    }

    /// A partition.
    pub struct MetadataResponsePartition {
        /// Zero, or why there is no leader.
        error_code: i16 [0..],
        /// The partition.
        partition_index: i32 [0..],
        /// The node that leads it.
        leader_id: i32 [0..],
        /// The leader's epoch; -1 switches the client's checks off (KIP-320).
        leader_epoch: i32 [7..] = -1,
        /// The nodes that hold it.
        replica_nodes: Vec<i32> [0..],
        /// Those in step with the leader.
        isr_nodes: Vec<i32> [0..],
        /// Those that are down.
        offline_replicas: Vec<i32> [5..],
    }
}
