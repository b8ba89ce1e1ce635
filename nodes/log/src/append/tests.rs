//! The rules of appending, told as stories and tables.

use super::*;
use crate::facts::LogRecord;
use crate::fixtures::{
    EPOCH, NOW, Places, append_id, empty_log, new_facts, offset, request, stamp,
};
use crate::limits::{PRODUCER_EXPIRATION_MS_DEFAULT, SESSION_UNANSWERED_MAX};
use crate::snapshot::LogSnapshot;

/// Tells a story of batches that reach a log in this order, each as a new append, and checks what
/// becomes of each. Producer, epoch, base sequence + records -> answer:
/// `new o` appended at o; `again o` original offset o; `expected s` out of order; `duplicate`;
/// `fenced e` by epoch e. `expire` lets more than 24 h pass.
fn tell(story: &str) {
    let mut log = empty_log();
    let mut now = NOW;
    let lines = story.lines().map(str::trim).filter(|line| !line.is_empty());
    for (sequence, line) in lines.enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[0] == "expire" {
            now.0 += PRODUCER_EXPIRATION_MS_DEFAULT as i64;
            log.expire(now, PRODUCER_EXPIRATION_MS_DEFAULT);
            continue;
        }
        let (base, records) = words[2].split_once('+').unwrap();
        let records = records.parse().unwrap();
        let producer = words[0][1..].parse().unwrap();
        let epoch = words[1][1..].parse().unwrap();
        let answer = log.append(
            now,
            AppendRequest {
                id: append_id(1, sequence as u64),
                answered_below: sequence as u64,
                record_count: records,
                producer: Some(stamp(producer, epoch, base.parse().unwrap(), records)),
                ..request(0)
            },
        );
        let told = match answer {
            Ok(Accepted::New(facts)) => format!("new {}", facts.base_offset),
            Ok(Accepted::Repeat {
                base_offset,
                end_offset,
            }) => {
                assert_eq!(end_offset.since(base_offset), u64::from(records), "{line}");
                format!("again {base_offset}")
            }
            Err(AppendError::Producer(refusal)) => match refusal {
                ProducerRefusal::OutOfOrderSequence { expected, .. } => {
                    format!("expected {expected}")
                }
                ProducerRefusal::DuplicateSequence => "duplicate".to_owned(),
                ProducerRefusal::InvalidProducerEpoch { current } => {
                    format!("fenced {}", current.0)
                }
            },
            Err(error) => panic!("{line}: {error}"),
        };
        let expected = words[4..].join(" ");
        assert_eq!(told, expected, "at: {line}");
    }
}

#[test]
fn a_producers_batches_are_appended_once_and_in_order() {
    tell(
        "p1 e0 0+10    ->  new 0
         p1 e0 10+5    ->  new 10
         p1 e0 15+1    ->  new 15
         p1 e0 0+10    ->  again 0
         p1 e0 10+5    ->  again 10
         p1 e0 15+1    ->  again 15
         p1 e0 17+1    ->  expected 16
         p1 e0 16+1    ->  new 16
         p1 e0 17+1    ->  new 17
         p1 e0 18+1    ->  new 18
         p1 e0 0+10    ->  duplicate
         p1 e0 10+5    ->  again 10
         p1 e0 19+1    ->  new 19
         p1 e0 10+5    ->  duplicate",
    );
}

#[test]
fn only_the_very_batch_is_a_duplicate() {
    tell(
        "p1 e0 0+10    ->  new 0
         p1 e0 10+10   ->  new 10
         p1 e0 0+9     ->  expected 20
         p1 e0 5+10    ->  expected 20
         p1 e0 10+11   ->  expected 20
         p1 e0 0+20    ->  expected 20
         p1 e0 15+10   ->  expected 20
         p1 e0 20+10   ->  new 20",
    );
}

