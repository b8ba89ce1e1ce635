//! One change of one partition, and the batch that belongs to it.
//!
//! Owns: the layout of a frame's header, its checksum, and turning records into fields and back.
//! Does not own: the bytes of batches, snapshots and meters.
//!
//! ```text
//!   0 crc of all that follows (4)   4 payload length (4)
//!   8 kind (1)  9 flags (1)  10 lane (1)  11 zero (1)   12 leader epoch (4)
//!  16 segment (8)                24 node epoch (8)           32 commit time (8)
//!  40 virtual cluster (4)        44 partition (4)            48 topic (16)
//!  64 offset (8)                 72 record count (4)         76 metered bytes (4)
//!  80 gateway incarnation (8)    88 append sequence (8)      96 largest timestamp (8)
//! 104 producer (8)  112 its epoch (2)  114 zero (2)  116 base sequence (4)  120 last sequence (4)
//! 124 key (4)       128 nonce (8)       136 payload
//! ```
//!
//! Kinds: 1 append (the payload is the batch), 2 log start and 4 closed (the payload says what they
//! free), 3 snapshot, 5 meter totals, 6 freed (the payload is the number of bytes).
//! The offset is an append's base offset, or the new log start. Flag 1: the producer's fields count.
//! What a kind does not use is zero. Key and nonce are zero while nothing is encrypted at rest.
//! The facts of an append stand here although its batch has most of them too, so that a log can be
//! recovered without the key to its batches.

use bytes::{Buf, BufMut};
use model::{
    AppendId, ByteCount, GatewayIncarnation, LaneId, LeaderEpoch, NodeEpoch, Offset, ProducerEpoch,
    ProducerId, Timestamp, TopicId, TopicPartition, VirtualClusterId,
};
use partition_log::{
    AppendFacts, FrameAt, Freed, LogRecord, LogSnapshot, ProducerStamp, SegmentId,
};
use quota::Meters;
use records::KnownCrc;

use crate::format::crc::joined;
use crate::format::payload::Payload;
use crate::write::{FREED_BYTES, FrameRecord};

/// Size of a frame's header; the payload follows it directly.
pub const FRAME_HEADER_BYTES: usize = 136;

const CRC_BYTES: usize = 4;
const LENGTH_AT: usize = 4;
const FLAG_PRODUCER: u8 = 1;

const APPEND: u8 = 1;
const LOG_START: u8 = 2;
const SNAPSHOT: u8 = 3;
const CLOSED: u8 = 4;
const METER_TOTALS: u8 = 5;
const FREED: u8 = 6;

/// Why some bytes are not an intact frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// They end before the frame does.
    #[error("{wanted} bytes are wanted, {left} are there")]
    Truncated {
        /// Size of the header, or of the frame by its header.
        wanted: u64,
        /// Bytes at hand.
        left: u64,
    },
    /// They are not those that the checksum was made of.
    #[error("checksum {computed:08x} instead of {stored:08x}")]
    Crc {
        /// Checksum in the header.
        stored: u32,
        /// Checksum of the bytes.
        computed: u32,
    },
    /// A kind that this version does not know.
    #[error("kind {0} is not known")]
    Kind(u8),
    /// An offset past Kafka's range.
    #[error("{0} is no offset")]
    Offset(u64),
    /// A batch without records, or with offsets past Kafka's range.
    #[error("no batch has {0} records there")]
    RecordCount(u32),
    /// A batch of another size than the header says, or a payload where none belongs.
    #[error("a payload of {0} bytes does not fit the kind")]
    Payload(u64),
    /// A snapshot or meters that cannot be read.
    #[error("payload: {0}")]
    Content(String),
}

/// Where and when a frame is written, and of which partition it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameOrigin {
    /// The segment it lies in.
    pub segment: SegmentId,
    /// The incarnation of the node that wrote it.
    pub node_epoch: NodeEpoch,
    /// When its group was committed.
    pub commit_time: Timestamp,
    /// Whose bytes they are.
    pub virtual_cluster: VirtualClusterId,
    /// Whose change it is.
    pub partition: TopicPartition,
}

/// An intact frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where and when it was written.
    pub origin: FrameOrigin,
    /// What it says.
    pub record: FrameRecord,
    /// The batch of an append; the encoded content of the other kinds.
    pub payload: &'a [u8],
    /// Its checksum.
    pub crc: u32,
}

/// Writes a frame to `out`, which is as large as the frame. Says its checksum.
///
/// # Panics
/// If `out` has another size.
pub fn put_frame(
    out: &mut [u8],
    origin: &FrameOrigin,
    record: &FrameRecord,
    payload: Payload<'_>,
) -> u32 {
    let (header, rest) = out.split_at_mut(FRAME_HEADER_BYTES);
    put_header(header, origin, record, payload.bytes());
    let pieces = payload.pieces();
    let (head, body) = rest.split_at_mut(pieces[0].len());
    head.copy_from_slice(pieces[0]);
    body.copy_from_slice(pieces[1]);
    let crc = crc_of(&out[CRC_BYTES..], payload.known_crc());
    out[..CRC_BYTES].copy_from_slice(&crc.to_le_bytes());
    crc
}

