//! IncrementalAlterConfigs (44): versions 0-1, flexible from 1.
//!
//! Owns: the tables of request and response.
//! Properties that are not named stay as they are (KIP-339). Types of resources are those of DescribeConfigs.

use crate::schema::messages;

messages! {
    /// Properties to change.
    pub struct IncrementalAlterConfigsRequest, versions [0..=1], flexible [1..] {
        /// The resources.
        resources: Vec<AlterConfigsResource> [0..],
        /// Whether to check everything and change nothing.
        validate_only: bool [0..],
    }

    /// The changes of one resource.
    pub struct AlterConfigsResource {
        /// The resource's type.
        resource_type: i8 [0..],
        /// Its name.
        resource_name: String [0..],
        /// The changes.
        configs: Vec<AlterableConfig> [0..],
    }

    /// A change of one property.
    pub struct AlterableConfig {
        /// The property's name.
        name: String [0..],
        /// What to do. 0: set. 1: delete, back to the default. 2: append to a list. 3: take from a list.
        config_operation: i8 [0..],
        /// The value to do it with; null to delete.
        value: Option<String> [0..] null [0..],
    }

    /// What became of each resource.
    pub struct IncrementalAlterConfigsResponse, versions [0..=1], flexible [1..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// The resources.
        responses: Vec<AlterConfigsResourceResponse> [0..],
    }

    /// What became of one resource.
    pub struct AlterConfigsResourceResponse {
        /// Zero, or why nothing of it was changed.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [0..] null [0..],
        /// The resource's type.
        resource_type: i8 [0..],
        /// Its name.
        resource_name: String [0..],
    }
}
