//! A control plane in memory: one map, changed at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use control_api::{
    ConfigChange, ControlPlane, CreatedTopic, MorePartitions, NewTopic, ProducerIdBlock,
    PropertyChange, RecordUsageError, TopicChange, TopicError, TopicRef, Unavailable,
};
use model::{
    CatalogVersion, ClusterMap, LeaderEpoch, NodeEpoch, NodeId, Placement, Timestamp, Topic,
    TopicConfig, TopicId, TopicName, VirtualCluster, VirtualClusterId,
};
use tokio::sync::watch;

/// Ids in a block: few, so that tests need several.
const BLOCK: i64 = 2;

/// See the file's header.
pub(super) struct FakeControl {
    map: watch::Sender<Arc<ClusterMap>>,
    next_id: AtomicI64,
    /// How long the creation of topics and partitions takes, in milliseconds.
    delay_ms: AtomicU64,
    /// From when on there is room for changes of partitions, in milliseconds from now.
    refuse_for_ms: AtomicU64,
}

impl FakeControl {
    pub(super) fn new() -> Self {
        Self {
            map: watch::Sender::new(Arc::default()),
            next_id: AtomicI64::new(1),
            delay_ms: AtomicU64::new(0),
            refuse_for_ms: AtomicU64::new(0),
        }
    }

    /// From now on the creation of topics and partitions takes so long.
    pub(super) fn set_delay(&self, delay: Duration) {
        self.delay_ms
            .store(delay.as_millis() as u64, Ordering::Relaxed);
    }

    /// From now on there are too many changes of partitions, and for so long.
    pub(super) fn refuse_changes(&self, wait: Duration) {
        self.refuse_for_ms
            .store(wait.as_millis() as u64, Ordering::Relaxed);
    }

    fn check_changes(&self) -> Result<(), TopicError> {
        match self.refuse_for_ms.load(Ordering::Relaxed) {
            0 => Ok(()),
            retry_after_ms => Err(TopicError::TooManyChanges {
                ceiling: 250,
                used: 250,
                asked: 1,
                retry_after_ms,
            }),
        }
    }

    async fn take_time(&self) {
        let delay = Duration::from_millis(self.delay_ms.load(Ordering::Relaxed));
        tokio::time::sleep(delay).await;
    }

