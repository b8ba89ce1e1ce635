//! Storage nodes: the async shell around partition logs, the write-ahead log and reads.
//!
//! Owns: the partitions placed on this node. Does not own: where partitions go (`balancer`), clients
//! (`gateway`).

mod coordinators;
mod file_reads;
mod janitor;
mod limits;
mod local;
mod node;
mod partition;
mod pieces;
mod recovery;
mod shard;
mod tail;
mod traffic;
mod usage;

pub use coordinators::FillRandom;
pub use local::LocalNode;
pub use node::{Node, NodeConfig, NodeError, NodeParts};
pub use recovery::RecoveryError;
pub use traffic::TopicTraffic;

#[cfg(test)]
mod tests;
