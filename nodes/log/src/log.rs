//! One partition's log: gives offsets, knows what is durable, says where it begins and ends.
//!
//! Owns: the queue of appends that are not durable yet, the high watermark, which segment the state
//! can be rebuilt from. The parts it is made of own the rest: `snapshot` (state), `index` (places).
//! Does not own: bytes (`wal`), quotas (`quota`), who the leader is (`catalog`).
//!
//! ```text
//!   log start              high watermark             log end
//!      | durable, readable       | appended, not durable |
//! -----|-------------------------|-----------------------|------▶ offset
//! ```
//!
//! Invariants, asserted after every change: log start <= high watermark <= log end; the queue is
//! what lies between the last two, without a gap, and empty if they are equal; the index ends at
//! the high watermark; positions end where the batches do.
//!
//! A failed write is not an event of this core: who drives it drops the log, answers what waits with
//! a retriable error, and rebuilds it from what is durable.

use std::collections::VecDeque;

use model::{LeaderEpoch, Offset, Timestamp, TopicPartition, VirtualClusterId};

use crate::facts::{AppendFacts, FrameAt, SegmentId};
use crate::index::{Extent, Index};
use crate::snapshot::LogSnapshot;

/// Where a log begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// First offset that may be read.
    pub log_start_offset: Offset,
    /// End, exclusive, of what is durable and may be read.
    pub high_watermark: Offset,
    /// The same for `read_committed`; the high watermark, as there are no transactions.
    pub last_stable_offset: Offset,
    /// Bytes of batches ever appended that are freed.
    pub start_position: u64,
    /// Bytes of batches ever appended and durable.
    pub end_position: u64,
}

/// A leadership that is older than the one the log is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leader epoch {current} leads already")]
pub struct StaleLeadership {
    /// The leadership the log is under.
    pub current: LeaderEpoch,
}

/// An append that is not durable yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub base_offset: Offset,
    pub end_offset: Offset,
}

/// The log of one partition.
#[derive(Debug)]
pub struct PartitionLog {
    virtual_cluster: VirtualClusterId,
    partition: TopicPartition,
    pub(crate) state: LogSnapshot,
    pub(crate) high_watermark: Offset,
    /// Bytes of batches below the high watermark.
    pub(crate) durable_position: u64,
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) index: Index,
    /// Oldest segment whose facts are needed to rebuild the state.
    pub(crate) state_segment: Option<SegmentId>,
    /// Whether the state is all known; not while a replay has begun behind the log's beginning and
    /// has not come to a snapshot.
    pub(crate) whole: bool,
    pub(crate) closed: bool,
}

impl PartitionLog {
    /// The empty log of a new partition, or one to replay facts into.
    pub fn new(
        virtual_cluster: VirtualClusterId,
        partition: TopicPartition,
        leader_epoch: LeaderEpoch,
    ) -> Self {
        Self {
            virtual_cluster,
            partition,
            state: LogSnapshot {
                leader_epoch,
                ..LogSnapshot::default()
            },
            high_watermark: Offset::ZERO,
            durable_position: 0,
            pending: VecDeque::new(),
            index: Index::default(),
            state_segment: None,
            whole: true,
            closed: false,
        }
    }

    /// The virtual cluster that the partition belongs to.
    pub fn virtual_cluster(&self) -> VirtualClusterId {
        self.virtual_cluster
    }

    /// The partition.
    pub fn partition(&self) -> TopicPartition {
        self.partition
    }