#[test]
fn a_batch_that_only_reaches_into_the_window_is_not_taken_for_an_old_one() {
    tell(
        "p1 e0 0+10    ->  new 0
         p1 e0 10+1    ->  new 10
         p1 e0 11+1    ->  new 11
         p1 e0 12+1    ->  new 12
         p1 e0 13+1    ->  new 13
         p1 e0 14+1    ->  new 14
         p1 e0 0+10    ->  duplicate
         p1 e0 4+3     ->  duplicate
         p1 e0 0+11    ->  expected 15
         p1 e0 9+2     ->  expected 15",
    );
}

#[test]
fn sequences_wrap_behind_two_to_the_31() {
    tell(
        "p1 e0 2147483640+7  ->  new 0
         p1 e0 2147483647+1  ->  new 7
         p1 e0 0+5           ->  new 8
         p1 e0 2147483647+1  ->  again 7
         p1 e0 2147483640+7  ->  again 0
         p1 e0 6+1           ->  expected 5
         p1 e0 5+1           ->  new 13
         p2 e0 2147483646+4  ->  new 14
         p2 e0 2147483646+4  ->  again 14
         p2 e0 2+1           ->  new 18
         p1 e0 6+1           ->  new 19
         p1 e0 2147483640+7  ->  again 0
         p1 e0 7+1           ->  new 20
         p1 e0 2147483640+7  ->  duplicate
         p1 e0 2147483630+7  ->  expected 8",
    );
}

#[test]
fn a_higher_epoch_starts_at_zero_and_fences_the_lower() {
    tell(
        "p1 e0 0+10    ->  new 0
         p1 e2 10+1    ->  expected 0
         p1 e0 10+1    ->  new 10
         p1 e2 0+1     ->  new 11
         p1 e0 11+1    ->  fenced 2
         p1 e0 0+10    ->  fenced 2
         p1 e1 0+1     ->  fenced 2
         p1 e2 0+10    ->  expected 1
         p1 e2 0+1     ->  again 11
         p1 e2 1+1     ->  new 12",
    );
}

#[test]
fn of_an_unknown_producer_any_sequence_is_taken_and_nothing_before_it_is_claimed() {
    tell(
        "p1 e3 100+10  ->  new 0
         p1 e3 90+10   ->  expected 110
         p1 e3 110+1   ->  new 10
         p1 e3 111+1   ->  new 11
         p1 e3 112+1   ->  new 12
         p1 e3 113+1   ->  new 13
         p1 e3 114+1   ->  new 14
         p1 e3 100+10  ->  duplicate
         p1 e3 99+10   ->  expected 115
         p1 e3 90+10   ->  expected 115",
    );
}

#[test]
fn an_expired_producer_is_unknown() {
    tell(
        "p1 e3 0+10    ->  new 0
         expire
         p1 e1 50+10   ->  new 10
         p1 e1 0+10    ->  expected 60
         p1 e1 60+1    ->  new 20",
    );
}

#[test]
fn producers_do_not_touch_one_another() {
    tell(
        "p1 e0 0+1     ->  new 0
         p2 e5 7+1     ->  new 1
         p1 e0 1+1     ->  new 2
         p2 e5 8+1     ->  new 3
         p1 e0 0+1     ->  again 0
         p2 e4 9+1     ->  fenced 5",
    );
}

/// An append by its sequence and how far its gateway has had answers.
fn arrive(log: &mut PartitionLog, sequence: u64, answered_below: u64) -> String {
    let answer = log.append(
        NOW,
        AppendRequest {
            answered_below,
            ..request(sequence)
        },
    );
    match answer {
        Ok(Accepted::New(facts)) => format!("new {}", facts.base_offset),
        Ok(Accepted::Repeat { base_offset, .. }) => format!("again {base_offset}"),
        Err(error) => format!("{error}"),
    }
}

