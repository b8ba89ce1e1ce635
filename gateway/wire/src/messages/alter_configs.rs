//! AlterConfigs (33): versions 0-2, flexible from 2.
//!
//! Owns: the tables of request and response.
//! All properties of a resource are replaced: one that is not named goes back to its default. Types of resources are
//! those of DescribeConfigs.

use crate::schema::messages;

messages! {
    /// Properties to replace.
    pub struct AlterConfigsRequest, versions [0..=2], flexible [2..] {
        /// The resources.
        resources: Vec<AlterConfigsResource> [0..],
        /// Whether to check everything and change nothing.
        validate_only: bool [0..],
    }

    /// The properties of one resource.
    pub struct AlterConfigsResource {
        /// The resource's type.
        resource_type: i8 [0..],
        /// Its name.
        resource_name: String [0..],
        /// All properties that are to differ from the defaults.
        configs: Vec<AlterableConfig> [0..],
    }

    /// A property.
    pub struct AlterableConfig {
        /// Its name.
        name: String [0..],
        /// Its value.
        value: Option<String> [0..] null [0..],
    }

    /// What became of each resource.
    pub struct AlterConfigsResponse, versions [0..=2], flexible [2..] {
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