/// The checksum of `bytes`, where that of the last of them is known or not.
fn crc_of(bytes: &[u8], known: Option<KnownCrc>) -> u32 {
    let Some(KnownCrc { crc, covered_bytes }) = known else {
        return crc32c::crc32c(bytes);
    };
    let before = &bytes[..bytes.len() - covered_bytes];
    joined(crc32c::crc32c(before), crc, covered_bytes)
}

/// The header, but for the checksum.
fn put_header(
    mut out: &mut [u8],
    origin: &FrameOrigin,
    record: &FrameRecord,
    payload_bytes: usize,
) {
    let payload_bytes = u32::try_from(payload_bytes).expect("a frame fits into a segment");
    let facts = match record {
        FrameRecord::Log(LogRecord::Append(facts)) => Some(facts),
        _ => None,
    };
    let append_id = facts.map(|facts| facts.append_id);
    let producer = facts.and_then(|facts| facts.producer);
    let offset = match record {
        FrameRecord::Log(LogRecord::Append(facts)) => facts.base_offset.value(),
        FrameRecord::Log(LogRecord::LogStart(offset, _)) => offset.value(),
        _ => 0,
    };
    out.put_u32_le(0);
    out.put_u32_le(payload_bytes);
    out.put_u8(kind(record));
    out.put_u8(if producer.is_some() { FLAG_PRODUCER } else { 0 });
    out.put_u8(append_id.map_or(0, |id| id.lane.0));
    out.put_u8(0);
    out.put_u32_le(facts.map_or(0, |facts| facts.leader_epoch.0));
    out.put_u64_le(origin.segment.0);
    out.put_u64_le(origin.node_epoch.0);
    out.put_i64_le(origin.commit_time.0);
    out.put_u32_le(origin.virtual_cluster.0);
    out.put_u32_le(origin.partition.partition);
    out.put_slice(&origin.partition.topic.0);
    out.put_u64_le(offset);
    out.put_u32_le(facts.map_or(0, |facts| facts.record_count));
    out.put_u32_le(facts.map_or(0, |facts| facts.metered_bytes));
    out.put_u64_le(append_id.map_or(0, |id| id.gateway.0));
    out.put_u64_le(append_id.map_or(0, |id| id.sequence));
    out.put_i64_le(facts.map_or(0, |facts| facts.max_timestamp.0));
    out.put_i64_le(producer.map_or(0, |producer| producer.id.0));
    out.put_i16_le(producer.map_or(0, |producer| producer.epoch.0));
    out.put_u16_le(0);
    out.put_i32_le(producer.map_or(0, |producer| producer.base_sequence));
    out.put_i32_le(producer.map_or(0, |producer| producer.last_sequence));
    // Key and nonce.
    out.put_u32_le(0);
    out.put_u64_le(0);
    assert!(out.is_empty(), "the fields fill the header");
}

fn kind(record: &FrameRecord) -> u8 {
    match record {
        FrameRecord::Log(LogRecord::Append(_)) => APPEND,
        FrameRecord::Log(LogRecord::LogStart(..)) => LOG_START,
        FrameRecord::Log(LogRecord::Snapshot(_)) => SNAPSHOT,
        FrameRecord::Log(LogRecord::Closed(_)) => CLOSED,
        FrameRecord::MeterTotals(_) => METER_TOTALS,
        FrameRecord::Freed(_) => FREED,
        FrameRecord::MeterTotalsNow(_) => unreachable!("the totals are filled in before"),
    }
}

/// Where the payload of a frame of `frame_bytes` lies that begins at `position`.
pub fn payload_at(segment: SegmentId, position: u64, frame_bytes: usize) -> FrameAt {
    let length = u32::try_from(frame_bytes - FRAME_HEADER_BYTES);
    let length = length.expect("a frame fits into a segment");
    FrameAt {
        segment,
        position: position + FRAME_HEADER_BYTES as u64,
        length,
    }
}

/// The frame's checksum and size, once they are found to belong to the bytes that it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its checksum.
    pub crc: u32,
    /// Size of header and payload.
    pub frame_bytes: usize,
}

/// Checks the frame that `bytes` begin with, without looking at its meaning.
pub fn check(bytes: &[u8]) -> Result<Checked, FrameFault> {
    let (stored, frame_bytes) = extent(bytes)?;
    let computed = crc32c::crc32c(&bytes[CRC_BYTES..frame_bytes]);
    if stored != computed && !crate::plant::is_planted(crate::plant::Bug::TrustTornFrame) {
        return Err(FrameFault::Crc { stored, computed });
    }
    Ok(Checked {
        crc: stored,
        frame_bytes,
    })
}

