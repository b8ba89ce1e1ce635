//! The stored form of a [`PartitionDigest`]: about 8 bytes a batch.
//!
//! ```text
//!  version, virtual cluster, committed at | count, frames … | flags | snapshot or change
//!                                           ^ read alone for a read from a sealed segment
//! ```
//!
//! Each frame is written as what it differs by from the one before: most follow it in offset, lie a
//! few bytes behind it, and are a few milliseconds younger. Reading allocates in proportion to what
//! came in.

use model::{LeaderEpoch, Offset, Timestamp, VirtualClusterId};

use crate::codec::{DecodeError, Reader, put_signed, put_step, put_varint};
use crate::digest::change::{Change, Run};
use crate::digest::{Knowledge, PartitionDigest};
use crate::facts::{FrameAt, SegmentId};
use crate::index::FrameEntry;
use crate::limits::PRODUCERS_MAX;
use crate::snapshot::LogSnapshot;
use crate::snapshot::encoding::{
    PRODUCER_BYTES_MIN, Previous, put_producer, put_sessions, read_offset, read_producer,
    read_sessions, read_total,
};

const VERSION: u8 = 2;
const FLAG_CLOSED: u8 = 1;
const FLAG_WHOLE: u8 = 2;

impl PartitionDigest {
    /// Appends the stored form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, u64::from(self.virtual_cluster.0));
        put_signed(out, self.committed_at.0);
        put_frames(out, &self.frames);
        let closed = if self.closed { FLAG_CLOSED } else { 0 };
        match &self.knowledge {
            Knowledge::Whole(snapshot) => {
                out.push(closed | FLAG_WHOLE);
                snapshot.encode(out);
            }
            Knowledge::Change(change) => {
                out.push(closed);
                put_change(out, change);
            }
        }
    }

    /// Reads the stored form, as found in the footer of `segment`; `bytes` is all of it.
    pub fn decode(segment: SegmentId, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (virtual_cluster, committed_at) = read_head(&mut reader)?;
        let frames = read_frames(&mut reader, segment)?;
        let flags = reader.byte()?;
        if flags & !(FLAG_CLOSED | FLAG_WHOLE) != 0 {
            return Err(DecodeError::Invalid("flags"));
        }
        let knowledge = if flags & FLAG_WHOLE != 0 {
            Knowledge::Whole(LogSnapshot::read(&mut reader)?)
        } else {
            Knowledge::Change(read_change(&mut reader)?)
        };
        reader.finish()?;
        Ok(Self {
            segment,
            virtual_cluster,
            frames,
            committed_at,
            knowledge,
            closed: flags & FLAG_CLOSED != 0,
        })
    }

    /// Reads only where batches lie, of the stored form that begins `bytes`.
    pub fn decode_frames(segment: SegmentId, bytes: &[u8]) -> Result<Vec<FrameEntry>, DecodeError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader)?;
        read_frames(&mut reader, segment)
    }
}

fn read_head(reader: &mut Reader<'_>) -> Result<(VirtualClusterId, Timestamp), DecodeError> {
    reader.version(VERSION)?;
    let virtual_cluster = VirtualClusterId(reader.number("virtual cluster")?);
    Ok((virtual_cluster, Timestamp(reader.signed()?)))
}

fn put_frames(out: &mut Vec<u8>, frames: &[FrameEntry]) {
    put_varint(out, frames.len() as u64);
    let (mut end_offset, mut end_position, mut timestamp) = (Offset::ZERO, 0, 0);
    for frame in frames {
        // One bit of the count tells whether there is a gap before the frame: hardly ever.
        let gap = frame.base_offset.since(end_offset);
        put_varint(out, u64::from(frame.record_count) << 1 | u64::from(gap > 0));
        if gap > 0 {
            put_varint(out, gap);
        }
        put_varint(out, u64::from(frame.at.length));
        put_varint(out, frame.at.position - end_position);
        put_step(out, &mut timestamp, frame.max_timestamp.0);
        end_offset = frame.end_offset();
        end_position = frame.at.position + u64::from(frame.at.length);
    }
}

