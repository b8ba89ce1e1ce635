//! Names of the topics that the system keeps for itself, in its own virtual cluster
//! ([`crate::VirtualClusterId::SYSTEM`]).

/// What gateways have delivered, as they append it.
pub const USAGE_TOPIC: &str = "__usage";

/// The state of consumer groups: one partition for each shard of the coordinators.
pub const GROUPS_TOPIC: &str = "__groups";
