//! DescribeCluster (60): versions 0-2, flexible from 0.
//!
//! Owns: the tables of request and response.
//! 1: brokers or controllers (KIP-919). 2: brokers that are fenced may be told (KIP-1073).

use crate::schema::messages;

messages! {
    /// What of the cluster to tell.
    pub struct DescribeClusterRequest, versions [0..=2], flexible [0..] {
        /// Whether to tell what the client may do to the cluster.
        include_cluster_authorized_operations: bool [0..],
        /// 1: brokers. 2: controllers.
        endpoint_type: i8 [1..] = 1,
        /// Whether to tell brokers that are fenced.
        include_fenced_brokers: bool [2..],
    }

    /// The cluster.
    pub struct DescribeClusterResponse, versions [0..=2], flexible [0..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// Zero, or why nothing is told.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [0..] null [0..],
        /// 1: brokers. 2: controllers.
        endpoint_type: i8 [1..] = 1,
        /// The cluster's id.
        cluster_id: String [0..],
        /// The node to which topics are to be administered; -1 if it is not known.
        controller_id: i32 [0..] = -1,
        /// The nodes.
        brokers: Vec<DescribeClusterBroker> [0..],
        /// A bit for each operation allowed on the cluster; `i32::MIN` if it was not asked for.
        cluster_authorized_operations: i32 [0..] = i32::MIN,
    }

    /// A node.
    pub struct DescribeClusterBroker {
        /// The node's id.
        broker_id: i32 [0..],
        /// Its host name.
        host: String [0..],
        /// Its port.
        port: i32 [0..],
        /// Its rack, if it has one.
        rack: Option<String> [0..] null [0..],
        /// Whether it is fenced.
        is_fenced: bool [2..],
    }
}