/// Least size of a frame in its stored form.
const FRAME_BYTES_MIN: usize = 4;

fn read_frames(
    reader: &mut Reader<'_>,
    segment: SegmentId,
) -> Result<Vec<FrameEntry>, DecodeError> {
    let count = reader.count(FRAME_BYTES_MIN, usize::MAX)?;
    let mut frames = Vec::with_capacity(count);
    let mut timestamp = 0;
    for _ in 0..count {
        let frame = read_frame(reader, segment, frames.last(), &mut timestamp)?;
        frames.push(frame);
    }
    Ok(frames)
}

fn read_frame(
    reader: &mut Reader<'_>,
    segment: SegmentId,
    previous: Option<&FrameEntry>,
    timestamp: &mut i64,
) -> Result<FrameEntry, DecodeError> {
    let end_position = previous.map_or(0_u64, |p| p.at.position + u64::from(p.at.length));
    let count_and_gap = reader.varint()?;
    let gap = if count_and_gap & 1 == 1 {
        reader.varint()?
    } else {
        0
    };
    let length: u32 = reader.number("length")?;
    let position = end_position.checked_add(reader.varint()?);
    let position = position.filter(|position| position.checked_add(u64::from(length)).is_some());
    let end_offset = previous.map_or(Offset::ZERO, FrameEntry::end_offset);
    let base_offset = end_offset.checked_add(gap);
    let record_count = u32::try_from(count_and_gap >> 1)
        .ok()
        .filter(|count| *count > 0);
    let (Some(base_offset), Some(record_count)) = (base_offset, record_count) else {
        return Err(DecodeError::Invalid("frame"));
    };
    if base_offset.checked_add(u64::from(record_count)).is_none() {
        return Err(DecodeError::Invalid("offset"));
    }
    Ok(FrameEntry {
        base_offset,
        record_count,
        max_timestamp: Timestamp(reader.step(timestamp)?),
        at: FrameAt {
            segment,
            position: position.ok_or(DecodeError::Invalid("position"))?,
            length,
        },
        bytes_before: previous.map_or(0, FrameEntry::bytes_through),
    })
}

fn put_change(out: &mut Vec<u8>, change: &Change) {
    put_varint(out, u64::from(change.leader_epoch.0));
    put_varint(out, change.log_start_offset.value());
    put_varint(out, change.metered_bytes);
    put_varint(out, change.freed_position);
    put_varint(out, change.runs.len() as u64);
    let mut previous = Previous::default();
    for (id, run) in &change.runs {
        put_varint(out, run.follows.map_or(0, |base| base as u64 + 1));
        put_producer(out, &mut previous, *id, &run.producer);
    }
    put_sessions(out, &change.sessions);
}

fn read_change(reader: &mut Reader<'_>) -> Result<Change, DecodeError> {
    let mut change = Change {
        leader_epoch: LeaderEpoch(reader.number("leader epoch")?),
        log_start_offset: read_offset(reader)?,
        metered_bytes: read_total(reader)?,
        freed_position: read_total(reader)?,
        ..Change::default()
    };
    let mut previous = Previous::default();
    for _ in 0..reader.count(PRODUCER_BYTES_MIN + 1, PRODUCERS_MAX)? {
        let follows: u32 = reader.number("sequence")?;
        let follows = follows.checked_sub(1).map(i32::try_from).transpose();
        let follows = follows.map_err(|_| DecodeError::Invalid("sequence"))?;
        let (id, producer) = read_producer(reader, &mut previous)?;
        if change.runs.insert(id, Run { follows, producer }).is_some() {
            return Err(DecodeError::Invalid("a producer comes twice"));
        }
    }
    change.sessions = read_sessions(reader)?;
    Ok(change)
}
