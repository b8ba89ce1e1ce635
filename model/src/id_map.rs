//! Hash maps by ids that we give out.
//!
//! Owns: the hash, which is fast, and the same in every run. Does not own: maps by anything that a
//! client chooses, which need a hash seeded by chance: whoever knows the hash can choose names that
//! all fall into one bucket, and each lookup then walks them all. Ids of topics, gateways, nodes and
//! segments are drawn or counted by us, so nobody can choose them.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// The hash of ids.
pub type IdHash = FixedState;

/// A map by ids of ours: `TopicPartition`, `TopicId`, `GatewayIncarnation` and the like.
pub type IdMap<K, V> = HashMap<K, V, IdHash>;
