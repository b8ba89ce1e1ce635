//! Replays with segments missing, doubled, out of order or damaged.

use super::*;
use crate::append::AppendRequest;
use crate::facts::Freed;
use crate::fixtures::{NOW, Places, empty_log, offset, request};

/// What a log wrote, segment by segment: two batches of 10 records and 100 bytes each in every one
/// of five segments; the log start moves to 45 in the fourth, and a snapshot lies in the middle of
/// the fifth.
fn history() -> (PartitionLog, Vec<PartitionDigest>) {
    let mut log = empty_log();
    let mut digests = Vec::new();
    for segment in 1..=5 {
        let mut places = Places::new(segment);
        let mut digest = PartitionDigest::new(SegmentId(segment), log.virtual_cluster());
        append_into(&mut log, &mut places, &mut digest);
        if segment == 4 {
            let record = log.advance_log_start(offset(45)).unwrap();
            digest.add(&record, places.next(0), NOW);
            log.log_start_committed(offset(45));
        }
        if segment == 5 {
            let record = LogRecord::Snapshot(log.snapshot());
            digest.add(&record, places.next(0), NOW);
            log.snapshot_committed(SegmentId(5));
        }
        append_into(&mut log, &mut places, &mut digest);
        log.segment_sealed(SegmentId(segment));
        digests.push(digest);
    }
    (log, digests)
}

fn append_into(log: &mut PartitionLog, places: &mut Places, digest: &mut PartitionDigest) {
    let facts = places.append(log, request(0));
    let at = FrameAt {
        segment: digest.segment(),
        position: places.position - 100,
        length: 100,
    };
    digest.add(&LogRecord::Append(facts), at, NOW);
}

fn rebuild(digests: &[PartitionDigest]) -> Result<PartitionLog, ReplayError> {
    let mut log = empty_log();
    digests
        .iter()
        .try_for_each(|digest| log.replay_digest(digest))?;
    log.finish_replay()?;
    Ok(log)
}

/// The state without results of gateways: a replay does not know which have been answered.
fn facts_of(log: &PartitionLog) -> (LogSnapshot, u64) {
    let next = log.state.sessions.next_sequence(request(0).id.gateway);
    let facts = LogSnapshot {
        sessions: Default::default(),
        ..log.snapshot()
    };
    (facts, next)
}

#[test]
fn segments_that_are_not_needed_need_not_be_there() {
    let (live, digests) = history();
    assert_eq!(
        live.segments_in_use().collect::<Vec<_>>(),
        [3, 4, 5].map(SegmentId)
    );
    // With all; without what is below the log start; with a gap where that was.
    for missing in [&[][..], &[1, 2], &[2], &[1]] {
        let present: Vec<_> = digests
            .iter()
            .filter(|d| !missing.contains(&d.segment().0))
            .cloned()
            .collect();
        let log = rebuild(&present).unwrap();
        assert_eq!(log.bounds(), live.bounds(), "without {missing:?}");
        assert_eq!(facts_of(&log), facts_of(&live), "without {missing:?}");
        assert!(log.extents().eq(live.extents()), "without {missing:?}");
        assert_eq!(log.state_segment(), Some(SegmentId(5)));
    }
}

#[test]
fn what_is_missing_is_found_out() {
    let (_, digests) = history();
    let without = |missing: &[u64]| {
        let present: Vec<_> = digests
            .iter()
            .filter(|d| !missing.contains(&d.segment().0))
            .cloned()
            .collect();
        rebuild(&present).map(|log| log.bounds())
    };
    let data_missing = |found| ReplayError::DataMissing {
        log_start: offset(45),
        found: offset(found),
    };
    assert_eq!(without(&[1, 2, 3]), Err(data_missing(60)));
    assert_eq!(
        without(&[1, 2, 5]),
        Err(ReplayError::StateMissing { end: offset(80) })
    );
    assert_eq!(without(&[1, 2, 4]), Err(data_missing(80)));
}

#[test]
fn segments_twice_or_out_of_order_are_refused() {
    let (_, digests) = history();
    let twice = [digests[0].clone(), digests[0].clone()];
    let overlap = ReplayError::Overlap {
        expected: offset(20),
        found: offset(0),
    };
    assert_eq!(rebuild(&twice).map(|log| log.bounds()), Err(overlap));
    let order = ReplayError::SegmentOrder {
        newest: SegmentId(2),
        found: SegmentId(1),
    };
    let swapped = [digests[1].clone(), digests[0].clone()];
    assert_eq!(rebuild(&swapped).map(|log| log.bounds()), Err(order));
}

