//! Checks the records of a client's batch, or believes its header where that is safe.
//!
//! Owns: which batches are looked into, and the rules of single records. Does not own: the header.
//!
//! The header of a compressed batch is believed if its timestamps can be right: the largest is above
//! zero and not below the first. Clients that do not fill it in send 0 or -1, and retention would
//! take such a batch for the oldest of all.

use bytes::Bytes;
use model::{Timestamp, TimestampType};

use crate::compress::{Codec, decompress};
use crate::decode::DecodeError;
use crate::header::BatchHeader;
use crate::rejected::{RECORD_ERRORS_MAX, RecordFault, Rejected};
use crate::rules::BatchRules;
use crate::span::{RECORD_BYTES_MIN, RecordSpan, Spans};

/// The records of a batch as sent, with the header that describes them.
pub(super) struct Body<'a> {
    pub(super) header: &'a BatchHeader,
    pub(super) codec: Codec,
    pub(super) body: Bytes,
}

/// Checks the records as far as the rules need it; returns the largest timestamp.
pub(super) fn check(
    batch: &Body<'_>,
    rules: &BatchRules,
    now: Timestamp,
) -> Result<Timestamp, Rejected> {
    let &Body {
        header,
        codec,
        ref body,
    } = batch;
    if codec == Codec::Uncompressed {
        return check_each(header, body.clone(), rules, now);
    }
    // Offsets are given out by this count, so it must at least be possible.
    if u64::from(header.record_count.unsigned_abs()) * RECORD_BYTES_MIN
        > rules.decompress.bytes_max.0
    {
        return Err(DecodeError::TooLarge {
            limit: rules.decompress.bytes_max,
        }
        .into());
    }
    if is_believed(header, rules, now) {
        return Ok(Timestamp(header.max_timestamp));
    }
    check_each(
        header,
        decompress(codec, body, rules.decompress)?.into(),
        rules,
        now,
    )
}

fn is_believed(header: &BatchHeader, rules: &BatchRules, now: Timestamp) -> bool {
    let &BatchHeader {
        base_timestamp,
        max_timestamp,
        ..
    } = header;
    let possible = max_timestamp > 0 && max_timestamp >= base_timestamp;
    !rules.compacted
        && (possible || rules.timestamp_type == TimestampType::LogAppendTime)
        && rules.accepts_timestamp(base_timestamp, now)
        && rules.accepts_timestamp(max_timestamp, now)
}

pub(super) fn check_each(
    header: &BatchHeader,
    body: Bytes,
    rules: &BatchRules,
    now: Timestamp,
) -> Result<Timestamp, Rejected> {
    let mut latest = i64::MIN;
    let (mut errors, mut total) = (Vec::new(), 0);
    for (index, span) in (0..).zip(Spans::new(body, header.record_count.unsigned_abs())) {
        let span = span?;
        // Wraps as in Kafka: the sum of a base and a delta that a client chose.
        let timestamp = header.base_timestamp.wrapping_add(span.timestamp_delta);
        latest = latest.max(timestamp);
        if let Err(fault) = check_one(index, &span, timestamp, (rules, now)) {
            total += 1;
            if errors.len() < RECORD_ERRORS_MAX {
                errors.push((index, fault));
            }
        }
    }
    if total > 0 {
        return Err(Rejected::InvalidRecords { errors, total });
    }
    Ok(Timestamp(latest))
}

fn check_one(
    index: u32,
    span: &RecordSpan,
    timestamp: i64,
    (rules, now): (&BatchRules, Timestamp),
) -> Result<(), RecordFault> {
    if u32::try_from(span.offset_delta) != Ok(index) {
        return Err(RecordFault::OffsetDelta(span.offset_delta));
    }
    if rules.compacted && span.key.is_none() {
        return Err(RecordFault::NoKey);
    }
    if !rules.accepts_timestamp(timestamp, now) {
        return Err(RecordFault::Timestamp {
            timestamp: Timestamp(timestamp),
            now,
            difference_max_ms: rules.timestamp_limit_ms(timestamp, now),
        });
    }
    Ok(())
}
