//! The reads of one call, made together: their batches lie interleaved in the same segments, so that
//! one sweep over all of them is a few long reads where each alone would be many short ones.
//!
//! Owns: the order of the sweep, its parts, giving batches back to their reads. Does not own: threads
//! (`file_reads`), which batches lie near enough to be read at once (`wal`), how much the disk bears (`pace`).
//!
//! Invariant: what a read cannot have fails that read alone: where a part cannot be read, each read's
//! share of it is tried by itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use model::{Offset, TopicPartition};
use node_api::{LogBounds, ReadError, ReadReply};
use partition_log::{FrameAt, FrameEntry, FrameRun};
use records::StampedBatch;
use wal::SegmentReader;
use wal::reader::near_gap;

use super::{Answered, FileRead, Source, told};
use crate::limits::{FILE_READ_PART_BYTES_MIN, FILE_READ_PARTS_MAX};
use crate::pieces::pieces;

/// See the file's header.
pub(super) struct Together {
    reads: Vec<Planned>,
    /// Every batch that is wanted, as they lie.
    sweep: Vec<Wanted>,
    parts: Vec<Range<usize>>,
}

/// What one read has of what was read.
pub(super) type Share = Result<Vec<StampedBatch>, ReadError>;

/// A read and what it takes: none where no batch fits.
pub(super) struct Planned {
    index: usize,
    pub(super) partition: TopicPartition,
    pub(super) offset: Offset,
    bounds: LogBounds,
    run: Result<Option<FrameRun>, ReadError>,
}

/// A batch, and the read that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    at: FrameAt,
    read: usize,
}

/// What was read of one part: batches, or why a read can have none.
pub(super) type Part = Vec<(usize, Result<StampedBatch, ReadError>)>;

impl Together {
    /// Finds out where everything lies; for that, lists of sealed segments may be read.
    pub(super) fn plan(source: &Source, reads: Vec<(usize, FileRead)>) -> Self {
        let planned = reads.into_iter().map(|(index, read)| Planned {
            index,
            partition: read.partition,
            offset: read.offset,
            bounds: read.bounds,
            run: source.run_of(read),
        });
        let reads: Vec<_> = planned.collect();
        let mut sweep = Vec::new();
        for (read, planned) in reads.iter().enumerate() {
            let frames = planned.frames().iter();
            sweep.extend(frames.map(|frame| Wanted { at: frame.at, read }));
        }
        sweep.sort_unstable_by_key(|wanted| (wanted.at.segment, wanted.at.position));
        let mut together = Self {
            reads,
            sweep,
            parts: Vec::new(),
        };
        together.cut(source.pace.sweep_bytes_max());
        together.parts = divide(&together.sweep);
        together
    }

    /// Cuts the sweep to its first `bytes_max`. A log lies in order, so each read keeps its first batches; who
    /// keeps none is to ask again.
    fn cut(&mut self, bytes_max: u64) {
        let mut bytes = 0;
        let fits = |wanted: &&Wanted| {
            bytes += u64::from(wanted.at.length);
            bytes <= bytes_max
        };
        let kept = self.sweep.iter().take_while(fits).count().max(1);
        if kept >= self.sweep.len() {
            return;
        }
        self.sweep.truncate(kept);
        let mut counts = vec![0; self.reads.len()];
        for wanted in &self.sweep {
            counts[wanted.read] += 1;
        }
        for (planned, count) in self.reads.iter_mut().zip(counts) {
            planned.cut(count);
        }
    }

    /// The parts of the sweep that may be read at the same time: at least one.
    pub(super) fn parts(&self) -> &[Range<usize>] {
        &self.parts
    }

    /// Reads one part.
    pub(super) fn read(&self, source: &Source, part: usize) -> Part {
        let wanted = &self.sweep[self.parts[part].clone()];
        let begun = Instant::now();
        let found = Self::read_wanted(&source.reader, wanted);
        let bytes = wanted.iter().map(|wanted| u64::from(wanted.at.length));
        source.pace.saw(bytes.sum(), begun.elapsed());
        found
    }

    fn read_wanted(reader: &SegmentReader, wanted: &[Wanted]) -> Part {
        let places: Vec<_> = wanted.iter().map(|wanted| wanted.at).collect();
        if let Ok(batches) = reader.read_many(&places) {
            let reads = wanted.iter().map(|wanted| wanted.read);
            return reads.zip(batches.into_iter().map(Ok)).collect();
        }
        let mut alone: BTreeMap<usize, Vec<FrameAt>> = BTreeMap::new();
        for wanted in wanted {
            alone.entry(wanted.read).or_default().push(wanted.at);
        }
        let mut found = Part::new();
        for (read, places) in alone {
            match reader.read_many(&places) {
                Ok(batches) => found.extend(batches.into_iter().map(|batch| (read, Ok(batch)))),
                Err(why) => found.push((read, Err(told(&why)))),
            }
        }
        found
    }

