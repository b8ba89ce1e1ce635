//! Where a log's durable batches lie: one extent for each segment that holds some of them, and the
//! batches one by one for segments that are not sealed.
//!
//! Owns: extents, frames of open segments. Does not own: frames of sealed segments (their footers
//! hold them), what may be read (`read`), when the log start moves (`retention`).
//!
//! ```text
//!   log start      sealed        sealed           open           high watermark
//!  ----|----|------------------|---------|------|---|----|----|--|----------▶ offset
//!     extent of segment 4      extent of 5      extent of 7, frame by frame
//! ```
//!
//! Invariants: extents follow one another without a gap and ascend by segment; only the first
//! reaches below the log start, and one of an open segment, which stays until it is sealed so that
//! it always begins where the segment's footer will say.

use std::collections::VecDeque;

use model::{Offset, Timestamp};

use crate::facts::{AppendFacts, FrameAt, SegmentId};

/// One partition's part of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The segment.
    pub segment: SegmentId,
    /// Offset of its first record.
    pub start_offset: Offset,
    /// Offset after its last record.
    pub end_offset: Offset,
    /// Position of its first batch: bytes ever appended before it.
    pub start_position: u64,
    /// Size of its batches.
    pub bytes: u64,
    /// Largest timestamp of its records.
    pub max_timestamp: Timestamp,
    /// When its last batch was committed.
    pub committed_at: Timestamp,
}

impl Extent {
    /// Position after its last batch.
    pub fn end_position(&self) -> u64 {
        self.start_position + self.bytes
    }

    /// Position of `frame`, one of this extent's in `frames`, the list that holds all of them.
    pub fn position_of(&self, frames: &[FrameEntry], frame: &FrameEntry) -> u64 {
        let first = frames.partition_point(|entry| entry.base_offset < self.start_offset);
        let before = frames.get(first).map_or(0, |entry| entry.bytes_before);
        self.start_position + (frame.bytes_before - before)
    }
}

/// One durable batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameEntry {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Number of its records.
    pub record_count: u32,
    /// Largest timestamp of its records.
    pub max_timestamp: Timestamp,
    /// Where it lies.
    pub at: FrameAt,
    /// Size of this partition's batches before it in the segment.
    pub bytes_before: u64,
}

impl FrameEntry {
    /// The entry that follows `previous` in a segment's list.
    pub(crate) fn following(previous: Option<&Self>, facts: &AppendFacts, at: FrameAt) -> Self {
        Self {
            base_offset: facts.base_offset,
            record_count: facts.record_count,
            max_timestamp: facts.max_timestamp,
            at,
            bytes_before: previous.map_or(0, Self::bytes_through),
        }
    }

    /// Offset after its last record.
    pub fn end_offset(&self) -> Offset {
        self.base_offset
            .checked_add(u64::from(self.record_count))
            .expect("appending and decoding refuse what ends beyond Kafka's range")
    }

    /// Size of this partition's batches in the segment up to the end of this one.
    pub fn bytes_through(&self) -> u64 {
        self.bytes_before + u64::from(self.at.length)
    }
}

/// The batches of a segment that is not sealed.
#[derive(Clone, Debug)]
struct OpenFrames {
    segment: SegmentId,
    frames: Vec<FrameEntry>,
}

/// Where a log's durable batches lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// The durable log start: extents wholly below go.
    start_offset: Offset,
    extents: VecDeque<Extent>,
    open: Vec<OpenFrames>,
}

impl Index {
    pub(crate) fn extents(&self) -> &VecDeque<Extent> {
        &self.extents
    }

    /// Extents that hold something at or above the durable log start.
    pub(crate) fn used(&self) -> impl DoubleEndedIterator<Item = &Extent> {
        self.extents
            .iter()
            .filter(|extent| extent.end_offset > self.start_offset)
    }

    /// The extents from the one on that ends behind `offset`.
    pub(crate) fn from(&self, offset: Offset) -> impl Iterator<Item = &Extent> {
        let first = self
            .extents
            .partition_point(|extent| extent.end_offset <= offset);
        self.extents.range(first..)
    }

