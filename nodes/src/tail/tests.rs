use model::{LeaderEpoch, Limits, Offset, Timestamp, TopicConfig, TopicId, TopicPartition};
use records::{BatchBuilder, BatchRules, Codec, NewRecord, StampedBatch, validate};

use super::{Tail, TailBudget, TailWish};
use crate::limits::TAIL_BATCH_OVERHEAD;

fn partition(index: u32) -> TopicPartition {
    TopicPartition {
        topic: TopicId([1; 16]),
        partition: index,
    }
}

fn offset(value: u64) -> Offset {
    Offset::new(value).expect("is small")
}

/// A batch of two records at `base`.
fn batch(base: u64) -> StampedBatch {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    for _ in 0..2 {
        let value = Some([7; 100].as_slice());
        builder.push(&NewRecord {
            timestamp: Timestamp(1),
            key: None,
            value,
            headers: &[],
        });
    }
    let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::serverless());
    let valid = validate(builder.build(), &rules, Timestamp(1)).expect("is a batch");
    valid.stamp(offset(base), LeaderEpoch(0), None)
}

fn wish(at: u64, bytes_max: usize, first_bytes_max: usize) -> TailWish {
    TailWish {
        offset: offset(at),
        bytes_max,
        first_bytes_max,
    }
}

fn filled(batches: u64) -> (Tail, TailBudget, usize) {
    let (mut tail, mut budget) = (Tail::default(), TailBudget::new(usize::MAX));
    let size = batch(0).len();
    for number in 0..batches {
        budget.push(
            partition(0),
            &mut tail,
            number * size as u64,
            batch(number * 2),
        );
    }
    (tail, budget, size)
}

#[test]
fn a_read_begins_with_the_batch_that_contains_the_offset() {
    let (tail, _, size) = filled(3);
    let read = tail.read(wish(3, 10_000, 0)).expect("is in memory");
    assert_eq!((read.bytes, read.next_offset), (2 * size, offset(6)));
    assert_eq!(read.next_position, 3 * size as u64);
    assert!(
        tail.read(wish(6, 10_000, 0)).is_none(),
        "the end is not in memory"
    );
}

#[test]
fn budgets_are_kept_but_for_the_first_batch() {
    let (tail, _, size) = filled(3);
    let read = tail.read(wish(0, 2 * size - 1, 0)).expect("is in memory");
    assert_eq!(read.bytes, size);
    let read = tail.read(wish(0, 1, size)).expect("is in memory");
    assert_eq!(read.bytes, size);
    let read = tail.read(wish(0, 1, size - 1)).expect("is in memory");
    assert_eq!(
        (read.bytes, read.next_offset, read.next_position),
        (0, offset(0), 0)
    );
}

#[test]
fn the_oldest_goes_first_over_all_partitions() {
    let size = batch(0).len() + TAIL_BATCH_OVERHEAD;
    let mut budget = TailBudget::new(2 * size);
    let (mut first, mut second) = (Tail::default(), Tail::default());
    budget.push(partition(0), &mut first, 0, batch(0));
    budget.push(partition(1), &mut second, 0, batch(0));
    assert_eq!(budget.over_budget(), None);
    budget.push(partition(0), &mut first, 0, batch(2));
    assert_eq!(budget.over_budget(), Some(partition(0)));
    budget.evict(Some(&mut first));
    assert_eq!(budget.over_budget(), None);
    assert!(first.read(wish(0, 1000, 0)).is_none() && first.read(wish(2, 1000, 0)).is_some());
    budget.forget(partition(0), &first);
    assert_eq!((budget.bytes, budget.order.len()), (size, 1));
}
