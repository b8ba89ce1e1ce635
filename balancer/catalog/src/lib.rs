//! The catalog: what exists, who owns it and where it lives, as a state machine.
//!
//! A request is decided against the state and yields records; replaying records changes the state,
//! live and when loading, by the same code. Owns: virtual clusters, topics, placements, node
//! epochs, producer ids. Does not own: where records are kept, and when (`balancer`).

pub mod alter;
pub mod decide;
pub mod map;
pub mod partition_changes;
pub mod record;
pub mod state;
pub mod topic_config;
pub mod usage;

pub use alter::{alter_topic, create_partitions};
pub use decide::{allocate_producer_ids, create_topic, delete_topic, register_node, set_cluster};
pub use map::cluster_map;
pub use partition_changes::ChangeBudget;
pub use record::CatalogRecord;
pub use state::{CatalogState, Violation};
pub use topic_config::{alter_config, parse_config};
pub use usage::CatalogUsage;

#[cfg(test)]
mod tests;