#[test]
fn facts_that_do_not_fit_together_are_refused() {
    let mut log = empty_log();
    let facts = Places::new(1).append(&mut log, request(0));
    let refused = |record: LogRecord, length: u32| {
        let mut log = empty_log();
        log.replay(&record, Places::new(1).next(length), NOW)
    };
    assert_eq!(refused(LogRecord::Append(facts), 100), Ok(()));
    assert!(refused(LogRecord::Append(facts), 99).is_err());
    for (base_offset, record_count) in [(offset(0), 0), (Offset::MAX, 1)] {
        let facts = AppendFacts {
            base_offset,
            record_count,
            ..facts
        };
        assert!(refused(LogRecord::Append(facts), 100).is_err());
    }
    let fewer_bytes = LogSnapshot {
        end_position: 99,
        ..log.snapshot()
    };
    let at = Places::new(1).next(0);
    let mut rebuilt = empty_log();
    rebuilt
        .replay(&LogRecord::Append(facts), Places::new(1).next(100), NOW)
        .unwrap();
    let refused = rebuilt.replay(&LogRecord::Snapshot(fewer_bytes), at, NOW);
    assert_eq!(refused, Err(ReplayError::Inconsistent { at: offset(10) }));
}

#[test]
fn a_log_start_that_overtakes_a_snapshot_stays() {
    let mut log = empty_log();
    let mut places = Places::new(1);
    let facts = places.append(&mut log, request(0));
    let before = log.snapshot();
    let record = log.advance_log_start(offset(5)).unwrap();
    let mut rebuilt = empty_log();
    let mut places = Places::new(1);
    for record in [
        LogRecord::Append(facts),
        record,
        LogRecord::Snapshot(before),
    ] {
        let length = if matches!(record, LogRecord::Append(_)) {
            100
        } else {
            0
        };
        rebuilt.replay(&record, places.next(length), NOW).unwrap();
    }
    assert_eq!(rebuilt.bounds().log_start_offset, offset(5));
}

#[test]
fn a_partition_that_was_away_in_between_comes_back() {
    let (_, digests) = history();
    // One segment holds what segments 1 and 5 hold: the partition lived elsewhere for the rest.
    let mut merged = PartitionDigest::new(SegmentId(9), digests[0].virtual_cluster());
    let mut log = empty_log();
    let mut places = Places::new(9);
    let first = places.append(&mut log, request(0));
    let at = places.next(100);
    merged.add(
        &LogRecord::Append(first),
        FrameAt { position: 0, ..at },
        NOW,
    );
    let away = LogSnapshot {
        log_start_offset: offset(80),
        end_offset: offset(80),
        end_position: 800,
        ..log.snapshot()
    };
    let mut log = empty_log();
    log.replay(&LogRecord::Snapshot(away.clone()), at, NOW)
        .unwrap();
    let back = new_append(&mut log);
    merged.add(&LogRecord::Snapshot(away), at, NOW);
    merged.add(&LogRecord::Append(back), at, NOW);
    log.committed(&back, at, NOW);
    log.segment_sealed(SegmentId(9));
    let rebuilt = rebuild(&[merged]).unwrap();
    assert_eq!(rebuilt.bounds(), log.bounds());
    assert!(rebuilt.extents().eq(log.extents()));
    assert_eq!(facts_of(&rebuilt), facts_of(&log));
}

fn new_append(log: &mut PartitionLog) -> AppendFacts {
    let request = AppendRequest {
        answered_below: 1,
        ..request(1)
    };
    crate::fixtures::new_facts(log.append(NOW, request))
}

#[test]
fn a_closed_partition_needs_nothing() {
    let (_, digests) = history();
    let mut log = empty_log();
    log.replay_digest(&digests[2]).unwrap();
    assert!(log.finish_replay().is_err());
    log.replay(
        &LogRecord::Closed(Freed::default()),
        Places::new(4).next(0),
        NOW,
    )
    .unwrap();
    assert_eq!(log.finish_replay(), Ok(()));
    assert_eq!((log.is_closed(), log.oldest_segment_needed()), (true, None));
}
