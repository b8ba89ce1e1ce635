//! What a fetch reads, and when it is answered.

use std::time::Duration;

use model::TopicId;

use super::*;

const MIB: u32 = 1 << 20;

fn partition(number: u32) -> TopicPartition {
    TopicPartition {
        topic: TopicId([1; 16]),
        partition: number,
    }
}

fn parts(count: u32) -> Vec<Part> {
    (0..count)
        .map(|number| Part::new(partition(number), Offset::ZERO, MIB))
        .collect()
}

fn at(offset: u64) -> Offset {
    Offset::new(offset).unwrap()
}

/// A log that ends at `end`, with `position` bytes before that.
fn bounds(end: u64, position: u64) -> LogBounds {
    LogBounds {
        log_start_offset: Offset::ZERO,
        high_watermark: at(end),
        last_stable_offset: at(end),
        start_position: 0,
        end_position: position,
    }
}

/// A read that brought `bytes`, up to `next` at `position`, of a log with these bounds.
fn reply(bytes: usize, next: u64, position: u64, bounds: LogBounds) -> ReadReply {
    ReadReply {
        segments: vec![Bytes::from(vec![0; bytes])],
        bytes,
        next_offset: at(next),
        next_position: Some(position),
        bounds,
        retry_after: Duration::ZERO,
    }
}

fn empty(bounds: LogBounds) -> ReadReply {
    ReadReply {
        segments: Vec::new(),
        ..reply(
            0,
            bounds.high_watermark.value(),
            bounds.end_position,
            bounds,
        )
    }
}

struct Fetch {
    plan: Plan,
    now: Instant,
}

impl Fetch {
    fn new(parts: Vec<Part>, min_bytes: u32, bytes_max: u32) -> Self {
        let now = Instant::now();
        let terms = Terms {
            min_bytes,
            bytes_max,
            deadline: now + Duration::from_millis(500),
            read_committed: false,
            turn: 0,
        };
        Self {
            plan: Plan::new(parts, terms, false),
            now,
        }
    }

    fn next(&mut self) -> Next {
        self.plan.next(self.now)
    }

    fn reads(&mut self) -> Vec<Wish> {
        match self.next() {
            Next::Read(wishes) => wishes,
            other => panic!("a round of reads was expected, not {other:?}"),
        }
    }

    fn finish(&mut self, wish: &Wish, reply: ReadReply) {
        self.plan.finish(wish, Ok(reply), self.now);
    }

    fn expire(&mut self) {
        self.now = self.plan.deadline();
    }
}

fn budgets(wishes: &[Wish]) -> Vec<(usize, u32, bool)> {
    let budgets = wishes
        .iter()
        .map(|wish| (wish.part, wish.bytes_max, wish.at_least_one));
    budgets.collect()
}

#[test]
fn a_fetch_of_nothing_is_answered_at_once() {
    assert_eq!(Fetch::new(Vec::new(), 1, MIB).next(), Next::Answer);
}

#[test]
fn every_partition_is_looked_at_within_one_budget() {
    let mut fetch = Fetch::new(parts(3), 1, MIB + 100);
    let wishes = fetch.reads();
    let expected = [(0, MIB, true), (1, 100, false), (2, 0, false)];
    assert_eq!(budgets(&wishes), expected);
}

#[test]
fn the_first_turn_goes_round() {
    let mut fetch = Fetch::new(parts(3), 1, MIB);
    fetch.plan.terms.turn = 5;
    let order: Vec<_> = fetch.reads().iter().map(|wish| wish.part).collect();
    assert_eq!(order, [2, 0, 1]);
}

