//! DeleteTopics (20): versions 1-6, flexible from 4.
//!
//! Owns: the tables of request and response.
//! 5: may be throttled by an error (KIP-599). 6: topics may be named by id.

use crate::schema::messages;

messages! {
    /// Topics to delete.
    pub struct DeleteTopicsRequest, versions [1..=6], flexible [4..] {
        /// The topics, from version 6.
        topics: Vec<DeleteTopicState> [6..],
        /// The topics, up to version 5.
        topic_names: Vec<String> [0..=5],
        /// How long the client waits, in milliseconds.
        timeout_ms: i32 [0..],
    }

    /// A topic to delete.
    pub struct DeleteTopicState {
        /// Its name, or null to name it by id.
        name: Option<String> [6..] null [6..],
        /// Its id, or zero to name it by name.
        topic_id: [u8; 16] [6..],
    }

    /// What became of each topic.
    pub struct DeleteTopicsResponse, versions [1..=6], flexible [4..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// The topics.
        responses: Vec<DeletableTopicResult> [0..],
    }

    /// What became of one topic.
    pub struct DeletableTopicResult {
        /// Its name; null if it is not known. Before version 6 null is a bug.
        name: Option<String> [0..] null [6..],
        /// Its id, from version 6.
        topic_id: [u8; 16] [6..],
        /// Zero, or why it was not deleted.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [5..] null [5..],
    }
}
