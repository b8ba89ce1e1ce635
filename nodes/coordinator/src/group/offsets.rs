//! The offsets of a group, as committed.
//!
//! Owns: the offsets, their bounds, how long each is kept by itself. Does not own: who may commit
//! (`commit`), when they are looked at for expiry (`retention`).

use std::collections::{BTreeMap, BTreeSet};

use model::{Timestamp, TopicPartition};

use crate::codec::stored_offset::StoredOffset;
use crate::limits::{GROUP_OFFSETS_MAX, OFFSET_METADATA_BYTES_SUM_MAX};
use crate::message::FetchedOffset;

/// Offsets by partition.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    by_key: BTreeMap<TopicPartition, StoredOffset>,
    metadata_bytes: usize,
}

impl Offsets {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &StoredOffset)> {
        self.by_key.iter()
    }

    /// Whether an offset with so much metadata may be put there.
    pub(crate) fn has_room(&self, key: &TopicPartition, metadata_bytes: usize) -> bool {
        let known = self.by_key.get(key);
        let known_bytes = known.map_or(0, |offset| offset.metadata.len());
        let bytes = self.metadata_bytes - known_bytes + metadata_bytes;
        (known.is_some() || self.by_key.len() < GROUP_OFFSETS_MAX)
            && bytes <= OFFSET_METADATA_BYTES_SUM_MAX
    }

    pub(crate) fn insert(&mut self, key: TopicPartition, offset: StoredOffset) {
        self.metadata_bytes += offset.metadata.len();
        if let Some(before) = self.by_key.insert(key, offset) {
            self.metadata_bytes -= before.metadata.len();
        }
    }

    /// Drops an offset, and tells whether there was one.
    pub(crate) fn remove(&mut self, key: &TopicPartition) -> bool {
        let removed = self.by_key.remove(key);
        if let Some(removed) = &removed {
            self.metadata_bytes -= removed.metadata.len();
        }
        removed.is_some()
    }

    /// The partitions whose offsets `is_meant` is true of.
    pub(crate) fn keys(
        &self,
        mut is_meant: impl FnMut(&TopicPartition, &StoredOffset) -> bool,
    ) -> Vec<TopicPartition> {
        let meant = self.iter().filter(|(key, offset)| is_meant(key, offset));
        meant.map(|(key, _)| *key).collect()
    }

    /// What was committed of `partitions`, in their order and each once, or of all: so an answer is
    /// never larger than what the group keeps.
    pub(crate) fn fetch(&self, partitions: Option<&[TopicPartition]>) -> Vec<FetchedOffset> {
        match partitions {
            Some(keys) => without_repeats(keys)
                .map(|key| fetched(key, self.by_key.get(key)))
                .collect(),
            None => self
                .iter()
                .map(|(key, offset)| fetched(key, Some(offset)))
                .collect(),
        }
    }
}

/// The first mention of each partition.
pub(crate) fn without_repeats(keys: &[TopicPartition]) -> impl Iterator<Item = &TopicPartition> {
    let mut seen = BTreeSet::new();
    keys.iter().filter(move |key| seen.insert(**key))
}

/// The answer for one partition.
pub(crate) fn fetched(key: &TopicPartition, offset: Option<&StoredOffset>) -> FetchedOffset {
    FetchedOffset {
        key: *key,
        offset: offset.map(|offset| offset.offset),
        leader_epoch: offset.and_then(|offset| offset.leader_epoch),
        metadata: offset
            .map(|offset| offset.metadata.clone())
            .unwrap_or_default(),
    }
}

/// When an offset goes that nobody reads. How long the client asked for wins; else it is kept for the
/// cluster's time from its commit, and from when the group became empty (KIP-211).
pub(crate) fn expires_at(
    offset: &StoredOffset,
    empty_since: Option<Timestamp>,
    retention_ms: u64,
) -> Timestamp {
    let since = empty_since.map_or(offset.committed_at, |at| at.max(offset.committed_at));
    let retention_ms = i64::try_from(retention_ms).unwrap_or(i64::MAX);
    let at = Timestamp(since.0.saturating_add(retention_ms));
    offset.expires_at.unwrap_or(at)
}
