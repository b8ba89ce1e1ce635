//! LeaveGroup (key 13), versions 0-5; several members, also by their instance ids, from version 3.
//!
//! As in Kafka, the members of a group that does not exist are unknown one by one (25), not the request as a whole; up
//! to version 2 the only member's error is that of the request. The reason (version 5) is not kept.
//!
//! What differs from Apache Kafka: nothing that is known.

use auth::Action;
use node_api::group::{LeaveGroup, Leaver};
use node_api::{GroupError, GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};

use crate::call::{Answer, Call};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;

/// First version that names several members.
const VERSION_WITH_MEMBERS: i16 = 3;

/// Takes members out of a group.
pub(crate) async fn handle(call: Call, mut request: LeaveGroupRequest) -> Answer {
    if call.version() < VERSION_WITH_MEMBERS {
        let member_id = std::mem::take(&mut request.member_id);
        request.members = vec![MemberIdentity {
            member_id,
            ..MemberIdentity::default()
        }];
    }
    let response = match leave(&call, &request).await {
        Ok(outcomes) => told(&call, request.members, outcomes),
        Err(fault) => refusal(call.refuse(&fault)),
    };
    call.answer(response)
}

/// Nobody left.
pub(crate) fn refusal(code: ErrorCode) -> LeaveGroupResponse {
    LeaveGroupResponse {
        error_code: code.code(),
        ..LeaveGroupResponse::default()
    }
}

/// What became of each member.
type Outcomes = Vec<Result<(), GroupError>>;

async fn leave(call: &Call, request: &LeaveGroupRequest) -> Result<Outcomes, Fault> {
    let coordinators = Coordinators::new(call);
    let group = coordinators.members(Action::AlterGroup, &request.group_id)?;
    let leavers = request.members.iter().map(|member| Leaver {
        member_id: member.member_id.clone(),
        instance_id: member.group_instance_id.clone(),
    });
    let leave = GroupRequest::Leave(LeaveGroup {
        members: leavers.collect(),
    });
    match coordinators.ask(&group, leave).await? {
        GroupReply::Leave(Ok(outcomes)) if outcomes.len() == request.members.len() => Ok(outcomes),
        GroupReply::Leave(Err(GroupError::UnknownMemberId)) => {
            Ok(vec![
                Err(GroupError::UnknownMemberId);
                request.members.len()
            ])
        }
        GroupReply::Leave(Err(error)) => Err(error.into()),
        _ => Err(wrong_reply()),
    }
}

fn told(call: &Call, members: Vec<MemberIdentity>, outcomes: Outcomes) -> LeaveGroupResponse {
    let members = members.into_iter().zip(outcomes);
    let members = members.map(|(member, outcome)| MemberResponse {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error_code: outcome.map_or_else(|error| call.refuse(&error.into()).code(), |()| 0),
    });
    let members: Vec<_> = members.collect();
    if call.version() < VERSION_WITH_MEMBERS {
        let error_code = members.first().map_or(0, |member| member.error_code);
        return LeaveGroupResponse {
            error_code,
            ..LeaveGroupResponse::default()
        };
    }
    LeaveGroupResponse {
        members,
        ..LeaveGroupResponse::default()
    }
}
