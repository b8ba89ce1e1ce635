//! What is to be read: which batches answer a fetch, and which may hold a timestamp.
//!
//! Owns: plans, and the choice among a segment's batches, which is the same for segments that are
//! open (here) and sealed (the shell loads the list from the footer).
//! Does not own: bytes, caches, records within a batch.
//!
//! A read gives whole batches, and the first is the one that *contains* the offset: clients skip
//! records before it themselves (KIP-98's format; a broker that starts behind makes them hang).

use model::{Offset, Timestamp};

use crate::index::{Extent, FrameEntry};
use crate::log::{Bounds, PartitionLog};

/// The offset lies outside the log (Kafka error 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offset out of range")]
pub struct OutOfRange {
    /// Where the log begins and ends.
    pub bounds: Bounds,
}

/// What answers a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadPlan {
    /// These batches; none at the end of what is durable, or where not one fits.
    Frames(FrameRun),
    /// Batches of this sealed segment: load its frames, then [`read_frames`].
    Sealed(Extent),
}

/// Batches that follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameRun {
    /// The batches.
    pub frames: Vec<FrameEntry>,
    /// The offset to go on from.
    pub next_offset: Offset,
    /// Its position, where the run or the end of the log tells it.
    pub next_position: Option<u64>,
}

impl FrameRun {
    /// Size of the batches.
    pub fn bytes(&self) -> u64 {
        self.frames
            .iter()
            .map(|frame| u64::from(frame.at.length))
            .sum()
    }
}

/// Where to look for a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this batch.
    Frame(FrameEntry),
    /// In a batch of this sealed segment: load its frames, then [`first_frame_reaching`] or
    /// [`frame_with_max_timestamp`].
    Sealed(Extent),
}

/// The batches of `frames` (ascending) from the one on that contains `offset`, up to `bytes_max`;
/// the first one in any case if `at_least_one`.
pub fn select_frames(
    frames: &[FrameEntry],
    offset: Offset,
    bytes_max: u32,
    at_least_one: bool,
) -> &[FrameEntry] {
    let rest = &frames[first_frame_ending_behind(frames, offset)..];
    let Some(first) = rest.first() else {
        return rest;
    };
    let bytes_end = first.bytes_before + u64::from(bytes_max);
    let fitting = rest.partition_point(|frame| frame.bytes_through() <= bytes_end);
    &rest[..fitting.max(usize::from(at_least_one))]
}

/// What a read gives of one segment, with `frames` all of the partition's in it.
pub fn read_frames(
    extent: &Extent,
    frames: &[FrameEntry],
    offset: Offset,
    bytes_max: u32,
    at_least_one: bool,
) -> FrameRun {
    let selected = select_frames(frames, offset, bytes_max, at_least_one);
    let last = selected.last();
    FrameRun {
        frames: selected.to_vec(),
        next_offset: last.map_or(offset, FrameEntry::end_offset),
        next_position: last
            .map(|last| extent.position_of(frames, last) + u64::from(last.at.length)),
    }
}

/// The first batch of `frames` with a record at or above `from`, and one (perhaps another) at or
/// after `timestamp`.
pub fn first_frame_reaching(
    frames: &[FrameEntry],
    timestamp: Timestamp,
    from: Offset,
) -> Option<&FrameEntry> {
    let rest = &frames[first_frame_ending_behind(frames, from)..];
    rest.iter().find(|frame| frame.max_timestamp >= timestamp)
}

/// The batch of `frames` with a record at or above `from` that has the largest timestamp; the first
/// of several.
pub fn frame_with_max_timestamp(frames: &[FrameEntry], from: Offset) -> Option<&FrameEntry> {
    let rest = &frames[first_frame_ending_behind(frames, from)..];
    // Of equals the last is taken, which backwards is the first.
    rest.iter().rev().max_by_key(|frame| frame.max_timestamp)
}

fn first_frame_ending_behind(frames: &[FrameEntry], offset: Offset) -> usize {
    frames.partition_point(|frame| frame.end_offset() <= offset)
}

impl PartitionLog {
    /// What answers a read from `offset`: whole durable batches up to `bytes_max`, the first one in
    /// any case if `at_least_one`. From the high watermark on, up to the log's end, it is nothing.
    ///
    /// A plan ends with its segment if that is sealed; go on from its end if there is room left.
    pub fn plan_read(
        &self,
        offset: Offset,
        bytes_max: u32,
        at_least_one: bool,
    ) -> Result<ReadPlan, OutOfRange> {
        let bounds = self.bounds();
        if offset < bounds.log_start_offset || offset > self.end_offset() {
            return Err(OutOfRange { bounds });
        }
        if let Some(extent) = self.sealed_from(offset) {
            return Ok(ReadPlan::Sealed(*extent));
        }
        Ok(ReadPlan::Frames(self.read_open(
            offset,
            bytes_max,
            at_least_one,
        )))
    }

