//! LeaveGroup (13): versions 0-5, flexible from 4.
//!
//! Owns: the tables of request and response.
//! 3: several members, named by id or as static members (KIP-345). 5: a reason (KIP-800).

use crate::schema::messages;

messages! {
    /// Members that leave a group.
    pub struct LeaveGroupRequest, versions [0..=5], flexible [4..] {
        /// The group.
        group_id: String [0..],
        /// The member, up to version 2.
        member_id: String [0..=2],
        /// The members, from version 3.
        members: Vec<MemberIdentity> [3..],
    }

    /// A member that leaves.
    pub struct MemberIdentity {
        /// Its id; empty if a static member is named.
        member_id: String [3..],
        /// The static member's own name, or null.
        group_instance_id: Option<String> [3..] null [3..],
        /// Why it leaves, in words.
        reason: Option<String> [5..] null [5..],
    }

    /// What became of each member.
    pub struct LeaveGroupResponse, versions [0..=5], flexible [4..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// Zero, or why nobody left.
        error_code: i16 [0..],
        /// The members, from version 3.
        members: Vec<MemberResponse> [3..],
    }

    /// What became of one member.
    pub struct MemberResponse {
        /// Its id, as in the request.
        member_id: String [3..],
        /// The static member's own name, or null, as in the request.
        group_instance_id: Option<String> [3..] null [3..],
        /// Zero, or why it did not leave.
        error_code: i16 [3..],
    }
}