#[test]
fn enough_bytes_are_answered_and_too_few_are_waited_for() {
    let mut fetch = Fetch::new(parts(1), 100, MIB);
    let wish = fetch.reads()[0];
    fetch.finish(&wish, reply(60, 1, 60, bounds(1, 60)));
    assert_eq!(fetch.next(), Next::WaitUntil(fetch.plan.deadline()));
    fetch.plan.hear(0, bounds(2, 90), true);
    assert!(
        matches!(fetch.next(), Next::WaitUntil(_)),
        "90 bytes are still too few"
    );
    fetch.plan.hear(0, bounds(3, 100), true);
    let wish = fetch.reads()[0];
    assert_eq!((wish.offset, wish.bytes_max), (at(1), 40));
    fetch.finish(&wish, reply(40, 3, 100, bounds(3, 100)));
    assert_eq!(fetch.next(), Next::Answer);
    assert_eq!(fetch.plan.collected(), 100);
}

#[test]
fn what_is_there_is_read_even_if_nothing_need_be_waited_for() {
    let mut fetch = Fetch::new(parts(2), 0, MIB);
    let wishes = fetch.reads();
    // The first one has the whole budget, and turns out to be empty.
    fetch.finish(&wishes[0], empty(bounds(0, 0)));
    let nothing = ReadReply {
        segments: Vec::new(),
        ..reply(0, 0, 0, bounds(20, 300))
    };
    fetch.finish(&wishes[1], nothing);
    let again = fetch.reads();
    assert_eq!(budgets(&again), [(1, 300, true)]);
    fetch.finish(&again[0], reply(300, 20, 300, bounds(20, 300)));
    assert!(matches!(fetch.next(), Next::Answer));
}

#[test]
fn at_the_deadline_what_has_come_is_read_once_more() {
    let mut fetch = Fetch::new(parts(1), 1000, MIB);
    let wish = fetch.reads()[0];
    fetch.finish(&wish, empty(bounds(0, 0)));
    fetch.plan.hear(0, bounds(1, 70), true);
    assert!(matches!(fetch.next(), Next::WaitUntil(_)));
    fetch.expire();
    let wish = fetch.reads()[0];
    fetch.finish(&wish, reply(70, 1, 70, bounds(2, 140)));
    assert_eq!(fetch.next(), Next::Answer, "though there is more again");
}

#[test]
fn what_the_news_say_is_at_its_end_is_not_read() {
    let mut fetch = Fetch::new(parts(2), 1, MIB);
    fetch.plan.hear(0, bounds(0, 0), true);
    fetch.plan.hear(1, bounds(0, 0), false);
    let read: Vec<_> = fetch.reads().iter().map(|wish| wish.part).collect();
    assert_eq!(read, [1], "old news are not believed");
}

#[test]
fn a_batch_larger_than_every_limit_comes_alone_and_only_if_nothing_else_did() {
    let mut fetch = Fetch::new(parts(2), 1, 100);
    let wishes = fetch.reads();
    fetch.finish(&wishes[0], empty(bounds(0, 0)));
    // The second was offered nothing, so its batch did not fit.
    fetch.finish(&wishes[1], reply(0, 0, 0, bounds(1, 5000)));
    let again = fetch.reads();
    assert_eq!(budgets(&again), [(1, 100, true)]);
    fetch.finish(&again[0], reply(5000, 1, 5000, bounds(1, 5000)));
    assert_eq!(fetch.next(), Next::Answer);

    let mut fetch = Fetch::new(parts(2), 1000, MIB + 100);
    let wishes = fetch.reads();
    fetch.finish(&wishes[0], reply(10, 1, 10, bounds(1, 10)));
    fetch.finish(&wishes[1], reply(0, 0, 0, bounds(1, 5 << 20)));
    // Its own limit of 1 MiB is the larger offer, so it is asked once more, then left.
    let again = fetch.reads();
    assert_eq!(budgets(&again), [(1, MIB, false)]);
    fetch.finish(&again[0], reply(0, 0, 0, bounds(1, 5 << 20)));
    assert_eq!(
        fetch.next(),
        Next::Answer,
        "there is more, but no room for it"
    );
}

#[test]
fn what_one_partition_leaves_over_serves_the_next() {
    let mut fetch = Fetch::new(parts(2), 500, MIB);
    let wishes = fetch.reads();
    assert_eq!(budgets(&wishes), [(0, MIB, true), (1, 0, false)]);
    fetch.finish(&wishes[0], reply(100, 1, 100, bounds(1, 100)));
    fetch.finish(&wishes[1], reply(0, 0, 0, bounds(1, 400)));
    assert_eq!(budgets(&fetch.reads()), [(1, 400, false)]);
}