    /// Changes the map and publishes it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut ClusterMap) -> T) -> T {
        let mut map = ClusterMap::clone(&self.map.borrow());
        map.version = CatalogVersion(map.version.0 + 1);
        let result = change(&mut map);
        self.map.send_replace(Arc::new(map));
        result
    }

    pub(super) fn map(&self) -> Arc<ClusterMap> {
        Arc::clone(&self.map.borrow())
    }

    /// Adds a virtual cluster, or replaces it.
    pub(super) fn put_cluster(&self, cluster: VirtualCluster) {
        self.change(|map| {
            for name in &cluster.advertised_names {
                map.name_owner.insert(name.clone(), cluster.id);
            }
            for user in cluster.scram_users.keys() {
                map.scram_user_owner.insert(user.clone(), cluster.id);
            }
            map.virtual_clusters.insert(cluster.id, Arc::new(cluster));
        });
    }

    /// Adds a topic whose partitions live on `node`.
    pub(super) fn put_topic(
        &self,
        cluster: VirtualClusterId,
        name: &str,
        partitions: u32,
        config: TopicConfig,
    ) -> TopicId {
        self.change(|map| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&cluster.0.to_be_bytes());
            id[8..].copy_from_slice(&map.version.0.to_be_bytes());
            let placement = Placement {
                node: NodeId(0),
                leader_epoch: LeaderEpoch(0),
            };
            let topic = Arc::new(Topic {
                id: TopicId(id),
                name: TopicName::parse(name).unwrap(),
                virtual_cluster: cluster,
                config,
                placements: vec![placement; partitions as usize],
                created_at: Timestamp(0),
            });
            map.topics.insert(topic.id, Arc::clone(&topic));
            let topics = map.topics_by_name.entry(cluster).or_default();
            Arc::make_mut(topics).insert(topic.name.clone(), topic);
            TopicId(id)
        })
    }

    /// Moves every partition of a topic to `node`.
    pub(super) fn move_topic(&self, id: TopicId, node: NodeId) {
        self.change_topic(id, |topic| {
            for placement in &mut topic.placements {
                placement.node = node;
                placement.leader_epoch = LeaderEpoch(placement.leader_epoch.0 + 1);
            }
        });
    }

    fn create(
        &self,
        cluster: VirtualClusterId,
        new: &NewTopic,
        validate_only: bool,
    ) -> Result<CreatedTopic, TopicError> {
        self.check_changes()?;
        let name = TopicName::parse(&new.name).map_err(|error| TopicError::InvalidName {
            reason: error.to_string(),
        })?;
        let map = self.map();
        if map.topic_by_name(cluster, &new.name).is_some() {
            return Err(TopicError::AlreadyExists {
                name: new.name.clone(),
            });
        }
        let owner = &map.virtual_clusters[&cluster];
        let partitions = new.partitions.unwrap_or(owner.default_partitions);
        let config = TopicConfig::default();
        let id = if validate_only {
            TopicId::ZERO
        } else {
            self.put_topic(cluster, &new.name, partitions, config.clone())
        };
        Ok(CreatedTopic {
            id,
            name,
            partitions,
            replication_factor: new.replication_factor.unwrap_or(3),
            config,
        })
    }

    /// Changes a topic of the map, and publishes it.
    fn change_topic(&self, id: TopicId, change: impl FnOnce(&mut Topic)) {
        self.change(|map| {
            let mut topic = Topic::clone(&map.topics[&id]);
            change(&mut topic);
            let topic = Arc::new(topic);
            let topics = map.topics_by_name.get_mut(&topic.virtual_cluster).unwrap();
            Arc::make_mut(topics).insert(topic.name.clone(), Arc::clone(&topic));
            map.topics.insert(id, topic);
        });
    }

    fn grow(
        &self,
        cluster: VirtualClusterId,
        more: &MorePartitions,
        validate_only: bool,
    ) -> Result<(), TopicError> {
        let map = self.map();
        let topic = map.topic_by_name(cluster, &more.name);
        let topic = topic.ok_or(TopicError::UnknownTopic)?;
        if more.count <= topic.placements.len() as i32 {
            let reason = "not more".to_owned();
            return Err(TopicError::InvalidPartitions { reason });
        }
        if !validate_only {
            let placement = topic.placements[0];
            let count = more.count as usize;
            self.change_topic(topic.id, |topic| topic.placements.resize(count, placement));
        }
        Ok(())
    }

    /// Knows what is written, and nothing of what it means; refuses the property `bad`.
    fn alter(
        &self,
        cluster: VirtualClusterId,
        change: &TopicChange,
        validate_only: bool,
    ) -> Result<(), TopicError> {
        let map = self.map();
        let topic = map.topic_by_name(cluster, &change.name);
        let topic = topic.ok_or(TopicError::UnknownTopic)?;
        let mut written = topic.config.written.clone();
        match &change.change {
            ConfigChange::Replace(properties) => {
                written = properties.iter().cloned().collect();
            }
            ConfigChange::Each(changes) => {
                for (name, change) in changes {
                    let value = match change {
                        PropertyChange::Set(value) => value.clone(),
                        PropertyChange::Delete => {
                            written.remove(name);
                            continue;
                        }
                        PropertyChange::Append(value) => format!("+{value}"),
                        PropertyChange::Subtract(value) => format!("-{value}"),
                    };
                    written.insert(name.clone(), value);
                }
            }
        }
        if written.contains_key("bad") {
            let reason = "bad".to_owned();
            return Err(TopicError::InvalidConfig { reason });
        }
        if !validate_only {
            self.change_topic(topic.id, |topic| topic.config.written = written);
        }
        Ok(())
    }

    fn delete(
        &self,
        cluster: VirtualClusterId,
        topic: &TopicRef,
    ) -> Result<(TopicId, TopicName), TopicError> {
        let map = self.map();
        let topic = match topic {
            TopicRef::Name(name) => map.topic_by_name(cluster, name),
            TopicRef::Id(id) => map.topic_by_id(cluster, *id),
        };
        let topic = topic.ok_or(TopicError::UnknownTopic)?;
        self.check_changes()?;
        self.change(|map| {
            map.topics.remove(&topic.id);
            let topics: &mut BTreeMap<_, _> =
                Arc::make_mut(map.topics_by_name.get_mut(&cluster).unwrap());
            topics.remove(&topic.name);
        });
        Ok((topic.id, topic.name.clone()))
    }
}

#[async_trait]
impl ControlPlane for FakeControl {
    fn watch(&self) -> watch::Receiver<Arc<ClusterMap>> {
        self.map.subscribe()
    }

    async fn create_topics(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<NewTopic>,
        validate_only: bool,
    ) -> Vec<Result<CreatedTopic, TopicError>> {
        self.take_time().await;
        let topics = topics.iter();
        topics
            .map(|new| self.create(cluster, new, validate_only))
            .collect()
    }

    async fn delete_topics(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<TopicRef>,
    ) -> Vec<Result<(TopicId, TopicName), TopicError>> {
        topics
            .iter()
            .map(|topic| self.delete(cluster, topic))
            .collect()
    }

    async fn create_partitions(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<MorePartitions>,
        validate_only: bool,
    ) -> Vec<Result<(), TopicError>> {
        self.take_time().await;
        let topics = topics.iter();
        topics
            .map(|more| self.grow(cluster, more, validate_only))
            .collect()
    }

    async fn alter_topics(
        &self,
        cluster: VirtualClusterId,
        changes: Vec<TopicChange>,
        validate_only: bool,
    ) -> Vec<Result<(), TopicError>> {
        let changes = changes.iter();
        changes
            .map(|change| self.alter(cluster, change, validate_only))
            .collect()
    }

    async fn allocate_producer_ids(&self) -> Result<ProducerIdBlock, Unavailable> {
        let start = self.next_id.fetch_add(BLOCK, Ordering::Relaxed);
        Ok(ProducerIdBlock {
            start,
            end: start + BLOCK,
        })
    }

    async fn register_node(&self, _: NodeId) -> Result<NodeEpoch, Unavailable> {
        Err(Unavailable)
    }

    async fn record_usage(
        &self,
        _: quota::UsageSource,
        _: quota::SealedUsage,
    ) -> Result<(), RecordUsageError> {
        Err(Unavailable.into())
    }
}
