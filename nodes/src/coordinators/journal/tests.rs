use bytes::Bytes;
use coordinator::GroupError;

use super::*;

const RULE: SnapshotRule = SnapshotRule {
    bytes: 100,
    age: Duration::from_secs(60),
};
const EMPTY: Found = Found {
    end_offset: Offset::ZERO,
    read_bytes: 0,
    state_bytes: 0,
};
/// Bytes that a record of one byte of key and one of value counts for.
const ONE: usize = RECORD_OVERHEAD + 2;

fn journal() -> Journal {
    Journal::new(RULE, EMPTY, Instant(0))
}

fn record(name: u8) -> StoredRecord {
    StoredRecord {
        key: Bytes::copy_from_slice(&[name]),
        value: Some(Bytes::copy_from_slice(&[name])),
    }
}

fn names(batch: Option<Vec<StoredRecord>>) -> Vec<u8> {
    batch.into_iter().flatten().map(|r| r.key[0]).collect()
}

fn answers(journal: &mut Journal) -> Vec<u64> {
    std::iter::from_fn(|| journal.next_answer())
        .map(|(call, _)| call.0)
        .collect()
}

fn hold(journal: &mut Journal, call: u64) {
    journal.hold(CallId(call), Err(GroupError::NotAvailable));
}

fn at(value: u64) -> Offset {
    Offset::new(value).expect("is small")
}

/// A snapshot in one part.
fn take_snapshot(journal: &mut Journal, records: Vec<StoredRecord>) {
    journal.begin_snapshot();
    journal.add_to_snapshot(Some(records));
    journal.add_to_snapshot(None);
}

#[test]
fn a_snapshot_is_queued_as_the_log_takes_it_and_what_changes_meanwhile_is_kept() {
    let mut journal = journal();
    journal.write(Instant(0), vec![record(1)]);
    assert!(!journal.wants_snapshot_part(2 * ONE), "none was begun");
    journal.begin_snapshot();
    // Written before the first part: the log has to begin with it.
    journal.write(Instant(0), vec![record(2)]);
    assert!(journal.wants_snapshot_part(2 * ONE));
    journal.add_to_snapshot(Some(vec![record(7), record(8)]));
    assert!(!journal.wants_snapshot_part(2 * ONE), "a batch of it waits");
    journal.write(Instant(0), vec![record(3)]);
    assert_eq!(names(journal.next_batch(3 * ONE)), [1, 2, 7]);
    journal.landed(at(40));
    assert!(journal.wants_snapshot_part(2 * ONE));
    journal.add_to_snapshot(Some(vec![record(9)]));
    assert_eq!(names(journal.next_batch(9 * ONE)), [8, 3, 9]);
    journal.landed(at(50));
    assert_eq!(journal.finish_snapshot(), None, "more may come");
    assert!(journal.wants_snapshot_part(2 * ONE));
    journal.add_to_snapshot(None);
    assert!(!journal.wants_snapshot_part(2 * ONE));
    assert_eq!(journal.finish_snapshot(), Some(at(41)));
    assert_eq!(journal.snapshot_bytes, 3 * ONE as u64);
    assert_eq!(journal.backlog_bytes, 0);
}

#[test]
fn an_answer_waits_for_every_record_before_it_and_for_no_other() {
    let mut journal = journal();
    hold(&mut journal, 0);
    assert_eq!(answers(&mut journal), [0], "nothing was written before it");
    journal.write(Instant(0), vec![record(1)]);
    hold(&mut journal, 1);
    assert_eq!(names(journal.next_batch(1000)), [1]);
    journal.write(Instant(0), vec![record(2), record(3)]);
    hold(&mut journal, 2);
    assert!(answers(&mut journal).is_empty());
    assert_eq!(journal.next_batch(1000), None, "one batch is under way");
    journal.landed(at(10));
    assert_eq!(answers(&mut journal), [1]);
    // A batch holds what fits; the answer waits for all of what was written.
    assert_eq!(names(journal.next_batch(ONE)), [2]);
    journal.landed(at(11));
    assert!(answers(&mut journal).is_empty() && !journal.owes_nothing());
    assert_eq!(
        names(journal.next_batch(1)),
        [3],
        "a large record goes alone"
    );
    journal.landed(at(12));
    assert_eq!(answers(&mut journal), [2]);
    assert!(journal.owes_nothing());
}

#[test]
fn a_snapshot_is_due_by_bytes_and_by_age_and_not_while_one_is_written() {
    let mut journal = journal();
    assert!(
        !journal.snapshot_due(Instant(u64::MAX)),
        "nothing was written"
    );
    journal.write(Instant(5), vec![record(1)]);
    let old = Instant(5) + RULE.age;
    assert_eq!(journal.snapshot_at(), Some(old));
    assert!(!journal.snapshot_due(Instant(6)) && journal.snapshot_due(old));
    journal.write(Instant(6), (0..5).map(record).collect());
    assert!(journal.snapshot_due(Instant(6)), "more than 100 bytes");
    take_snapshot(&mut journal, (0..20).map(record).collect());
    journal.write(Instant(7), (0..6).map(record).collect());
    assert!(!journal.snapshot_due(old));
    while journal.next_batch(1000).is_some() {
        journal.landed(at(0));
    }
    assert!(journal.finish_snapshot().is_some());
    assert!(
        !journal.snapshot_due(Instant(7)),
        "as much as the snapshot had comes first"
    );
    journal.write(Instant(7), (0..20).map(record).collect());
    assert!(journal.snapshot_due(Instant(7)));
}

#[test]
fn the_log_may_begin_where_the_snapshot_does_and_not_before_it_is_whole() {
    let mut journal = journal();
    journal.write(Instant(0), vec![record(1), record(2)]);
    take_snapshot(&mut journal, vec![record(7), record(8)]);
    journal.write(Instant(0), vec![record(3)]);
    assert_eq!(names(journal.next_batch(3 * ONE)), [1, 2, 7]);
    journal.landed(at(40));
    assert_eq!(
        journal.finish_snapshot(),
        None,
        "the second half is missing"
    );
    assert_eq!(names(journal.next_batch(3 * ONE)), [8, 3]);
    journal.landed(at(50));
    assert_eq!(journal.finish_snapshot(), Some(at(42)));
    assert_eq!(journal.finish_snapshot(), None);
    assert_eq!(journal.backlog_bytes, 0);
}

#[test]
fn a_state_without_records_lets_all_of_the_log_go() {
    let mut journal = journal();
    journal.write(Instant(0), vec![record(1)]);
    take_snapshot(&mut journal, Vec::new());
    assert_eq!(
        journal.finish_snapshot(),
        None,
        "what it stands for is not durable"
    );
    assert_eq!(names(journal.next_batch(1000)), [1]);
    journal.landed(at(9));
    assert_eq!(journal.finish_snapshot(), Some(at(10)));
}

#[test]
fn a_load_that_read_more_than_the_state_leaves_a_snapshot_due() {
    let found = Found {
        end_offset: at(5),
        read_bytes: 300,
        state_bytes: 150,
    };
    assert!(Journal::new(RULE, found, Instant(0)).snapshot_due(Instant(0)));
    let found = Found {
        read_bytes: 299,
        ..found
    };
    let journal = Journal::new(RULE, found, Instant(0));
    assert!(!journal.snapshot_due(Instant(0)) && journal.snapshot_at().is_some());
    let found = Found {
        read_bytes: 150,
        ..found
    };
    assert_eq!(Journal::new(RULE, found, Instant(0)).snapshot_at(), None);
}
