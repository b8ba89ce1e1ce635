//! ListConfigResources (74): versions 0-1, flexible from 0.
//!
//! Owns: the tables of request and response.
//! 0: client metrics only (KIP-714). 1: resources of any type (KIP-1142).

use crate::schema::messages;

messages! {
    /// Which resources to list.
    pub struct ListConfigResourcesRequest, versions [0..=1], flexible [0..] {
        /// Their types; none is every type.
        resource_types: Vec<i8> [1..],
    }

    /// The resources.
    pub struct ListConfigResourcesResponse, versions [0..=1], flexible [0..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// Zero, or why nothing is listed.
        error_code: i16 [0..],
        /// The resources.
        config_resources: Vec<ConfigResource> [0..],
    }

    /// A resource.
    pub struct ConfigResource {
        /// Its name.
        resource_name: String [0..],
        /// Its type.
        resource_type: i8 [1..] = 16,
    }
}