    /// The sealed segment in which a read from `offset` begins; none where that is still open.
    pub fn sealed_from(&self, offset: Offset) -> Option<&Extent> {
        let first = self.index.from(offset).next();
        first.filter(|extent| self.index.open_frames(extent.segment).is_none())
    }

    fn read_open(&self, offset: Offset, bytes_max: u32, at_least_one: bool) -> FrameRun {
        let at_end = offset == self.high_watermark;
        let mut run = FrameRun {
            frames: Vec::new(),
            next_offset: offset,
            next_position: at_end.then_some(self.durable_position),
        };
        let mut left = bytes_max;
        for extent in self.index.from(offset) {
            let Some(frames) = self.index.open_frames(extent.segment) else {
                break;
            };
            let at_least_one = at_least_one && run.frames.is_empty();
            let more = read_frames(extent, frames, run.next_offset, left, at_least_one);
            if more.frames.is_empty() {
                break;
            }
            left = left.saturating_sub(u32::try_from(more.bytes()).unwrap_or(u32::MAX));
            run.frames.extend(more.frames);
            (run.next_offset, run.next_position) = (more.next_offset, more.next_position);
            if run.next_offset < extent.end_offset {
                break;
            }
        }
        run
    }

    /// Where the first record at or above both `from` and the log start may be whose timestamp is
    /// at or after `timestamp`; none where there is none.
    ///
    /// A batch is found by its largest timestamp. Where that belongs to a record below the log start,
    /// or a sealed segment has no such batch behind `from`, ask again from the end of what was looked
    /// at.
    pub fn plan_timestamp(&self, timestamp: Timestamp, from: Offset) -> Option<Place> {
        let from = from.max(self.bounds().log_start_offset);
        let mut reaching = self
            .index
            .from(from)
            .filter(|e| e.max_timestamp >= timestamp);
        reaching.find_map(|extent| match self.index.open_frames(extent.segment) {
            Some(frames) => first_frame_reaching(frames, timestamp, from)
                .copied()
                .map(Place::Frame),
            None => Some(Place::Sealed(*extent)),
        })
    }

    /// About when the record at `offset`, or the first one that is left, was appended; none from the
    /// high watermark on. It looks at no batch: in a segment that is open it tells the largest
    /// timestamp of the record's batch, within what the commit times allow; in a sealed one it takes
    /// records as evenly spread between the commit times of two segments, or as of the last commit
    /// where no segment is before it.
    pub fn appended_about(&self, offset: Offset) -> Option<Timestamp> {
        let offset = offset.max(self.bounds().log_start_offset);
        let extents = self.index.extents();
        let at = extents.partition_point(|extent| extent.end_offset <= offset);
        let extent = extents.get(at)?;
        let latest = extent.committed_at;
        let before = at.checked_sub(1).and_then(|before| extents.get(before));
        let earliest = before.map(|before| before.committed_at.min(latest));
        if let Some(frames) = self.index.open_frames(extent.segment) {
            let frame = frames.get(first_frame_ending_behind(frames, offset))?;
            let time = Some(frame.max_timestamp).filter(|time| *time > Timestamp::NONE);
            let time = time.map_or(latest, |time| time.min(latest));
            return Some(earliest.map_or(time, |earliest| time.max(earliest)));
        }
        let earliest = earliest.unwrap_or(latest);
        let records = u128::from(extent.end_offset.since(extent.start_offset));
        let passed = u128::from(offset.since(extent.start_offset));
        let span = u128::from(latest.0.abs_diff(earliest.0));
        let share = i64::try_from(span * passed / records).unwrap_or(i64::MAX);
        Some(Timestamp(earliest.0.saturating_add(share)))
    }

    /// Where the record with the largest timestamp may be, at most two places in offset order; none
    /// where the log is empty.
    ///
    /// Two, because a sealed segment that reaches below the log start may have its largest timestamp
    /// there: then the other place is the best of the rest. Of equals the first record counts.
    pub fn plan_max_timestamp(&self) -> Vec<Place> {
        let from = self.bounds().log_start_offset;
        let mut places = Vec::new();
        let mut best: Option<(Timestamp, Place)> = None;
        for extent in self.index.from(from) {
            let found = match self.index.open_frames(extent.segment) {
                Some(frames) => frame_with_max_timestamp(frames, from)
                    .map(|frame| (frame.max_timestamp, Place::Frame(*frame))),
                None if extent.start_offset < from => {
                    places.push(Place::Sealed(*extent));
                    None
                }
                None => Some((extent.max_timestamp, Place::Sealed(*extent))),
            };
            let largest = best.map(|(timestamp, _)| timestamp);
            best = found
                .filter(|(timestamp, _)| Some(*timestamp) > largest)
                .or(best);
        }
        places.extend(best.map(|(_, place)| place));
        places
    }
}

#[cfg(test)]
mod tests;
