//! The record batches that are sent to both servers: the same bytes, right ones and wrong ones.
//!
//! Owns: what is in them, and how they are broken. Does not own: what a server makes of them.

use bytes::{Bytes, BytesMut};
use model::{ProducerEpoch, ProducerId, Timestamp};
use records::{BatchBuilder, Codec, NewRecord, ProducerFields};

/// Where parts of a batch's header lie.
pub const LENGTH_AT: usize = 8;
/// The format.
pub const MAGIC_AT: usize = 16;
/// The checksum, of everything after it.
pub const CRC_AT: usize = 17;
/// Codec and kind, two bytes.
pub const ATTRIBUTES_AT: usize = 21;
/// Offset of the last record, counted from the first.
pub const LAST_OFFSET_DELTA_AT: usize = 23;
/// Number of records.
pub const COUNT_AT: usize = 57;

/// Bytes of a usual value.
const VALUE_BYTES: usize = 40;

/// Records with keys, one a millisecond from `from_ms`.
#[must_use]
pub fn batch(codec: Codec, from_ms: i64, count: i64) -> Bytes {
    filled(BatchBuilder::new(codec), from_ms, count)
}

/// The same by an idempotent producer.
#[must_use]
pub fn sequenced(
    (producer_id, producer_epoch): (i64, i16),
    base_sequence: i32,
    from_ms: i64,
    count: i64,
) -> Bytes {
    let builder = BatchBuilder::new(Codec::Uncompressed).producer(ProducerFields {
        producer_id: ProducerId(producer_id),
        producer_epoch: ProducerEpoch(producer_epoch),
        base_sequence,
    });
    filled(builder, from_ms, count)
}

fn filled(mut builder: BatchBuilder, from_ms: i64, count: i64) -> Bytes {
    let value = [b'v'; VALUE_BYTES];
    for index in 0..count {
        let key = format!("key {index}");
        push(&mut builder, from_ms + index, Some(key.as_bytes()), &value);
    }
    builder.build()
}

/// Records with and without keys by turns, beginning with one.
#[must_use]
pub fn partly_keyless(codec: Codec, from_ms: i64, count: i64) -> Bytes {
    let mut builder = BatchBuilder::new(codec);
    for index in 0..count {
        let key = (index % 2 == 0).then_some(&b"key"[..]);
        push(&mut builder, from_ms + index, key, b"value");
    }
    builder.build()
}

/// One record of many bytes.
#[must_use]
pub fn large(from_ms: i64, value_bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    push(
        &mut builder,
        from_ms,
        Some(b"key"),
        &vec![b'v'; value_bytes],
    );
    builder.build()
}

/// Records at these times.
#[must_use]
pub fn at_times(times: &[i64]) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    for ms in times {
        push(&mut builder, *ms, Some(b"key"), b"value");
    }
    builder.build()
}

/// Marked as a part of a transaction.
#[must_use]
pub fn transactional(producer_id: i64, from_ms: i64) -> Bytes {
    let builder = BatchBuilder::new(Codec::Uncompressed).producer(ProducerFields {
        producer_id: ProducerId(producer_id),
        producer_epoch: ProducerEpoch(0),
        base_sequence: 0,
    });
    filled(builder.transactional(), from_ms, 1)
}

fn push(builder: &mut BatchBuilder, ms: i64, key: Option<&[u8]>, value: &[u8]) {
    builder.push(&NewRecord {
        timestamp: Timestamp(ms),
        key,
        value: Some(value),
        headers: &[],
    });
}

/// With other bytes at one place, and the checksum as it was.
#[must_use]
pub fn broken(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut altered = BytesMut::from(&batch[..]);
    altered[at..at + bytes.len()].copy_from_slice(bytes);
    altered.freeze()
}

/// With other bytes at one place, and the checksum of them.
#[must_use]
pub fn resealed(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let altered = broken(batch, at, bytes);
    let crc = crc32c::crc32c(&altered[ATTRIBUTES_AT..]);
    broken(&altered, CRC_AT, &crc.to_be_bytes())
}
