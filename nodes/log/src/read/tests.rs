//! Which batches answer a read or a timestamp, as tables.

use super::*;
use crate::append::AppendRequest;
use crate::facts::{FrameAt, SegmentId};
use crate::fixtures::{NOW, Places, empty_log, new_facts, offset, request};

/// Batches of 10 records each, of these sizes, one behind the other.
fn frames(sizes: &[u32]) -> Vec<FrameEntry> {
    let mut bytes_before = 0;
    let frame = |(index, length): (usize, &u32)| {
        let frame = FrameEntry {
            base_offset: offset(index as u64 * 10),
            record_count: 10,
            max_timestamp: Timestamp(index as i64 * 100),
            at: FrameAt {
                segment: SegmentId(1),
                position: 1000 * index as u64,
                length: *length,
            },
            bytes_before,
        };
        bytes_before += u64::from(*length);
        frame
    };
    sizes.iter().enumerate().map(frame).collect()
}

#[test]
fn whole_batches_from_the_one_that_contains_the_offset() {
    let frames = frames(&[100, 100, 500, 100, 100]);
    // from, at most, at least one -> base offsets
    let table: [(u64, u32, bool, &[u64]); 12] = [
        (0, 1000, true, &[0, 10, 20, 30, 40]),
        (0, 200, true, &[0, 10]),
        (0, 299, true, &[0, 10]),
        (5, 200, true, &[0, 10]),
        (9, 100, true, &[0]),
        (10, 100, false, &[10]),
        (25, 400, true, &[20]),
        (25, 400, false, &[]),
        (25, 600, false, &[20, 30]),
        (0, 0, true, &[0]),
        (0, 99, false, &[]),
        (50, 1000, true, &[]),
    ];
    for (from, bytes_max, at_least_one, expected) in table {
        let selected = select_frames(&frames, offset(from), bytes_max, at_least_one);
        let found: Vec<u64> = selected
            .iter()
            .map(|frame| frame.base_offset.value())
            .collect();
        assert_eq!(
            found, expected,
            "from {from}, {bytes_max} bytes, {at_least_one}"
        );
    }
    assert!(select_frames(&[], offset(0), 10, true).is_empty());
    assert_eq!(select_frames(&frames, offset(0), u32::MAX, false).len(), 5);
}

/// Segments 1 (sealed), 2 and 3 (open), with three batches of 100 bytes and 10 records each; one
/// append is not durable.
fn three_segments() -> PartitionLog {
    let mut log = empty_log();
    for segment in 1..=3 {
        let mut places = Places::new(segment);
        for batch in 0..3 {
            let max_timestamp = Timestamp(segment as i64 * 1000 + batch * 10);
            places.append(
                &mut log,
                AppendRequest {
                    max_timestamp,
                    ..request(0)
                },
            );
        }
    }
    log.segment_sealed(SegmentId(1));
    new_facts(log.append(NOW, request(9)));
    log
}

fn run(log: &PartitionLog, from: u64, bytes_max: u32) -> (Vec<u64>, u64, Option<u64>) {
    match log.plan_read(offset(from), bytes_max, true) {
        Ok(ReadPlan::Frames(run)) => (
            run.frames
                .iter()
                .map(|frame| frame.base_offset.value())
                .collect(),
            run.next_offset.value(),
            run.next_position,
        ),
        other => panic!("expected frames, got {other:?}"),
    }
}

#[test]
fn a_read_goes_over_open_segments_and_stops_at_what_is_durable() {
    let log = three_segments();
    assert_eq!(
        run(&log, 45, 10_000),
        (vec![40, 50, 60, 70, 80], 90, Some(900))
    );
    assert_eq!(run(&log, 45, 350), (vec![40, 50, 60], 70, Some(700)));
    assert_eq!(run(&log, 45, 1), (vec![40], 50, Some(500)));
    assert_eq!(run(&log, 90, 10_000), (vec![], 90, Some(900)));
    assert_eq!(
        run(&log, 95, 10_000),
        (vec![], 95, None),
        "appended, not durable"
    );
    let none_fits = log.plan_read(offset(45), 99, false);
    let Ok(ReadPlan::Frames(run)) = none_fits else {
        panic!("expected frames, got {none_fits:?}")
    };
    assert_eq!(
        (run.frames.len(), run.next_offset, run.next_position),
        (0, offset(45), None)
    );
}

#[test]
fn a_sealed_segment_is_read_by_its_footer() {
    let log = three_segments();
    let Ok(ReadPlan::Sealed(extent)) = log.plan_read(offset(15), 10_000, true) else {
        panic!("segment 1 is sealed")
    };
    assert_eq!(extent.segment, SegmentId(1));
    assert_eq!(
        (extent.start_offset, extent.end_offset),
        (offset(0), offset(30))
    );
    let run = read_frames(&extent, &frames(&[100, 100, 100]), offset(15), 120, true);
    assert_eq!(
        (run.frames.len(), run.next_offset, run.next_position),
        (1, offset(20), Some(200))
    );
}

#[test]
fn a_footer_may_tell_more_than_the_extent() {
    // The partition was away between the second and the third batch.
    let mut frames = frames(&[100, 100, 100, 100]);
    frames[2].base_offset = offset(70);
    frames[3].base_offset = offset(80);
    let extent = Extent {
        segment: SegmentId(1),
        start_offset: offset(70),
        end_offset: offset(90),
        start_position: 5000,
        bytes: 200,
        max_timestamp: NOW,
        committed_at: NOW,
    };
    let run = read_frames(&extent, &frames, offset(70), 100, true);
    assert_eq!(
        (run.next_offset, run.next_position),
        (offset(80), Some(5100))
    );
}

