//! Which answer belongs to which request, and the version that is used where a test does not care.
//!
//! Owns: the pairs. Does not own: the messages (`wire`).

use wire::messages::alter_configs::{AlterConfigsRequest, AlterConfigsResponse};
use wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse};
use wire::messages::create_topics::{CreateTopicsRequest, CreateTopicsResponse};
use wire::messages::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use wire::messages::delete_records::{DeleteRecordsRequest, DeleteRecordsResponse};
use wire::messages::delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
use wire::messages::describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
use wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse};
use wire::messages::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
use wire::messages::describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use wire::messages::describe_topic_partitions::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
};
use wire::messages::fetch::{FetchRequest, FetchResponse};
use wire::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use wire::messages::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use wire::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use wire::messages::list_config_resources::{
    ListConfigResourcesRequest, ListConfigResourcesResponse,
};
use wire::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};
use wire::messages::list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
use wire::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};
use wire::messages::metadata::{MetadataRequest, MetadataResponse};
use wire::messages::offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
use wire::messages::offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
use wire::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
use wire::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};
use wire::messages::produce::{ProduceRequest, ProduceResponse};
use wire::messages::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use wire::messages::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use wire::{ApiKey, Request, Response};

/// A request and the kind of its answer.
pub trait Exchange: Into<Request> {
    /// The request's key.
    const KEY: ApiKey;
    /// Its answer.
    type Response;

    /// The answer's body, if it is of this key.
    fn take(response: Response) -> Option<Self::Response>;
}

macro_rules! exchanges {
    ($($name:ident $request:ident $response:ident)*) => {$(
        impl Exchange for $request {
            const KEY: ApiKey = ApiKey::$name;
            type Response = $response;

            fn take(response: Response) -> Option<$response> {
                match response {
                    Response::$name(body) => Some(body),
                    _ => None,
                }
            }
        }
    )*};
}

exchanges! {
    Produce ProduceRequest ProduceResponse
    Fetch FetchRequest FetchResponse
    ListOffsets ListOffsetsRequest ListOffsetsResponse
    Metadata MetadataRequest MetadataResponse
    OffsetCommit OffsetCommitRequest OffsetCommitResponse
    OffsetFetch OffsetFetchRequest OffsetFetchResponse
    FindCoordinator FindCoordinatorRequest FindCoordinatorResponse
    JoinGroup JoinGroupRequest JoinGroupResponse
    Heartbeat HeartbeatRequest HeartbeatResponse
    LeaveGroup LeaveGroupRequest LeaveGroupResponse
    SyncGroup SyncGroupRequest SyncGroupResponse
    DescribeGroups DescribeGroupsRequest DescribeGroupsResponse
    ListGroups ListGroupsRequest ListGroupsResponse
    SaslHandshake SaslHandshakeRequest SaslHandshakeResponse
    ApiVersions ApiVersionsRequest ApiVersionsResponse
    CreateTopics CreateTopicsRequest CreateTopicsResponse
    DeleteTopics DeleteTopicsRequest DeleteTopicsResponse
    InitProducerId InitProducerIdRequest InitProducerIdResponse
    SaslAuthenticate SaslAuthenticateRequest SaslAuthenticateResponse
    DeleteRecords DeleteRecordsRequest DeleteRecordsResponse
    OffsetForLeaderEpoch OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse
    DescribeConfigs DescribeConfigsRequest DescribeConfigsResponse
    AlterConfigs AlterConfigsRequest AlterConfigsResponse
    CreatePartitions CreatePartitionsRequest CreatePartitionsResponse
    IncrementalAlterConfigs IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse
    ListPartitionReassignments ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse
    DescribeCluster DescribeClusterRequest DescribeClusterResponse
    DescribeLogDirs DescribeLogDirsRequest DescribeLogDirsResponse
    ListConfigResources ListConfigResourcesRequest ListConfigResourcesResponse
    DescribeTopicPartitions DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse
    DeleteGroups DeleteGroupsRequest DeleteGroupsResponse
    OffsetDelete OffsetDeleteRequest OffsetDeleteResponse
}

/// The highest version that names topics by name where there is a choice.
#[must_use]
pub const fn usual_version(api_key: ApiKey) -> i16 {
    match api_key {
        ApiKey::Produce => 11,
        ApiKey::Fetch => 12,
        ApiKey::ListOffsets => 10,
        ApiKey::Metadata => 12,
        ApiKey::OffsetCommit => 9,
        ApiKey::OffsetFetch => 9,
        ApiKey::FindCoordinator => 6,
        ApiKey::JoinGroup => 9,
        ApiKey::Heartbeat => 4,
        ApiKey::LeaveGroup => 5,
        ApiKey::SyncGroup => 5,
        ApiKey::DescribeGroups => 6,
        ApiKey::ListGroups => 5,
        ApiKey::SaslHandshake => 1,
        ApiKey::ApiVersions => 4,
        ApiKey::CreateTopics => 7,
        ApiKey::DeleteTopics => 6,
        ApiKey::DeleteRecords => 2,
        ApiKey::InitProducerId => 4,
        ApiKey::OffsetForLeaderEpoch => 4,
        ApiKey::DescribeConfigs => 4,
        ApiKey::AlterConfigs => 2,
        ApiKey::SaslAuthenticate => 2,
        ApiKey::CreatePartitions => 3,
        ApiKey::DeleteGroups => 2,
        ApiKey::IncrementalAlterConfigs => 1,
        ApiKey::ListPartitionReassignments | ApiKey::OffsetDelete => 0,
        ApiKey::DescribeCluster => 2,
        ApiKey::DescribeLogDirs => 5,
        ApiKey::ListConfigResources => 1,
        ApiKey::DescribeTopicPartitions => 0,
    }
}
