//! What tests of the log are made of: batches, frames and a clock that is set by hand.
//!
//! Owns: plausible values. Does not own: any rule of the log.

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use model::{
    AppendId, Clock, GatewayIncarnation, Instant, LaneId, LeaderEpoch, Offset, ProducerEpoch,
    ProducerId, Timestamp, TopicId, TopicPartition, VirtualClusterId,
};
use partition_log::{AppendFacts, LogRecord, ProducerStamp};
use records::{Attributes, BATCH_HEADER_BYTES, BatchHeader, StampedBatch};

use crate::write::{FrameRecord, FrameWrite, TotalsOrder};

/// A clock that stands still until it is set, also backwards.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// Stands at this many milliseconds since 1970.
    pub const fn at(wall_ms: i64) -> Self {
        Self(AtomicI64::new(wall_ms))
    }

    /// Moves it.
    pub fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::Relaxed).unsigned_abs() * 1_000_000)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// The partition with this number; even and odd ones belong to two topics.
pub fn partition(number: u32) -> TopicPartition {
    TopicPartition {
        topic: TopicId([number as u8 % 2 + 1; 16]),
        partition: number,
    }
}

/// The offset, which is in range.
///
/// # Panics
/// If it is not.
pub fn offset(value: u64) -> Offset {
    Offset::new(value).expect("tests use small offsets")
}

/// A batch of `record_count` records in `body`, which nobody looks into.
///
/// # Panics
/// If the numbers are too large for a batch.
pub fn batch(base_offset: u64, record_count: u32, body: &[u8]) -> StampedBatch {
    let count = i32::try_from(record_count).expect("tests use small counts");
    let header = BatchHeader {
        base_offset: offset(base_offset).to_wire(),
        batch_length: i32::try_from(BATCH_HEADER_BYTES + body.len() - 12).expect("it is small"),
        partition_leader_epoch: 3,
        magic: 2,
        crc: 0,
        attributes: Attributes(0),
        last_offset_delta: count - 1,
        base_timestamp: 1000,
        max_timestamp: 2000,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: count,
    };
    let bytes = [header.encode().as_slice(), body].concat();
    StampedBatch::parse(Bytes::from(bytes)).expect("the header fits the body")
}

/// A frame of shard 0 that appends such a batch; with a producer where `producer` names one, by its
/// id and first sequence.
///
/// # Panics
/// As [`batch`].
pub fn append(
    partition: TopicPartition,
    base_offset: u64,
    record_count: u32,
    body: &[u8],
    producer: Option<(i64, i32)>,
) -> FrameWrite {
    let batch = batch(base_offset, record_count, body);
    let batch_bytes = u32::try_from(batch.len()).expect("it is small");
    let stamp = |(id, sequence)| {
        ProducerStamp::new(ProducerId(id), ProducerEpoch(1), sequence, record_count)
    };
    let append_id = AppendId {
        gateway: GatewayIncarnation(77),
        lane: LaneId::of(partition),
        sequence: base_offset,
    };
    let facts = AppendFacts {
        leader_epoch: LeaderEpoch(3),
        base_offset: offset(base_offset),
        record_count,
        append_id,
        metered_bytes: batch_bytes,
        batch_bytes,
        producer: producer.map(stamp),
        max_timestamp: Timestamp(2000),
    };
    FrameWrite {
        batch: Some(batch),
        ..change(partition, LogRecord::Append(facts))
    }
}

/// A frame of shard 0 without a batch.
pub fn change(partition: TopicPartition, record: LogRecord) -> FrameWrite {
    frame(partition, FrameRecord::Log(record))
}

/// A frame of shard 0 with the meters of all before it.
pub fn totals_now() -> FrameWrite {
    frame(
        partition(0),
        FrameRecord::MeterTotalsNow(TotalsOrder::Carry),
    )
}

fn frame(partition: TopicPartition, record: FrameRecord) -> FrameWrite {
    let virtual_cluster = VirtualClusterId(1 + partition.partition % 2);
    FrameWrite {
        shard: 0,
        virtual_cluster,
        partition,
        record,
        batch: None,
    }
}
