//! JoinGroup (11): versions 0-9, flexible from 6.
//!
//! Owns: the tables of request and response.
//! 1: a timeout of its own for rebalances. 4: a new member must ask again with the id that it was given (KIP-394).
//! 5: static members (KIP-345). 7: the response tells the type of protocol, and its name may be null (KIP-559).
//! 8: a reason (KIP-800). 9: the leader may be told not to assign (KIP-814).

use bytes::Bytes;

use crate::schema::messages;

messages! {
    /// A member that joins a group, or joins again.
    pub struct JoinGroupRequest, versions [0..=9], flexible [6..] {
        /// The group.
        group_id: String [0..],
        /// After how many milliseconds without a heartbeat the member counts as gone.
        session_timeout_ms: i32 [0..],
        /// How long a rebalance waits for the member, in milliseconds. In version 0 the session timeout stands for it.
        rebalance_timeout_ms: i32 [1..] = -1,
        /// The member; empty if it has no id yet.
        member_id: String [0..],
        /// The static member's own name, or null.
        group_instance_id: Option<String> [5..] null [5..],
        /// What kind of group it is, such as `consumer` or `connect`.
        protocol_type: String [0..],
        /// The ways to assign that the member knows, the preferred one first.
        protocols: Vec<JoinGroupRequestProtocol> [0..],
        /// Why it joins, in words.
        reason: Option<String> [8..] null [8..],
    }

    /// A way to assign.
    pub struct JoinGroupRequestProtocol {
        /// Its name.
        name: String [0..],
        /// What the member tells the leader about itself; the server passes it on unread.
        metadata: Bytes [0..],
    }

    /// The new generation.
    pub struct JoinGroupResponse, versions [0..=9], flexible [6..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [2..],
        /// Zero, or why the member did not join.
        error_code: i16 [0..],
        /// The generation; -1 with an error.
        generation_id: i32 [0..] = -1,
        /// What kind of group it is; null with an error.
        protocol_type: Option<String> [7..] null [7..],
        /// The way to assign that was chosen; with an error null, but empty before version 7.
        protocol_name: Option<String> [0..] null [7..] = Some(String::new()),
        /// The member that is to assign.
        leader: String [0..],
        /// Whether the leader must leave the assignment as it is.
        skip_assignment: bool [9..],
        /// The member that asked, with MEMBER_ID_REQUIRED too.
        member_id: String [0..],
        /// All members, for the leader; empty for the others.
        members: Vec<JoinGroupResponseMember> [0..],
    }

    /// A member.
    pub struct JoinGroupResponseMember {
        /// Its id.
        member_id: String [0..],
        /// The static member's own name, or null.
        group_instance_id: Option<String> [5..] null [5..],
        /// What it told about itself for the chosen way to assign.
        metadata: Bytes [0..],
    }
}
