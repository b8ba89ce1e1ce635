//! A lane against a node that keeps the append rule, over a channel that loses, repeats and
//! delays: every batch once, in order, and every append completed once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use model::{
    CatalogVersion, GatewayIncarnation, Instant, LaneId, LeaderEpoch, Limits, Offset, Timestamp,
    TopicConfig, TopicId, TopicPartition, VirtualClusterId,
};
use records::{BatchBuilder, BatchRules, Codec, NewRecord, ValidBatch, validate};

use super::{Lane, LaneError, Submission, Ticket};
use crate::append::{Append, AppendRefusal, AppendReply, Appended};

const GATEWAY: GatewayIncarnation = GatewayIncarnation(7);
const LANE: LaneId = LaneId(0);
const FAR: Instant = Instant(u64::MAX);

fn partition(index: u32) -> TopicPartition {
    TopicPartition {
        topic: TopicId([1; 16]),
        partition: index,
    }
}

fn batch(number: u64) -> ValidBatch {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    let value = number.to_be_bytes();
    builder.push(&NewRecord {
        timestamp: Timestamp(1),
        key: None,
        value: Some(&value),
        headers: &[],
    });
    let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::serverless());
    validate(builder.build(), &rules, Timestamp(1)).expect("is a batch")
}

fn submission(index: u32, number: u64, give_up_at: Instant) -> Submission {
    Submission {
        virtual_cluster: VirtualClusterId(1),
        partition: partition(index),
        leader_epoch: LeaderEpoch(0),
        map_version: CatalogVersion(1),
        batch: batch(number),
        give_up_at,
    }
}

/// A node that keeps the append rule for one gateway.
#[derive(Default)]
struct Node {
    logs: BTreeMap<TopicPartition, Vec<Bytes>>,
    /// Refuses this many appends as busy first.
    busy: u32,
}

impl Node {
    fn handle(&mut self, append: &Append) -> AppendReply {
        let log = self.logs.entry(append.partition).or_default();
        let expected = log.len() as u64;
        let sequence = append.id.sequence;
        let outcome = if self.busy > 0 {
            self.busy -= 1;
            Err(AppendRefusal::Busy)
        } else if sequence > expected.max(append.answered_below) {
            Err(AppendRefusal::Gap { expected })
        } else {
            if sequence == expected {
                log.push(append.batch.bytes().clone());
            }
            Ok(appended(sequence))
        };
        AppendReply {
            id: append.id,
            partition: append.partition,
            outcome,
        }
    }
}

