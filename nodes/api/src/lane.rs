//! A gateway's end of one lane: sends appends in order, again where an answer does not come, and
//! tells what became of each exactly once.
//!
//! Owns: append sequences, what is unanswered, when to send again, when to give up.
//! Does not own: the channel, the clock (`now` is an argument), routing.
//!
//! One outbox a partition; sequences of an outbox are contiguous:
//!
//! ```text
//!   answered below        send from            next sequence
//!        | sent, unanswered   | to be sent           |
//! ```
//!
//! A passing refusal or a missing answer moves *send from* back to *answered below*: everything
//! after it is sent again, so a partition's order is kept whatever is lost.
//!
//! Invariants: answered below <= send from <= next sequence; a ticket is completed once.

use std::collections::VecDeque;
use std::time::Duration;

use model::{
    AppendId, CatalogVersion, GatewayIncarnation, IdMap, Instant, LaneId, LeaderEpoch,
    TopicPartition, VirtualClusterId,
};
use records::ValidBatch;

use crate::append::{Append, AppendOutcome, AppendRefusal, AppendReply, Appended};

mod outbox;
#[cfg(test)]
mod tests;
mod turns;

use outbox::Outbox;
use turns::Turns;

/// Bytes that may be unanswered in one lane; at the bound [`Lane::has_room`] says no, the shell
/// takes no further appends, and in the end the client's connection is not read.
pub const LANE_UNANSWERED_BYTES_MAX: usize = 64 << 20;

/// Appends that may be unanswered in one lane; the same happens at the bound.
pub const LANE_UNANSWERED_MAX: usize = 4096;

/// An append without an answer is sent again after this time, then after twice it, and so on.
pub const RESEND_AFTER_MIN: Duration = Duration::from_secs(1);

/// ... but at least once in this time.
pub const RESEND_AFTER_MAX: Duration = Duration::from_secs(8);

/// A passing refusal is tried again after this time, then after twice it, and so on.
pub const RETRY_AFTER_MIN: Duration = Duration::from_millis(5);

/// ... but at least once in this time.
pub const RETRY_AFTER_MAX: Duration = Duration::from_millis(500);

/// Names an append within its lane until it is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// An append to be sent.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The virtual cluster that the partition belongs to.
    pub virtual_cluster: VirtualClusterId,
    /// Where to append.
    pub partition: TopicPartition,
    /// The leadership the gateway believes in.
    pub leader_epoch: LeaderEpoch,
    /// The cluster map the gateway routed by.
    pub map_version: CatalogVersion,
    /// The batch.
    pub batch: ValidBatch,
    /// When the append is completed as [`LaneError::TimedOut`] if it is still unanswered.
    pub give_up_at: Instant,
}

/// Why an append was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The node refused it for good.
    #[error(transparent)]
    Refused(AppendRefusal),
    /// No answer came in time: the batch may or may not be in the log.
    #[error("no answer in time")]
    TimedOut,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Which append.
    pub ticket: Ticket,
    /// Acknowledged, or why not.
    pub outcome: Result<Appended, LaneError>,
}

/// A gateway's end of one lane.
#[derive(Debug)]
pub struct Lane {
    gateway: GatewayIncarnation,
    lane: LaneId,
    next_ticket: u64,
    outboxes: IdMap<TopicPartition, Outbox>,
    turns: Turns,
    completions: VecDeque<Completion>,
    unanswered: usize,
    unanswered_bytes: usize,
}

impl Lane {
    /// An empty lane of one life of a gateway.
    pub fn new(gateway: GatewayIncarnation, lane: LaneId) -> Self {
        Self {
            gateway,
            lane,
            next_ticket: 0,
            outboxes: IdMap::default(),
            turns: Turns::default(),
            completions: VecDeque::new(),
            unanswered: 0,
            unanswered_bytes: 0,
        }
    }

    /// Whether a further append may be submitted. The last one may pass the byte bound.
    pub fn has_room(&self) -> bool {
        self.unanswered < LANE_UNANSWERED_MAX && self.unanswered_bytes < LANE_UNANSWERED_BYTES_MAX
    }

