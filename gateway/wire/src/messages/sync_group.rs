//! SyncGroup (14): versions 0-5, flexible from 4.
//!
//! Owns: the tables of request and response.
//! 3: static members (KIP-345). 5: type and name of the protocol are told both ways and checked (KIP-559).

use bytes::Bytes;

use crate::schema::messages;

messages! {
    /// A member that waits for its assignment, or the leader that has made them.
    pub struct SyncGroupRequest, versions [0..=5], flexible [4..] {
        /// The group.
        group_id: String [0..],
        /// The generation.
        generation_id: i32 [0..],
        /// The member.
        member_id: String [0..],
        /// The static member's own name, or null.
        group_instance_id: Option<String> [3..] null [3..],
        /// What kind of group the member takes it for; null for no check.
        protocol_type: Option<String> [5..] null [5..],
        /// The way to assign that the member takes for chosen; null for no check.
        protocol_name: Option<String> [5..] null [5..],
        /// All assignments, from the leader; empty from the others.
        assignments: Vec<SyncGroupRequestAssignment> [0..],
    }

    /// The assignment of one member.
    pub struct SyncGroupRequestAssignment {
        /// The member.
        member_id: String [0..],
        /// What it is to do; the server passes it on unread.
        assignment: Bytes [0..],
    }

    /// The member's assignment.
    pub struct SyncGroupResponse, versions [0..=5], flexible [4..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// Zero, or why there is no assignment.
        error_code: i16 [0..],
        /// What kind of group it is; null with an error.
        protocol_type: Option<String> [5..] null [5..],
        /// The way to assign that was chosen; null with an error.
        protocol_name: Option<String> [5..] null [5..],
        /// What the member is to do, as the leader wrote it.
        assignment: Bytes [0..],
    }
}