#[test]
fn an_error_is_answered_with_what_the_others_have() {
    let mut fetch = Fetch::new(parts(2), 1000, MIB);
    let wishes = fetch.reads();
    let out_of_range = ReadError::OutOfRange {
        bounds: bounds(5, 50),
    };
    fetch.plan.finish(&wishes[0], Err(out_of_range), fetch.now);
    fetch.finish(&wishes[1], reply(10, 1, 10, bounds(1, 10)));
    assert_eq!(fetch.next(), Next::Answer);
    assert_eq!(fetch.plan.parts[0].bounds, Some(bounds(5, 50)));
    assert!(fetch.plan.parts[0].fault.is_some());
}

#[test]
fn a_partition_above_its_rate_counts_as_empty_until_it_may_be_read() {
    let mut fetch = Fetch::new(parts(1), 1, MIB);
    let wish = fetch.reads()[0];
    let held_back = ReadReply {
        retry_after: Duration::from_millis(200),
        ..reply(0, 0, 0, bounds(9, 900))
    };
    fetch.finish(&wish, held_back);
    let until = fetch.now + Duration::from_millis(200);
    assert_eq!(fetch.next(), Next::WaitUntil(until));
    fetch.now = until;
    assert_eq!(budgets(&fetch.reads()), [(0, 900, true)]);
}

#[test]
fn a_partition_without_an_owner_is_asked_again_and_is_empty_in_the_end() {
    let mut fetch = Fetch::new(parts(1), 1, MIB);
    let wish = fetch.reads()[0];
    fetch
        .plan
        .finish(&wish, Err(ReadError::NotOwner), fetch.now);
    let until = fetch.now + READ_RETRY_AFTER;
    assert_eq!(fetch.next(), Next::WaitUntil(until));
    fetch.now = until;
    let wish = fetch.reads()[0];
    fetch.expire();
    fetch
        .plan
        .finish(&wish, Err(ReadError::NotOwner), fetch.now);
    assert_eq!(fetch.next(), Next::Answer);
    assert!(fetch.plan.parts[0].fault.is_none());
}

#[test]
fn a_node_that_contradicts_its_news_is_not_asked_without_end() {
    let mut fetch = Fetch::new(parts(1), 1, MIB);
    let wish = fetch.reads()[0];
    fetch.finish(&wish, empty(bounds(0, 0)));
    fetch.plan.hear(0, bounds(1, 10), true);
    let wish = fetch.reads()[0];
    assert!(wish.at_least_one);
    fetch.finish(&wish, empty(bounds(0, 0)));
    assert!(matches!(fetch.next(), Next::WaitUntil(_)));
}

#[test]
fn a_round_is_cut_to_the_memory_there_is() {
    let mut fetch = Fetch::new(parts(3), 1, 3 * MIB);
    let mut wishes = fetch.reads();
    cut(&mut wishes, MIB + 7);
    assert_eq!(
        budgets(&wishes),
        [(0, MIB, true), (1, 7, false), (2, 0, false)]
    );
}

/// Clients throw records away that come beside an error.
#[test]
fn an_error_behind_records_is_left_to_the_next_fetch() {
    let mut fetch = Fetch::new(parts(1), 10_000, 50 * MIB);
    let wish = fetch.reads()[0];
    fetch.finish(&wish, reply(100, 1, 100, bounds(2, 200)));
    let wish = Wish {
        offset: at(1),
        at_least_one: false,
        ..wish
    };
    let now = fetch.now;
    fetch.plan.finish(&wish, Err(ReadError::Storage), now);
    assert_eq!(fetch.next(), Next::Answer);
    let part = &fetch.plan.parts[0];
    assert!(part.fault.is_none());
    assert_eq!(part.segments.len(), 1);
}