    /// How many appends have no answer yet.
    pub const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Takes an append to be sent. Call only while [`Self::has_room`].
    pub fn submit(&mut self, submission: Submission) -> Ticket {
        assert!(self.has_room(), "a lane takes no more than its bounds");
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.unanswered += 1;
        self.unanswered_bytes += submission.batch.bytes().len();
        let partition = submission.partition;
        let deadline = submission.give_up_at;
        let outbox = self.outboxes.entry(partition).or_default();
        outbox.push(ticket, submission);
        self.turns.make_ready(partition, outbox);
        self.turns.arm(partition, outbox, deadline);
        ticket
    }

    /// Follows a change of the cluster map: what is unanswered is sent anew under this leadership.
    pub fn reroute(
        &mut self,
        partition: TopicPartition,
        leader_epoch: LeaderEpoch,
        map_version: CatalogVersion,
    ) {
        if let Some(outbox) = self.outboxes.get_mut(&partition)
            && outbox.reroute(leader_epoch, map_version)
        {
            outbox.go_back();
            self.turns.make_ready(partition, outbox);
        }
    }

    /// Forgets a partition that is gone; what is unanswered is completed as refused.
    pub fn forget(&mut self, partition: TopicPartition) {
        let Some(mut outbox) = self.outboxes.remove(&partition) else {
            return;
        };
        self.turns.disarm(partition, &mut outbox);
        let closed = Err(LaneError::Refused(AppendRefusal::Closed));
        for (ticket, bytes) in outbox.take_if(|_| true) {
            self.complete(ticket, bytes, closed);
        }
    }

    /// Takes the answer to an append; late and repeated answers are ignored.
    pub fn handle_reply(&mut self, now: Instant, reply: &AppendReply) {
        if reply.id.gateway != self.gateway || reply.id.lane != self.lane {
            return;
        }
        let Some(outbox) = self.outboxes.get_mut(&reply.partition) else {
            return;
        };
        if is_passing(&reply.outcome) {
            if let Some(at) = outbox.handle_refusal(now, reply.id.sequence) {
                self.turns.arm(reply.partition, outbox, at);
            }
        } else if let Some((ticket, bytes)) = outbox.answer(reply.id.sequence) {
            self.complete(ticket, bytes, reply.outcome.map_err(LaneError::Refused));
        }
    }

    /// Handles every timer that is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(partition) = self.turns.next_due(now) {
            let Some(outbox) = self.outboxes.get_mut(&partition) else {
                continue;
            };
            outbox.timer = None;
            let given_up = outbox.take_if(|give_up_at| give_up_at <= now);
            if outbox.handle_timeout(now) {
                self.turns.make_ready(partition, outbox);
            }
            if let Some(next) = outbox.next_deadline() {
                self.turns.arm(partition, outbox, next);
            }
            for (ticket, bytes) in given_up {
                self.complete(ticket, bytes, Err(LaneError::TimedOut));
            }
        }
    }

    /// When to call [`Self::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.turns.next_deadline()
    }

    /// The next append to be sent, partitions in turn.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Append> {
        while let Some(partition) = self.turns.next_ready() {
            let Some(outbox) = self.outboxes.get_mut(&partition) else {
                continue;
            };
            outbox.is_ready = false;
            let Some((sequence, answered_below, submission)) = outbox.send_next(now) else {
                continue;
            };
            let append = Append {
                id: AppendId {
                    gateway: self.gateway,
                    lane: self.lane,
                    sequence,
                },
                answered_below,
                virtual_cluster: submission.virtual_cluster,
                partition,
                leader_epoch: submission.leader_epoch,
                map_version: submission.map_version,
                batch: submission.batch,
            };
            self.turns.make_ready(partition, outbox);
            if let Some(at) = outbox.resend_at() {
                self.turns.arm(partition, outbox, at);
            }
            return Some(append);
        }
        None
    }

    /// The next append that came to an end.
    pub fn poll_completion(&mut self) -> Option<Completion> {
        self.completions.pop_front()
    }

    fn complete(&mut self, ticket: Ticket, bytes: usize, outcome: Result<Appended, LaneError>) {
        self.unanswered -= 1;
        self.unanswered_bytes -= bytes;
        self.completions.push_back(Completion { ticket, outcome });
    }
}

/// Whether the append is to be tried again rather than completed.
fn is_passing(outcome: &AppendOutcome) -> bool {
    outcome.is_err_and(|refusal| refusal.is_passing())
}
