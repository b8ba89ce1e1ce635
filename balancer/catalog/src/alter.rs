//! How a topic may change after it was created: more partitions, other properties.

use std::collections::BTreeSet;

use model::topic_request::{MorePartitions, TopicChange, TopicError};
use model::{LeaderEpoch, NodeId, Placement, Timestamp, Topic, VirtualCluster, VirtualClusterId};

use crate::decide::{TOPIC_PARTITIONS_MAX, check_partition_limit};
use crate::record::CatalogRecord;
use crate::state::CatalogState;
use crate::topic_config::alter_config;

/// What the catalog cannot decide by itself: time and place of new partitions.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// When.
    pub at: Timestamp,
    /// The node that takes them.
    pub node: NodeId,
}

/// Decides that a topic gets more partitions.
pub fn create_partitions(
    state: &CatalogState,
    cluster: VirtualClusterId,
    more: &MorePartitions,
    growth: Growth,
) -> Result<CatalogRecord, TopicError> {
    let (owner, topic) = find(state, cluster, &more.name)?;
    let additional = check_count(topic, more.count)?;
    if let Some(assignments) = &more.assignments {
        check_assignments(owner, assignments, additional)?;
    }
    check_partition_limit(state, owner, topic.config.cleanup_policy, additional)?;
    let placement = Placement {
        node: growth.node,
        leader_epoch: LeaderEpoch(0),
    };
    Ok(CatalogRecord::PartitionsCreated {
        topic: topic.id,
        placements: vec![placement; additional as usize],
        at: growth.at,
    })
}

/// Decides a change of a topic's properties; gives no record where nothing would change.
pub fn alter_topic(
    state: &CatalogState,
    cluster: VirtualClusterId,
    change: &TopicChange,
) -> Result<Option<CatalogRecord>, TopicError> {
    let (owner, topic) = find(state, cluster, &change.name)?;
    let config = alter_config(&topic.config, &change.change, &owner.limits)?;
    let changes = config != topic.config;
    Ok(changes.then_some(CatalogRecord::TopicConfigSet {
        topic: topic.id,
        config,
    }))
}

fn find<'a>(
    state: &'a CatalogState,
    cluster: VirtualClusterId,
    name: &str,
) -> Result<(&'a VirtualCluster, &'a Topic), TopicError> {
    let owner = state.clusters.get(&cluster);
    let owner = owner.ok_or(TopicError::Unavailable)?;
    let topic = state.topic_by_name(cluster, name);
    Ok((owner, topic.ok_or(TopicError::UnknownTopic)?))
}

/// How many partitions come to those that are there.
fn check_count(topic: &Topic, count: i32) -> Result<u32, TopicError> {
    let there = topic.placements.len() as u32;
    let wanted = u32::try_from(count).unwrap_or(0);
    let name = &topic.name;
    let reason = if wanted == there {
        format!("Topic already has {there} partition(s).")
    } else if wanted < there {
        format!(
            "The topic {name} currently has {there} partition(s); {count} would not be an increase."
        )
    } else if wanted > TOPIC_PARTITIONS_MAX {
        format!("A topic has at most {TOPIC_PARTITIONS_MAX} partitions, not {count}.")
    } else {
        return Ok(wanted - there);
    };
    Err(TopicError::InvalidPartitions { reason })
}

fn check_assignments(
    owner: &VirtualCluster,
    assignments: &[Vec<i32>],
    additional: u32,
) -> Result<(), TopicError> {
    let refused = |reason| Err(TopicError::InvalidReplicaAssignment { reason });
    if assignments.len() != additional as usize {
        return refused(format!(
            "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
            assignments.len()
        ));
    }
    let brokers = owner.virtual_brokers.max(1);
    for assignment in assignments {
        let distinct: BTreeSet<_> = assignment.iter().collect();
        let is_known = |&&id: &&i32| u32::try_from(id).is_ok_and(|id| id < brokers);
        if assignment.len() != assignments[0].len() || assignment.is_empty() {
            return refused("All partitions need the same number of replicas.".to_owned());
        }
        if distinct.len() != assignment.len() {
            return refused("A broker is named more than once for a partition.".to_owned());
        }
        if let Some(unknown) = distinct.iter().find(|id| !is_known(id)) {
            return refused(format!("No such broker is registered: {unknown}."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
