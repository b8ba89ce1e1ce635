//! Which shard a group belongs to.
//!
//! Owns: the number of shards and the hash. Both are for ever: shards are partitions of a topic that
//! holds the groups' state.

use model::VirtualClusterId;

/// Shards of all coordinators together; each is one partition of the topic of groups.
pub const GROUP_SHARDS: u32 = 64;

/// The shard of a group: the same for every gateway and every node, in every release.
pub fn shard_of(cluster: VirtualClusterId, group: &str) -> u32 {
    let seed = crc32c::crc32c(&cluster.0.to_be_bytes());
    crc32c::crc32c_append(seed, group.as_bytes()) % GROUP_SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_keeps_its_shard_for_ever() {
        assert_eq!(shard_of(VirtualClusterId(1), "orders"), 35);
        assert_ne!(
            shard_of(VirtualClusterId(1), "orders"),
            shard_of(VirtualClusterId(2), "orders")
        );
    }
}
