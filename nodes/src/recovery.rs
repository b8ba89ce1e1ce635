//! Rebuilding a node's partitions from what the write-ahead log found.
//!
//! Owns: which partitions are rebuilt: those that the cluster map places here. What the map does not
//! know is gone with its topic, and its batches go with their segments.

use std::collections::HashMap;
use std::sync::Arc;

use model::{ClusterMap, Instant, NodeId, Timestamp, TopicPartition};
use partition_log::limits::PRODUCER_EXPIRATION_MS_DEFAULT;
use partition_log::{PartitionLog, ReplayError};
use quota::PartitionQuota;
use wal::SegmentSummary;

use crate::partition::Partition;

/// A partition's log cannot be rebuilt. Serving without it would lose what was acknowledged, so
/// the node does not start.
#[derive(Debug, thiserror::Error)]
#[error("partition {partition} cannot be rebuilt: {why}")]
pub struct RecoveryError {
    /// The partition.
    pub partition: TopicPartition,
    /// What is missing or does not fit.
    pub why: ReplayError,
}

/// Where and when a node recovers.
pub(crate) struct Circumstances<'a> {
    pub(crate) node: NodeId,
    pub(crate) map: &'a ClusterMap,
    pub(crate) now: Instant,
    pub(crate) wall: Timestamp,
}

/// The partitions that live here, as the segments tell.
pub(crate) fn rebuild(
    segments: &[SegmentSummary],
    at: &Circumstances<'_>,
) -> Result<HashMap<TopicPartition, Partition>, RecoveryError> {
    let mut partitions: HashMap<TopicPartition, Partition> = HashMap::new();
    for (key, digest) in segments.iter().flat_map(|segment| &segment.partitions) {
        if !partitions.contains_key(key) {
            let Some(partition) = empty(*key, at) else {
                continue;
            };
            partitions.insert(*key, partition);
        }
        let partition = partitions
            .get_mut(key)
            .expect("was inserted if it was not there");
        let replayed = partition.log.replay_digest(digest);
        replayed.map_err(|why| RecoveryError {
            partition: *key,
            why,
        })?;
    }
    for (key, partition) in &mut partitions {
        let whole = partition.log.finish_replay();
        whole.map_err(|why| RecoveryError {
            partition: *key,
            why,
        })?;
        partition
            .log
            .expire(at.wall, PRODUCER_EXPIRATION_MS_DEFAULT);
    }
    Ok(partitions)
}

fn empty(key: TopicPartition, at: &Circumstances<'_>) -> Option<Partition> {
    let placement = at
        .map
        .placement(key)
        .filter(|placement| placement.node == at.node)?;
    let topic = Arc::clone(at.map.topics.get(&key.topic)?);
    let limits = &at.map.virtual_clusters.get(&topic.virtual_cluster)?.limits;
    let quota = PartitionQuota::new(limits, at.now);
    let log = PartitionLog::new(topic.virtual_cluster, key, placement.leader_epoch);
    let mut partition = Partition::new(topic, log, quota);
    partition.set_limits(at.now, limits);
    Some(partition)
}