    /// The leadership the log is under.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.state.leader_epoch
    }

    /// Bytes ever billed, of what is appended.
    pub fn metered_bytes(&self) -> u64 {
        self.state.metered_bytes
    }

    /// Whether the partition is gone with its topic.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Where the log begins and ends.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            log_start_offset: self.state.log_start_offset,
            high_watermark: self.high_watermark,
            last_stable_offset: self.high_watermark,
            start_position: self.state.freed_position,
            end_position: self.durable_position,
        }
    }

    /// End, exclusive, of what is appended, durable or not.
    pub fn end_offset(&self) -> Offset {
        self.state.end_offset
    }

    /// How many appends are not durable yet.
    pub fn pending_appends(&self) -> usize {
        self.pending.len()
    }

    /// Puts the log under a new leadership. Nothing may be pending: what a former owner had appended
    /// but not made durable is gone, and its gateways send it again.
    pub fn lead(&mut self, leader_epoch: LeaderEpoch) -> Result<(), StaleLeadership> {
        assert!(
            self.pending.is_empty(),
            "a new leadership begins with what is durable"
        );
        let current = self.state.leader_epoch;
        if leader_epoch < current {
            return Err(StaleLeadership { current });
        }
        self.state.leader_epoch = leader_epoch;
        Ok(())
    }

    /// An append is durable, and lies there: moves the high watermark behind it.
    ///
    /// # Panics
    /// If it is not the first one that was pending: a log becomes durable in offset order.
    pub fn committed(&mut self, facts: &AppendFacts, at: FrameAt, commit_time: Timestamp) {
        let first = self
            .pending
            .pop_front()
            .expect("what is committed was pending");
        assert_eq!(
            first.base_offset, facts.base_offset,
            "a log becomes durable in offset order"
        );
        assert_eq!(
            first.end_offset,
            facts.end_offset(),
            "facts stay as they were given out"
        );
        self.place(facts, at, commit_time);
        self.assert_invariants();
    }

    /// Takes in where the batch at the high watermark lies, live as in a replay.
    pub(crate) fn place(&mut self, facts: &AppendFacts, at: FrameAt, commit_time: Timestamp) {
        assert_eq!(
            at.length, facts.batch_bytes,
            "a batch is stored as it was appended"
        );
        self.index
            .push(facts, at, self.durable_position, commit_time);
        self.high_watermark = facts.end_offset();
        self.durable_position += u64::from(facts.batch_bytes);
        self.state_segment.get_or_insert(at.segment);
    }

    /// The whole state as of everything appended so far. It is to be written behind those appends:
    /// then it is durable only when they are.
    pub fn snapshot(&self) -> LogSnapshot {
        self.state.clone()
    }

    /// A snapshot is durable in `segment`: no older fact is needed any more.
    pub fn snapshot_committed(&mut self, segment: SegmentId) {
        assert!(
            self.state_segment <= Some(segment),
            "segments are written in order"
        );
        self.state_segment = Some(segment);
    }

    /// Forgets producers that have not appended for `producer_expiration_ms`, and gateways that are
    /// long silent. Kafka looks every ten minutes; call it after a replay too, which brings back what
    /// was forgotten before. It changes no fact.
    pub fn expire(&mut self, now: Timestamp, producer_expiration_ms: u64) {
        self.state.producers.expire(now, producer_expiration_ms);
        self.state.sessions.expire(now);
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
    }

    /// A segment is complete, and its footer tells where its batches lie: forgets them one by one.
    pub fn segment_sealed(&mut self, segment: SegmentId) {
        self.index.seal(segment);
        self.assert_invariants();
    }

    /// The partition is gone with its topic: every further append is refused, no segment is in use.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Where the log's durable batches lie, in offset order.
    pub fn extents(&self) -> impl DoubleEndedIterator<Item = &Extent> {
        self.index.used()
    }

    /// Segments that hold batches at or above the durable log start, ascending.
    pub fn segments_in_use(&self) -> impl Iterator<Item = SegmentId> {
        let open = !self.closed;
        self.index
            .used()
            .filter(move |_| open)
            .map(|extent| extent.segment)
    }

    /// Oldest segment whose facts are needed to rebuild the state: that of the last durable snapshot,
    /// or of the first fact. None where there is no fact.
    pub fn state_segment(&self) -> Option<SegmentId> {
        self.state_segment.filter(|_| !self.closed)
    }

    /// Oldest segment that is needed for anything.
    pub fn oldest_segment_needed(&self) -> Option<SegmentId> {
        let data = self.segments_in_use().next();
        data.into_iter().chain(self.state_segment()).min()
    }

    pub(crate) fn assert_invariants(&self) {
        let (state, high_watermark) = (&self.state, self.high_watermark);
        assert!(
            state.log_start_offset <= high_watermark,
            "the log starts within what is durable"
        );
        assert!(
            high_watermark <= state.end_offset,
            "what is durable was appended"
        );
        let pending = self.pending.front().zip(self.pending.back());
        let pending = pending.map(|(first, last)| (first.base_offset, last.end_offset));
        let undurable =
            (high_watermark < state.end_offset).then_some((high_watermark, state.end_offset));
        assert_eq!(pending, undurable, "what is appended is durable or pending");
        let all_durable = self.durable_position == state.end_position;
        assert_eq!(all_durable, pending.is_none(), "positions follow offsets");
        self.index.assert_end(high_watermark, self.durable_position);
    }
}

#[cfg(test)]
mod tests;
