//! The whole state of a log that facts rebuild, as plain data: what a log runs on, what is written
//! now and then so that no older fact is needed, and what a move hands over.
//!
//! Owns: how each appended batch changes the state; the stored form (`encoding`).
//! Does not own: where batches lie (segments' footers tell), what is durable (`log`).

pub(crate) mod encoding;

use model::{LeaderEpoch, Offset, Timestamp};

use crate::facts::AppendFacts;
use crate::producers::Producers;
use crate::sessions::{SessionOutcome, Sessions};

/// The state of a log as of everything appended so far, durable or not: written behind those
/// appends, it is durable only when they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSnapshot {
    /// The leadership the log is under.
    pub leader_epoch: LeaderEpoch,
    /// First offset that may be read.
    pub log_start_offset: Offset,
    /// End, exclusive, of what has been appended.
    pub end_offset: Offset,
    /// Bytes of batches ever appended.
    pub end_position: u64,
    /// Bytes ever billed.
    pub metered_bytes: u64,
    /// Bytes that are stored no more: those of the batches below this position.
    pub freed_position: u64,
    /// Idempotent producers.
    pub producers: Producers,
    /// Gateways' appends.
    pub sessions: Sessions,
}

impl LogSnapshot {
    /// All below this position is stored no more.
    pub(crate) fn free_to(&mut self, position: u64) {
        self.freed_position = self.freed_position.max(position);
    }

    /// Takes in the batch that comes next, live as in a replay.
    pub(crate) fn apply(&mut self, facts: &AppendFacts, at: Timestamp) {
        assert_eq!(
            facts.base_offset, self.end_offset,
            "batches follow one another"
        );
        self.end_offset = facts.end_offset();
        self.end_position += u64::from(facts.batch_bytes);
        self.metered_bytes += u64::from(facts.metered_bytes);
        self.leader_epoch = self.leader_epoch.max(facts.leader_epoch);
        self.producers.apply(facts, at);
        let outcome = SessionOutcome::Appended {
            base_offset: facts.base_offset,
            record_count: facts.record_count,
        };
        self.sessions.consume(at, facts.append_id, outcome);
    }
}

#[cfg(test)]
mod tests;
