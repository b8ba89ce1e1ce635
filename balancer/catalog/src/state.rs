//! The catalog's state and how records change it.
//!
//! Invariants, checked before a change is committed: a topic belongs to a known virtual cluster,
//! names are unique within it, every partition has one placement, node epochs only rise.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{
    CatalogVersion, NodeEpoch, NodeId, PartitionChanges, Timestamp, Topic, TopicId, TopicName,
    VirtualCluster, VirtualClusterId,
};
use serde::{Deserialize, Serialize};

use crate::record::CatalogRecord;
use crate::usage::CatalogUsage;

/// Everything the control plane knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogState {
    /// Goes up by one with each committed change.
    pub version: CatalogVersion,
    /// Virtual clusters.
    pub clusters: BTreeMap<VirtualClusterId, VirtualCluster>,
    /// Topics by id, shared with cluster maps and copies until one changes.
    #[serde(with = "topics_as_list")]
    pub topics: BTreeMap<TopicId, Arc<Topic>>,
    /// Topic ids by virtual cluster and name; made from `topics`.
    #[serde(skip)]
    pub names: BTreeMap<VirtualClusterId, BTreeMap<TopicName, TopicId>>,
    /// The latest epoch of each node.
    pub nodes: BTreeMap<NodeId, NodeEpoch>,
    /// Producer ids below this one have been handed out.
    pub producer_ids_end: i64,
    /// Cluster-time and partition-time.
    #[serde(default)]
    pub usage: CatalogUsage,
    /// Partitions created and deleted of late.
    #[serde(default)]
    pub partition_changes: BTreeMap<VirtualClusterId, PartitionChanges>,
}

/// An invariant that a change would break: a bug, and the change is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The topic's virtual cluster is not there.
    #[error("topic {0} belongs to an unknown virtual cluster")]
    UnknownCluster(TopicId),
    /// Two topics of one virtual cluster share a name.
    #[error("topic name {0} is taken")]
    NameTaken(TopicName),
    /// The topic that is to change is not there.
    #[error("topic {0} is unknown")]
    UnknownTopic(TopicId),
    /// A topic without partitions, or a change that adds none.
    #[error("topic {0} has no partitions")]
    NoPartitions(TopicId),
    /// A node's epoch did not rise.
    #[error("epoch of node {0:?} did not rise")]
    NodeEpoch(NodeId),
    /// Producer ids would be handed out twice.
    #[error("producer ids did not rise")]
    ProducerIds,
    /// A change would be made before an earlier one.
    #[error("the time of changes would go back to {0}")]
    Time(Timestamp),
}

impl CatalogState {
    /// The topic called `name`.
    pub fn topic_by_name(&self, cluster: VirtualClusterId, name: &str) -> Option<&Topic> {
        let id = self.names.get(&cluster)?.get(name)?;
        self.topics.get(id).map(AsRef::as_ref)
    }

    /// The topics of one virtual cluster.
    pub fn topics_of(&self, cluster: VirtualClusterId) -> impl Iterator<Item = &Topic> {
        let names = self
            .names
            .get(&cluster)
            .into_iter()
            .flat_map(BTreeMap::values);
        names.filter_map(|id| self.topics.get(id).map(AsRef::as_ref))
    }

    /// What decisions about topics of one virtual cluster look at, and nothing else: for a request
    /// whose parts are decided one after the other. Costs as much as `cluster` has topics, however
    /// large they are and whatever the others have.
    pub fn part_of(&self, cluster: VirtualClusterId) -> Self {
        let owner = self.clusters.get(&cluster);
        let names = self.names.get(&cluster);
        let ids = names.into_iter().flat_map(BTreeMap::values);
        let topics = ids.filter_map(|id| Some((*id, Arc::clone(self.topics.get(id)?))));
        Self {
            version: self.version,
            clusters: owner
                .map(|owner| (cluster, owner.clone()))
                .into_iter()
                .collect(),
            topics: topics.collect(),
            names: names
                .map(|names| (cluster, names.clone()))
                .into_iter()
                .collect(),
            ..Self::default()
        }
    }

    /// Rebuilds what is derived; call after the state was read from storage.
    pub fn index(&mut self) {
        self.names.clear();
        for topic in self.topics.values() {
            let names = self.names.entry(topic.virtual_cluster).or_default();
            names.insert(topic.name.clone(), topic.id);
        }
    }