    /// The batches of an open segment; none where it is sealed.
    pub(crate) fn open_frames(&self, segment: SegmentId) -> Option<&[FrameEntry]> {
        let open = self.open.iter().find(|open| open.segment == segment)?;
        Some(&open.frames)
    }

    /// Takes in the batch that comes next, in an open segment.
    pub(crate) fn push(
        &mut self,
        facts: &AppendFacts,
        at: FrameAt,
        start_position: u64,
        commit_time: Timestamp,
    ) {
        if self
            .open
            .last()
            .is_none_or(|open| open.segment != at.segment)
        {
            let segment = at.segment;
            let frames = Vec::new();
            self.open.push(OpenFrames { segment, frames });
        }
        let open = self
            .open
            .last_mut()
            .expect("one was pushed if there was none");
        open.frames
            .push(FrameEntry::following(open.frames.last(), facts, at));
        self.push_extent(Extent {
            segment: at.segment,
            start_offset: facts.base_offset,
            end_offset: facts.end_offset(),
            start_position,
            bytes: u64::from(facts.batch_bytes),
            max_timestamp: facts.max_timestamp,
            committed_at: commit_time,
        });
    }

    /// Takes in the extent that comes next, or lengthens the last one if it is of the same segment.
    pub(crate) fn push_extent(&mut self, extent: Extent) {
        if let Some(last) = self.extents.back_mut() {
            assert_eq!(
                last.end_offset, extent.start_offset,
                "extents follow one another"
            );
            assert!(
                last.segment <= extent.segment,
                "segments are written in order"
            );
            if last.segment == extent.segment {
                last.end_offset = extent.end_offset;
                last.bytes += extent.bytes;
                last.max_timestamp = last.max_timestamp.max(extent.max_timestamp);
                last.committed_at = last.committed_at.max(extent.committed_at);
                return;
            }
        }
        self.extents.push_back(extent);
    }

    /// The newest segment that anything lies in.
    pub(crate) fn newest_segment(&self) -> Option<SegmentId> {
        self.extents.back().map(|extent| extent.segment)
    }

    /// Forgets a segment's frames: from now on its footer tells them.
    pub(crate) fn seal(&mut self, segment: SegmentId) {
        self.open.retain(|open| open.segment != segment);
        self.drop_unused();
        self.open.shrink_to_fit();
    }

    /// Drops what lies wholly below `offset`.
    pub(crate) fn start_at(&mut self, offset: Offset) {
        self.start_offset = self.start_offset.max(offset);
        self.drop_unused();
    }

    fn drop_unused(&mut self) {
        while let Some(first) = self.extents.front()
            && first.end_offset <= self.start_offset
            && self.open_frames(first.segment).is_none()
        {
            self.extents.pop_front();
        }
        // An idle partition is to cost little, a busy one is not to move its list at every segment.
        if self.extents.capacity() >= 2 * self.extents.len() {
            self.extents.shrink_to_fit();
        }
    }

    /// Drops everything, where a replay finds that what it has seen does not reach what comes next.
    pub(crate) fn clear(&mut self) {
        self.extents.clear();
        self.open.clear();
    }

    /// Counts positions anew so that the last extent ends at `end_position`.
    pub(crate) fn end_at(&mut self, end_position: u64) -> Option<()> {
        let mut end_position = end_position;
        for extent in self.extents.iter_mut().rev() {
            end_position = end_position.checked_sub(extent.bytes)?;
            extent.start_position = end_position;
        }
        Some(())
    }

    /// Asserts what can be seen at once: the index ends where the log's durable part does.
    pub(crate) fn assert_end(&self, high_watermark: Offset, durable_position: u64) {
        if let Some(last) = self.extents.back() {
            assert_eq!(
                last.end_offset, high_watermark,
                "the index ends at the high watermark"
            );
            assert_eq!(
                last.end_position(),
                durable_position,
                "positions are those of batches"
            );
        }
    }
}
