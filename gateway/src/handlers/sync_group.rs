//! SyncGroup (key 14), versions 0-5.
//!
//! The answer comes when the leader has sent the assignments. As in Kafka, version 5 without protocol type and name is
//! error 23, and a member to whom the leader assigned nothing gets an empty assignment.
//!
//! What differs from Apache Kafka: nothing that is known.

use auth::Action;
use bytes::Bytes;
use node_api::group::{Membership, SyncGroup, Synced};
use node_api::{GroupError, GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

use crate::call::{Answer, Call};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;

/// First version in which the member must say what it believes was chosen (KIP-559).
const VERSION_WITH_PROTOCOL: i16 = 5;

/// Waits for the member's assignment.
pub(crate) async fn handle(call: Call, request: SyncGroupRequest) -> Answer {
    match sync(&call, request).await {
        Ok(synced) => call.answer(SyncGroupResponse {
            protocol_type: Some(synced.protocol_type),
            protocol_name: Some(synced.protocol),
            assignment: synced.assignment,
            ..SyncGroupResponse::default()
        }),
        Err(fault) => call.answer(refusal(call.refuse(&fault))),
    }
}

/// No assignment.
pub(crate) fn refusal(code: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: code.code(),
        ..SyncGroupResponse::default()
    }
}

async fn sync(call: &Call, request: SyncGroupRequest) -> Result<Synced, Fault> {
    let says_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
    if call.version() >= VERSION_WITH_PROTOCOL && !says_protocol {
        return Err(GroupError::InconsistentGroupProtocol.into());
    }
    let coordinators = Coordinators::new(call);
    let group = coordinators.members(Action::AlterGroup, &request.group_id)?;
    let assignments = request.assignments.into_iter();
    let sync = GroupRequest::Sync(SyncGroup {
        membership: Membership {
            member_id: request.member_id,
            instance_id: request.group_instance_id,
            generation: request.generation_id,
        },
        protocol_type: request.protocol_type,
        protocol: request.protocol_name,
        // Copies: the group keeps them long after the request's memory is given back.
        assignments: assignments
            .map(|to| (to.member_id, Bytes::copy_from_slice(&to.assignment)))
            .collect(),
    });
    let GroupReply::Sync(outcome) = coordinators.ask(&group, sync).await? else {
        return Err(wrong_reply());
    };
    Ok(outcome?)
}
