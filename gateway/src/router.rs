//! From a partition to the node that owns it, by the newest cluster map.
//!
//! Owns: the snapshot of the map that requests are served by, and the registry of nodes. Does not
//! own: the map's content, what to do where nobody owns a partition.
//!
//! Invariant: what the control plane has answered is in the snapshot that later requests see, since
//! [`Router::refresh`] is called after each of its answers.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::{CatalogVersion, ClusterMap, LeaderEpoch, NodeId, TopicPartition};
use node_api::NodeTransport;
use tokio::sync::watch;

/// The storage nodes that a gateway can reach. Whoever starts the gateway fills it and keeps it up
/// to date.
#[derive(Default)]
pub struct Nodes {
    transports: ArcSwap<HashMap<NodeId, Arc<dyn NodeTransport>>>,
}

impl Nodes {
    /// A registry with these nodes.
    pub fn new(nodes: impl IntoIterator<Item = (NodeId, Arc<dyn NodeTransport>)>) -> Self {
        Self {
            transports: ArcSwap::from_pointee(nodes.into_iter().collect()),
        }
    }

    /// Adds a node, or replaces how it is reached.
    pub fn insert(&self, id: NodeId, transport: Arc<dyn NodeTransport>) {
        self.transports.rcu(|before| {
            let mut after = HashMap::clone(before);
            after.insert(id, Arc::clone(&transport));
            after
        });
    }

    /// Forgets a node.
    pub fn remove(&self, id: NodeId) {
        self.transports.rcu(|before| {
            let mut after = HashMap::clone(before);
            after.remove(&id);
            after
        });
    }

    /// How to reach a node.
    pub fn transport(&self, id: NodeId) -> Option<Arc<dyn NodeTransport>> {
        self.transports.load().get(&id).cloned()
    }
}

/// Where a partition lives, and by which map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) node: NodeId,
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) map_version: CatalogVersion,
}

/// See the file's header.
pub(crate) struct Router {
    watch: watch::Receiver<Arc<ClusterMap>>,
    snapshot: ArcSwap<ClusterMap>,
    nodes: Arc<Nodes>,
}

impl Router {
    pub(crate) fn new(watch: watch::Receiver<Arc<ClusterMap>>, nodes: Arc<Nodes>) -> Self {
        let snapshot = ArcSwap::new(Arc::clone(&watch.borrow()));
        Self {
            watch,
            snapshot,
            nodes,
        }
    }

    /// The newest map. Whoever serves a request takes it once, so that all of the request is
    /// served by the same.
    pub(crate) fn map(&self) -> Arc<ClusterMap> {
        self.snapshot.load_full()
    }

    /// Where `partition` lives; none where it does not exist (any more).
    pub(crate) fn route(&self, partition: TopicPartition) -> Option<Route> {
        let map = self.snapshot.load();
        let placement = map.placement(partition)?;
        Some(Route {
            node: placement.node,
            leader_epoch: placement.leader_epoch,
            map_version: map.version,
        })
    }

    /// How to reach a node; none while it is not known how.
    pub(crate) fn transport(&self, node: NodeId) -> Option<Arc<dyn NodeTransport>> {
        self.nodes.transport(node)
    }

    /// The registry that nodes are looked up in.
    #[cfg(test)]
    pub(crate) fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// Takes the newest map that the control plane has published.
    pub(crate) fn refresh(&self) {
        let newest = Arc::clone(&self.watch.borrow());
        // Two tasks may come here at once; the older map must not come out on top.
        self.snapshot.rcu(|present| {
            if newest.version >= present.version {
                Arc::clone(&newest)
            } else {
                Arc::clone(present)
            }
        });
    }

    /// Says when the map changes; each call is a follower of its own.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<ClusterMap>> {
        let mut changes = self.watch.clone();
        changes.mark_changed();
        changes
    }

    /// Keeps the snapshot up to date until the control plane is gone.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut changes = self.changes();
        while changes.changed().await.is_ok() {
            self.refresh();
        }
    }
}
