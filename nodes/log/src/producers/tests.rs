//! What is forgotten of producers, and when.

use super::*;
use crate::fixtures::{NOW, append_id, offset, stamp};
use crate::limits::PRODUCER_EXPIRATION_MS_DEFAULT;

fn facts(producer: i64, epoch: i16, base_sequence: i32, base_offset: u64) -> AppendFacts {
    AppendFacts {
        leader_epoch: model::LeaderEpoch(1),
        base_offset: offset(base_offset),
        record_count: 1,
        append_id: append_id(1, 0),
        metered_bytes: 1,
        batch_bytes: 1,
        producer: Some(stamp(producer, epoch, base_sequence, 1)),
        max_timestamp: NOW,
    }
}

#[test]
fn a_producer_is_small() {
    assert!(
        size_of::<Producer>() <= 112,
        "{} bytes",
        size_of::<Producer>()
    );
}

#[test]
fn the_longest_silent_make_room() {
    let mut producers = Producers::default();
    for id in 0..PRODUCERS_MAX as i64 {
        producers.apply(&facts(id, 0, 0, id as u64), NOW);
    }
    // The first one appends again, so the second is the longest silent.
    producers.apply(&facts(0, 0, 1, PRODUCERS_MAX as u64), NOW);
    assert_eq!(producers.len(), PRODUCERS_MAX);
    producers.apply(&facts(-7, 0, 0, PRODUCERS_MAX as u64 + 1), NOW);
    assert_eq!(producers.len(), PRODUCERS_MAX - PRODUCERS_MAX / 8);
    let known = |id: i64| producers.by_id.contains_key(&ProducerId(id));
    assert!(known(0) && known(-7) && known(PRODUCERS_MAX as i64 - 1));
    assert!(!known(1) && !known(PRODUCERS_MAX as i64 / 8 - 1));
    assert_eq!(producers.check(&stamp(1, 0, 44, 1), 1), Verdict::Follows);
}

#[test]
fn silence_expires_a_producer_at_the_very_millisecond() {
    let mut producers = Producers::default();
    producers.apply(&facts(1, 0, 0, 0), NOW);
    let later = |ms: u64| Timestamp(NOW.0 + ms as i64);
    producers.expire(
        later(PRODUCER_EXPIRATION_MS_DEFAULT - 1),
        PRODUCER_EXPIRATION_MS_DEFAULT,
    );
    assert_eq!(producers.len(), 1);
    producers.expire(Timestamp(i64::MIN), 0);
    assert_eq!(producers.len(), 1, "a clock that goes back expires nobody");
    producers.expire(
        later(PRODUCER_EXPIRATION_MS_DEFAULT),
        PRODUCER_EXPIRATION_MS_DEFAULT,
    );
    assert!(producers.is_empty());
}

#[test]
fn what_lies_half_the_sequences_back_is_not_told_from_what_lies_ahead() {
    let huge = 1 << 29;
    let mut producer = Producer::new(&stamp(1, 0, 0, huge), &facts(1, 0, 0, 0), NOW);
    for step in 0..8 {
        let mut more = facts(1, 0, 0, step);
        more.record_count = huge;
        let next = producer.window.last().next_sequence();
        assert!(producer.apply(&stamp(1, 0, next, huge), &more, NOW));
        assert!(producer.is_sound());
    }
    assert_eq!(producer.run_records, RUN_RECORDS_MAX);
}
