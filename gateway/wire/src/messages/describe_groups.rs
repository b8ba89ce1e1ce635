//! DescribeGroups (15): versions 0-6, flexible from 5.
//!
//! Owns: the tables of request and response.
//! Groups of the classic protocol only. 3: authorized operations (KIP-430). 4: static members (KIP-345). 6: a group
//! that does not exist is GROUP_ID_NOT_FOUND (KIP-1043); before, it has no error and the state `Dead`.

use bytes::Bytes;

use crate::schema::messages;

messages! {
    /// Groups to describe.
    pub struct DescribeGroupsRequest, versions [0..=6], flexible [5..] {
        /// The groups.
        groups: Vec<String> [0..],
        /// Whether to tell what the client may do to each group.
        include_authorized_operations: bool [3..],
    }

    /// The groups.
    pub struct DescribeGroupsResponse, versions [0..=6], flexible [5..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// The groups.
        groups: Vec<DescribedGroup> [0..],
    }

    /// A group.
    pub struct DescribedGroup {
        /// Zero, or why the group is not described.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [6..] null [6..],
        /// The group.
        group_id: String [0..],
        /// Its state, such as `Stable` or `Empty`; empty with an error.
        group_state: String [0..],
        /// What kind of group it is, such as `consumer`.
        protocol_type: String [0..],
        /// The way to assign that was chosen; empty unless the group is stable.
        protocol_data: String [0..],
        /// The members.
        members: Vec<DescribedGroupMember> [0..],
        /// A bit for each operation allowed on the group; `i32::MIN` if it was not asked for.
        authorized_operations: i32 [3..] = i32::MIN,
    }

    /// A member.
    pub struct DescribedGroupMember {
        /// Its id.
        member_id: String [0..],
        /// The static member's own name, or null.
        group_instance_id: Option<String> [4..] null [4..],
        /// What its client calls itself.
        client_id: String [0..],
        /// The address that it joined from.
        client_host: String [0..],
        /// What it told about itself for the chosen way to assign; empty unless the group is stable.
        member_metadata: Bytes [0..],
        /// What it is to do; empty unless the group is stable.
        member_assignment: Bytes [0..],
    }
}
