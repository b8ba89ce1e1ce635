//! Who is alive: heartbeats, and what happens where they end.
//!
//! Owns: sessions of members and of ids that were given out.

use crate::group::join::refused;
use crate::group::member::Member;
use crate::group::{Due, Group, Phase};
use crate::message::{GroupError, GroupReply, Membership};
use crate::turn::Turn;

impl Group {
    pub(super) fn heartbeat(
        &mut self,
        membership: &Membership,
        turn: &Turn,
    ) -> Result<(), GroupError> {
        self.check_member(membership)?;
        self.keep_alive(&membership.member_id, turn);
        match self.phase {
            Phase::Preparing(_) => Err(GroupError::RebalanceInProgress),
            Phase::Completing | Phase::Stable => Ok(()),
            Phase::Empty | Phase::Dead => Err(GroupError::UnknownMemberId),
        }
    }

    /// Begins a member's session anew.
    pub(super) fn keep_alive(&mut self, id: &str, turn: &Turn) {
        if let (Some(id), Some(member)) = (self.roster.id(id), self.roster.member(id)) {
            let ends = turn.after(u64::from(member.session_timeout_ms));
            self.timers.set(Due::Session(id), ends);
        }
    }

    /// A member was silent for as long as its session, or an id that was given out was not used.
    pub(super) fn session_ends(&mut self, id: &str, turn: &mut Turn) {
        if self.roster.remove_pending(id) {
            self.complete_if_all_joined(turn);
            return;
        }
        // A call that waits is a sign of life; the session begins anew with its answer.
        let kept = self.roster.member(id).is_none_or(Member::is_kept_by_a_call);
        if !kept {
            self.remove_member(id, turn);
            self.rebalance_or_go_on(turn);
        }
    }

    /// Takes a member out, and tells whoever waits for an answer to it that it is unknown now.
    pub(super) fn remove_member(&mut self, id: &str, turn: &mut Turn) {
        if self.roster.remove_pending(id) {
            self.timers.clear(&Due::Session(id.into()));
            return;
        }
        let error = GroupError::UnknownMemberId;
        self.answer_join(id, Err(refused(error, "")), turn);
        let Some(member) = self.roster.remove(id) else {
            return;
        };
        self.timers.clear(&Due::Session(id.into()));
        if let Some(call) = member.sync.and_then(|sync| sync.call) {
            turn.reply(call, GroupReply::Sync(Err(error)));
        }
    }
}
