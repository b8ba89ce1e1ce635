//! One group: the classic protocol (KIP-62, KIP-345, KIP-394, KIP-814) and its offsets.
//!
//! Owns: the state, the members, the offsets, the deadlines of one group. What it does with each call
//! lies in the files of this folder. Does not own: other groups, bytes (`codec`), the order of effects
//! (`turn`).
//!
//! ```text
//!             a member joins          all have joined, or       the leader has synced
//!            (then the initial        the time is over          (the group is stored)
//!              delay begins)
//!   ┌───────┐            ┌───────────┐            ┌────────────┐            ┌────────┐
//!   │ Empty ├───────────▶│ Preparing ├───────────▶│ Completing ├───────────▶│ Stable │
//!   └┬──▲───┘            └─┬───▲──▲──┘            └─────┬──────┘            └───┬────┘
//!    │  │ nobody is left   │   │  │   someone joins, leaves, dies,             │
//!    │  └──────────────────┘   │  └── or does not sync ───┘                     │
//!    │    (stored as empty)    └──── someone joins, leaves or dies, the leader ─┘
//!    │                               joins again, metadata change
//!    ▼ deleted, or nothing is left in it for long
//!   Dead
//! ```
//!
//! Invariants, asserted after each input: Preparing and Completing have a deadline that ends them;
//! Empty and Dead have no members; a generation that is complete has a protocol and a leader.
//!
//! What is durable of the members is the last record written: the last generation that was complete, or
//! that the group was empty. After a crash in the middle of a rebalance it is that generation that
//! stands again.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use model::{Timestamp, VirtualClusterId};

use crate::effect::CallId;
use crate::group::member::MemberId;
use crate::group::offsets::Offsets;
use crate::group::roster::Roster;
use crate::message::{GroupError, GroupReply, GroupRequest, GroupState, Membership};
use crate::timers::Timers;
use crate::turn::Turn;

pub(crate) mod commit;
pub(crate) mod describe;
pub(crate) mod join;
pub(crate) mod leave;
pub(crate) mod member;
pub(crate) mod offsets;
pub(crate) mod rebalance;
pub(crate) mod retention;
pub(crate) mod roster;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod sync;

/// Whose group it is, and its id. Ordered by virtual cluster first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupKey {
    pub cluster: VirtualClusterId,
    pub id: Arc<str>,
}

/// Where a group is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Empty,
    /// Members are joining; the first ones of an empty group wait for others.
    Preparing(Option<InitialDelay>),
    Completing,
    Stable,
    Dead,
}

/// How the first rebalance of an empty group waits: step by step, one more for as long as members
/// come, up to the rebalance time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InitialDelay {
    /// The step that goes on.
    pub step_ms: u64,
    /// What may follow.
    pub remaining_ms: u64,
    /// The longest step.
    pub step_ms_max: u64,
    /// Whether a member has come in this step.
    pub has_grown: bool,
}

/// What a group's deadline is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A member's silence, or that of an id that was given out.
    Session(MemberId),
    /// The end of joining.
    Rebalance,
    /// The end of waiting for syncs.
    Sync,
    /// An offset's end.
    Offsets,
    /// The end of a group that holds nothing.
    Vacant,
}

/// Whose call it is, and the chance that came with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub call: CallId,
    pub chance: [u8; 16],
}

/// A group.
#[derive(Debug)]
pub(crate) struct Group {
    key: GroupKey,
    phase: Phase,
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    /// Topics that members of this generation read; none where that is not known.
    subscribed: Option<BTreeSet<String>>,
    roster: Roster,
    offsets: Offsets,
    /// When the last member left; none where there never was one.
    empty_since: Option<Timestamp>,
    /// The value of the group's record as it was last written.
    stored: Option<Bytes>,
    timers: Timers<Due>,
}

impl Group {
    /// A group without members and offsets.
    pub(crate) fn new(key: GroupKey) -> Self {
        Self {
            key,
            phase: Phase::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            subscribed: None,
            roster: Roster::default(),
            offsets: Offsets::default(),
            empty_since: None,
            stored: None,
            timers: Timers::default(),
        }
    }

