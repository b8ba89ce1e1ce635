//! What may be done: each function looks at the state, and gives records or a reason why not.

use model::topic_request::{CreatedTopic, NewTopic, TopicError, TopicRef};
use model::{
    CleanupPolicy, LeaderEpoch, NodeEpoch, NodeId, Placement, Timestamp, Topic, TopicId, TopicName,
    VirtualCluster, VirtualClusterId,
};

use crate::record::CatalogRecord;
use crate::state::CatalogState;
use crate::topic_config::parse_config;

/// Producer ids handed out at a time (Kafka: `ProducerIdsBlock`, 1000).
pub const PRODUCER_ID_BLOCK: i64 = 1000;

/// Most partitions that one topic may be created with, whatever the limits say: it bounds the
/// size of one catalog record.
pub const TOPIC_PARTITIONS_MAX: u32 = 10_000;

/// What the catalog cannot decide by itself: identity, time and place of a new topic.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// A fresh random id.
    pub id: TopicId,
    /// When.
    pub at: Timestamp,
    /// The node that takes its partitions.
    pub node: NodeId,
}

/// Decides the creation of a topic.
pub fn create_topic(
    state: &CatalogState,
    cluster: VirtualClusterId,
    new: &NewTopic,
    birth: Birth,
) -> Result<(CatalogRecord, CreatedTopic), TopicError> {
    let owner = state
        .clusters
        .get(&cluster)
        .ok_or(TopicError::Unavailable)?;
    let name = check_name(state, cluster, &new.name)?;
    let partitions = check_partitions(new.partitions.unwrap_or(owner.default_partitions))?;
    let replication_factor = check_replication_factor(owner, new.replication_factor)?;
    let config = parse_config(&new.configs, &owner.limits)?;
    check_partition_limit(state, owner, config.cleanup_policy, partitions)?;
    let placement = Placement {
        node: birth.node,
        leader_epoch: LeaderEpoch(0),
    };
    let topic = Topic {
        id: birth.id,
        name: name.clone(),
        virtual_cluster: cluster,
        config: config.clone(),
        placements: vec![placement; partitions as usize],
        created_at: birth.at,
    };
    let created = CreatedTopic {
        id: birth.id,
        name,
        partitions,
        replication_factor,
        config,
    };
    Ok((CatalogRecord::TopicCreated(topic), created))
}

fn check_name(
    state: &CatalogState,
    cluster: VirtualClusterId,
    name: &str,
) -> Result<TopicName, TopicError> {
    let name = TopicName::parse(name).map_err(|why| TopicError::InvalidName {
        reason: why.to_string(),
    })?;
    if state.topic_by_name(cluster, name.as_str()).is_some() {
        return Err(TopicError::AlreadyExists {
            name: name.to_string(),
        });
    }
    let key = name.collision_key();
    if name.as_str().contains(['.', '_'])
        && let Some(other) = state
            .topics_of(cluster)
            .find(|t| t.name.collision_key() == key)
    {
        let other = &other.name;
        let reason = format!("Topic '{name}' collides with existing topic: {other}");
        return Err(TopicError::InvalidName { reason });
    }
    Ok(name)
}

fn check_partitions(partitions: u32) -> Result<u32, TopicError> {
    if partitions == 0 {
        let reason = "Number of partitions was set to an invalid non-positive value.".to_owned();
        return Err(TopicError::InvalidPartitions { reason });
    }
    if partitions > TOPIC_PARTITIONS_MAX {
        let reason =
            format!("A topic has at most {TOPIC_PARTITIONS_MAX} partitions, not {partitions}.");
        return Err(TopicError::InvalidPartitions { reason });
    }
    Ok(partitions)
}

fn check_replication_factor(owner: &VirtualCluster, asked: Option<i16>) -> Result<i16, TopicError> {
    let accepted = &owner.replication_factors;
    let asked = asked.unwrap_or(-1);
    if !accepted.contains(&asked) {
        let reason =
            format!("Replication factor {asked} is not accepted; accepted are {accepted:?}.");
        return Err(TopicError::InvalidReplicationFactor { reason });
    }
    let default = accepted
        .iter()
        .copied()
        .filter(|factor| *factor > 0)
        .max()
        .unwrap_or(1);
    Ok(if asked > 0 { asked } else { default })
}

/// The limits of partitions that are compacted and of those that are not.
pub(crate) fn check_partition_limit(
    state: &CatalogState,
    owner: &VirtualCluster,
    policy: CleanupPolicy,
    asked: u32,
) -> Result<(), TopicError> {
    let compacts = policy.compacts();
    let topics = state
        .topics_of(owner.id)
        .filter(|topic| topic.config.cleanup_policy.compacts() == compacts);
    let there: usize = topics.map(|topic| topic.placements.len()).sum();
    let limits = &owner.limits;
    let (kind, ceiling) = if compacts {
        ("compacted partitions", limits.compacted_partitions_max)
    } else {
        ("partitions", limits.partitions_max)
    };
    if there as u64 + u64::from(asked) > u64::from(ceiling) {
        let reason = format!(
            "The cluster's limit is {ceiling} {kind}; it has {there}, and {asked} more were asked for."
        );
        return Err(TopicError::LimitExceeded {
            compacted: compacts,
            reason,
        });
    }
    Ok(())
}

/// Decides the deletion of a topic.
pub fn delete_topic(
    state: &CatalogState,
    cluster: VirtualClusterId,
    topic: &TopicRef,
) -> Result<(CatalogRecord, (TopicId, TopicName)), TopicError> {
    let topic = match topic {
        TopicRef::Name(name) => state
            .topic_by_name(cluster, name)
            .ok_or(TopicError::UnknownTopic)?,
        TopicRef::Id(id) => state
            .topics
            .get(id)
            .filter(|topic| topic.virtual_cluster == cluster)
            .ok_or(TopicError::UnknownTopicId)?,
    };
    Ok((
        CatalogRecord::TopicDeleted(topic.id),
        (topic.id, topic.name.clone()),
    ))
}

/// The record that makes the catalog hold `cluster` as it is, or none where it does already.
pub fn set_cluster(state: &CatalogState, cluster: VirtualCluster) -> Option<CatalogRecord> {
    let is_same = state.clusters.get(&cluster.id) == Some(&cluster);
    (!is_same).then_some(CatalogRecord::ClusterSet(cluster))
}

/// Gives a node that starts an epoch above all its earlier ones.
pub fn register_node(state: &CatalogState, node: NodeId) -> (CatalogRecord, NodeEpoch) {
    let epoch = NodeEpoch(state.nodes.get(&node).map_or(1, |epoch| epoch.0 + 1));
    (CatalogRecord::NodeRegistered { node, epoch }, epoch)
}

/// The next block of producer ids, `[start, end)`.
pub fn allocate_producer_ids(state: &CatalogState) -> (CatalogRecord, (i64, i64)) {
    let start = state.producer_ids_end;
    let end = start + PRODUCER_ID_BLOCK;
    (CatalogRecord::ProducerIdsAllocated { end }, (start, end))
}
