//! What a lane has for one partition: sequences, what is unanswered, when to try again.
//!
//! Owns: the order of one partition's appends. Does not own: timers and turns (`lane`).

use std::collections::VecDeque;
use std::time::Duration;

use model::{CatalogVersion, Instant, LeaderEpoch};

use super::{
    RESEND_AFTER_MAX, RESEND_AFTER_MIN, RETRY_AFTER_MAX, RETRY_AFTER_MIN, Submission, Ticket,
};

/// One partition's appends. `unanswered` holds the sequences from `answered_below` on, without a
/// hole; an append that was answered out of turn leaves an empty place until those before it are.
#[derive(Debug)]
pub(super) struct Outbox {
    unanswered: VecDeque<Option<Unanswered>>,
    answered_below: u64,
    send_from: u64,
    /// Nothing is sent before this moment, after a passing refusal.
    paused_until: Option<Instant>,
    resend_after: Duration,
    retry_after: Duration,
    /// The lane's timer for this partition, if one is armed.
    pub(super) timer: Option<Instant>,
    /// Whether the partition stands in the lane's queue of those with something to send.
    pub(super) is_ready: bool,
}

#[derive(Debug)]
struct Unanswered {
    ticket: Ticket,
    submission: Submission,
    sent_at: Option<Instant>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            unanswered: VecDeque::new(),
            answered_below: 0,
            send_from: 0,
            paused_until: None,
            resend_after: RESEND_AFTER_MIN,
            retry_after: RETRY_AFTER_MIN,
            timer: None,
            is_ready: false,
        }
    }
}

impl Outbox {
    pub(super) fn push(&mut self, ticket: Ticket, submission: Submission) {
        self.unanswered.push_back(Some(Unanswered {
            ticket,
            submission,
            sent_at: None,
        }));
    }

    fn next_sequence(&self) -> u64 {
        self.answered_below + self.unanswered.len() as u64
    }

    pub(super) fn has_work(&self) -> bool {
        self.paused_until.is_none() && self.send_from < self.next_sequence()
    }

    /// The next append in order, with its sequence and what is answered so far.
    pub(super) fn send_next(&mut self, now: Instant) -> Option<(u64, u64, Submission)> {
        while self.has_work() {
            let sequence = self.send_from;
            self.send_from += 1;
            let index = (sequence - self.answered_below) as usize;
            if let Some(Some(unanswered)) = self.unanswered.get_mut(index) {
                unanswered.sent_at = Some(now);
                return Some((sequence, self.answered_below, unanswered.submission.clone()));
            }
        }
        None
    }

    /// Everything unanswered is to be sent again.
    pub(super) fn go_back(&mut self) {
        self.send_from = self.answered_below;
        self.paused_until = None;
    }

    /// Whether anything is unanswered that was routed by an older map.
    pub(super) fn reroute(&mut self, leader_epoch: LeaderEpoch, version: CatalogVersion) -> bool {
        let mut changed = false;
        for unanswered in self.unanswered.iter_mut().flatten() {
            let submission = &mut unanswered.submission;
            changed |= submission.leader_epoch != leader_epoch;
            submission.leader_epoch = leader_epoch;
            submission.map_version = version;
        }
        changed
    }

    /// A final answer to `sequence`: the ticket and its bytes, unless it was answered before.
    pub(super) fn answer(&mut self, sequence: u64) -> Option<(Ticket, usize)> {
        let index = usize::try_from(sequence.checked_sub(self.answered_below)?).ok()?;
        let answered = self.unanswered.get_mut(index)?.take()?;
        self.resend_after = RESEND_AFTER_MIN;
        self.retry_after = RETRY_AFTER_MIN;
        self.drop_answered();
        Some((answered.ticket, answered.submission.batch.bytes().len()))
    }

    /// A passing refusal of `sequence`: when to try again, or none where it says nothing new.
    pub(super) fn handle_refusal(&mut self, now: Instant, sequence: u64) -> Option<Instant> {
        let index = usize::try_from(sequence.checked_sub(self.answered_below)?).ok()?;
        let is_unanswered = self.unanswered.get(index).is_some_and(Option::is_some);
        if !is_unanswered || self.paused_until.is_some() || sequence >= self.send_from {
            return None;
        }
        let at = now + self.retry_after;
        self.retry_after = (self.retry_after * 2).min(RETRY_AFTER_MAX);
        self.send_from = self.answered_below;
        self.paused_until = Some(at);
        Some(at)
    }

    /// Ends a pause that is over, and goes back where an answer is overdue. Says whether there is
    /// something to send.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
        if self.paused_until.is_none() && self.resend_at().is_some_and(|at| at <= now) {
            self.resend_after = (self.resend_after * 2).min(RESEND_AFTER_MAX);
            self.go_back();
        }
        self.has_work()
    }

    /// When the oldest append that was sent is to be sent again.
    pub(super) fn resend_at(&self) -> Option<Instant> {
        let oldest = self.unanswered.front()?.as_ref()?;
        if self.send_from == self.answered_below {
            return None;
        }
        Some(oldest.sent_at? + self.resend_after)
    }

    /// The earliest moment at which something is to be done.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let give_up = self
            .unanswered
            .iter()
            .flatten()
            .map(|u| u.submission.give_up_at)
            .min();
        [give_up, self.paused_until, self.resend_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes out every unanswered append whose give-up time fits: tickets and bytes.
    pub(super) fn take_if(&mut self, fits: impl Fn(Instant) -> bool) -> Vec<(Ticket, usize)> {
        let mut taken = Vec::new();
        for place in &mut self.unanswered {
            if place
                .as_ref()
                .is_some_and(|u| fits(u.submission.give_up_at))
                && let Some(unanswered) = place.take()
            {
                taken.push((unanswered.ticket, unanswered.submission.batch.bytes().len()));
            }
        }
        self.drop_answered();
        taken
    }

    fn drop_answered(&mut self) {
        while let Some(None) = self.unanswered.front() {
            self.unanswered.pop_front();
            self.answered_below += 1;
        }
        self.send_from = self.send_from.max(self.answered_below);
        assert!(
            self.send_from <= self.next_sequence(),
            "nothing is sent that was not submitted"
        );
    }
}