    /// Takes a call.
    pub(crate) fn handle(&mut self, caller: Caller, request: GroupRequest, turn: &mut Turn) {
        let call = caller.call;
        match request {
            GroupRequest::Join(join) => self.join(caller, &join, turn),
            GroupRequest::Sync(sync) => self.sync(call, &sync, turn),
            GroupRequest::Heartbeat(membership) => {
                let reply = self.heartbeat(&membership, turn);
                turn.reply(call, GroupReply::Heartbeat(reply));
            }
            GroupRequest::Leave(leave) => {
                let reply = self.leave(&leave, turn);
                turn.reply(call, GroupReply::Leave(Ok(reply)));
            }
            GroupRequest::CommitOffsets(commit) => {
                let reply = self.commit(&commit, turn);
                turn.reply(call, GroupReply::CommitOffsets(reply));
            }
            GroupRequest::FetchOffsets(fetch) => {
                let found = self.offsets.fetch(fetch.partitions.as_deref());
                turn.reply(call, GroupReply::FetchOffsets(Ok(found)));
            }
            GroupRequest::DeleteOffsets(delete) => {
                let reply = self.delete_offsets(&delete, turn);
                turn.reply(call, GroupReply::DeleteOffsets(reply));
            }
            GroupRequest::Describe => {
                turn.reply(call, GroupReply::Describe(Ok(self.describe())));
            }
            GroupRequest::Delete => {
                let reply = self.delete(turn);
                turn.reply(call, GroupReply::Delete(reply));
            }
        }
        self.settle(turn);
    }

    /// Does all that is due.
    pub(crate) fn handle_timeout(&mut self, turn: &mut Turn) {
        while let Some(due) = self.timers.take_due(turn.at.now) {
            match due {
                Due::Session(id) => self.session_ends(&id, turn),
                Due::Rebalance => self.joining_ends(turn),
                Due::Sync => self.syncing_ends(turn),
                Due::Offsets => self.expire_offsets(turn),
                Due::Vacant => self.vacancy_ends(turn),
            }
            self.settle(turn);
        }
    }

    /// The client that waits for `call` is gone.
    pub(crate) fn abandon(&mut self, call: CallId, turn: &Turn) {
        if let Some(id) = self.roster.abandon(call) {
            self.keep_alive(&id, turn);
        }
    }

    pub(crate) fn first_deadline(&self) -> Option<model::Instant> {
        self.timers.first()
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.phase == Phase::Dead
    }

    /// Whether nothing is in it.
    pub(crate) fn is_vacant(&self) -> bool {
        self.phase == Phase::Empty && !self.roster.has_pending() && self.offsets.is_empty()
    }

    /// Whether something of it is written.
    pub(crate) fn is_stored(&self) -> bool {
        self.stored.is_some() || !self.offsets.is_empty()
    }

    pub(crate) fn state(&self) -> GroupState {
        match self.phase {
            Phase::Empty => GroupState::Empty,
            Phase::Preparing(_) => GroupState::PreparingRebalance,
            Phase::Completing => GroupState::CompletingRebalance,
            Phase::Stable => GroupState::Stable,
            Phase::Dead => GroupState::Dead,
        }
    }

    /// Whether who speaks is a member of the generation that stands.
    fn check_member(&self, membership: &Membership) -> Result<(), GroupError> {
        let instance_id = membership.instance_id.as_deref();
        self.roster.check(&membership.member_id, instance_id)?;
        if membership.generation == self.generation {
            Ok(())
        } else {
            Err(GroupError::IllegalGeneration)
        }
    }

    /// Brings the deadlines of what is left in it up to date, and checks the invariants.
    fn settle(&mut self, turn: &Turn) {
        self.await_expiry(turn);
        let needs = match self.phase {
            Phase::Preparing(_) => Some(Due::Rebalance),
            Phase::Completing => Some(Due::Sync),
            Phase::Empty | Phase::Stable | Phase::Dead => None,
        };
        let ends = needs.is_none_or(|due| self.timers.contains(&due));
        assert!(ends, "a rebalance always ends");
        let lives = matches!(self.phase, Phase::Completing | Phase::Stable);
        assert!(
            !lives || (self.protocol.is_some() && self.roster.leader().is_some()),
            "a generation has a protocol and a leader"
        );
        let is_empty = matches!(self.phase, Phase::Empty | Phase::Dead);
        assert!(!is_empty || self.roster.is_empty(), "empty is empty");
    }
}
