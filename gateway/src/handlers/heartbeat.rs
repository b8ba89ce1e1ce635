//! Heartbeat (key 12), versions 0-4.
//!
//! What differs from Apache Kafka: while the group's coordinator moves, the answer waits, and then is that of the new
//! one; Kafka answers without looking while it loads.

use auth::Action;
use node_api::group::Membership;
use node_api::{GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use crate::call::{Answer, Call};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;

/// Says whether the member may go on.
pub(crate) async fn handle(call: Call, request: HeartbeatRequest) -> Answer {
    match beat(&call, request).await {
        Ok(()) => call.answer(HeartbeatResponse::default()),
        Err(fault) => call.answer(refusal(call.refuse(&fault))),
    }
}

/// The member may not go on.
pub(crate) fn refusal(code: ErrorCode) -> HeartbeatResponse {
    HeartbeatResponse {
        error_code: code.code(),
        ..HeartbeatResponse::default()
    }
}

async fn beat(call: &Call, request: HeartbeatRequest) -> Result<(), Fault> {
    let coordinators = Coordinators::new(call);
    let group = coordinators.members(Action::AlterGroup, &request.group_id)?;
    let beat = GroupRequest::Heartbeat(Membership {
        member_id: request.member_id,
        instance_id: request.group_instance_id,
        generation: request.generation_id,
    });
    let GroupReply::Heartbeat(outcome) = coordinators.ask(&group, beat).await? else {
        return Err(wrong_reply());
    };
    Ok(outcome?)
}
