//! Each way to break the promise is planted and found.

use model::{LeaderEpoch, Limits, Offset, TopicConfig};
use records::{BatchRules, validate};

use super::*;

const A: u32 = 1;
const B: u32 = 2;
const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn sent(producer: u32, number: u32) -> (Tag, Bytes) {
    let tag = Tag { producer, number };
    (tag, batch_at(NOW, tag, None, (2, 100)))
}

/// The batch as a log stores it.
fn stored(producer: u32, number: u32, offset: i64) -> StampedBatch {
    let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::serverless());
    let valid = validate(sent(producer, number).1, &rules, NOW).unwrap();
    valid.stamp(Offset::from_wire(offset).unwrap(), LeaderEpoch(3), None)
}

/// A ledger in which these batches were acknowledged, as (producer, number, offset).
fn ledger(promise: Promise, acknowledged: &[(u32, u32, i64)]) -> Ledger {
    let mut ledger = Ledger::new(promise);
    for &(producer, number, offset) in acknowledged {
        let (tag, batch) = sent(producer, number);
        ledger.acknowledge(0, tag, offset, &batch).unwrap();
    }
    ledger
}

fn read(ledger: &mut Ledger, log: &[(u32, u32, i64)]) -> Result<(), Violation> {
    for &(producer, number, offset) in log {
        ledger.read(0, &stored(producer, number, offset))?;
    }
    ledger.check_acknowledged()
}

fn found(promise: Promise, acknowledged: &[(u32, u32, i64)], log: &[(u32, u32, i64)]) -> Violation {
    read(&mut ledger(promise, acknowledged), log).unwrap_err()
}

#[test]
fn a_log_that_keeps_its_promise() {
    let log = [(A, 0, 0), (B, 0, 2), (A, 1, 4)];
    let mut ledger = ledger(Promise::ExactlyOnce, &log);
    read(&mut ledger, &log).unwrap();
    let totals = ledger.totals();
    assert_eq!(totals.read_batches, 3);
    assert_eq!(totals.read_bytes, totals.acknowledged_bytes);
    assert_eq!(ledger.next_offset(0), 6);
    ledger.read_again();
    read(&mut ledger, &log).unwrap();
    assert_eq!(ledger.totals(), totals);
}

#[test]
fn what_was_read_first_may_be_acknowledged_later() {
    let mut ledger = ledger(Promise::ExactlyOnce, &[(A, 0, 0)]);
    read(&mut ledger, &[(A, 0, 0), (A, 1, 2), (A, 2, 4)]).unwrap();
    let (tag, batch) = sent(A, 1);
    ledger.acknowledge(0, tag, 2, &batch).unwrap();
    read(&mut ledger, &[(A, 3, 6)]).unwrap();
    let (tag, batch) = sent(A, 2);
    ledger.acknowledge(0, tag, 6, &batch).unwrap();
    assert!(matches!(
        read(&mut ledger, &[]),
        Err(Violation::Misplaced { offset: 6, .. })
    ));
}

#[test]
fn a_loss_at_the_end_and_in_the_middle() {
    let acknowledged = [(A, 0, 0), (A, 1, 2)];
    let violation = found(Promise::ExactlyOnce, &acknowledged, &[(A, 0, 0)]);
    assert!(matches!(
        violation,
        Violation::Lost {
            offset: 2,
            end: 2,
            ..
        }
    ));
    let violation = found(Promise::AtLeastOnce, &acknowledged, &[(A, 0, 0), (B, 0, 2)]);
    assert!(matches!(violation, Violation::Misplaced { offset: 2, .. }));
}

#[test]
fn a_duplicate_where_each_batch_may_come_once() {
    let log = [(A, 0, 0), (A, 0, 2)];
    let violation = found(Promise::ExactlyOnce, &[(A, 0, 0)], &log);
    assert!(matches!(
        violation,
        Violation::Duplicate {
            offset: 2,
            last: 0,
            ..
        }
    ));
    read(&mut ledger(Promise::AtLeastOnce, &[(A, 0, 2)]), &log).unwrap();
}

#[test]
fn a_batch_before_its_turn() {
    let violation = found(Promise::ExactlyOnce, &[], &[(A, 0, 0), (A, 2, 2)]);
    assert!(matches!(violation, Violation::Disorder { expected: 1, .. }));
}

#[test]
fn a_hole_between_offsets() {
    let violation = found(Promise::AtLeastOnce, &[], &[(A, 0, 0), (A, 1, 3)]);
    assert!(matches!(
        violation,
        Violation::Hole {
            expected: 2,
            found: 3,
            ..
        }
    ));
}

#[test]
fn two_batches_at_one_offset() {
    let mut ledger = ledger(Promise::AtLeastOnce, &[(A, 0, 0)]);
    let (tag, batch) = sent(B, 0);
    let violation = ledger.acknowledge(0, tag, 0, &batch).unwrap_err();
    assert!(matches!(
        violation,
        Violation::SharedOffset { offset: 0, .. }
    ));
}

#[test]
fn altered_bytes() {
    let batch = stored(A, 0, 0);
    let mut bytes = batch.segments().concat();
    *bytes.last_mut().unwrap() ^= 1;
    // The last byte is the number of headers of the last record; the one before it is filling.
    let altered = StampedBatch::parse(bytes.into()).unwrap();
    let mut ledger = ledger(Promise::AtLeastOnce, &[]);
    assert!(matches!(
        ledger.read(0, &altered),
        Err(Violation::Altered { .. })
    ));
    let other = sent(A, 0).0;
    let longer = batch_at(NOW, other, None, (2, 101));
    ledger.acknowledge(0, other, 0, &longer).unwrap();
    let violation = read(&mut ledger, &[(A, 0, 0)]).unwrap_err();
    assert!(matches!(violation, Violation::Altered { offset: 0, .. }));
}
