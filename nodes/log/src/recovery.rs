//! Rebuilding a log from its facts: one by one, or segment by segment from their digests.
//!
//! Owns: how facts are taken in, by the code that took them in live; what is checked at the end.
//! Does not own: finding and reading segments, undoing what was not durable (it is never replayed).
//!
//! Segments come in order, but not all: one that holds nothing any more is gone. So a replay may
//! begin behind the log's beginning, or find a gap in what retention has emptied:
//!
//! ```text
//!   segment 1   (2 is gone)   segment 3      4: snapshot
//!  [0 .. 100)               [200 .. 300)   [300 .. 350)
//!   dropped at the gap       kept: it is    the state is whole from here on
//!                            in use
//! ```
//!
//! What lies before a gap is dropped, and the state counts as unknown until a snapshot tells all of
//! it. [`PartitionLog::finish_replay`] then checks that nothing readable is missing.
//!
//! A replayed log may remember more producers, gateways and results than the one that was lost: what
//! that one had forgotten since the facts were written (`limits`, [`PartitionLog::expire`]). It never
//! remembers less, but for refusals after the last snapshot, and nothing that is not true.

use model::{Offset, Timestamp};

use crate::digest::{Knowledge, PartitionDigest};
use crate::facts::{AppendFacts, FrameAt, LogRecord, SegmentId};
use crate::index::Extent;
use crate::log::PartitionLog;
use crate::snapshot::LogSnapshot;

/// Why facts do not make a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A fact comes twice, or after one that it was before.
    #[error("replayed up to {expected}, found {found}")]
    Overlap {
        /// Where the facts so far end.
        expected: Offset,
        /// Where the next begins.
        found: Offset,
    },
    /// Segments are not replayed in order.
    #[error("segment {} follows segment {}", found.0, newest.0)]
    SegmentOrder {
        /// The newest segment so far.
        newest: SegmentId,
        /// The one that came next.
        found: SegmentId,
    },
    /// Numbers do not add up: offsets beyond Kafka's range, or a snapshot of fewer bytes than there
    /// are.
    #[error("replayed facts do not fit together at {at}")]
    Inconsistent {
        /// Where.
        at: Offset,
    },
    /// Facts are missing and no snapshot makes up for them.
    #[error("the state at {end} cannot be rebuilt: older facts are missing")]
    StateMissing {
        /// Where the facts end.
        end: Offset,
    },
    /// Batches are missing that should be readable.
    #[error("batches are missing from {log_start} on, found from {found} on")]
    DataMissing {
        /// Where the log starts.
        log_start: Offset,
        /// Where the first batch begins.
        found: Offset,
    },
}

impl PartitionLog {
    /// Takes in the fact that lies `at`. Of one that is not an append only the segment counts.
    pub fn replay(
        &mut self,
        record: &LogRecord,
        at: FrameAt,
        commit_time: Timestamp,
    ) -> Result<(), ReplayError> {
        self.enter_segment(at.segment)?;
        match record {
            LogRecord::Append(facts) => self.replay_append(facts, at, commit_time)?,
            LogRecord::LogStart(offset, freed) => {
                self.replay_log_start(*offset);
                self.state.free_to(freed.position);
            }
            LogRecord::Snapshot(snapshot) => {
                self.go_on_from(snapshot.end_offset)?;
                self.replay_snapshot(snapshot, at.segment)?;
            }
            LogRecord::Closed(freed) => {
                self.state.free_to(freed.position);
                self.closed = true;
            }
        }
        self.assert_invariants();
        Ok(())
    }

    fn replay_append(
        &mut self,
        facts: &AppendFacts,
        at: FrameAt,
        commit_time: Timestamp,
    ) -> Result<(), ReplayError> {
        let inconsistent = ReplayError::Inconsistent {
            at: facts.base_offset,
        };
        let end = facts.base_offset.checked_add(u64::from(facts.record_count));
        if end.is_none_or(|end| end == facts.base_offset) || at.length != facts.batch_bytes {
            return Err(inconsistent);
        }
        self.go_on_from(facts.base_offset)?;
        self.state.apply(facts, commit_time);
        self.place(facts, at, commit_time);
        Ok(())
    }

    fn replay_log_start(&mut self, offset: Offset) {
        if offset > self.state.end_offset {
            self.skip_to(offset);
        }
        self.state.log_start_offset = self.state.log_start_offset.max(offset);
        self.index.start_at(offset);
    }

