//! DescribeGroups (key 15), versions 0-6.
//!
//! As in Kafka, a group that does not exist is `Dead`, from version 6 with error 69; what the caller may do is told
//! only if it asks.
//!
//! What differs from Apache Kafka: results come in the order of the request; a group that is named
//! repeatedly is told once; groups beyond 32 MiB of answer are
//! error 42; operations on a group's dynamic configuration are not told, since no action stands for them.

use std::collections::HashSet;

use auth::Action;
use futures_util::{StreamExt, stream};
use node_api::group::{DescribedGroup, DescribedMember, GroupState};
use node_api::{GroupError, GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup as ToldGroup,
    DescribedGroupMember,
};

use crate::answer_room::AnswerRoom;
use crate::call::{Answer, Call};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::{Fault, short};
use crate::limits::GROUPS_IN_PARALLEL_MAX;
use crate::operations;

/// First version in which a group that does not exist is an error.
const VERSION_WITH_NOT_FOUND: i16 = 6;

/// Describes the groups, each on its own.
pub(crate) async fn handle(call: Call, mut request: DescribeGroupsRequest) -> Answer {
    let with_operations = request.include_authorized_operations;
    let mut seen = HashSet::new();
    request.groups.retain(|group| seen.insert(group.clone()));
    let coordinators = Coordinators::new(&call);
    let room = AnswerRoom::default();
    let groups = request.groups.into_iter().map(|group| async {
        let described = describe(&coordinators, &room, &group).await;
        match or_dead(&call, described) {
            Ok(described) => {
                let authorized_operations = if with_operations {
                    operations::on_group(&call.caller, &group)
                } else {
                    i32::MIN
                };
                ToldGroup {
                    authorized_operations,
                    ..told(group, described)
                }
            }
            Err(fault) => refused(&call, group, &fault),
        }
    });
    let groups = stream::iter(groups).buffered(GROUPS_IN_PARALLEL_MAX);
    let groups = groups.collect().await;
    call.answer(DescribeGroupsResponse {
        groups,
        ..DescribeGroupsResponse::default()
    })
}

/// The same error for every group.
pub(crate) fn refusal(request: &DescribeGroupsRequest, code: ErrorCode) -> DescribeGroupsResponse {
    let groups = request.groups.iter().map(|group| ToldGroup {
        error_code: code.code(),
        group_id: group.clone(),
        ..ToldGroup::default()
    });
    DescribeGroupsResponse {
        groups: groups.collect(),
        ..DescribeGroupsResponse::default()
    }
}

async fn describe(
    coordinators: &Coordinators<'_>,
    room: &AnswerRoom,
    group: &str,
) -> Result<DescribedGroup, Fault> {
    let group = coordinators.group(Action::DescribeGroup, group)?;
    room.check()?;
    let reply = coordinators.ask(&group, GroupRequest::Describe).await?;
    let GroupReply::Describe(outcome) = reply else {
        return Err(wrong_reply());
    };
    let described = outcome?;
    if described.state == GroupState::Dead {
        return Err(GroupError::GroupIdNotFound.into());
    }
    room.take(described.members.iter().map(size_of_member).sum());
    Ok(described)
}

/// Before version 6, a group that does not exist is described like others.
fn or_dead(call: &Call, described: Result<DescribedGroup, Fault>) -> Result<DescribedGroup, Fault> {
    match described {
        Err(Fault::Group(GroupError::GroupIdNotFound))
            if call.version() < VERSION_WITH_NOT_FOUND =>
        {
            Ok(DescribedGroup {
                state: GroupState::Dead,
                protocol_type: String::new(),
                protocol: String::new(),
                members: Vec::new(),
            })
        }
        described => described,
    }
}

fn size_of_member(member: &DescribedMember) -> usize {
    let texts = [&member.member_id, &member.client_id, &member.client_host];
    let texts = texts.into_iter().chain(&member.instance_id);
    let texts: usize = texts.map(String::len).sum();
    texts + member.metadata.len() + member.assignment.len()
}

fn told(group_id: String, described: DescribedGroup) -> ToldGroup {
    ToldGroup {
        group_id,
        group_state: described.state.name().to_owned(),
        protocol_type: described.protocol_type,
        protocol_data: described.protocol,
        members: described.members.into_iter().map(told_member).collect(),
        ..ToldGroup::default()
    }
}

fn told_member(member: DescribedMember) -> DescribedGroupMember {
    DescribedGroupMember {
        member_id: member.member_id,
        group_instance_id: member.instance_id,
        client_id: member.client_id,
        client_host: member.client_host,
        member_metadata: member.metadata,
        member_assignment: member.assignment,
    }
}

fn refused(call: &Call, group_id: String, fault: &Fault) -> ToldGroup {
    let (group_state, text) = match fault {
        // In Kafka's words, which its tools print.
        Fault::Group(GroupError::GroupIdNotFound) => {
            let text = format!("Group {group_id} not found.");
            (GroupState::Dead.name(), short(text))
        }
        _ => ("", fault.text()),
    };
    ToldGroup {
        error_code: call.refuse(fault).code(),
        error_message: Some(text),
        group_id,
        group_state: group_state.to_owned(),
        ..ToldGroup::default()
    }
}
