//! What one segment says of one partition, folded: the part of a footer that makes it unnecessary to
//! read the segment's frames again.
//!
//! Owns: the fold of facts, its stored form (`encoding`), what is known without what came before
//! (`change`). Does not own: the footer around it (`wal`).
//!
//! Replaying the digests of segments gives the same log as replaying their facts one by one, however
//! the facts are split into segments.
//!
//! ```text
//!  facts of one partition in one segment:  A A L A S A A
//!                                          |<--frames-->|      all batches, in any case
//!                                                  |<->|       knowledge: the snapshot with what
//!                                                              followed, or what changed at all
//! ```

pub(crate) mod change;
pub(crate) mod encoding;

use model::{Timestamp, VirtualClusterId};

use crate::digest::change::Change;
use crate::facts::{AppendFacts, FrameAt, LogRecord, SegmentId};
use crate::index::FrameEntry;
use crate::snapshot::LogSnapshot;

/// What is known of a log's state at the end of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// All of it: there is a snapshot in the segment.
    Whole(LogSnapshot),
    /// What the segment has changed.
    Change(Change),
}

/// The facts of one partition in one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDigest {
    segment: SegmentId,
    virtual_cluster: VirtualClusterId,
    frames: Vec<FrameEntry>,
    committed_at: Timestamp,
    knowledge: Knowledge,
    closed: bool,
}

impl PartitionDigest {
    /// The digest of no facts.
    pub fn new(segment: SegmentId, virtual_cluster: VirtualClusterId) -> Self {
        Self {
            segment,
            virtual_cluster,
            frames: Vec::new(),
            committed_at: Timestamp::NONE,
            knowledge: Knowledge::Change(Change::default()),
            closed: false,
        }
    }

    /// The segment.
    pub fn segment(&self) -> SegmentId {
        self.segment
    }

    /// The virtual cluster that the partition belongs to.
    pub fn virtual_cluster(&self) -> VirtualClusterId {
        self.virtual_cluster
    }

    /// Where the partition's batches lie in the segment, all of them, in offset order.
    pub fn frames(&self) -> &[FrameEntry] {
        &self.frames
    }

    /// When the last of its batches was committed.
    pub fn committed_at(&self) -> Timestamp {
        self.committed_at
    }

    /// Whether the partition is gone.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Folds in the fact that comes next, and lies `at`. Of one that is not an append nothing but
    /// the fact counts.
    ///
    /// # Panics
    /// If it is an append that begins before the end of the last one, or lies before it. A replay
    /// refuses that with an error: replay first.
    pub fn add(&mut self, record: &LogRecord, at: FrameAt, commit_time: Timestamp) {
        match record {
            LogRecord::Append(facts) => self.add_append(facts, at, commit_time),
            LogRecord::LogStart(offset, freed) => {
                self.free_to(freed.position);
                match &mut self.knowledge {
                    Knowledge::Whole(snapshot) => {
                        snapshot.log_start_offset = snapshot.log_start_offset.max(*offset);
                    }
                    Knowledge::Change(change) => change.start_at(*offset),
                }
            }
            LogRecord::Snapshot(snapshot) => {
                // As in a replay: a log start may become durable before an older snapshot.
                let (log_start_offset, freed_position) = match &self.knowledge {
                    Knowledge::Whole(known) => (known.log_start_offset, known.freed_position),
                    Knowledge::Change(change) => {
                        (change.log_start_offset(), change.freed_position())
                    }
                };
                let mut snapshot = snapshot.clone();
                snapshot.log_start_offset = snapshot.log_start_offset.max(log_start_offset);
                snapshot.freed_position = snapshot.freed_position.max(freed_position);
                self.knowledge = Knowledge::Whole(snapshot);
            }
            LogRecord::Closed(freed) => {
                self.free_to(freed.position);
                self.closed = true;
            }
        }
    }

    fn free_to(&mut self, position: u64) {
        match &mut self.knowledge {
            Knowledge::Whole(snapshot) => {
                snapshot.freed_position = snapshot.freed_position.max(position);
            }
            Knowledge::Change(change) => change.free_to(position),
        }
    }

    fn add_append(&mut self, facts: &AppendFacts, at: FrameAt, commit_time: Timestamp) {
        if let Some(last) = self.frames.last() {
            assert!(
                last.end_offset() <= facts.base_offset,
                "batches ascend by offset"
            );
            let last_end = last.at.position + u64::from(last.at.length);
            assert!(last_end <= at.position, "and by position");
        }
        self.frames
            .push(FrameEntry::following(self.frames.last(), facts, at));
        self.committed_at = self.committed_at.max(commit_time);
        match &mut self.knowledge {
            Knowledge::Whole(snapshot) if snapshot.end_offset == facts.base_offset => {
                snapshot.apply(facts, commit_time);
            }
            Knowledge::Change(change) => change.apply(facts, commit_time),
            // Behind a gap, the snapshot does not tell all any more.
            Knowledge::Whole(_) => {
                let mut change = Change::default();
                change.apply(facts, commit_time);
                self.knowledge = Knowledge::Change(change);
            }
        }
    }
}

#[cfg(test)]
mod tests;
