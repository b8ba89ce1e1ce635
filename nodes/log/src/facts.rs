//! What a log remembers of its changes: the vocabulary that the log, the write-ahead log and the
//! node share. A change is a fact once it is durable; replaying the facts rebuilds the log.
//!
//! Owns: the shape of facts. Does not own: their bytes in the write-ahead log (`wal`).

use model::{AppendId, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

use crate::snapshot::LogSnapshot;

/// Number of one segment of the write-ahead log; only goes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

/// Where a durable batch lies: the batch itself, without its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameAt {
    /// The segment.
    pub segment: SegmentId,
    /// First byte of the batch within the segment.
    pub position: u64,
    /// Size of the batch.
    pub length: u32,
}

/// An idempotent producer's mark on a batch (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The producer.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
    /// Sequence of the batch's first record.
    pub base_sequence: i32,
    /// Sequence of its last record; wraps from 2^31-1 to 0.
    pub last_sequence: i32,
}

impl ProducerStamp {
    /// The mark on a batch of `record_count` records.
    pub fn new(
        id: ProducerId,
        epoch: ProducerEpoch,
        base_sequence: i32,
        record_count: u32,
    ) -> Self {
        let last_sequence = sequence_after(base_sequence, record_count.saturating_sub(1));
        Self {
            id,
            epoch,
            base_sequence,
            last_sequence,
        }
    }
}

/// The sequence `records` further on: Kafka's wrap from 2^31-1 to 0.
pub(crate) fn sequence_after(base_sequence: i32, records: u32) -> i32 {
    (i64::from(base_sequence) + i64::from(records)).rem_euclid(SEQUENCES) as i32
}

/// How many records on from `from` the sequence `to` comes next.
pub(crate) fn sequence_distance(from: i32, to: i32) -> u32 {
    (i64::from(to) - i64::from(from)).rem_euclid(SEQUENCES) as u32
}

const SEQUENCES: i64 = 1 << 31;

/// A batch was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendFacts {
    /// Leadership it was appended under.
    pub leader_epoch: LeaderEpoch,
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Number of records, at least one.
    pub record_count: u32,
    /// The append that brought it.
    pub append_id: AppendId,
    /// Size that is billed: the batch as received. Zero for the system's own partitions.
    pub metered_bytes: u32,
    /// Size of the batch.
    pub batch_bytes: u32,
    /// The idempotent producer's mark, if it has one.
    pub producer: Option<ProducerStamp>,
    /// Largest timestamp of its records.
    pub max_timestamp: Timestamp,
}

impl AppendFacts {
    /// The offset after the batch's last record: it may be acknowledged once the high watermark
    /// has reached it.
    pub fn end_offset(&self) -> Offset {
        self.base_offset
            .checked_add(u64::from(self.record_count))
            .expect("the log gives no offset beyond the end of Kafka's range")
    }
}

/// What a change gives back of the bytes that a partition stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Size of the batches that are stored no more.
    pub bytes: u64,
    /// The same since ever: all below this position is free.
    pub position: u64,
}

/// One change of one partition's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRecord {
    /// A batch was appended.
    Append(AppendFacts),
    /// Records below this offset are no longer to be read.
    LogStart(Offset, Freed),
    /// The whole state, so that nothing before it is needed to rebuild it (but the batches).
    Snapshot(LogSnapshot),
    /// The partition is gone with its topic; its meters go to its virtual cluster's total.
    Closed(Freed),
}
