//! Finds records by time within a batch, for ListOffsets.
//!
//! Owns: Kafka's rules for one batch. Does not own: which batch of a log to look into.

use model::{Offset, Timestamp, TimestampType};

use crate::compress::DecompressLimits;
use crate::decode::{DecodeError, PlacedSpans};
use crate::stamped::StampedBatch;

/// The first record whose timestamp is `timestamp` or later, and its timestamp. A batch whose
/// header excludes it, or whose records share the log's time, is not decompressed.
pub fn first_at_or_after(
    batch: &StampedBatch,
    timestamp: Timestamp,
    limits: &DecompressLimits,
) -> Result<Option<(Offset, Timestamp)>, DecodeError> {
    let header = batch.header();
    let latest = Timestamp(header.max_timestamp);
    if header.record_count == 0 || latest < timestamp {
        return Ok(None);
    }
    if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
        return Ok(Some((batch.base_offset(), latest)));
    }
    for placed in PlacedSpans::new(batch, limits)? {
        let placed = placed?;
        if placed.timestamp >= timestamp {
            return Ok(Some((placed.offset, placed.timestamp)));
        }
    }
    Ok(None)
}

/// The first record with the largest timestamp of the batch, and that timestamp (ListOffsets -3);
/// none where compaction has left no record.
pub fn max_timestamp_record(
    batch: &StampedBatch,
    limits: &DecompressLimits,
) -> Result<Option<(Offset, Timestamp)>, DecodeError> {
    let header = batch.header();
    let latest = Timestamp(header.max_timestamp);
    if header.record_count == 0 {
        return Ok(None);
    }
    if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
        return Ok(Some((batch.base_offset(), latest)));
    }
    let mut best: Option<(Offset, Timestamp)> = None;
    for placed in PlacedSpans::new(batch, limits)? {
        let placed = placed?;
        if best.is_none_or(|(_, timestamp)| placed.timestamp > timestamp) {
            best = Some((placed.offset, placed.timestamp));
        }
    }
    Ok(best)
}
