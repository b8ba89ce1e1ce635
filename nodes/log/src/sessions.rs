//! What a partition remembers of gateways' appends: the sequence each is to send next, and what
//! became of those whose answer may have been lost.
//!
//! Owns: per gateway incarnation the next sequence and the recent results.
//! Does not own: producers' sequences (`producers`), whether a result is durable (`log`), the
//! gateway's end (`node-api`'s lane).
//!
//! ```text
//!   answered, forgotten | results: asked again, answered the same | next: new | gap
//!  ---------------------|-----------------------------------------|-----------|-----▶ sequence
//!                 answered_below                             next_sequence
//! ```
//!
//! A result that was appended is rebuilt from the facts. A refusal is remembered in memory and in
//! snapshots only: when it is lost, the sequence is either free again (then it is judged anew) or
//! below `next_sequence` without a result, which tells that it was not appended.
//!
//! Invariants: results ascend in sequence, all below `next_sequence` and none further below than
//! `SESSION_UNANSWERED_MAX`; sessions ascend by gateway.

use std::collections::VecDeque;

use model::{AppendId, GatewayIncarnation, Offset, Timestamp};

use crate::limits::{SESSION_EVICTABLE_MS, SESSION_IDLE_MS, SESSION_UNANSWERED_MAX, SESSIONS_MAX};
use crate::producers::ProducerRefusal;

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionOutcome {
    /// It is in the log, or one like it was (idempotent producer).
    Appended {
        base_offset: Offset,
        record_count: u32,
    },
    /// Its producer was refused.
    Refused(ProducerRefusal),
}

/// An append and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionResult {
    pub sequence: u64,
    pub outcome: SessionOutcome,
}

/// How an append stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is the next one.
    New,
    /// It came before, and this became of it.
    Repeat(SessionOutcome),
    /// It came before, and is not remembered.
    Forgotten,
    /// Something before it has not come.
    Gap {
        /// What has to come first.
        expected: u64,
    },
}

/// One gateway's appends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub gateway: GatewayIncarnation,
    pub next_sequence: u64,
    pub last_used_at: Timestamp,
    pub results: VecDeque<SessionResult>,
}

impl Session {
    pub(crate) fn new(gateway: GatewayIncarnation, now: Timestamp) -> Self {
        Self {
            gateway,
            next_sequence: 0,
            last_used_at: now,
            results: VecDeque::new(),
        }
    }

    /// Takes in the result of the next append. One that is not the next is left out: it could only
    /// come from damaged facts, and what was answered first stays true.
    pub(crate) fn push(&mut self, result: SessionResult) {
        let last = self.results.back().map(|last| last.sequence);
        let Some(next) = result
            .sequence
            .checked_add(1)
            .filter(|_| last < Some(result.sequence))
        else {
            return;
        };
        self.next_sequence = self.next_sequence.max(next);
        self.forget_below(self.next_sequence.saturating_sub(SESSION_UNANSWERED_MAX));
        self.results.push_back(result);
    }

    fn forget_below(&mut self, sequence: u64) {
        while self
            .results
            .front()
            .is_some_and(|result| result.sequence < sequence)
        {
            self.results.pop_front();
        }
    }

    fn outcome(&self, sequence: u64) -> Option<SessionOutcome> {
        let found = self
            .results
            .binary_search_by_key(&sequence, |result| result.sequence);
        found.ok().map(|index| self.results[index].outcome)
    }

    fn is_silent_for(&self, now: Timestamp, ms: u64) -> bool {
        let silence = now.0.saturating_sub(self.last_used_at.0);
        u64::try_from(silence).is_ok_and(|silence| silence >= ms)
    }
}

/// What a partition remembers of gateways' appends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    by_gateway: Vec<Session>,
}

impl Sessions {
    /// How many gateways are remembered.
    pub fn len(&self) -> usize {
        self.by_gateway.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.by_gateway.is_empty()
    }

    /// The sequence that is expected next of `gateway`; 0 of one that is not known.
    pub fn next_sequence(&self, gateway: GatewayIncarnation) -> u64 {
        self.find(gateway)
            .map_or(0, |session| session.next_sequence)
    }

