//! The messages, one file per API key.
//!
//! Owns: the list of keys, from which [`crate::ApiKey`], [`crate::Request`] and [`crate::Response`] follow.
//! To add a key: a file with two tables, and a line in the list.
//! Does not own: what a message means to the service.

pub mod alter_configs;
pub mod api_versions;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_topic_partitions;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod sync_group;

/// Hands the list of keys, ascending, to another macro: variant, code, module, request, response.
macro_rules! for_each_api {
    ($callback:ident) => {
        $callback! {
            /// Append record batches.
            (Produce, 0, produce, ProduceRequest, ProduceResponse)
            /// Read record batches.
            (Fetch, 1, fetch, FetchRequest, FetchResponse)
            /// Look offsets up by time.
            (ListOffsets, 2, list_offsets, ListOffsetsRequest, ListOffsetsResponse)
            /// Nodes, topics and leaders.
            (Metadata, 3, metadata, MetadataRequest, MetadataResponse)
            /// Store offsets of a group.
            (OffsetCommit, 8, offset_commit, OffsetCommitRequest, OffsetCommitResponse)
            /// Read committed offsets of groups.
            (OffsetFetch, 9, offset_fetch, OffsetFetchRequest, OffsetFetchResponse)
            /// Look for the node that coordinates a group or a transactional id.
            (FindCoordinator, 10, find_coordinator, FindCoordinatorRequest, FindCoordinatorResponse)
            /// Join a group.
            (JoinGroup, 11, join_group, JoinGroupRequest, JoinGroupResponse)
            /// Stay in a group.
            (Heartbeat, 12, heartbeat, HeartbeatRequest, HeartbeatResponse)
            /// Leave a group.
            (LeaveGroup, 13, leave_group, LeaveGroupRequest, LeaveGroupResponse)
            /// Hand assignments over, or wait for one.
            (SyncGroup, 14, sync_group, SyncGroupRequest, SyncGroupResponse)
            /// Describe groups of the classic protocol.
            (DescribeGroups, 15, describe_groups, DescribeGroupsRequest, DescribeGroupsResponse)
            /// List groups.
            (ListGroups, 16, list_groups, ListGroupsRequest, ListGroupsResponse)
            /// Choose a SASL mechanism.
            (SaslHandshake, 17, sasl_handshake, SaslHandshakeRequest, SaslHandshakeResponse)
            /// Ask what is served.
            (ApiVersions, 18, api_versions, ApiVersionsRequest, ApiVersionsResponse)
            /// Create topics.
            (CreateTopics, 19, create_topics, CreateTopicsRequest, CreateTopicsResponse)
            /// Delete topics.
            (DeleteTopics, 20, delete_topics, DeleteTopicsRequest, DeleteTopicsResponse)
            /// Cut partitions off at the front.
            (DeleteRecords, 21, delete_records, DeleteRecordsRequest, DeleteRecordsResponse)
            /// Obtain a producer id.
            (InitProducerId, 22, init_producer_id, InitProducerIdRequest, InitProducerIdResponse)
            /// Look for the ends of leader epochs.
            (OffsetForLeaderEpoch, 23, offset_for_leader_epoch,
                OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse)
            /// Tell properties.
            (DescribeConfigs, 32, describe_configs, DescribeConfigsRequest, DescribeConfigsResponse)
            /// Replace all properties of a resource.
            (AlterConfigs, 33, alter_configs, AlterConfigsRequest, AlterConfigsResponse)
            /// Tell the folders of logs, and the sizes of partitions.
            (DescribeLogDirs, 35, describe_log_dirs, DescribeLogDirsRequest, DescribeLogDirsResponse)
            /// One step of a SASL exchange.
            (SaslAuthenticate, 36, sasl_authenticate, SaslAuthenticateRequest, SaslAuthenticateResponse)
            /// Add partitions to topics.
            (CreatePartitions, 37, create_partitions, CreatePartitionsRequest, CreatePartitionsResponse)
            /// Delete groups.
            (DeleteGroups, 42, delete_groups, DeleteGroupsRequest, DeleteGroupsResponse)
            /// Change properties.
            (IncrementalAlterConfigs, 44, incremental_alter_configs,
                IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse)
            /// List partitions that are being reassigned.
            (ListPartitionReassignments, 46, list_partition_reassignments,
                ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse)
            /// Delete committed offsets.
            (OffsetDelete, 47, offset_delete, OffsetDeleteRequest, OffsetDeleteResponse)
            /// Describe the cluster.
            (DescribeCluster, 60, describe_cluster, DescribeClusterRequest, DescribeClusterResponse)
            /// List what may have properties.
            (ListConfigResources, 74, list_config_resources,
                ListConfigResourcesRequest, ListConfigResourcesResponse)
            /// Topics and leaders, page by page.
            (DescribeTopicPartitions, 75, describe_topic_partitions,
                DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse)
        }
    };
}

pub(crate) use for_each_api;