    /// Whether `record` may be applied now.
    pub fn check(&self, record: &CatalogRecord) -> Result<(), Violation> {
        match record {
            CatalogRecord::ClusterSet(_)
            | CatalogRecord::TopicDeleted(_)
            | CatalogRecord::PartitionsChanged { .. } => Ok(()),
            CatalogRecord::TopicCreated(topic) => self.check_topic(topic),
            CatalogRecord::PartitionsCreated {
                topic, placements, ..
            } => {
                if placements.is_empty() {
                    return Err(Violation::NoPartitions(*topic));
                }
                self.check_there(*topic)
            }
            CatalogRecord::TopicConfigSet { topic, .. } => self.check_there(*topic),
            CatalogRecord::NodeRegistered { node, epoch } => match self.nodes.get(node) {
                Some(current) if current >= epoch => Err(Violation::NodeEpoch(*node)),
                _ => Ok(()),
            },
            CatalogRecord::ProducerIdsAllocated { end } if *end <= self.producer_ids_end => {
                Err(Violation::ProducerIds)
            }
            CatalogRecord::TimePassed { at } if self.usage.time() > Some(*at) => {
                Err(Violation::Time(*at))
            }
            CatalogRecord::ProducerIdsAllocated { .. }
            | CatalogRecord::TimePassed { .. }
            | CatalogRecord::UsageSealed { .. } => Ok(()),
        }
    }

    fn check_there(&self, topic: TopicId) -> Result<(), Violation> {
        let there = self.topics.contains_key(&topic);
        there.then_some(()).ok_or(Violation::UnknownTopic(topic))
    }

    fn check_topic(&self, topic: &Topic) -> Result<(), Violation> {
        if !self.clusters.contains_key(&topic.virtual_cluster) {
            return Err(Violation::UnknownCluster(topic.id));
        }
        if topic.placements.is_empty() {
            return Err(Violation::NoPartitions(topic.id));
        }
        if self
            .topic_by_name(topic.virtual_cluster, topic.name.as_str())
            .is_some()
        {
            return Err(Violation::NameTaken(topic.name.clone()));
        }
        Ok(())
    }

    /// Applies a record that is durable.
    pub fn replay(&mut self, record: CatalogRecord) {
        match record {
            CatalogRecord::ClusterSet(cluster) => {
                self.clusters.insert(cluster.id, cluster);
            }
            CatalogRecord::TopicCreated(topic) => {
                let names = self.names.entry(topic.virtual_cluster).or_default();
                names.insert(topic.name.clone(), topic.id);
                self.topics.insert(topic.id, Arc::new(topic));
            }
            CatalogRecord::PartitionsCreated {
                topic, placements, ..
            } => {
                if let Some(topic) = self.topics.get_mut(&topic) {
                    Arc::make_mut(topic).placements.extend(placements);
                }
            }
            CatalogRecord::TopicConfigSet { topic, config } => {
                if let Some(topic) = self.topics.get_mut(&topic) {
                    Arc::make_mut(topic).config = config;
                }
            }
            CatalogRecord::TopicDeleted(id) => {
                if let Some(topic) = self.topics.remove(&id)
                    && let Some(names) = self.names.get_mut(&topic.virtual_cluster)
                {
                    names.remove(&topic.name);
                }
            }
            CatalogRecord::PartitionsChanged {
                cluster,
                at,
                partitions,
            } => {
                let changes = self.partition_changes.entry(cluster).or_default();
                changes.add(at, partitions);
            }
            CatalogRecord::NodeRegistered { node, epoch } => {
                self.nodes.insert(node, epoch);
            }
            CatalogRecord::ProducerIdsAllocated { end } => self.producer_ids_end = end,
            CatalogRecord::TimePassed { at } => self.pass_time(at),
            CatalogRecord::UsageSealed { kept_below } => self.usage.seal(kept_below),
        }
    }
}

/// Topic ids are no strings, so JSON keeps the topics as a list.
mod topics_as_list {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use model::{Topic, TopicId};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        topics: &BTreeMap<TopicId, Arc<Topic>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let topics: Vec<&Topic> = topics.values().map(AsRef::as_ref).collect();
        topics.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<TopicId, Arc<Topic>>, D::Error> {
        let topics = Vec::<Topic>::deserialize(deserializer)?.into_iter();
        Ok(topics.map(|topic| (topic.id, Arc::new(topic))).collect())
    }
}