    /// How an append stands to those before it, where all below `answered_below` have had their
    /// answer.
    pub(crate) fn judge(&self, id: AppendId, answered_below: u64) -> Arrival {
        let session = self.find(id.gateway);
        let next = session.map_or(0, |session| session.next_sequence);
        if id.sequence < next {
            let outcome = session.and_then(|session| session.outcome(id.sequence));
            return outcome.map_or(Arrival::Forgotten, Arrival::Repeat);
        }
        let expected = next.max(answered_below);
        // The very last sequence is never taken, so that there is always a next one.
        if id.sequence > expected || id.sequence == u64::MAX {
            Arrival::Gap { expected }
        } else {
            Arrival::New
        }
    }

    /// Whether a new append can be remembered for as long as its answer may be asked for.
    pub(crate) fn has_room(&self, now: Timestamp, id: AppendId, answered_below: u64) -> bool {
        let unanswered = id.sequence.saturating_sub(answered_below);
        unanswered < SESSION_UNANSWERED_MAX
            && (self.len() < SESSIONS_MAX
                || self.find(id.gateway).is_some()
                || self
                    .by_gateway
                    .iter()
                    .any(|s| s.is_silent_for(now, SESSION_EVICTABLE_MS)))
    }

    /// Notes that a gateway still lives.
    pub(crate) fn touch(&mut self, now: Timestamp, gateway: GatewayIncarnation) {
        if let Ok(index) = self.search(gateway) {
            self.by_gateway[index].last_used_at = now;
        }
    }

    /// Forgets results that nobody asks for any more.
    pub(crate) fn answered(&mut self, gateway: GatewayIncarnation, answered_below: u64) {
        if let Ok(index) = self.search(gateway) {
            self.by_gateway[index].forget_below(answered_below);
        }
    }

    /// Uses up a sequence, and remembers what became of it.
    pub(crate) fn consume(&mut self, now: Timestamp, id: AppendId, outcome: SessionOutcome) {
        let session = self.open(now, id.gateway);
        session.last_used_at = now;
        session.push(SessionResult {
            sequence: id.sequence,
            outcome,
        });
        self.make_room(id.gateway);
    }

    /// Takes in what became of a session later on. [`Self::make_room`] has to follow.
    pub(crate) fn merge(&mut self, later: &Session) {
        let session = self.open(later.last_used_at, later.gateway);
        session.last_used_at = later.last_used_at;
        for result in &later.results {
            session.push(*result);
        }
        session.next_sequence = session.next_sequence.max(later.next_sequence);
    }

    /// Forgets the longest silent above the bound, but not `gateway`.
    fn make_room(&mut self, gateway: GatewayIncarnation) {
        if self.len() > SESSIONS_MAX {
            let others = self
                .by_gateway
                .iter()
                .filter(|session| session.gateway != gateway);
            let longest_silent =
                others.min_by_key(|session| (session.last_used_at, session.gateway));
            let longest_silent = longest_silent.map(|session| session.gateway);
            self.by_gateway
                .retain(|session| Some(session.gateway) != longest_silent);
        }
    }

    /// Forgets the longest silent above the bound.
    pub(crate) fn trim(&mut self) {
        while let Some(newest) = self.newest()
            && self.len() > SESSIONS_MAX
        {
            self.make_room(newest);
        }
    }

    /// Forgets gateways that are long silent; most of them are gone for ever.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.by_gateway
            .retain(|session| !session.is_silent_for(now, SESSION_IDLE_MS));
        self.by_gateway.shrink_to_fit();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_gateway.iter()
    }

    /// Takes in a session of a gateway above all that are there.
    pub(crate) fn insert_last(&mut self, session: Session) {
        self.by_gateway.push(session);
    }

    fn newest(&self) -> Option<GatewayIncarnation> {
        let newest = self
            .iter()
            .max_by_key(|session| (session.last_used_at, session.gateway));
        newest.map(|session| session.gateway)
    }

    fn search(&self, gateway: GatewayIncarnation) -> Result<usize, usize> {
        self.by_gateway
            .binary_search_by_key(&gateway, |session| session.gateway)
    }

    fn find(&self, gateway: GatewayIncarnation) -> Option<&Session> {
        self.search(gateway)
            .ok()
            .map(|index| &self.by_gateway[index])
    }

    fn open(&mut self, now: Timestamp, gateway: GatewayIncarnation) -> &mut Session {
        let index = self.search(gateway).unwrap_or_else(|index| {
            self.by_gateway.insert(index, Session::new(gateway, now));
            index
        });
        &mut self.by_gateway[index]
    }
}

#[cfg(test)]
mod tests;
