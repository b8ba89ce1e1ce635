//! How a group comes from one generation to the next.
//!
//! Owns: when joining begins and ends, who is left behind, the initial delay, the end of waiting for
//! syncs. Does not own: what members ask for (`join`, `leave`), the assignment (`sync`).

use crate::group::member::Waiting;
use crate::group::{Due, Group, InitialDelay, Phase};
use crate::limits::POSTPONED_REBALANCE_MS_MIN;
use crate::message::GroupError;
use crate::subscription::{self, CONSUMER};
use crate::turn::Turn;

impl Group {
    /// Begins a rebalance; where one goes on already, ends its joining if nobody is missing.
    pub(super) fn rebalance_or_go_on(&mut self, turn: &mut Turn) {
        match self.phase {
            Phase::Empty | Phase::Completing | Phase::Stable => self.begin_rebalance(turn),
            Phase::Preparing(_) => self.complete_if_all_joined(turn),
            Phase::Dead => {}
        }
    }

    fn begin_rebalance(&mut self, turn: &mut Turn) {
        if self.phase == Phase::Completing {
            self.refuse_syncs(GroupError::RebalanceInProgress, turn);
        }
        self.roster.forget_syncs();
        self.timers.clear(&Due::Sync);
        if self.phase == Phase::Empty {
            self.begin_initial_rebalance(turn);
            return;
        }
        self.phase = Phase::Preparing(None);
        let ends = turn.after(self.roster.rebalance_timeout_ms());
        self.timers.set(Due::Rebalance, ends);
        self.complete_if_all_joined(turn);
    }

    /// The first members of an empty group wait a while for others, so that not each of them begins
    /// another rebalance.
    fn begin_initial_rebalance(&mut self, turn: &Turn) {
        let step_ms = u64::from(turn.settings.initial_rebalance_delay_ms);
        let timeout_ms = self.roster.rebalance_timeout_ms();
        self.phase = Phase::Preparing(Some(InitialDelay {
            step_ms,
            remaining_ms: timeout_ms.saturating_sub(step_ms),
            step_ms_max: step_ms,
            has_grown: false,
        }));
        self.timers.set(Due::Rebalance, turn.after(step_ms));
    }

    /// Ends joining early if nobody is missing, but not the wait for the first members.
    pub(super) fn complete_if_all_joined(&mut self, turn: &mut Turn) {
        if self.phase == Phase::Preparing(None) && self.roster.all_joined() {
            self.complete_joining(turn);
        }
    }

    /// The time to join is over, or a step of the initial delay.
    pub(super) fn joining_ends(&mut self, turn: &mut Turn) {
        match &mut self.phase {
            Phase::Preparing(Some(delay)) if delay.has_grown && delay.remaining_ms > 0 => {
                let step_ms = delay.step_ms_max.min(delay.remaining_ms);
                delay.remaining_ms = delay.remaining_ms.saturating_sub(delay.step_ms);
                delay.step_ms = step_ms;
                delay.has_grown = false;
                self.timers.set(Due::Rebalance, turn.after(step_ms));
            }
            Phase::Preparing(_) => self.complete_joining(turn),
            Phase::Empty | Phase::Completing | Phase::Stable | Phase::Dead => {}
        }
    }

    /// Goes on with those that have joined, and without the rest.
    fn complete_joining(&mut self, turn: &mut Turn) {
        self.timers.clear(&Due::Rebalance);
        for id in self.roster.not_rejoined() {
            self.remove_member(&id, turn);
        }
        if self.roster.is_empty() {
            self.become_empty(turn);
        } else if self.roster.elect() {
            self.begin_generation(turn);
        } else {
            // Only static members are left, and none has come back: their sessions end this.
            self.phase = Phase::Preparing(None);
            let timeout_ms = self.roster.rebalance_timeout_ms();
            let ends = turn.after(timeout_ms.max(POSTPONED_REBALANCE_MS_MIN));
            self.timers.set(Due::Rebalance, ends);
        }
    }

    fn become_empty(&mut self, turn: &mut Turn) {
        self.generation = next_generation(self.generation);
        self.protocol = None;
        self.roster.set_leader(None);
        self.subscribed = self.subscribed_topics();
        self.phase = Phase::Empty;
        self.empty_since = Some(turn.wall());
        self.store(turn);
    }

    fn begin_generation(&mut self, turn: &mut Turn) {
        self.generation = next_generation(self.generation);
        self.protocol = Some(self.roster.choose_protocol());
        self.subscribed = self.subscribed_topics();
        self.phase = Phase::Completing;
        self.roster.await_syncs();
        let ends = turn.after(self.roster.rebalance_timeout_ms());
        self.timers.set(Due::Sync, ends);
        for id in self.roster.ids() {
            let joined = self.joined(&id);
            // Who has gone away has been silent since; the end of the rebalance is no sign of life.
            let is_gone = |waiting: Waiting| waiting.call.is_none();
            let is_gone = self
                .roster
                .member(&id)
                .is_some_and(|m| m.join.is_some_and(is_gone));
            self.answer_join(&id, Ok(joined), turn);
            if let Some(mut member) = self.roster.entry(&id) {
                member.begin_generation();
            }
            if !is_gone {
                self.keep_alive(&id, turn);
            }
        }
    }

    /// The time to sync is over: whoever has not is left behind.
    pub(super) fn syncing_ends(&mut self, turn: &mut Turn) {
        let unsynced = self.roster.unsynced();
        let lives = matches!(self.phase, Phase::Completing | Phase::Stable);
        if !lives || unsynced.is_empty() {
            return;
        }
        for id in unsynced {
            self.remove_member(&id, turn);
        }
        self.begin_rebalance(turn);
    }

    /// Topics that the members read; none where the type or some metadata does not tell.
    pub(super) fn subscribed_topics(&self) -> Option<std::collections::BTreeSet<String>> {
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return None;
        }
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let mut all = std::collections::BTreeSet::new();
        for (_, member) in self.roster.iter() {
            all.append(&mut subscription::topics(
                &member.protocols.metadata(protocol),
            )?);
        }
        Some(all)
    }
}

/// Generations begin anew at 1 above what Kafka's number can hold.
fn next_generation(generation: i32) -> i32 {
    generation.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_stay_positive() {
        assert_eq!(next_generation(0), 1);
        assert_eq!(next_generation(i32::MAX), 1);
    }
}
