//! Heartbeat (12): versions 0-4, flexible from 4.
//!
//! Owns: the tables of request and response.
//! 3: static members (KIP-345).

use crate::schema::messages;

messages! {
    /// A member that is alive.
    pub struct HeartbeatRequest, versions [0..=4], flexible [4..] {
        /// The group.
        group_id: String [0..],
        /// The generation that the member is in.
        generation_id: i32 [0..],
        /// The member.
        member_id: String [0..],
        /// The static member's own name, or null.
        group_instance_id: Option<String> [3..] null [3..],
    }

    /// Whether the member may go on.
    pub struct HeartbeatResponse, versions [0..=4], flexible [4..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// Zero, or what the member has to do, such as REBALANCE_IN_PROGRESS.
        error_code: i16 [0..],
    }
}
