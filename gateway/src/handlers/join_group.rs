//! JoinGroup (key 11), versions 0-9.
//!
//! The answer comes when all members have joined or are given up, so it may take as long as a rebalance. Requests
//! behind it on the connection are answered after it, as in Kafka.
//!
//! What differs from Apache Kafka: a group has at most 1000 members (a setting of the virtual cluster), one more is
//! error 81; a group instance id above 249 bytes is error 42, which Kafka leaves to its clients to check; a client id is
//! told cut to 255 bytes.

use auth::Action;
use bytes::Bytes;
use node_api::group::{JoinGroup, JoinRefused, Joined, JoinedMember};
use node_api::{GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse, JoinGroupResponseMember,
};

use crate::call::{Answer, Call};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;
use crate::limits::{CLIENT_ID_TOLD_BYTES_MAX, INSTANCE_ID_BYTES_MAX};

/// First version whose members have a time of their own for rebalances.
const VERSION_WITH_REBALANCE_TIMEOUT: i16 = 1;

/// First version in which a new member must come again with the id that it is given (KIP-394).
const VERSION_WITH_KNOWN_MEMBERS: i16 = 4;

/// First version that tells the type of protocol, and in which its name may be null (KIP-559).
const VERSION_WITH_PROTOCOL_TYPE: i16 = 7;

/// First version in which a leader understands that it need not assign (KIP-814).
const VERSION_WITH_SKIPPED_ASSIGNMENT: i16 = 9;

/// Waits until the group has its next generation.
pub(crate) async fn handle(call: Call, request: JoinGroupRequest) -> Answer {
    let version = call.version();
    let response = match join(&call, request).await {
        Ok(Ok(joined)) => told(joined),
        Ok(Err(refused)) => JoinGroupResponse {
            member_id: refused.member_id,
            ..refusal(version, call.refuse(&refused.error.into()))
        },
        Err(fault) => refusal(version, call.refuse(&fault)),
    };
    call.answer(response)
}

/// The member is not in the group.
pub(crate) fn refusal(version: i16, code: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: code.code(),
        generation_id: -1,
        protocol_name: (version < VERSION_WITH_PROTOCOL_TYPE).then(String::new),
        ..JoinGroupResponse::default()
    }
}

async fn join(
    call: &Call,
    request: JoinGroupRequest,
) -> Result<Result<Joined, JoinRefused>, Fault> {
    let coordinators = Coordinators::new(call);
    let group = coordinators.group(Action::AlterGroup, &request.group_id)?;
    if request.group_id.is_empty() {
        // As in Kafka, this refusal repeats the member's id.
        return Ok(Err(JoinRefused {
            error: node_api::GroupError::InvalidGroupId,
            member_id: request.member_id,
        }));
    }
    let instance_id = request.group_instance_id.as_deref().unwrap_or_default();
    if instance_id.len() > INSTANCE_ID_BYTES_MAX {
        return Err(Fault::Invalid("The group instance id is too long."));
    }
    let join = GroupRequest::Join(member(call, request));
    let GroupReply::Join(outcome) = coordinators.ask(&group, join).await? else {
        return Err(wrong_reply());
    };
    Ok(outcome)
}

fn member(call: &Call, request: JoinGroupRequest) -> JoinGroup {
    let version = call.version();
    let is_dynamic = request.group_instance_id.is_none();
    JoinGroup {
        member_id: request.member_id,
        instance_id: request.group_instance_id,
        client_id: client_id(call),
        client_host: format!("/{}", call.client.peer.ip().to_canonical()),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: if version < VERSION_WITH_REBALANCE_TIMEOUT {
            request.session_timeout_ms
        } else {
            request.rebalance_timeout_ms
        },
        protocol_type: request.protocol_type,
        protocols: request.protocols.into_iter().map(protocol).collect(),
        requires_known_member_id: version >= VERSION_WITH_KNOWN_MEMBERS && is_dynamic,
        can_skip_assignment: version >= VERSION_WITH_SKIPPED_ASSIGNMENT,
    }
}

fn client_id(call: &Call) -> String {
    let mut id = call.header.client_id.clone().unwrap_or_default();
    id.truncate(id.floor_char_boundary(CLIENT_ID_TOLD_BYTES_MAX));
    id
}

/// A copy: the group keeps it long after the request's memory is given back.
fn protocol(protocol: JoinGroupRequestProtocol) -> (String, Bytes) {
    (protocol.name, Bytes::copy_from_slice(&protocol.metadata))
}

fn told(joined: Joined) -> JoinGroupResponse {
    JoinGroupResponse {
        generation_id: joined.generation,
        protocol_type: Some(joined.protocol_type),
        protocol_name: Some(joined.protocol),
        leader: joined.leader,
        skip_assignment: joined.skip_assignment,
        member_id: joined.member_id,
        members: joined.members.into_iter().map(told_member).collect(),
        ..JoinGroupResponse::default()
    }
}

fn told_member(member: JoinedMember) -> JoinGroupResponseMember {
    JoinGroupResponseMember {
        member_id: member.member_id,
        group_instance_id: member.instance_id,
        metadata: member.metadata,
    }
}