fn appended(offset: u64) -> Appended {
    Appended {
        base_offset: Offset::new(offset).expect("is small"),
        log_start_offset: Offset::ZERO,
        log_append_time: None,
        ack_delay: Duration::ZERO,
        stop_reading: Duration::ZERO,
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn appends_leave_in_order_and_are_completed_by_their_answers() {
    let mut lane = Lane::new(GATEWAY, LANE);
    let mut node = Node::default();
    let tickets: Vec<Ticket> = (0..3).map(|n| lane.submit(submission(0, n, FAR))).collect();
    while let Some(append) = lane.poll_transmit(Instant(0)) {
        lane.handle_reply(Instant(0), &node.handle(&append));
    }
    for (offset, ticket) in tickets.into_iter().enumerate() {
        let completion = lane.poll_completion().expect("was answered");
        assert_eq!(completion.ticket, ticket);
        assert_eq!(
            completion.outcome.map(|a| a.base_offset.value()),
            Ok(offset as u64)
        );
    }
    assert_eq!(lane.unanswered(), 0);
}

#[test]
fn a_busy_node_is_asked_again_from_the_refused_append_on() {
    let mut lane = Lane::new(GATEWAY, LANE);
    let mut node = Node {
        busy: 1,
        ..Node::default()
    };
    for number in 0..3 {
        lane.submit(submission(0, number, FAR));
    }
    let mut now = Instant(0);
    while lane.unanswered() > 0 {
        while let Some(append) = lane.poll_transmit(now) {
            lane.handle_reply(now, &node.handle(&append));
        }
        if lane.unanswered() > 0 {
            now = lane.poll_timeout().expect("something is to be tried again");
            lane.handle_timeout(now);
        }
    }
    let numbers: Vec<Bytes> = (0..3).map(|n| batch(n).bytes().clone()).collect();
    assert_eq!(node.logs[&partition(0)], numbers);
}

#[test]
fn a_late_append_is_given_up_and_the_ones_behind_it_go_on() {
    let mut lane = Lane::new(GATEWAY, LANE);
    let soon = Instant(1_000);
    let first = lane.submit(submission(0, 0, soon));
    let second = lane.submit(submission(0, 1, FAR));
    assert_eq!(
        lane.poll_transmit(Instant(0))
            .expect("was submitted")
            .id
            .sequence,
        0
    );
    lane.handle_timeout(soon);
    let completion = lane.poll_completion().expect("was given up");
    assert_eq!(
        (completion.ticket, completion.outcome),
        (first, Err(LaneError::TimedOut))
    );
    let append = lane.poll_transmit(soon).expect("is left");
    assert_eq!((append.id.sequence, append.answered_below), (1, 1));
    let reply = Node::default().handle(&append);
    lane.handle_reply(soon, &reply);
    assert_eq!(lane.poll_completion().map(|c| c.ticket), Some(second));
}

#[test]
fn a_gone_partition_is_forgotten_with_what_it_held() {
    let mut lane = Lane::new(GATEWAY, LANE);
    lane.submit(submission(0, 0, FAR));
    lane.forget(partition(0));
    let refused = Err(LaneError::Refused(AppendRefusal::Closed));
    assert_eq!(lane.poll_completion().map(|c| c.outcome), Some(refused));
    assert!(lane.poll_transmit(Instant(0)).is_none() && lane.poll_timeout().is_none());
}

#[test]
fn a_channel_that_loses_repeats_and_delays_changes_nothing() {
    for seed in 1..=500 {
        run_over_a_bad_channel(seed);
    }
}

fn run_over_a_bad_channel(seed: u64) {
    const APPENDS: u64 = 40;
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut lane = Lane::new(GATEWAY, LANE);
    let mut node = Node {
        busy: random.below(4) as u32,
        ..Node::default()
    };
    let mut replies: VecDeque<AppendReply> = VecDeque::new();
    let mut completed: BTreeMap<Ticket, u64> = BTreeMap::new();
    let mut submitted = 0;
    let mut now = Instant(0);
    while submitted < APPENDS || lane.unanswered() > 0 {
        if submitted < APPENDS && random.below(2) == 0 {
            lane.submit(submission((submitted % 3) as u32, submitted / 3, FAR));
            submitted += 1;
        }
        if let Some(append) = lane.poll_transmit(now) {
            if random.below(5) > 0 {
                let reply = node.handle(&append);
                (0..random.below(3)).for_each(|_| replies.push_back(reply.clone()));
            }
        } else if replies.is_empty() && submitted == APPENDS && lane.unanswered() > 0 {
            now = lane.poll_timeout().expect("what is unanswered has a timer");
            lane.handle_timeout(now);
        }
        if !replies.is_empty() && random.below(2) == 0 {
            let index = random.below(replies.len() as u64) as usize;
            let reply = replies.remove(index).expect("is within");
            lane.handle_reply(now, &reply);
        }
        while let Some(completion) = lane.poll_completion() {
            let offset = completion.outcome.expect("nothing is given up").base_offset;
            let before = completed.insert(completion.ticket, offset.value());
            assert_eq!(before, None, "seed {seed}: completed twice");
        }
    }
    assert_eq!(completed.len() as u64, APPENDS, "seed {seed}");
    for (ticket, offset) in completed {
        assert_eq!(
            ticket.0 / 3,
            offset,
            "seed {seed}: the answer is another append's"
        );
    }
    for (partition, log) in node.logs {
        let expected = (0..log.len() as u64).map(|n| batch(n).bytes().clone());
        assert!(
            log.iter().cloned().eq(expected),
            "seed {seed}: {partition} out of order"
        );
    }
}
