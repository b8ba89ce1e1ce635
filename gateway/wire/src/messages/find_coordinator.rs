//! FindCoordinator (10): versions 0-6, flexible from 3.
//!
//! Owns: the tables of request and response.
//! 1: for transactions too. 4: several keys, and the fields of one key are gone (KIP-699). 5: may be answered with
//! TRANSACTION_ABORTABLE (KIP-890). 6: for share groups too (KIP-932).

use crate::schema::messages;

messages! {
    /// Groups or transactional ids whose coordinators are looked for.
    pub struct FindCoordinatorRequest, versions [0..=6], flexible [3..] {
        /// The key, up to version 3.
        key: String [0..=3],
        /// What the keys are. 0: group ids. 1: transactional ids. 2: `group:topic id:partition` of share groups.
        key_type: i8 [1..] = 0,
        /// The keys, from version 4.
        coordinator_keys: Vec<String> [4..],
    }

    /// The coordinators.
    pub struct FindCoordinatorResponse, versions [0..=6], flexible [3..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// Zero, or why no coordinator is told, up to version 3.
        error_code: i16 [0..=3],
        /// Why, in words, up to version 3.
        error_message: Option<String> [1..=3] null [1..=3] = Some(String::new()),
        /// The coordinator's node, up to version 3; -1 with an error.
        node_id: i32 [0..=3],
        /// Its host name, up to version 3.
        host: String [0..=3],
        /// Its port, up to version 3; -1 with an error.
        port: i32 [0..=3],
        /// The coordinators, from version 4.
        coordinators: Vec<Coordinator> [4..],
    }

    /// The coordinator of one key.
    pub struct Coordinator {
        /// The key.
        key: String [4..],
        /// The node; -1 with an error.
        node_id: i32 [4..],
        /// Its host name.
        host: String [4..],
        /// Its port; -1 with an error.
        port: i32 [4..],
        /// Zero, or why no coordinator is told.
        error_code: i16 [4..],
        /// Why, in words.
        error_message: Option<String> [4..] null [4..],
    }
}