/// The stored checksum and the size of the frame that `bytes` begin with, if all of it is there.
fn extent(bytes: &[u8]) -> Result<(u32, usize), FrameFault> {
    let left = bytes.len() as u64;
    let Some(header) = bytes.first_chunk::<FRAME_HEADER_BYTES>() else {
        return Err(FrameFault::Truncated {
            wanted: FRAME_HEADER_BYTES as u64,
            left,
        });
    };
    let stored = (&header[..]).get_u32_le();
    let wanted = FRAME_HEADER_BYTES as u64 + u64::from((&header[LENGTH_AT..]).get_u32_le());
    match usize::try_from(wanted) {
        Ok(frame_bytes) if frame_bytes <= bytes.len() => Ok((stored, frame_bytes)),
        _ => Err(FrameFault::Truncated { wanted, left }),
    }
}

impl<'a> Frame<'a> {
    /// Checks and reads the frame that `bytes` begin with.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameFault> {
        let Checked { crc, frame_bytes } = check(bytes)?;
        let (header, payload) = bytes[..frame_bytes].split_at(FRAME_HEADER_BYTES);
        // Fields are read in the order in which they lie; the header is never too short for them.
        let mut fields = &header[LENGTH_AT + 4..];
        let kind = fields.get_u8();
        let has_producer = fields.get_u8() & FLAG_PRODUCER != 0;
        let lane = LaneId(fields.get_u8());
        fields.advance(1);
        let leader_epoch = LeaderEpoch(fields.get_u32_le());
        let origin = take_origin(&mut fields);
        let raw_offset = fields.get_u64_le();
        let offset = Offset::new(raw_offset).ok_or(FrameFault::Offset(raw_offset))?;
        let record_count = fields.get_u32_le();
        let metered_bytes = fields.get_u32_le();
        let gateway = GatewayIncarnation(fields.get_u64_le());
        let append_id = AppendId {
            gateway,
            lane,
            sequence: fields.get_u64_le(),
        };
        let max_timestamp = Timestamp(fields.get_i64_le());
        let producer = take_producer(&mut fields);
        let facts = AppendFacts {
            leader_epoch,
            base_offset: offset,
            record_count,
            append_id,
            metered_bytes,
            batch_bytes: u32::try_from(payload.len()).expect("its length is 32 bits wide"),
            producer: has_producer.then_some(producer),
            max_timestamp,
        };
        let record = read_record(kind, facts, payload)?;
        Ok(Self {
            origin,
            record,
            payload,
            crc,
        })
    }

    /// Size of the frame.
    pub fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.payload.len()
    }
}

fn take_origin(fields: &mut &[u8]) -> FrameOrigin {
    let segment = SegmentId(fields.get_u64_le());
    let node_epoch = NodeEpoch(fields.get_u64_le());
    let commit_time = Timestamp(fields.get_i64_le());
    let virtual_cluster = VirtualClusterId(fields.get_u32_le());
    let partition = fields.get_u32_le();
    let mut topic = [0; 16];
    fields.copy_to_slice(&mut topic);
    let partition = TopicPartition {
        topic: TopicId(topic),
        partition,
    };
    FrameOrigin {
        segment,
        node_epoch,
        commit_time,
        virtual_cluster,
        partition,
    }
}

fn take_producer(fields: &mut &[u8]) -> ProducerStamp {
    let id = ProducerId(fields.get_i64_le());
    let epoch = ProducerEpoch(fields.get_i16_le());
    fields.advance(2);
    let base_sequence = fields.get_i32_le();
    ProducerStamp {
        id,
        epoch,
        base_sequence,
        last_sequence: fields.get_i32_le(),
    }
}

fn read_record(kind: u8, facts: AppendFacts, payload: &[u8]) -> Result<FrameRecord, FrameFault> {
    let content = |fault: &dyn std::fmt::Display| FrameFault::Content(fault.to_string());
    let record = match kind {
        APPEND => {
            let end = facts.base_offset.checked_add(u64::from(facts.record_count));
            if facts.record_count == 0 || end.is_none() {
                return Err(FrameFault::RecordCount(facts.record_count));
            }
            return Ok(FrameRecord::Log(LogRecord::Append(facts)));
        }
        SNAPSHOT => {
            let snapshot = LogSnapshot::decode(payload).map_err(|fault| content(&fault))?;
            return Ok(FrameRecord::Log(LogRecord::Snapshot(snapshot)));
        }
        METER_TOTALS => {
            let meters = Meters::decode(payload).map_err(|fault| content(&fault))?;
            return Ok(FrameRecord::MeterTotals(meters));
        }
        LOG_START => LogRecord::LogStart(facts.base_offset, read_freed(payload)?),
        CLOSED => LogRecord::Closed(read_freed(payload)?),
        FREED => {
            let bytes = <[u8; 8]>::try_from(payload);
            let bytes = bytes.map_err(|_| FrameFault::Payload(payload.len() as u64))?;
            return Ok(FrameRecord::Freed(ByteCount(u64::from_le_bytes(bytes))));
        }
        unknown => return Err(FrameFault::Kind(unknown)),
    };
    Ok(FrameRecord::Log(record))
}

fn read_freed(mut payload: &[u8]) -> Result<Freed, FrameFault> {
    if payload.len() != FREED_BYTES {
        return Err(FrameFault::Payload(payload.len() as u64));
    }
    Ok(Freed {
        bytes: payload.get_u64_le(),
        position: payload.get_u64_le(),
    })
}

#[cfg(test)]
mod tests;
