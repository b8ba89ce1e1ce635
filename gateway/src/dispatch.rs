//! From a request to its handler.
//!
//! Owns: which handler serves which key, and how far the connection may read ahead of it. Does not
//! own: signing in (`session`), the handlers.

use futures_util::future::BoxFuture;
use quota::throttle::TOLD_MAX;
use tokio::time::Instant;
use wire::{ApiKey, ErrorCode, Request, RequestHeader, Response};

use crate::call::{Answer, Call};
use crate::error::Fault;
use crate::handlers::{
    alter_configs, api_versions, create_partitions, create_topics, delete_groups, delete_records,
    delete_topics, describe_cluster, describe_configs, describe_groups, describe_log_dirs,
    describe_topic_partitions, fetch, find_coordinator, heartbeat, incremental_alter_configs,
    init_producer_id, join_group, leave_group, list_config_resources, list_groups, list_offsets,
    list_partition_reassignments, metadata, offset_commit, offset_delete, offset_fetch,
    offset_for_leader_epoch, produce, sasl_authenticate, sasl_handshake, sync_group,
};

/// How far a request has come.
pub(crate) enum Step {
    /// Being handed over, in the order of requests; nothing further is read until it is.
    Submitting(BoxFuture<'static, Step>),
    /// Waits for something; begins when all requests before it are answered, unless it was
    /// submitted.
    Waiting(BoxFuture<'static, Answer>),
    /// Answered.
    Done(Answer),
}

impl Step {
    fn waiting(answer: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self::Waiting(Box::pin(answer))
    }

    /// The same, begun at `at` at the earliest. What is submitted waits by itself, batch by batch.
    pub(crate) fn not_before(self, at: Instant) -> Self {
        match self {
            Self::Waiting(waiting) if at > Instant::now() => Self::Waiting(Box::pin(async move {
                tokio::time::sleep_until(at).await;
                waiting.await
            })),
            step => step,
        }
    }
}

/// Whether the connection may be read while the request is unanswered. What follows a request that
/// may create, change or delete topics must see what it did, as it does in Kafka, which serves the requests
/// of a connection one by one.
pub(crate) fn may_read_on(call: &Call, request: &Request) -> bool {
    match request {
        Request::CreateTopics(_) | Request::DeleteTopics(_) => false,
        Request::CreatePartitions(_) | Request::DeleteRecords(_) => false,
        Request::AlterConfigs(_) | Request::IncrementalAlterConfigs(_) => false,
        Request::Metadata(request) => !metadata::creates(call, request),
        _ => true,
    }
}

/// How many topics, partitions and other things a request names, for each of which there may be
/// something in the answer.
pub(crate) fn items(request: &Request) -> usize {
    match request {
        Request::Produce(request) => each(&request.topic_data, |topic| topic.partition_data.len()),
        Request::Fetch(request) => each(&request.topics, |topic| topic.partitions.len()),
        Request::ListOffsets(request) => each(&request.topics, |topic| topic.partitions.len()),
        Request::Metadata(request) => request.topics.as_ref().map_or(0, Vec::len),
        Request::OffsetCommit(request) => each(&request.topics, |topic| topic.partitions.len()),
        Request::OffsetFetch(request) => offset_fetch::items(request),
        Request::FindCoordinator(request) => request.coordinator_keys.len(),
        Request::JoinGroup(request) => request.protocols.len(),
        Request::LeaveGroup(request) => request.members.len(),
        Request::SyncGroup(request) => request.assignments.len(),
        Request::DescribeGroups(request) => request.groups.len(),
        Request::ListGroups(request) => request.states_filter.len() + request.types_filter.len(),
        Request::CreateTopics(request) => each(&request.topics, |topic| {
            topic.assignments.len() + topic.configs.len()
        }),
        Request::DeleteTopics(request) => request.topics.len() + request.topic_names.len(),
        Request::DeleteGroups(request) => request.groups_names.len(),
        Request::OffsetDelete(request) => each(&request.topics, |topic| topic.partitions.len()),
        Request::DeleteRecords(request) => each(&request.topics, |topic| topic.partitions.len()),
        Request::OffsetForLeaderEpoch(request) => {
            each(&request.topics, |topic| topic.partitions.len())
        }
        Request::DescribeConfigs(request) => each(&request.resources, |asked| {
            asked.configuration_keys.as_ref().map_or(0, Vec::len)
        }),
        Request::AlterConfigs(request) => each(&request.resources, |asked| asked.configs.len()),
        Request::CreatePartitions(request) => each(&request.topics, |topic| {
            topic.assignments.as_ref().map_or(0, Vec::len)
        }),
        Request::IncrementalAlterConfigs(request) => {
            each(&request.resources, |asked| asked.configs.len())
        }
        Request::DescribeLogDirs(request) => request
            .topics
            .as_ref()
            .map_or(0, |topics| each(topics, |topic| topic.partitions.len())),
        Request::ListConfigResources(request) => request.resource_types.len(),
        Request::DescribeTopicPartitions(request) => request.topics.len(),
        Request::Heartbeat(_)
        | Request::SaslHandshake(_)
        | Request::ApiVersions(_)
        | Request::InitProducerId(_)
        | Request::SaslAuthenticate(_)
        | Request::ListPartitionReassignments(_)
        | Request::DescribeCluster(_) => 0,
    }
}

/// Things with parts: one for each thing, and one for each of its parts.
fn each<T>(things: &[T], parts: impl Fn(&T) -> usize) -> usize {
    things.iter().map(|thing| 1 + parts(thing)).sum()
}

/// Why a request that manages topics is refused that has come too late for the virtual cluster's rate of those.
/// Versions that do not know of it (KIP-599) are told that it timed out, which clients try again.
pub(crate) fn overload(header: &RequestHeader) -> Fault {
    let version_with_quota = match header.api_key {
        ApiKey::CreateTopics => create_topics::VERSION_WITH_QUOTA,
        ApiKey::DeleteTopics => delete_topics::VERSION_WITH_QUOTA,
        ApiKey::CreatePartitions => create_partitions::VERSION_WITH_QUOTA,
        _ => i16::MAX,
    };
    Fault::TopicRate {
        is_known: header.api_version >= version_with_quota,
    }
}

/// Hands a request of a client that has signed in to its handler.
pub(crate) fn dispatch(call: Call, request: Request) -> Step {
    match request {
        Request::Produce(request) => Step::Submitting(Box::pin(produce::submit(call, request))),
        Request::Fetch(request) => Step::waiting(fetch::handle(call, request)),
        Request::ListOffsets(request) => Step::waiting(list_offsets::handle(call, request)),
        Request::Metadata(request) => Step::waiting(metadata::handle(call, request)),
        Request::OffsetCommit(request) => Step::waiting(offset_commit::handle(call, request)),
        Request::OffsetFetch(request) => Step::waiting(offset_fetch::handle(call, request)),
        Request::FindCoordinator(request) => Step::waiting(find_coordinator::handle(call, request)),
        Request::JoinGroup(request) => Step::waiting(join_group::handle(call, request)),
        Request::Heartbeat(request) => Step::waiting(heartbeat::handle(call, request)),
        Request::LeaveGroup(request) => Step::waiting(leave_group::handle(call, request)),
        Request::SyncGroup(request) => Step::waiting(sync_group::handle(call, request)),
        Request::DescribeGroups(request) => Step::waiting(describe_groups::handle(call, request)),
        Request::ListGroups(request) => Step::waiting(list_groups::handle(call, request)),
        Request::CreateTopics(request) => Step::waiting(create_topics::handle(call, request)),
        Request::DeleteTopics(request) => Step::waiting(delete_topics::handle(call, request)),
        Request::DeleteRecords(request) => Step::waiting(delete_records::handle(call, request)),
        Request::InitProducerId(request) => Step::waiting(init_producer_id::handle(call, request)),
        Request::DeleteGroups(request) => Step::waiting(delete_groups::handle(call, request)),
        Request::OffsetDelete(request) => Step::waiting(offset_delete::handle(call, request)),
        Request::OffsetForLeaderEpoch(request) => {
            Step::waiting(offset_for_leader_epoch::handle(call, request))
        }
        Request::DescribeConfigs(request) => Step::waiting(describe_configs::handle(call, request)),
        Request::AlterConfigs(request) => Step::waiting(alter_configs::handle(call, request)),
        Request::CreatePartitions(request) => {
            Step::waiting(create_partitions::handle(call, request))
        }
        Request::IncrementalAlterConfigs(request) => {
            Step::waiting(incremental_alter_configs::handle(call, request))
        }
        Request::ListPartitionReassignments(_) => {
            Step::Done(list_partition_reassignments::handle(&call))
        }
        Request::DescribeCluster(request) => Step::Done(describe_cluster::handle(&call, &request)),
        Request::DescribeLogDirs(request) => {
            Step::waiting(describe_log_dirs::handle(call, request))
        }
        Request::ListConfigResources(request) => {
            Step::Done(list_config_resources::handle(&call, &request))
        }
        Request::DescribeTopicPartitions(request) => {
            Step::waiting(describe_topic_partitions::handle(call, request))
        }
        Request::ApiVersions(request) => {
            Step::Done(call.answer(api_versions::answer(&request, call.version())))
        }
        // The connection has served these before, as part of the sign-in.
        Request::SaslHandshake(_) | Request::SaslAuthenticate(_) => {
            Step::Done(refusal(&call.header, &request, ErrorCode::IllegalSaslState))
        }
    }
}

/// The answer to a request that is refused as a whole, in the form of its key.
pub(crate) fn refusal(header: &RequestHeader, request: &Request, code: ErrorCode) -> Answer {
    match request {
        Request::Produce(request) if request.acks == 0 => Answer::close(),
        _ => Answer::new(header, &refused(header, request, code)),
    }
}

/// The same, which tells the client to hold back.
pub(crate) fn throttled(header: &RequestHeader, request: &Request, code: ErrorCode) -> Answer {
    let mut response = refused(header, request, code);
    response.set_throttle_time_ms(TOLD_MAX.as_millis() as i32);
    Answer::new(header, &response)
}

fn refused(header: &RequestHeader, request: &Request, code: ErrorCode) -> Response {
    let version = header.api_version;
    match request {
        Request::Produce(request) => produce::refusal(request, code).into(),
        Request::Fetch(request) => fetch::refusal(request, code).into(),
        Request::ListOffsets(request) => list_offsets::refusal(request, code).into(),
        Request::Metadata(request) => metadata::refusal(request, code).into(),
        Request::OffsetCommit(request) => offset_commit::refusal(request, code).into(),
        Request::OffsetFetch(request) => offset_fetch::refusal(request, version, code).into(),
        Request::FindCoordinator(request) => {
            find_coordinator::refusal(request, version, code).into()
        }
        Request::JoinGroup(_) => join_group::refusal(version, code).into(),
        Request::Heartbeat(_) => heartbeat::refusal(code).into(),
        Request::LeaveGroup(_) => leave_group::refusal(code).into(),
        Request::SyncGroup(_) => sync_group::refusal(code).into(),
        Request::DescribeGroups(request) => describe_groups::refusal(request, code).into(),
        Request::ListGroups(_) => list_groups::refusal(code).into(),
        Request::SaslHandshake(_) => sasl_handshake::refusal(code).into(),
        Request::ApiVersions(_) => api_versions::refusal(code).into(),
        Request::CreateTopics(request) => create_topics::refusal(request, code).into(),
        Request::DeleteTopics(request) => delete_topics::refusal(request, code).into(),
        Request::InitProducerId(_) => init_producer_id::refusal(code).into(),
        Request::SaslAuthenticate(_) => sasl_authenticate::refusal(code).into(),
        Request::DeleteGroups(request) => delete_groups::refusal(request, code).into(),
        Request::OffsetDelete(_) => offset_delete::refusal(code).into(),
        Request::DeleteRecords(request) => delete_records::refusal(request, code).into(),
        Request::OffsetForLeaderEpoch(request) => {
            offset_for_leader_epoch::refusal(request, code).into()
        }
        Request::DescribeConfigs(request) => describe_configs::refusal(request, code).into(),
        Request::AlterConfigs(request) => alter_configs::refusal(request, code).into(),
        Request::CreatePartitions(request) => create_partitions::refusal(request, code).into(),
        Request::IncrementalAlterConfigs(request) => {
            incremental_alter_configs::refusal(request, code).into()
        }
        Request::ListPartitionReassignments(_) => {
            list_partition_reassignments::refusal(code).into()
        }
        Request::DescribeCluster(_) => describe_cluster::refusal(code).into(),
        Request::DescribeLogDirs(_) => describe_log_dirs::refusal(code).into(),
        Request::ListConfigResources(_) => list_config_resources::refusal(code).into(),
        Request::DescribeTopicPartitions(request) => {
            describe_topic_partitions::refusal(request, code).into()
        }
    }
}
