//! The nouns that every part of Tidegate shares.
//!
//! Owns: ids, names, offsets, epochs, units, time, limits, placements, the cluster map.
//! Does not own: behaviour beyond checks. Nothing here does I/O, reads a clock or draws lots.

pub mod cluster_map;
pub mod epoch;
pub mod group_settings;
pub mod id;
pub mod id_map;
pub mod limits;
pub mod name;
pub mod offset;
pub mod partition_changes;
pub mod system_topics;
pub mod time;
pub mod topic;
pub mod topic_property;
pub mod topic_request;
pub mod units;

pub use cluster_map::{
    AccessKey, ClusterMap, Placement, ScramCredential, ScramKeys, Topic, VirtualCluster,
};
pub use epoch::{CatalogVersion, LeaderEpoch, NodeEpoch};
pub use group_settings::GroupSettings;
pub use id::{
    AppendId, GatewayIncarnation, LANES, LaneId, NodeId, ProducerEpoch, ProducerId, TenantId,
    TopicId, TopicPartition, VirtualClusterId,
};
pub use id_map::{IdHash, IdMap};
pub use limits::{FetchOverLimit, Limits};
pub use name::{InvalidTopicName, TopicName};
pub use offset::Offset;
pub use partition_changes::PartitionChanges;
pub use system_topics::{GROUPS_TOPIC, USAGE_TOPIC};
pub use time::{Clock, Instant, Timestamp};
pub use topic::{CleanupPolicy, TimestampType, TopicConfig};
pub use topic_property::{InvalidValue, PropertyType, TopicProperty};
pub use units::{ByteCount, ByteRate};
