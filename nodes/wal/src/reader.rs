//! Reads batches and digests back from segments, full or not.
//!
//! Owns: which files are open, and the check that what is read is what was asked for. Does not own:
//! caches of batches, or threads: calls block, and may come from many threads.
//!
//! Invariants: every batch is checked against its frame's checksum and segment before it is given
//! out, so that a recycled file is never taken for what it was; at most [`OPEN_FILES_MAX`] files are
//! kept open.

mod buffers;
mod open_files;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use model::TopicPartition;
use partition_log::{FrameAt, FrameEntry, LogRecord, PartitionDigest, SegmentId};
use records::StampedBatch;

use crate::disk::Disk;
use crate::error::Fault;
use crate::format::block::BlockFault;
use crate::format::footer::{Directory, DirectoryEntry};
use crate::format::frame::{FRAME_HEADER_BYTES, Frame, FrameFault};
use crate::format::{BLOCK_BYTES, to_blocks};
use crate::names::segment_name;
use crate::reader::buffers::ReadBuffers;
use crate::reader::open_files::{OpenFiles, OpenSegment};
use crate::segment_file::{PartError, SegmentFile};
use crate::write::FrameRecord;

pub use open_files::OPEN_FILES_MAX;

/// Frames that lie at most this far apart are read together, with what lies between: about what the
/// disk reads in the time of one more call.
pub const READ_GAP_MAX: u64 = 32 * 1024;

/// So much and more is read around the system's cache; less passes through it, since what is read in
/// small lies near to what is read next.
pub const AROUND_CACHE_BYTES_MIN: usize = 64 * 1024;

/// Most bytes that are read together. At the bound another read is made. A single larger frame is
/// read whole.
pub const READ_RUN_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The segment has been recycled, or never was.
    #[error("segment {} is gone", .0.0)]
    Gone(SegmentId),
    /// The segment has no footer yet: the shards have been told all that it holds.
    #[error("segment {} is still being written", .0.0)]
    NotSealed(SegmentId),
    /// The bytes are not what was written, or not what was asked for.
    #[error("segment {} is damaged at byte {position}: {fault}", segment.0)]
    Damaged {
        /// The segment.
        segment: SegmentId,
        /// Where.
        position: u64,
        /// What is wrong there.
        fault: Fault,
    },
    /// The disk refused.
    #[error("cannot read segment {}", segment.0)]
    Disk {
        /// The segment.
        segment: SegmentId,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

/// Reads segments; clones share the open files, and the memory for long reads.
#[derive(Clone)]
pub struct SegmentReader {
    disk: Arc<dyn Disk>,
    files: Arc<OpenFiles>,
    buffers: Arc<ReadBuffers>,
}

impl SegmentReader {
    /// Reads the segments on `disk`.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            files: Arc::new(OpenFiles::default()),
            buffers: Arc::new(ReadBuffers::default()),
        }
    }

    /// Reads one batch.
    pub fn read(&self, at: FrameAt) -> Result<StampedBatch, ReadError> {
        let mut batches = self.read_many(&[at])?;
        Ok(batches.pop().expect("one was asked for, and found"))
    }

    /// Reads batches, in the order in which they are asked for. Those that lie near each other, in
    /// ascending order, are read together and share memory.
    pub fn read_many(&self, frames: &[FrameAt]) -> Result<Vec<StampedBatch>, ReadError> {
        let mut batches = Vec::with_capacity(frames.len());
        let mut rest = frames;
        while !rest.is_empty() {
            let (run, more) = rest.split_at(run_length(rest));
            self.read_run(run, &mut batches)?;
            rest = more;
        }
        Ok(batches)
    }

    /// All that a sealed segment says of `partition`; none where it holds nothing of it.
    pub fn partition_digest(
        &self,
        segment: SegmentId,
        partition: TopicPartition,
    ) -> Result<Option<PartitionDigest>, ReadError> {
        self.read_digest(segment, partition, |bytes| {
            PartitionDigest::decode(segment, bytes)
        })
    }

    /// Where the batches of `partition` lie in a sealed segment.
    pub fn partition_frames(
        &self,
        segment: SegmentId,
        partition: TopicPartition,
    ) -> Result<Vec<FrameEntry>, ReadError> {
        let frames = self.read_digest(segment, partition, |bytes| {
            PartitionDigest::decode_frames(segment, bytes)
        })?;
        Ok(frames.unwrap_or_default())
    }

    /// The partitions of a sealed segment, and where their digests lie.
    pub fn directory(&self, segment: SegmentId) -> Result<Arc<Directory>, ReadError> {
        let open = self.open(segment)?;
        self.directory_of(&open)
    }

    /// Closes the file of a segment that is about to be recycled.
    pub(crate) fn forget(&self, segment: SegmentId) {
        self.files.forget(segment);
    }

    fn open(&self, segment: SegmentId) -> Result<Arc<OpenSegment>, ReadError> {
        self.files
            .open(&*self.disk, segment)
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => ReadError::Gone(segment),
                _ => ReadError::Disk { segment, source },
            })
    }

    fn directory_of(&self, open: &OpenSegment) -> Result<Arc<Directory>, ReadError> {
        let trailer_at = open.file.trailer_position().unwrap_or(0);
        open.directory().map_err(|error| match error {
            // The last block of an unfinished segment has zeros, or the trailer of an older life.
            PartError::Fault(Fault::Block(BlockFault::Magic) | Fault::Segment(_))
                if self.is_there(open) =>
            {
                ReadError::NotSealed(open.file.segment)
            }
            error => self.explain(open, trailer_at, error),
        })
    }

    fn read_digest<T, E>(
        &self,
        segment: SegmentId,
        partition: TopicPartition,
        decode: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Option<T>, ReadError> {
        let open = self.open(segment)?;
        let directory = self.directory_of(&open)?;
        let Some(DirectoryEntry { digest, .. }) = directory.find(partition) else {
            return Ok(None);
        };
        let explain = |error| self.explain(&open, digest.position, error);
        let bytes = open.file.part(*digest).map_err(explain)?;
        let unreadable = |_| explain(Fault::Footer("a digest cannot be read").into());
        decode(&bytes).map(Some).map_err(unreadable)
    }

    /// Reads frames of one segment, which ascend, in one go.
    fn read_run(&self, run: &[FrameAt], batches: &mut Vec<StampedBatch>) -> Result<(), ReadError> {
        let (first, last) = (run[0], run[run.len() - 1]);
        let open = self.open(first.segment)?;
        let start = frame_start(first).ok_or_else(|| damaged(first, Fault::Short))?;
        let end = last.position + u64::from(last.length);
        if end > open.file.length {
            return Err(self.explain(&open, last.position, Fault::Short.into()));
        }
        let bytes = read_range(&self.buffers, &open.file, start, end);
        let bytes = bytes.map_err(|error| self.explain(&open, start, PartError::Disk(error)))?;
        for &at in run {
            let from = usize::try_from(at.position - start).expect("it lies within the run");
            let batch = take_batch(&bytes, from, at);
            batches.push(batch.map_err(|fault| self.explain(&open, at.position, fault.into()))?);
        }
        Ok(())
    }

    /// What went wrong: if the segment is not there any more, that is all there is to say.
    fn explain(&self, open: &OpenSegment, position: u64, error: PartError) -> ReadError {
        let segment = open.file.segment;
        if !self.is_there(open) {
            return ReadError::Gone(segment);
        }
        match error {
            PartError::Disk(source) => ReadError::Disk { segment, source },
            PartError::Fault(fault) => ReadError::Damaged {
                segment,
                position,
                fault,
            },
        }
    }

    /// A recycled segment loses its name before anything is written to its file.
    fn is_there(&self, open: &OpenSegment) -> bool {
        match self.disk.open(&segment_name(open.file.segment)) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }
}

