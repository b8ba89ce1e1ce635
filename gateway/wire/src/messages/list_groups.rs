//! ListGroups (16): versions 0-5, flexible from 3.
//!
//! Owns: the tables of request and response.
//! 4: states, told and to filter by (KIP-518). 5: types, told and to filter by (KIP-848).

use crate::schema::messages;

messages! {
    /// Which groups to list.
    pub struct ListGroupsRequest, versions [0..=5], flexible [3..] {
        /// The states to list; empty for all.
        states_filter: Vec<String> [4..],
        /// The types to list; empty for all.
        types_filter: Vec<String> [5..],
    }

    /// The groups.
    pub struct ListGroupsResponse, versions [0..=5], flexible [3..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// Zero, or why the list is not told.
        error_code: i16 [0..],
        /// The groups.
        groups: Vec<ListedGroup> [0..],
    }

    /// A group.
    pub struct ListedGroup {
        /// The group.
        group_id: String [0..],
        /// What kind of group it is, such as `consumer`; empty if it only has offsets.
        protocol_type: String [0..],
        /// Its state, such as `Stable`.
        group_state: String [4..],
        /// Its type, such as `classic`.
        group_type: String [5..],
    }
}
