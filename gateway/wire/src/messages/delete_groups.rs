//! DeleteGroups (42): versions 0-2, flexible from 2.
//!
//! Owns: the tables of request and response.

use crate::schema::messages;

messages! {
    /// Groups to delete, with their offsets.
    pub struct DeleteGroupsRequest, versions [0..=2], flexible [2..] {
        /// The groups.
        groups_names: Vec<String> [0..],
    }

    /// What became of each group.
    pub struct DeleteGroupsResponse, versions [0..=2], flexible [2..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// The groups.
        results: Vec<DeletableGroupResult> [0..],
    }

    /// What became of one group.
    pub struct DeletableGroupResult {
        /// The group.
        group_id: String [0..],
        /// Zero, or why it was not deleted.
        error_code: i16 [0..],
    }
}
