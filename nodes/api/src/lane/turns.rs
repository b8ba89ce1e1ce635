//! Whose turn it is in a lane: partitions with something to send, and their timers.
//!
//! Owns: the order of turns and of timers. Does not own: outboxes; what is noted of them here is
//! noted in them too, so that it is found without a search.
//!
//! Invariants: a partition stands in the queue at most once; it has at most one timer, which may
//! fire early, never late.

use std::collections::{BTreeSet, VecDeque};

use model::{Instant, TopicPartition};

use super::outbox::Outbox;

/// See the file's header.
#[derive(Debug, Default)]
pub(super) struct Turns {
    ready: VecDeque<TopicPartition>,
    timers: BTreeSet<(Instant, TopicPartition)>,
}

impl Turns {
    /// Puts the partition into the queue if it has something to send and is not there yet.
    pub(super) fn make_ready(&mut self, partition: TopicPartition, outbox: &mut Outbox) {
        if outbox.has_work() && !outbox.is_ready {
            outbox.is_ready = true;
            self.ready.push_back(partition);
        }
    }

    /// The partition that has waited longest for its turn; it is to be put in again for the next.
    pub(super) fn next_ready(&mut self) -> Option<TopicPartition> {
        self.ready.pop_front()
    }

    /// Has the partition's timer fire at `at` at the latest.
    pub(super) fn arm(&mut self, partition: TopicPartition, outbox: &mut Outbox, at: Instant) {
        if outbox.timer.is_some_and(|armed| armed <= at) {
            return;
        }
        self.disarm(partition, outbox);
        outbox.timer = Some(at);
        self.timers.insert((at, partition));
    }

    /// Takes the partition's timer out.
    pub(super) fn disarm(&mut self, partition: TopicPartition, outbox: &mut Outbox) {
        if let Some(armed) = outbox.timer.take() {
            self.timers.remove(&(armed, partition));
        }
    }

    /// When the first timer fires.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|&(at, _)| at)
    }

    /// A partition whose timer is due at `now`; the timer is taken out.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<TopicPartition> {
        self.next_deadline().filter(|at| *at <= now)?;
        self.timers.pop_first().map(|(_, partition)| partition)
    }
}
