//! What goes to the bill: one amount for a virtual cluster, a meter and a minute.
//!
//! Owns: the record and its identity. Does not own: sending, prices, or the sums ([`crate::meters`]).
//!
//! Invariant: a record's id is made of nothing but where its amount comes from, so who sends a record
//! twice sends the same id twice, and the receiver counts it once.

use std::fmt;

use model::{GatewayIncarnation, NodeId, VirtualClusterId};
use serde::{Deserialize, Serialize};

use crate::minute::Minute;

/// What is measured, and in which unit an amount counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// Bytes of committed record batches, as received.
    BytesIn,
    /// Bytes of record batches delivered.
    BytesOut,
    /// Milliseconds that the virtual cluster existed.
    ClusterTime,
    /// Milliseconds that its partitions existed, summed over them.
    PartitionTime,
    /// Bytes stored times milliseconds.
    StoredByteTime,
}

impl Meter {
    /// The name in ids and exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BytesIn => "bytes_in",
            Self::BytesOut => "bytes_out",
            Self::ClusterTime => "cluster_time",
            Self::PartitionTime => "partition_time",
            Self::StoredByteTime => "stored_byte_time",
        }
    }
}

/// Who measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// A node, from the frames of its log.
    Node(NodeId),
    /// A gateway.
    Gateway(GatewayIncarnation),
    /// The balancer, from the catalog.
    Balancer,
}

impl fmt::Display for UsageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "node-{}", node.0),
            Self::Gateway(incarnation) => write!(f, "gateway-{}", incarnation.0),
            Self::Balancer => f.write_str("balancer"),
        }
    }
}

/// Who measured, in which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UsageOrigin {
    /// Who.
    pub source: UsageSource,
    /// For a node the epoch of its log: the node epoch under which the log was begun. It stays with
    /// the log through all restarts, so windows that are worked out again have the same ids; a node
    /// that has lost its log begins another one under a higher epoch. 0 for the balancer.
    pub epoch: u64,
}

/// The identity of a usage record. It prints as `cluster:meter:minute:source:epoch`, which is the id
/// for a receiver that wants text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UsageId {
    /// Whose usage.
    pub virtual_cluster: VirtualClusterId,
    /// Of what.
    pub meter: Meter,
    /// In which window; its start is [`Minute::start`].
    pub minute: Minute,
    /// Measured by whom.
    pub origin: UsageOrigin,
}

impl fmt::Display for UsageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            virtual_cluster,
            meter,
            minute,
            origin,
        } = self;
        let UsageOrigin { source, epoch } = origin;
        write!(
            f,
            "{}:{}:{minute}:{source}:{epoch}",
            virtual_cluster.0,
            meter.name()
        )
    }
}

/// An amount for the bill. Once its window is sealed it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// What the amount is of.
    pub id: UsageId,
    /// How much, in the unit of the meter.
    pub amount: u128,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = UsageId> {
        let meters = prop_oneof![
            Just(Meter::BytesIn),
            Just(Meter::BytesOut),
            Just(Meter::ClusterTime)
        ];
        let sources = prop_oneof![
            (0..3u32).prop_map(|node| UsageSource::Node(NodeId(node))),
            (0..3u64).prop_map(|gateway| UsageSource::Gateway(GatewayIncarnation(gateway))),
            Just(UsageSource::Balancer),
        ];
        (0..12u32, meters, -2..12i64, sources, 0..12u64).prop_map(
            |(cluster, meter, minute, source, epoch)| UsageId {
                virtual_cluster: VirtualClusterId(cluster),
                meter,
                minute: Minute(minute),
                origin: UsageOrigin { source, epoch },
            },
        )
    }

    proptest! {
        #[test]
        fn ids_print_alike_only_if_they_are_equal(a in ids(), b in ids()) {
            prop_assert_eq!(a == b, a.to_string() == b.to_string());
        }
    }
}
