//! One coordinator on this node: loading, serving, or waiting to be loaded again.
//!
//! Owns: its core and journal while it serves, the calls that came before that. Does not own: who
//! waits for an answer (`calls`), the tasks that load and write (it may abort them).
//!
//! ```text
//!   Loading ──loaded──▶ Serving ──a write was refused──▶ Loading
//!      └──could not be loaded──▶ Failed ──after a while──▶ Loading
//! ```
//!
//! Each way into Loading begins a new tenure; what tasks of an earlier one report does not count.

use std::collections::VecDeque;

use coordinator::{
    CallId, Coordinator, Effect, GroupCall, GroupError, GroupRules, Moment, SnapshotPlace,
};
use model::{CatalogVersion, Instant, Offset, Placement, TopicPartition, VirtualClusterId};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::coordinators::calls::Callers;
use crate::coordinators::journal::Journal;
use crate::coordinators::writer::{Outgoing, batch};
use crate::limits::{LOADING_CALLS_MAX, LOADING_PATIENCE};

/// See the file's header.
pub(super) struct GroupShard {
    pub(super) partition: TopicPartition,
    pub(super) placement: Placement,
    pub(super) tenure: u64,
    state: State,
}

enum State {
    Loading {
        early: VecDeque<EarlyCall>,
        _task: AbortOnDrop,
    },
    Serving(Box<Serving>),
    Failed {
        retry_at: Instant,
    },
}

/// A call that came before the coordinator was loaded.
pub(super) struct EarlyCall {
    id: CallId,
    call: GroupCall,
    rules: GroupRules,
    chance: [u8; 16],
    since: Instant,
}

/// A coordinator that serves.
pub(super) struct Serving {
    pub(super) core: Coordinator,
    pub(super) journal: Journal,
    /// How far the snapshot has come that is under way.
    pub(super) snapshot_at: SnapshotPlace,
    pub(super) batches: mpsc::Sender<Outgoing>,
    pub(super) batch_bytes_max: usize,
    pub(super) _writer: AbortOnDrop,
}

