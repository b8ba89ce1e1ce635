//! What goes to the bill: one amount for a virtual cluster, a meter and a minute.
//!
//! Owns: the record and its identity. Does not own: sending, prices, or the sums ([`crate::meter`]).
//!
//! Invariant: a record's id is made of nothing but where its amount comes from, so who sends a record
//! twice sends the same id twice, and the receiver counts it once.

use std::fmt;

use model::{GatewayIncarnation, NodeId, VirtualClusterId};
use serde::{Deserialize, Serialize};

use crate::meter::{MeterSum, Meters};
use crate::minute::Minute;

/// What is measured, and in which unit an amount counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// Bytes of committed record batches, as received.
    BytesIn,
    /// Bytes of record batches delivered.
    BytesOut,
    /// Seconds that the virtual cluster existed.
    ClusterTime,
    /// Seconds that its partitions existed, summed over them.
    PartitionTime,
    /// Bytes stored times seconds.
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
    /// The node epoch of the frames that were summed; 0 for a source that has no epochs.
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
    pub amount: u64,
}

/// The records of all windows before `minute` that are not sealed yet, in order. To be sent before
/// [`Meters::fold_before`] seals those windows. The system's own virtual cluster has no bill.
pub fn records_before(meters: &Meters, origin: UsageOrigin, minute: Minute) -> Vec<UsageRecord> {
    meters
        .windows()
        .filter(|window| window.minute < minute)
        .filter(|window| window.virtual_cluster != VirtualClusterId::SYSTEM)
        .flat_map(|window| {
            amounts(window.sum).map(|(meter, amount)| UsageRecord {
                id: UsageId {
                    virtual_cluster: window.virtual_cluster,
                    meter,
                    minute: window.minute,
                    origin,
                },
                amount,
            })
        })
        .filter(|record| record.amount > 0)
        .collect()
}

fn amounts(sum: MeterSum) -> [(Meter, u64); 2] {
    [
        (Meter::BytesIn, sum.bytes_in.0),
        (Meter::BytesOut, sum.bytes_out.0),
    ]
}

#[cfg(test)]
mod tests {
    use model::{ByteCount, Timestamp};
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: UsageOrigin = UsageOrigin {
        source: UsageSource::Node(NodeId(3)),
        epoch: 12,
    };

    #[test]
    fn only_whole_windows_of_tenants_are_billed() {
        let mut meters = Meters::new();
        meters.add_in(VirtualClusterId(7), Timestamp(59_999), ByteCount(10), 1);
        meters.add_out(VirtualClusterId(7), Timestamp(0), ByteCount(20));
        meters.add_out(VirtualClusterId(7), Timestamp(60_000), ByteCount(40));
        meters.add_in(VirtualClusterId(8), Timestamp(1), ByteCount(80), 1);
        meters.add_in(VirtualClusterId::SYSTEM, Timestamp(1), ByteCount(160), 1);
        let records = records_before(&meters, ORIGIN, Minute(1));
        let printed: Vec<_> = records
            .iter()
            .map(|r| format!("{} = {}", r.id, r.amount))
            .collect();
        assert_eq!(
            printed,
            [
                "7:bytes_in:0:node-3:12 = 10",
                "7:bytes_out:0:node-3:12 = 20",
                "8:bytes_in:0:node-3:12 = 80",
            ]
        );
        meters.fold_before(Minute(1));
        assert_eq!(records_before(&meters, ORIGIN, Minute(1)), []);
    }

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
