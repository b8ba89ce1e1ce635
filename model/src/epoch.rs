//! Numbers that only go up, and fence whoever holds a smaller one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of a partition's leadership; goes up at each move and failover.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct LeaderEpoch(pub u32);

/// Number of a node's incarnation; rises at every start.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct NodeEpoch(pub u64);

/// Version of the catalog, and of the cluster map made from it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct CatalogVersion(pub u64);

impl LeaderEpoch {
    /// The only leader epoch that clients ever see, in answers and in stored batches, whatever a
    /// partition's leadership is numbered inside: logs are never truncated, so clients have nothing
    /// to check by it (KIP-320), and a move must not show.
    pub const SHOWN: Self = Self(0);

    /// The epoch as Kafka's messages have it.
    ///
    /// # Panics
    /// If a partition has moved 2^31 times.
    pub fn to_wire(self) -> i32 {
        i32::try_from(self.0).expect("a partition moves less than 2^31 times")
    }
}

impl fmt::Display for LeaderEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