#[test]
fn outside_the_log_is_out_of_range() {
    let mut log = three_segments();
    log.advance_log_start(offset(15));
    let bounds = log.bounds();
    // The log ends at 100 with what is not durable, which Kafka counts in, too.
    for outside in [0, 14, 101] {
        assert_eq!(
            log.plan_read(offset(outside), 1, true),
            Err(OutOfRange { bounds })
        );
    }
    for inside in [15, 29, 30, 90, 100] {
        assert!(log.plan_read(offset(inside), 1, true).is_ok());
    }
    assert!(empty_log().plan_read(offset(0), 1, true).is_ok());
    assert!(empty_log().plan_read(offset(1), 1, true).is_err());
}

fn segment_of(place: Option<Place>) -> Option<u64> {
    place.map(|place| match place {
        Place::Sealed(extent) => extent.segment.0,
        Place::Frame(frame) => frame.base_offset.value(),
    })
}

#[test]
fn a_timestamp_is_looked_for_from_the_oldest_batch_that_reaches_it() {
    let mut log = three_segments();
    let find = |log: &PartitionLog, timestamp, from| {
        segment_of(log.plan_timestamp(Timestamp(timestamp), offset(from)))
    };
    assert_eq!(find(&log, 0, 0), Some(1), "in segment 1, by its footer");
    assert_eq!(find(&log, 1020, 0), Some(1));
    assert_eq!(
        find(&log, 1021, 0),
        Some(30),
        "the first batch of segment 2"
    );
    assert_eq!(find(&log, 2010, 0), Some(40));
    assert_eq!(find(&log, 2015, 55), Some(50));
    assert_eq!(find(&log, 2015, 60), Some(60));
    assert_eq!(find(&log, 3021, 0), None);
    log.advance_log_start(offset(45));
    assert_eq!(
        find(&log, 0, 0),
        Some(40),
        "the batch that reaches over the log start"
    );

    let frames = frames(&[100, 100, 100]);
    let first = |timestamp, from| {
        let frame = first_frame_reaching(&frames, Timestamp(timestamp), offset(from));
        frame.map(|frame| frame.base_offset.value())
    };
    assert_eq!(first(100, 0), Some(10));
    assert_eq!(first(50, 20), Some(20));
    assert_eq!(first(201, 0), None);
}

#[test]
fn the_largest_timestamp_is_the_first_of_equals() {
    let mut log = three_segments();
    assert_eq!(log.plan_max_timestamp().len(), 1);
    assert_eq!(segment_of(log.plan_max_timestamp().pop()), Some(80));
    log.segment_sealed(SegmentId(3));
    assert_eq!(segment_of(log.plan_max_timestamp().pop()), Some(3));
    log.advance_log_start(offset(15));
    let places: Vec<_> = log
        .plan_max_timestamp()
        .into_iter()
        .map(Some)
        .map(segment_of)
        .collect();
    assert_eq!(
        places,
        [Some(1), Some(3)],
        "segment 1 may have its largest below the log start"
    );
    assert!(empty_log().plan_max_timestamp().is_empty());

    let mut frames = frames(&[100, 100, 100]);
    frames[0].max_timestamp = Timestamp(900);
    frames[1].max_timestamp = Timestamp(200);
    let largest = |from| {
        let frame = frame_with_max_timestamp(&frames, offset(from));
        frame.map(|frame| frame.base_offset.value())
    };
    assert_eq!(
        (largest(0), largest(10), largest(30)),
        (Some(0), Some(10), None)
    );
}

#[test]
fn about_when_a_record_was_appended() {
    let mut log = empty_log();
    let append = |log: &mut PartitionLog, sequence: u64, times: (i64, i64), segment: u64| {
        let (timestamp, commit_time) = times;
        let mut request = request(sequence);
        request.max_timestamp = Timestamp(timestamp);
        let facts = new_facts(log.append(NOW, request));
        let at = Places::new(segment).next(facts.batch_bytes);
        log.committed(&facts, at, Timestamp(commit_time));
    };
    append(&mut log, 0, (90, 100), 1);
    append(&mut log, 1, (-1, 200), 1);
    append(&mut log, 2, (250, 300), 2);
    append(&mut log, 3, (50, 400), 2);
    append(&mut log, 4, (9_999, 500), 2);
    let about = |log: &PartitionLog, at| log.appended_about(offset(at)).map(|time| time.0);
    // Open: by the batch's timestamp, but not before or after what commits allow.
    assert_eq!((about(&log, 5), about(&log, 15)), (Some(90), Some(200)));
    assert_eq!((about(&log, 20), about(&log, 35)), (Some(250), Some(200)));
    assert_eq!((about(&log, 40), about(&log, 50)), (Some(500), None));
    // Sealed: evenly spread between two segments' commits.
    log.segment_sealed(SegmentId(1));
    log.segment_sealed(SegmentId(2));
    assert_eq!((about(&log, 5), about(&log, 20)), (Some(200), Some(200)));
    assert_eq!((about(&log, 35), about(&log, 50)), (Some(350), None));
    // What is gone counts as the first that is left; before the first segment there is no commit.
    log.advance_log_start(offset(30)).expect("it moves");
    log.log_start_committed(offset(30));
    assert_eq!(about(&log, 0), Some(500));
}
