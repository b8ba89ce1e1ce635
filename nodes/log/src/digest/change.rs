//! How a segment changes a log's state, where it does not tell all of the state.
//!
//! Owns: the fold of appends without knowing what was before, and how it is laid on that later.
//! Does not own: offsets and positions (the digest's frames tell).

use std::collections::BTreeMap;

use model::{LeaderEpoch, Offset, ProducerId, Timestamp};

use crate::facts::AppendFacts;
use crate::producers::{Producer, forget_longest_silent};
use crate::sessions::{SessionOutcome, Sessions};
use crate::snapshot::LogSnapshot;

/// What a producer did in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The sequence it began with, to see whether it goes on from before; none where it has broken
    /// off since, so that nothing before it counts.
    pub follows: Option<i32>,
    /// What is known of it at the segment's end.
    pub producer: Producer,
}

/// What a segment's facts change, whatever was before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) log_start_offset: Offset,
    pub(super) metered_bytes: u64,
    pub(super) freed_position: u64,
    pub(super) runs: BTreeMap<ProducerId, Run>,
    pub(super) sessions: Sessions,
}

impl Change {
    /// Zero where the segment has not moved it.
    pub(crate) fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    /// Zero where the segment has freed nothing.
    pub(crate) fn freed_position(&self) -> u64 {
        self.freed_position
    }

    pub(crate) fn start_at(&mut self, offset: Offset) {
        self.log_start_offset = self.log_start_offset.max(offset);
    }

    pub(crate) fn free_to(&mut self, position: u64) {
        self.freed_position = self.freed_position.max(position);
    }

    pub(crate) fn apply(&mut self, facts: &AppendFacts, at: Timestamp) {
        self.leader_epoch = self.leader_epoch.max(facts.leader_epoch);
        self.metered_bytes += u64::from(facts.metered_bytes);
        self.apply_producer(facts, at);
        let outcome = SessionOutcome::Appended {
            base_offset: facts.base_offset,
            record_count: facts.record_count,
        };
        self.sessions.consume(at, facts.append_id, outcome);
    }

    fn apply_producer(&mut self, facts: &AppendFacts, at: Timestamp) {
        let Some(stamp) = &facts.producer else { return };
        if let Some(run) = self.runs.get_mut(&stamp.id) {
            if !run.producer.apply(stamp, facts, at) {
                run.follows = None;
            }
            return;
        }
        let run = Run {
            follows: Some(stamp.base_sequence),
            producer: Producer::new(stamp, facts, at),
        };
        self.runs.insert(stamp.id, run);
        forget_longest_silent(&mut self.runs, |run| &run.producer);
    }

    /// Lays the change on what was before it.
    pub(crate) fn merge_into(&self, state: &mut LogSnapshot) {
        state.leader_epoch = state.leader_epoch.max(self.leader_epoch);
        // Only damaged numbers could reach the end of the range.
        state.metered_bytes = state.metered_bytes.saturating_add(self.metered_bytes);
        state.freed_position = state.freed_position.max(self.freed_position);
        for (id, run) in &self.runs {
            state.producers.merge(*id, run.follows, &run.producer);
        }
        state.producers.make_room();
        for session in self.sessions.iter() {
            state.sessions.merge(session);
        }
        state.sessions.trim();
    }
}
