//! The persisted facts of the catalog, one variant each. They are stored as JSON, so fields may be
//! added with a default; a variant is never given another meaning.

use model::{
    NodeEpoch, NodeId, Placement, Timestamp, Topic, TopicConfig, TopicId, VirtualCluster,
    VirtualClusterId,
};
use serde::{Deserialize, Serialize};

/// One change of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatalogRecord {
    /// A virtual cluster was made or changed; the whole of it as it is now.
    ClusterSet(VirtualCluster),
    /// A topic was created, with its placements.
    TopicCreated(Topic),
    /// A topic has more partitions.
    PartitionsCreated {
        /// The topic.
        topic: TopicId,
        /// Where those live that come to the ones that are there.
        placements: Vec<Placement>,
        /// When.
        at: Timestamp,
    },
    /// A topic has other properties; all of them as they are now.
    TopicConfigSet {
        /// The topic.
        topic: TopicId,
        /// Its properties.
        config: TopicConfig,
    },
    /// A topic is gone, with its partitions.
    TopicDeleted(TopicId),
    /// So many partitions were created and deleted, by the records beside this one.
    PartitionsChanged {
        /// Whose.
        cluster: VirtualClusterId,
        /// When.
        at: Timestamp,
        /// How many.
        partitions: u32,
    },
    /// A node has started.
    NodeRegistered {
        /// Which node.
        node: NodeId,
        /// The epoch of this start.
        epoch: NodeEpoch,
    },
    /// Producer ids below `end` have been handed out.
    ProducerIdsAllocated {
        /// End, exclusive.
        end: i64,
    },
    /// The first record of each change: when it is made. Never before the one of an earlier change.
    TimePassed {
        /// When.
        at: Timestamp,
    },
    /// Windows of cluster-time and partition-time that are over are sealed.
    UsageSealed {
        /// All batches numbered below this are kept for good.
        kept_below: u64,
    },
}