#[test]
fn appends_of_a_gateway_come_in_order_and_once() {
    let gap = |expected: u64| format!("append sequence gap: {expected} is expected next");
    let late = || AppendError::AlreadyAnswered.to_string();
    let table = [
        (1, 0, gap(0)),
        (0, 0, "new 0".to_owned()),
        (2, 0, gap(1)),
        (1, 0, "new 10".to_owned()),
        (0, 0, "again 0".to_owned()),
        (1, 1, "again 10".to_owned()),
        (2, 1, "new 20".to_owned()),
        // It said that 0 was answered: 0 is forgotten, 1 is not.
        (0, 0, late()),
        (1, 1, "again 10".to_owned()),
        // 3 and 4 were given up on the way, so 5 is the next one.
        (6, 5, gap(5)),
        (5, 5, "new 30".to_owned()),
        (4, 4, late()),
        (5, 5, "again 30".to_owned()),
        // More answered than sent is nonsense, and counts as all before it.
        (6, 99, "new 40".to_owned()),
        (8, 99, "new 50".to_owned()),
    ];
    let mut log = empty_log();
    for (sequence, answered_below, expected) in table {
        let told = arrive(&mut log, sequence, answered_below);
        assert_eq!(
            told, expected,
            "append {sequence}, answered below {answered_below}"
        );
    }
}

#[test]
fn a_gateway_that_is_not_known_begins_where_it_says() {
    let mut log = empty_log();
    assert_eq!(
        arrive(&mut log, 42, 40),
        "append sequence gap: 40 is expected next"
    );
    assert_eq!(arrive(&mut log, 40, 40), "new 0");
    assert_eq!(arrive(&mut log, 41, 40), "new 10");
    let last = arrive(&mut log, u64::MAX, u64::MAX);
    assert!(last.starts_with("append sequence gap"), "{last}");
    assert_eq!(arrive(&mut log, u64::MAX - 1, u64::MAX - 1), "new 20");
    assert!(arrive(&mut log, u64::MAX, u64::MAX).starts_with("append sequence gap"));
}

#[test]
fn a_repeat_hears_the_same_even_where_the_producer_would_not() {
    let mut log = empty_log();
    let with = |sequence, base_sequence| AppendRequest {
        producer: Some(stamp(1, 0, base_sequence, 10)),
        ..request(sequence)
    };
    let first = new_facts(log.append(NOW, with(0, 0)));
    let refusal = ProducerRefusal::OutOfOrderSequence {
        expected: 10,
        found: 20,
    };
    assert_eq!(log.append(NOW, with(1, 20)), Err(refusal.into()));
    // A duplicate by the producer's sequence uses up the append's sequence too.
    let again = Ok(Accepted::Repeat {
        base_offset: offset(0),
        end_offset: offset(10),
    });
    assert_eq!(log.append(NOW, with(2, 0)), again);
    assert_eq!(
        new_facts(log.append(NOW, with(3, 10))).base_offset,
        first.end_offset()
    );
    // Now 20 would follow, but append 1 has been refused and stays so.
    assert_eq!(log.append(NOW, with(1, 20)), Err(refusal.into()));
    for sequence in 4..10 {
        new_facts(log.append(NOW, with(sequence, (sequence as i32 - 2) * 10)));
    }
    // The producer's window has passed append 0, the gateway's has not.
    assert_eq!(log.append(NOW, with(0, 0)), again);
    assert_eq!(log.append(NOW, with(2, 0)), again);
    assert_eq!(
        log.append(NOW, with(10, 0)),
        Err(ProducerRefusal::DuplicateSequence.into())
    );
}

#[test]
fn a_refusal_that_a_crash_has_forgotten_is_not_appended_afterwards() {
    let with = |sequence, base_sequence| AppendRequest {
        producer: Some(stamp(1, 0, base_sequence, 10)),
        ..request(sequence)
    };
    let mut log = empty_log();
    let mut places = Places::new(1);
    let mut facts = vec![new_facts(log.append(NOW, with(0, 0)))];
    assert!(log.append(NOW, with(1, 20)).is_err());
    facts.push(new_facts(log.append(NOW, with(2, 10))));

    let mut rebuilt = empty_log();
    for facts in &facts {
        let record = LogRecord::Append(*facts);
        rebuilt
            .replay(&record, places.next(facts.batch_bytes), NOW)
            .unwrap();
    }
    let refused = rebuilt.append(NOW, with(1, 20));
    assert!(matches!(
        refused,
        Err(AppendError::Producer(
            ProducerRefusal::OutOfOrderSequence { .. }
        ))
    ));
    assert_eq!(
        new_facts(rebuilt.append(NOW, with(3, 20))).base_offset,
        offset(20)
    );
}