    /// The answers, when all parts were read.
    pub(super) fn answers(&self, parts: impl IntoIterator<Item = Part>) -> Vec<Answered> {
        let answers = self.reads.iter().zip(self.shares(parts));
        let answers = answers.map(|(planned, share)| {
            let answer = share.and_then(|batches| planned.answer(batches));
            (planned.index, planned.partition, answer)
        });
        answers.collect()
    }

    /// What each read has of what was read.
    pub(super) fn shares(&self, parts: impl IntoIterator<Item = Part>) -> Vec<Share> {
        let mut batches = vec![Ok(Vec::new()); self.reads.len()];
        for (read, found) in parts.into_iter().flatten() {
            match (&mut batches[read], found) {
                (Ok(batches), Ok(batch)) => batches.push(batch),
                (before @ Ok(_), Err(why)) => *before = Err(why),
                (Err(_), _) => {}
            }
        }
        batches
    }

    /// The reads, in the order of their shares.
    pub(super) fn planned(&self) -> &[Planned] {
        &self.reads
    }

    /// How much is to be read, with what lies between.
    pub(super) fn bytes(&self) -> u64 {
        let lengths = self.sweep.iter().map(|wanted| u64::from(wanted.at.length));
        let pairs = self.sweep.windows(2);
        let gaps = pairs.filter_map(|pair| near_gap(pair[0].at, pair[1].at));
        lengths.sum::<u64>() + gaps.sum::<u64>()
    }
}

impl Planned {
    /// Leaves the first `count` batches, if there are more.
    fn cut(&mut self, count: usize) {
        let Ok(Some(run)) = &mut self.run else {
            return;
        };
        if count >= run.frames.len() {
            return;
        }
        run.frames.truncate(count);
        match run.frames.last() {
            Some(last) => {
                run.next_offset = last.end_offset();
                run.next_position = None;
            }
            None => self.run = Err(ReadError::Busy),
        }
    }

    /// Where what it takes ends; none where that is nothing.
    pub(super) fn end(&self) -> Option<Offset> {
        self.frames().last().map(FrameEntry::end_offset)
    }

    /// Which of its batches has the record at `offset`.
    pub(super) fn frame_with(&self, offset: Offset) -> usize {
        self.frames()
            .partition_point(|frame| frame.end_offset() <= offset)
    }

    fn frames(&self) -> &[FrameEntry] {
        match &self.run {
            Ok(Some(run)) => &run.frames,
            Ok(None) | Err(_) => &[],
        }
    }

    /// The answer with some of its batches; none with none of them.
    pub(super) fn part(&self, which: Range<usize>, batches: &[StampedBatch]) -> Option<ReadReply> {
        let run = self.run.as_ref().ok()?.as_ref()?;
        let is_end = which.end == run.frames.len();
        let run = FrameRun {
            next_offset: run.frames[which].last()?.end_offset(),
            next_position: run.next_position.filter(|_| is_end),
            frames: Vec::new(),
        };
        Some(reply(&run, batches, self.bounds))
    }

    fn answer(&self, mut batches: Vec<StampedBatch>) -> Result<ReadReply, ReadError> {
        let bounds = self.bounds;
        let Some(run) = self.run.as_ref().map_err(ReadError::clone)? else {
            return Ok(ReadReply {
                next_offset: self.offset,
                bounds,
                ..ReadReply::default()
            });
        };
        // The log lies in order, so that there is nothing to move.
        batches.sort_by_key(StampedBatch::base_offset);
        Ok(reply(run, &batches, bounds))
    }
}

/// The answer with these batches, behind which a run ends.
fn reply(run: &FrameRun, batches: &[StampedBatch], bounds: LogBounds) -> ReadReply {
    ReadReply {
        bytes: batches.iter().map(StampedBatch::len).sum(),
        segments: pieces(batches.iter()),
        next_offset: run.next_offset,
        next_position: run.next_position,
        bounds,
        retry_after: Duration::ZERO,
    }
}

/// Divides a sweep into parts of about the same size.
fn divide(sweep: &[Wanted]) -> Vec<Range<usize>> {
    let size = |wanted: &Wanted| u64::from(wanted.at.length);
    let bytes: u64 = sweep.iter().map(size).sum();
    let count = (bytes / FILE_READ_PART_BYTES_MIN).clamp(1, FILE_READ_PARTS_MAX as u64);
    let mut parts = Vec::new();
    let (mut start, mut before) = (0, 0);
    for (index, wanted) in sweep.iter().enumerate() {
        before += size(wanted);
        let is_full = before * count >= bytes * (parts.len() as u64 + 1);
        if is_full && (parts.len() as u64) < count - 1 {
            parts.push(start..index + 1);
            start = index + 1;
        }
    }
    if start < sweep.len() || parts.is_empty() {
        parts.push(start..sweep.len());
    }
    parts
}

#[cfg(test)]
mod tests;
