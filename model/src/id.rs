//! Identifiers. Each is a type of its own, so that two of them cannot be swapped by accident.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The paying customer: owner of virtual clusters, limits and bills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TenantId(pub u32);

/// What a tenant sees as its Kafka cluster. Zero is the system's own and is never billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VirtualClusterId(pub u32);

impl VirtualClusterId {
    /// Owner of the internal partitions (usage, and later group shards).
    pub const SYSTEM: Self = Self(0);
}

/// A topic's UUID: a name that is created again gets a new one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// The id that stands for "none" on the wire.
    pub const ZERO: Self = Self([0; 16]);
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One ordered log: the unit of order, quota, placement and movement. Unique over all tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicId,
    /// Index of the partition within its topic, from 0.
    pub partition: u32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A storage node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// One life of one gateway process; drawn at its start, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GatewayIncarnation(pub u64);

/// One of the few ordered streams between a gateway and a node. A partition is hashed to one, so
/// what a gateway sends to a partition arrives in the order in which it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneId(pub u8);

/// How many lanes lie between a gateway and a node.
pub const LANES: u8 = 8;

impl LaneId {
    /// The lane that `partition` is hashed to; the same in every process and release (FNV-1a).
    pub fn of(partition: TopicPartition) -> Self {
        let bytes = partition
            .topic
            .0
            .into_iter()
            .chain(partition.partition.to_be_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // The low bits of FNV mix worst where only the last byte differs, so fold the high ones in.
        Self(((hash ^ (hash >> 32)) % u64::from(LANES)) as u8)
    }
}

/// Name of one append of a gateway: what makes a repeat recognisable and a gap visible.
///
/// Sequences count from 0 for each (gateway, partition). The lane is the one the partition hashes
/// to; it is kept so that an operator can see which stream carried a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppendId {
    /// Which life of which gateway.
    pub gateway: GatewayIncarnation,
    /// The lane it came by.
    pub lane: LaneId,
    /// Position among this gateway's appends to this partition.
    pub sequence: u64,
}

/// Identity of an idempotent producer (KIP-98); unique within a virtual cluster for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerId(pub i64);

/// Fences former holders of a producer id (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerEpoch(pub i16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_id_prints_as_a_uuid() {
        let id = TopicId(*b"0123456789abcdef");
        assert_eq!(id.to_string(), "30313233-3435-3637-3839-616263646566");
    }
}
