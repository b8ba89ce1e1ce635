//! ListOffsets' questions, asked of one batch.

use model::{LeaderEpoch, Offset, Timestamp};
use records::{Codec, first_at_or_after, max_timestamp_record};

use crate::samples::{LIMITS, NOW, batch, record, stamped, valid, with_header};

/// Timestamps 10, 30, 20, 30, 5 after now, at offsets 50 to 54.
fn sample(codec: Codec) -> bytes::Bytes {
    let records: Vec<_> = (0..)
        .zip([10, 30, 20, 30, 5])
        .map(|(i, after)| record(i, NOW.0 + after, b"k", b"v"))
        .collect();
    batch(codec, &records)
}

fn found(offset: u64, after: i64) -> Option<(Offset, Timestamp)> {
    Some((
        Offset::new(offset).expect("small"),
        Timestamp(NOW.0 + after),
    ))
}

#[test]
fn the_first_record_that_is_late_enough() {
    for codec in Codec::ALL {
        let batch = stamped(sample(codec), 50);
        let first = |after| first_at_or_after(&batch, Timestamp(NOW.0 + after), &LIMITS);
        assert_eq!(first(-99), Ok(found(50, 10)));
        assert_eq!(first(10), Ok(found(50, 10)));
        assert_eq!(first(11), Ok(found(51, 30)));
        assert_eq!(first(30), Ok(found(51, 30)));
        assert_eq!(first(31), Ok(None));
    }
}

#[test]
fn the_first_record_with_the_largest_timestamp() {
    for codec in Codec::ALL {
        let batch = stamped(sample(codec), 50);
        assert_eq!(max_timestamp_record(&batch, &LIMITS), Ok(found(51, 30)));
    }
}

#[test]
fn records_share_the_logs_time() {
    for codec in Codec::ALL {
        let append = Timestamp(NOW.0 + 500);
        let base = Offset::new(50).unwrap();
        let batch = valid(sample(codec)).stamp(base, LeaderEpoch(0), Some(append));
        assert_eq!(
            first_at_or_after(&batch, append, &LIMITS),
            Ok(found(50, 500))
        );
        assert_eq!(
            first_at_or_after(&batch, Timestamp(append.0 + 1), &LIMITS),
            Ok(None)
        );
        assert_eq!(max_timestamp_record(&batch, &LIMITS), Ok(found(50, 500)));
    }
}

#[test]
fn a_header_that_promises_too_much_finds_nothing() {
    let lying = with_header(&sample(Codec::Lz4), |header| {
        header.max_timestamp = NOW.0 + 99
    });
    let batch = stamped(lying, 50);
    assert_eq!(
        first_at_or_after(&batch, Timestamp(NOW.0 + 31), &LIMITS),
        Ok(None)
    );
    assert_eq!(max_timestamp_record(&batch, &LIMITS), Ok(found(51, 30)));
}