#[test]
fn what_passes_uses_up_nothing() {
    let mut log = empty_log();
    for other in [EPOCH.0 - 1, EPOCH.0 + 1] {
        let fenced = AppendRequest {
            leader_epoch: LeaderEpoch(other),
            ..request(0)
        };
        assert_eq!(
            log.append(NOW, fenced),
            Err(AppendError::Fenced { current: EPOCH })
        );
    }
    let per_gateway = SESSION_UNANSWERED_MAX - 1;
    let gateways = PENDING_APPENDS_MAX as u64 / per_gateway + 1;
    let all = (1..=gateways).flat_map(|gateway| (0..per_gateway).map(move |s| (gateway, s)));
    let request_of = |(gateway, sequence)| AppendRequest {
        id: append_id(gateway, sequence),
        ..request(0)
    };
    let mut places = Places::new(1);
    let appends: Vec<_> = all.collect();
    let (fitting, above) = appends.split_at(PENDING_APPENDS_MAX);
    let facts: Vec<_> = fitting
        .iter()
        .map(|id| new_facts(log.append(NOW, request_of(*id))))
        .collect();
    assert_eq!(
        log.append(NOW, request_of(above[0])),
        Err(AppendError::Full)
    );
    let repeat = log.append(NOW, request_of(fitting[5]));
    assert!(
        matches!(repeat, Ok(Accepted::Repeat { .. })),
        "a repeat needs no room"
    );
    log.committed(&facts[0], places.next(100), NOW);
    new_facts(log.append(NOW, request_of(above[0])));
    assert_eq!(
        log.append(NOW, request_of(above[1])),
        Err(AppendError::Full)
    );
}

#[test]
fn a_gateway_may_have_so_many_appends_unanswered() {
    let mut log = empty_log();
    for sequence in 0..SESSION_UNANSWERED_MAX {
        assert!(log.append(NOW, request(sequence)).is_ok());
    }
    assert_eq!(
        log.append(NOW, request(SESSION_UNANSWERED_MAX)),
        Err(AppendError::Full)
    );
    assert_eq!(arrive(&mut log, 0, 0), "again 0");
    assert_eq!(arrive(&mut log, SESSION_UNANSWERED_MAX, 1), "new 10240");
}

#[test]
fn offsets_end_where_kafkas_do() {
    let mut log = empty_log();
    let last = Offset::MAX.value() - 15;
    let snapshot = LogSnapshot {
        log_start_offset: offset(last),
        end_offset: offset(last),
        ..log.snapshot()
    };
    log.replay(&LogRecord::Snapshot(snapshot), Places::new(1).next(0), NOW)
        .unwrap();
    assert_eq!(
        new_facts(log.append(NOW, request(0))).base_offset,
        offset(last)
    );
    assert_eq!(
        log.append(NOW, request(1)),
        Err(AppendError::OffsetsExhausted)
    );
    let five = AppendRequest {
        record_count: 5,
        ..request(1)
    };
    assert_eq!(new_facts(log.append(NOW, five)).end_offset(), Offset::MAX);
}

#[test]
fn a_closed_log_takes_nothing() {
    let mut log = empty_log();
    log.close();
    assert_eq!(log.append(NOW, request(0)), Err(AppendError::Closed));
}

#[test]
#[should_panic(expected = "a checked batch has its sequences")]
fn a_mark_that_does_not_fit_the_batch_is_a_bug() {
    let mut log = empty_log();
    let producer = Some(stamp(1, 0, 0, 9));
    let _ = log.append(
        NOW,
        AppendRequest {
            producer,
            ..request(0)
        },
    );
}
