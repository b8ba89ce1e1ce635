//! ListGroups (key 16), versions 0-5; by state from version 4, by type from version 5.
//!
//! As in Kafka, whoever may describe the cluster is told of every group, anyone else of those that they may describe;
//! states and types are compared without regard to case, and one that nobody knows finds nothing.
//!
//! What differs from Apache Kafka: every broker tells all groups of the virtual cluster, since each is the gateway;
//! clients that ask all brokers merge what they hear.

use auth::{Action, Resource};
use node_api::ListedGroup;
use wire::ErrorCode;
use wire::messages::list_groups::{
    ListGroupsRequest, ListGroupsResponse, ListedGroup as ToldGroup,
};

use crate::call::{Answer, Call};
use crate::coordinators::Coordinators;

/// The only type of groups that there is: those of the classic protocol.
const GROUP_TYPE: &str = "classic";

/// Lists the groups that the caller may know of.
pub(crate) async fn handle(call: Call, request: ListGroupsRequest) -> Answer {
    let groups = match Coordinators::new(&call).list().await {
        Ok(groups) => groups,
        Err(fault) => return call.answer(refusal(call.refuse(&fault))),
    };
    let tells_all = call.caller.may(Action::DescribeCluster, Resource::Cluster);
    let may_know = |group: &str| {
        tells_all
            || call
                .caller
                .may(Action::DescribeGroup, Resource::Group(group))
    };
    let groups = groups
        .into_iter()
        .filter(|listed| is_wanted(&request, listed) && may_know(&listed.group));
    call.answer(ListGroupsResponse {
        groups: groups.map(told).collect(),
        ..ListGroupsResponse::default()
    })
}

/// No list.
pub(crate) fn refusal(code: ErrorCode) -> ListGroupsResponse {
    ListGroupsResponse {
        error_code: code.code(),
        ..ListGroupsResponse::default()
    }
}

fn is_wanted(request: &ListGroupsRequest, listed: &ListedGroup) -> bool {
    let passes = |filter: &[String], value: &str| {
        filter.is_empty()
            || filter
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    passes(&request.states_filter, listed.state.name()) && passes(&request.types_filter, GROUP_TYPE)
}

fn told(listed: ListedGroup) -> ToldGroup {
    ToldGroup {
        group_id: listed.group,
        protocol_type: listed.protocol_type,
        group_state: listed.state.name().to_owned(),
        group_type: GROUP_TYPE.to_owned(),
    }
}
