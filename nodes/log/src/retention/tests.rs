//! Kafka's retention rules as a table, and what follows from a moved log start.

use super::*;
use crate::append::AppendRequest;
use crate::facts::SegmentId;
use crate::fixtures::{NOW, Places, empty_log, offset, request};

/// One batch of 10 records and 100 bytes in each segment, `ages` before [`NOW`]; the last is open.
fn log_of(ages: &[i64]) -> PartitionLog {
    let mut log = empty_log();
    for (segment, age) in (1..).zip(ages) {
        let old = AppendRequest {
            max_timestamp: Timestamp(NOW.0 - age),
            ..request(0)
        };
        Places::new(segment).append(&mut log, old);
        log.segment_sealed(SegmentId(segment - 1));
    }
    log
}

#[test]
fn extents_go_by_age_and_by_size_from_the_oldest() {
    // ages of the extents, retention_ms, retention_bytes -> log start
    type Row<'a> = (&'a [i64], Option<u64>, Option<u64>, Option<u64>);
    let table: [Row<'_>; 17] = [
        (&[50, 40, 30], None, None, None),
        (&[50, 40, 30], Some(50), None, None),
        (&[50, 40, 30], Some(49), None, Some(10)),
        (&[50, 40, 30], Some(35), None, Some(20)),
        // The newest one goes as well, open or not, when its last record is too old.
        (&[50, 40, 30], Some(10), None, Some(30)),
        // A young one keeps what is behind it, however old.
        (&[50, 10, 30], Some(20), None, Some(10)),
        (&[10, 50, 50], Some(20), None, None),
        // A record from the future keeps its extent.
        (&[50, -1000, 30], Some(20), None, Some(10)),
        // At least as many bytes are kept as asked for.
        (&[50, 40, 30], None, Some(300), None),
        (&[50, 40, 30], None, Some(299), None),
        (&[50, 40, 30], None, Some(201), None),
        (&[50, 40, 30], None, Some(200), Some(10)),
        (&[50, 40, 30], None, Some(150), Some(10)),
        (&[50, 40, 30], None, Some(100), Some(20)),
        (&[50, 40, 30], None, Some(1), Some(20)),
        (&[50, 40, 30], None, Some(0), Some(30)),
        // Either rule suffices.
        (&[50, 10, 10], Some(20), Some(150), Some(10)),
    ];
    for (ages, retention_ms, retention_bytes, expected) in table {
        let log = log_of(ages);
        let log_start = log.plan_retention(NOW, retention_ms, retention_bytes);
        let row = format!("{ages:?}, {retention_ms:?} ms, {retention_bytes:?} bytes");
        assert_eq!(log_start, expected.map(offset), "{row}");
    }
}

#[test]
fn without_timestamps_the_commit_time_counts() {
    let mut log = empty_log();
    let stampless = AppendRequest {
        max_timestamp: Timestamp::NONE,
        ..request(0)
    };
    Places::new(1).append(&mut log, stampless);
    let later = |ms| Timestamp(NOW.0 + ms);
    assert_eq!(log.plan_retention(later(100), Some(100), None), None);
    assert_eq!(
        log.plan_retention(later(101), Some(100), None),
        Some(offset(10))
    );
    let extreme = Timestamp(i64::MIN);
    assert_eq!(log.plan_retention(extreme, Some(0), None), None);
}

#[test]
fn what_is_below_the_log_start_does_not_count() {
    let mut log = log_of(&[50, 40, 30]);
    assert_eq!(
        log.advance_log_start(offset(15)),
        Some(LogRecord::LogStart(
            offset(15),
            Freed {
                bytes: 100,
                position: 100
            }
        ))
    );
    assert_eq!(
        log.retained_bytes(),
        200,
        "the extent that reaches over the log start is kept"
    );
    assert_eq!(log.plan_retention(NOW, None, Some(150)), None);
    assert_eq!(log.plan_retention(NOW, Some(35), None), Some(offset(20)));
    assert_eq!(
        log.advance_log_start(offset(15)),
        None,
        "it is there already"
    );
    assert_eq!(
        log.advance_log_start(offset(3)),
        None,
        "and never goes back"
    );
    let Some(LogRecord::LogStart(_, rest)) = log.advance_log_start(offset(30)) else {
        panic!("it moves")
    };
    assert_eq!(
        (rest.bytes, rest.position),
        (200, 300),
        "each byte is freed once"
    );
    assert_eq!(log.stored_bytes(), 0);
    assert_eq!(log.bounds().start_position, 300);
    assert_eq!(
        (
            log.retained_bytes(),
            log.plan_retention(NOW, Some(0), Some(0))
        ),
        (0, None)
    );
}

#[test]
fn a_log_that_was_emptied_goes_on() {
    let mut log = log_of(&[50, 40]);
    assert!(log.advance_log_start(offset(20)).is_some());
    assert_eq!(log.stored_bytes(), 0);
    log.log_start_committed(offset(20));
    let mut places = Places {
        segment: 2,
        position: 500,
    };
    places.append(&mut log, request(0));
    assert_eq!(log.bounds().log_start_offset, offset(20));
    // The open segment's extent still begins where its footer will say.
    let extents: Vec<_> = log
        .extents()
        .map(|e| (e.start_offset, e.end_offset))
        .collect();
    assert_eq!(extents, [(offset(10), offset(30))]);
    assert!(log.plan_read(offset(20), 1000, true).is_ok());
    log.segment_sealed(SegmentId(2));
    assert_eq!(log.extents().count(), 1);
    assert_eq!(
        log.retained_bytes(),
        200,
        "the extent that was freed has grown"
    );
    assert_eq!(
        log.stored_bytes(),
        100,
        "but what was freed is not stored again"
    );
    let Some(LogRecord::LogStart(_, freed)) = log.advance_log_start(offset(30)) else {
        panic!("it moves")
    };
    assert_eq!(freed.bytes, 100);
    log.log_start_committed(offset(30));
    assert_eq!(log.index.extents().len(), 0);
}

#[test]
#[should_panic(expected = "within what is durable")]
fn what_is_not_durable_cannot_be_deleted() {
    let mut log = log_of(&[50]);
    let _ = log.append(NOW, request(1));
    log.advance_log_start(offset(11));
}
