//! The log as a whole: its size at rest, its bounds, what it needs.

use super::*;
use crate::append::AppendRequest;
use crate::fixtures::{EPOCH, NOW, Places, empty_log, new_facts, offset, request};

#[test]
fn an_idle_log_costs_little() {
    assert!(
        size_of::<PartitionLog>() <= 288,
        "{} bytes",
        size_of::<PartitionLog>()
    );
    let mut log = empty_log();
    let mut places = Places::new(1);
    for _ in 0..50 {
        places.append(&mut log, request(0));
    }
    log.segment_sealed(SegmentId(1));
    log.expire(Timestamp(NOW.0 + 86_400_000), 86_400_000);
    assert_eq!(log.pending.capacity(), 0);
    assert!(log.state.sessions.is_empty());
    let heap = log.index.extents().capacity() * size_of::<Extent>();
    assert!(
        size_of::<PartitionLog>() + heap <= 400,
        "{heap} bytes of heap"
    );
}

#[test]
fn the_high_watermark_follows_what_is_durable() {
    let mut log = empty_log();
    let mut places = Places::new(1);
    let first = new_facts(log.append(NOW, request(0)));
    let second = new_facts(log.append(NOW, request(1)));
    assert_eq!(log.bounds().high_watermark, offset(0));
    assert_eq!((log.end_offset(), log.pending_appends()), (offset(20), 2));
    log.committed(&first, places.next(100), NOW);
    assert_eq!(log.bounds().high_watermark, offset(10));
    log.committed(&second, places.next(100), NOW);
    let bounds = Bounds {
        log_start_offset: offset(0),
        high_watermark: offset(20),
        last_stable_offset: offset(20),
        start_position: 0,
        end_position: 200,
    };
    assert_eq!(log.bounds(), bounds);
    assert_eq!(log.metered_bytes(), 160);
}

#[test]
#[should_panic(expected = "in offset order")]
fn durable_out_of_order_is_a_bug() {
    let mut log = empty_log();
    new_facts(log.append(NOW, request(0)));
    let second = new_facts(log.append(NOW, request(1)));
    log.committed(&second, Places::new(1).next(100), NOW);
}

#[test]
fn leaderships_only_go_up() {
    let mut log = empty_log();
    assert_eq!(
        log.lead(LeaderEpoch(6)),
        Err(StaleLeadership { current: EPOCH })
    );
    assert_eq!(log.lead(LeaderEpoch(9)), Ok(()));
    assert!(
        log.append(NOW, request(0)).is_err(),
        "the old leadership is fenced"
    );
    let request = AppendRequest {
        leader_epoch: LeaderEpoch(9),
        ..request(0)
    };
    assert_eq!(
        new_facts(log.append(NOW, request)).leader_epoch,
        LeaderEpoch(9)
    );
}

#[test]
fn segments_are_needed_for_data_or_for_state() {
    let mut log = empty_log();
    assert_eq!(log.oldest_segment_needed(), None);
    for segment in [1, 2, 4] {
        places_in(segment, &mut log);
        log.segment_sealed(SegmentId(segment));
    }
    let needed = |log: &PartitionLog| {
        let in_use: Vec<u64> = log.segments_in_use().map(|segment| segment.0).collect();
        (in_use, log.state_segment(), log.oldest_segment_needed())
    };
    assert_eq!(
        needed(&log),
        (vec![1, 2, 4], Some(SegmentId(1)), Some(SegmentId(1)))
    );
    log.snapshot_committed(SegmentId(5));
    assert_eq!(
        needed(&log),
        (vec![1, 2, 4], Some(SegmentId(5)), Some(SegmentId(1)))
    );

    log.advance_log_start(offset(25));
    assert_eq!(needed(&log).0, [1, 2, 4], "not before the move is durable");
    log.log_start_committed(offset(25));
    assert_eq!(
        needed(&log),
        (vec![4], Some(SegmentId(5)), Some(SegmentId(4)))
    );
    log.advance_log_start(offset(30));
    log.log_start_committed(offset(30));
    assert_eq!(
        needed(&log),
        (vec![], Some(SegmentId(5)), Some(SegmentId(5)))
    );
    log.close();
    assert_eq!(needed(&log), (vec![], None, None));
}

fn places_in(segment: u64, log: &mut PartitionLog) {
    Places::new(segment).append(log, request(0));
}
