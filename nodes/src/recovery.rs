//! Rebuilding a node's partitions from what the write-ahead log found.
//!
//! Owns: which partitions are rebuilt: those that the cluster map places here. What the map does not
//! know is gone with its topic, and its batches go with their segments.

use std::collections::HashMap;
use std::sync::Arc;

use model::{
    ByteCount, ClusterMap, IdMap, Instant, NodeId, Timestamp, TopicPartition, VirtualClusterId,
};
use partition_log::limits::PRODUCER_EXPIRATION_MS_DEFAULT;
use partition_log::{PartitionLog, ReplayError};
use quota::{Meters, PartitionQuota};
use tracing::error;
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
) -> Result<IdMap<TopicPartition, Partition>, RecoveryError> {
    let mut partitions: IdMap<TopicPartition, Partition> = IdMap::default();
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

/// What virtual clusters store by the meters, and by their partitions no more: bytes of topics that
/// were deleted when the node had not yet written that it has closed them.
pub(crate) fn freed_meanwhile(
    meters: &Meters,
    partitions: &IdMap<TopicPartition, Partition>,
    now: Timestamp,
) -> Vec<(VirtualClusterId, ByteCount)> {
    let mut stored: HashMap<VirtualClusterId, u64> = HashMap::new();
    for partition in partitions.values() {
        *stored.entry(partition.virtual_cluster).or_default() += partition.log.stored_bytes();
    }
    let billed = meters.totals(now);
    let billed = billed.filter(|(cluster, _)| *cluster != VirtualClusterId::SYSTEM);
    let mut freed = Vec::new();
    for (cluster, used) in billed {
        let stored = stored.get(&cluster).copied().unwrap_or(0);
        match used.stored_bytes.checked_sub(stored) {
            Some(0) => {}
            Some(bytes) => freed.push((cluster, ByteCount(bytes))),
            None => error!(
                cluster = cluster.0,
                metered = used.stored_bytes,
                stored,
                "fewer bytes are metered as stored than there are"
            ),
        }
    }
    freed
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