/// Ends a task that nobody needs any more.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl GroupShard {
    pub(super) fn loading(
        partition: TopicPartition,
        placement: Placement,
        tenure: u64,
        task: AbortHandle,
    ) -> Self {
        Self {
            partition,
            placement,
            tenure,
            state: State::Loading {
                early: VecDeque::new(),
                _task: AbortOnDrop(task),
            },
        }
    }

    /// Takes a call, now or once the state is there.
    pub(super) fn take(
        &mut self,
        at: Moment,
        (id, call): (CallId, GroupCall),
        rules: &GroupRules,
        chance: [u8; 16],
    ) -> Result<(), GroupError> {
        match &mut self.state {
            State::Serving(serving) if !serving.journal.is_full() => {
                serving.core.handle(at, id, call, rules, chance);
            }
            State::Loading { early, .. } if early.len() < LOADING_CALLS_MAX => {
                early.push_back(EarlyCall {
                    id,
                    call,
                    rules: *rules,
                    chance,
                    since: at.now,
                });
            }
            _ => return Err(GroupError::NotAvailable),
        }
        Ok(())
    }

    /// Serves from now on, beginning with the calls that came early.
    pub(super) fn serve(&mut self, at: Moment, mut serving: Serving) {
        if let State::Loading { early, .. } = &mut self.state {
            for early in early.drain(..) {
                let EarlyCall {
                    id,
                    call,
                    rules,
                    chance,
                    ..
                } = early;
                serving.core.handle(at, id, call, &rules, chance);
            }
        }
        self.state = State::Serving(Box::new(serving));
    }

    /// Forgets everything; to be loaded again at `retry_at`.
    pub(super) fn fail(&mut self, retry_at: Instant) {
        self.state = State::Failed { retry_at };
    }

    /// The caller of `call` is gone.
    pub(super) fn abandon(&mut self, at: Moment, call: CallId) {
        match &mut self.state {
            State::Serving(serving) => serving.core.abandon(at, call),
            State::Loading { early, .. } => early.retain(|early| early.id != call),
            State::Failed { .. } => {}
        }
    }

    /// Does what is due; gives back calls that have waited too long for the load.
    pub(super) fn handle_timeout(&mut self, at: Moment) -> Vec<CallId> {
        let mut given_up = Vec::new();
        match &mut self.state {
            State::Serving(serving) => {
                if serving.core.poll_timeout().is_some_and(|due| due <= at.now) {
                    serving.core.handle_timeout(at);
                }
            }
            State::Loading { early, .. } => {
                while let Some(early) =
                    early.pop_front_if(|early| early.since + LOADING_PATIENCE <= at.now)
                {
                    given_up.push(early.id);
                }
            }
            State::Failed { .. } => {}
        }
        given_up
    }

    /// When [`Self::handle_timeout`], or a look at it, is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Serving(serving) => {
                let snapshot_at = serving.journal.snapshot_at();
                serving
                    .core
                    .poll_timeout()
                    .into_iter()
                    .chain(snapshot_at)
                    .min()
            }
            State::Loading { early, .. } => {
                early.front().map(|early| early.since + LOADING_PATIENCE)
            }
            State::Failed { retry_at } => Some(*retry_at),
        }
    }

    pub(super) fn is_to_be_loaded_again(&self, now: Instant) -> bool {
        matches!(self.state, State::Failed { retry_at } if retry_at <= now)
    }

    pub(super) fn is_loading(&self) -> bool {
        matches!(self.state, State::Loading { .. })
    }

    /// Whether an answer waits for a write.
    pub(super) fn owes_answers(&self) -> bool {
        matches!(&self.state, State::Serving(serving) if !serving.journal.owes_nothing())
    }

    /// The coordinator, if it serves.
    pub(super) fn core(&self) -> Option<&Coordinator> {
        match &self.state {
            State::Serving(serving) => Some(&serving.core),
            _ => None,
        }
    }

    /// The coordinator, if it serves.
    pub(super) fn core_mut(&mut self) -> Option<&mut Coordinator> {
        match &mut self.state {
            State::Serving(serving) => Some(&mut serving.core),
            _ => None,
        }
    }

    /// Groups of `cluster`, as far as they are known.
    pub(super) fn group_count(&self, cluster: VirtualClusterId) -> u32 {
        self.core().map_or(0, |core| core.group_count(cluster))
    }

    /// The batch that was under way is durable and begins at `base_offset`.
    pub(super) fn landed(&mut self, base_offset: Offset) {
        if let State::Serving(serving) = &mut self.state {
            serving.journal.landed(base_offset);
        }
    }

    /// Writes what the coordinator wants written, and answers what may be answered. Gives back
    /// where the log may begin from now on, if a snapshot has become durable.
    pub(super) fn pump(
        &mut self,
        at: Moment,
        map_version: CatalogVersion,
        callers: &mut Callers,
    ) -> Option<Offset> {
        let State::Serving(serving) = &mut self.state else {
            return None;
        };
        let journal = &mut serving.journal;
        while let Some(effect) = serving.core.poll_effect() {
            match effect {
                Effect::Write(records) => journal.write(at.now, records),
                Effect::Reply { call, reply } => journal.hold(call, reply),
            }
        }
        while let Some((call, answer)) = journal.next_answer() {
            callers.answer(call, answer);
        }
        if journal.snapshot_due(at.now) {
            journal.begin_snapshot();
            serving.snapshot_at = SnapshotPlace::default();
        }
        while journal.wants_snapshot_part(serving.batch_bytes_max) {
            journal.add_to_snapshot(serving.core.snapshot_part(&mut serving.snapshot_at));
        }
        if let Some(records) = journal.next_batch(serving.batch_bytes_max) {
            let batch = batch(&records, at.wall);
            let sent = serving.batches.try_send(Outgoing { batch, map_version });
            // The writer ends with this, or with the process.
            assert!(sent.is_ok(), "one batch is under way at a time");
        }
        journal.finish_snapshot()
    }
}
