//! DescribeCluster (key 60), versions 0-2.
//!
//! What differs from Apache Kafka: brokers and controller are those of Metadata, constant; none is
//! ever fenced. As in Kafka anybody may ask; what the caller may do to the cluster is told where it
//! is asked for, and nothing of it to those who may not describe the cluster.

use auth::{Action, Resource};
use wire::ErrorCode;
use wire::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use super::metadata;
use crate::call::{Answer, Call};
use crate::error::Fault;
use crate::operations;

/// The endpoint type of brokers, which is all that clients can reach.
const BROKERS: i8 = 1;

/// Tells the cluster.
pub(crate) fn handle(call: &Call, request: &DescribeClusterRequest) -> Answer {
    if request.endpoint_type != BROKERS {
        let fault = Fault::EndpointType(request.endpoint_type);
        return call.answer(DescribeClusterResponse {
            error_message: Some(fault.text()),
            ..refusal(call.refuse(&fault))
        });
    }
    let brokers = metadata::brokers(call).into_iter();
    let brokers = brokers.map(|broker| DescribeClusterBroker {
        broker_id: broker.node_id,
        host: broker.host,
        port: broker.port,
        rack: broker.rack,
        is_fenced: false,
    });
    call.answer(DescribeClusterResponse {
        cluster_id: call.cluster.cluster_id.clone(),
        controller_id: metadata::CONTROLLER,
        brokers: brokers.collect(),
        cluster_authorized_operations: operations_of(call, request),
        ..DescribeClusterResponse::default()
    })
}

/// An answer that tells nothing.
pub(crate) fn refusal(code: ErrorCode) -> DescribeClusterResponse {
    DescribeClusterResponse {
        error_code: code.code(),
        ..DescribeClusterResponse::default()
    }
}

fn operations_of(call: &Call, request: &DescribeClusterRequest) -> i32 {
    if !request.include_cluster_authorized_operations {
        i32::MIN
    } else if call.caller.may(Action::DescribeCluster, Resource::Cluster) {
        operations::on_cluster(&call.caller)
    } else {
        0
    }
}
