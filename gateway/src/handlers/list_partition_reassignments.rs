//! ListPartitionReassignments (key 46), version 0.
//!
//! Nothing is ever being reassigned: what a client sees as replicas is constant, and a move of a
//! partition inside does not show. So the list is empty, as it is in Kafka at rest, whatever topics
//! are named. It takes the right to describe the cluster.

use auth::{Action, Resource};
use wire::ErrorCode;
use wire::messages::list_partition_reassignments::ListPartitionReassignmentsResponse;

use crate::call::{Answer, Call};
use crate::error::Fault;
use crate::permission::authorize;

/// Tells that there is nothing to tell.
pub(crate) fn handle(call: &Call) -> Answer {
    let right = authorize(&call.caller, Action::DescribeCluster, Resource::Cluster, ());
    call.answer(match right.map_err(Fault::from) {
        Ok(_) => ListPartitionReassignmentsResponse::default(),
        Err(fault) => ListPartitionReassignmentsResponse {
            error_message: Some(fault.text()),
            ..refusal(call.refuse(&fault))
        },
    })
}

/// An error for the whole request.
pub(crate) fn refusal(code: ErrorCode) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse {
        error_code: code.code(),
        ..ListPartitionReassignmentsResponse::default()
    }
}