    /// Takes in a snapshot of the log as it is.
    fn replay_snapshot(
        &mut self,
        snapshot: &LogSnapshot,
        segment: SegmentId,
    ) -> Result<(), ReplayError> {
        let inconsistent = ReplayError::Inconsistent {
            at: snapshot.end_offset,
        };
        self.index
            .end_at(snapshot.end_position)
            .ok_or(inconsistent)?;
        let known = (self.state.log_start_offset, self.state.leader_epoch);
        let freed_position = self.state.freed_position;
        self.state = snapshot.clone();
        self.state.free_to(freed_position);
        // A log start may have become durable before a snapshot that was taken before it was decided;
        // the leadership may be newer where the log is not led yet.
        self.state.log_start_offset = snapshot.log_start_offset.max(known.0);
        self.state.leader_epoch = snapshot.leader_epoch.max(known.1);
        self.index.start_at(self.state.log_start_offset);
        self.durable_position = snapshot.end_position;
        self.state_segment = Some(segment);
        self.whole = true;
        Ok(())
    }

    /// Takes in all facts of a sealed segment.
    pub fn replay_digest(&mut self, digest: &PartitionDigest) -> Result<(), ReplayError> {
        let segment = digest.segment();
        self.enter_segment(segment)?;
        if !digest.frames().is_empty() {
            self.replay_frames(digest)?;
        }
        match digest.knowledge() {
            Knowledge::Whole(snapshot) => {
                self.go_on_from(snapshot.end_offset)?;
                self.replay_snapshot(snapshot, segment)?;
            }
            Knowledge::Change(change) => {
                change.merge_into(&mut self.state);
                self.replay_log_start(change.log_start_offset());
            }
        }
        self.closed |= digest.is_closed();
        self.assert_invariants();
        Ok(())
    }

    /// Takes in where a segment's batches lie, as an extent of those behind its last gap.
    fn replay_frames(&mut self, digest: &PartitionDigest) -> Result<(), ReplayError> {
        let frames = digest.frames();
        self.go_on_from(frames[0].base_offset)?;
        let mut pairs = frames.windows(2);
        let gap = pairs.rposition(|pair| pair[0].end_offset() != pair[1].base_offset);
        let run = gap.map_or(frames, |before| &frames[before + 1..]);
        if gap.is_some() {
            self.skip_to(run[0].base_offset);
        }
        let last = run
            .last()
            .expect("there is a frame, and the last one is behind every gap");
        let max_timestamp = run.iter().map(|frame| frame.max_timestamp).max();
        let extent = Extent {
            segment: digest.segment(),
            start_offset: run[0].base_offset,
            end_offset: last.end_offset(),
            start_position: self.durable_position,
            bytes: last.bytes_through() - run[0].bytes_before,
            max_timestamp: max_timestamp.unwrap_or(Timestamp::NONE),
            committed_at: digest.committed_at(),
        };
        self.index.push_extent(extent);
        self.state_segment.get_or_insert(extent.segment);
        self.high_watermark = extent.end_offset;
        self.durable_position = extent.end_position();
        self.state.end_offset = self.high_watermark;
        self.state.end_position = self.durable_position;
        Ok(())
    }

    fn enter_segment(&mut self, found: SegmentId) -> Result<(), ReplayError> {
        match self.index.newest_segment() {
            Some(newest) if newest > found => Err(ReplayError::SegmentOrder { newest, found }),
            _ => Ok(()),
        }
    }

    /// Sees to it that the log ends at `offset`, where the next fact is.
    fn go_on_from(&mut self, offset: Offset) -> Result<(), ReplayError> {
        let expected = self.state.end_offset;
        match offset.cmp(&expected) {
            std::cmp::Ordering::Less => Err(ReplayError::Overlap {
                expected,
                found: offset,
            }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => {
                self.skip_to(offset);
                Ok(())
            }
        }
    }

    /// Goes over a gap: what lies before it was emptied by retention, or is missing.
    fn skip_to(&mut self, offset: Offset) {
        self.index.clear();
        self.state.end_offset = offset;
        self.high_watermark = offset;
        self.whole = false;
    }

    /// Checks, after the last fact, that the state is whole and that nothing readable is missing.
    /// Only then may the log be used; call [`Self::expire`] and [`Self::lead`] next.
    pub fn finish_replay(&self) -> Result<(), ReplayError> {
        if self.closed {
            return Ok(());
        }
        let end = self.state.end_offset;
        if !self.whole {
            return Err(ReplayError::StateMissing { end });
        }
        if self.state.freed_position > self.state.end_position {
            return Err(ReplayError::Inconsistent { at: end });
        }
        let log_start = self.state.log_start_offset;
        let first = self.index.extents().front();
        let found = first.map_or(end, |extent| extent.start_offset);
        if found > log_start {
            return Err(ReplayError::DataMissing { log_start, found });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