/// The bytes from `start` to `end`. A long run is read with the blocks that it lies in, into memory that
/// lies as they do.
fn read_range(
    buffers: &Arc<ReadBuffers>,
    file: &SegmentFile,
    start: u64,
    end: u64,
) -> io::Result<Bytes> {
    let in_memory = |bytes: u64| usize::try_from(bytes).expect("a run fits into memory");
    let length = in_memory(end - start);
    let (first, last) = (start - start % BLOCK_BYTES as u64, to_blocks(end));
    if length < AROUND_CACHE_BYTES_MIN || last > file.length {
        let mut buffer = vec![0; length];
        file.file.read_at(&mut buffer, start)?;
        return Ok(Bytes::from(buffer));
    }
    let mut buffer = buffers.take(in_memory(last - first))?;
    // It fills the buffer, or fails: nobody sees what was read into it before.
    file.file.read_at(&mut buffer, first)?;
    let from = in_memory(start - first);
    Ok(Bytes::from_owner(buffer).slice(from..from + length))
}

/// What lies between two frames, where that is read with them; none where they are not near.
pub fn near_gap(before: FrameAt, next: FrameAt) -> Option<u64> {
    let end = before.position + u64::from(before.length);
    let gap = next.position.checked_sub(end)?;
    (before.segment == next.segment && gap <= READ_GAP_MAX).then_some(gap)
}

/// How many of the first frames are read together: at least one.
fn run_length(frames: &[FrameAt]) -> usize {
    let start = frames[0].position;
    let near = |pair: &[FrameAt]| {
        let next = pair[1];
        near_gap(pair[0], next).is_some()
            && next.position + u64::from(next.length) - start <= READ_RUN_BYTES_MAX
    };
    1 + frames.windows(2).take_while(|pair| near(pair)).count()
}

/// Where the frame begins whose batch lies `at`; none where no frame can.
fn frame_start(at: FrameAt) -> Option<u64> {
    at.position.checked_sub(FRAME_HEADER_BYTES as u64)
}

fn damaged(at: FrameAt, fault: Fault) -> ReadError {
    ReadError::Damaged {
        segment: at.segment,
        position: at.position,
        fault,
    }
}

/// The batch `at`, which begins at `from` of `bytes`, counted from the start of the first frame.
fn take_batch(bytes: &Bytes, from: usize, at: FrameAt) -> Result<StampedBatch, Fault> {
    let end = from + at.length as usize;
    let frame = Frame::decode(&bytes[from - FRAME_HEADER_BYTES..end])?;
    if frame.origin.segment != at.segment {
        return Err(Fault::Segment(frame.origin.segment));
    }
    let is_append = matches!(frame.record, FrameRecord::Log(LogRecord::Append(_)));
    if !is_append || frame.payload.len() != at.length as usize {
        return Err(FrameFault::Payload(frame.payload.len() as u64).into());
    }
    StampedBatch::parse(bytes.slice(from..end)).map_err(|_| Fault::NoBatch)
}

#[cfg(test)]
mod tests;
