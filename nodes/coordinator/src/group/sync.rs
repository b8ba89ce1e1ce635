//! SyncGroup: the leader's assignment, and who waits for it.
//!
//! Owns: the checks, the assignment of a generation. When the leader has sent it, the group is stored
//! and all that wait are answered.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::effect::CallId;
use crate::group::{Due, Group, Phase};
use crate::limits::ASSIGNMENT_BYTES_MAX;
use crate::message::{GroupError, GroupReply, SyncGroup, Synced};
use crate::turn::Turn;

impl Group {
    pub(super) fn sync(&mut self, call: CallId, sync: &SyncGroup, turn: &mut Turn) {
        let id = sync.membership.member_id.as_str();
        let outcome = self.check_sync(sync).and_then(|()| match self.phase {
            Phase::Stable => Ok(Some(self.synced(id))),
            Phase::Completing => self.check_assignment(sync).map(|()| None),
            Phase::Preparing(_) => Err(GroupError::RebalanceInProgress),
            Phase::Empty | Phase::Dead => Err(GroupError::UnknownMemberId),
        });
        match outcome {
            Err(error) => turn.reply(call, GroupReply::Sync(Err(error))),
            Ok(Some(synced)) => {
                self.note_sync(id);
                self.keep_alive(id, turn);
                turn.reply(call, GroupReply::Sync(Ok(synced)));
            }
            Ok(None) => self.wait_for_assignment(call, sync, turn),
        }
    }

    fn check_sync(&self, sync: &SyncGroup) -> Result<(), GroupError> {
        self.check_member(&sync.membership)?;
        let differs = |said: &Option<String>, is: &Option<String>| {
            said.is_some() && is.is_some() && said != is
        };
        if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol, &self.protocol)
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// An assignment must not be too large to be stored. Who has sent it is taken for not having
    /// synced, so that the others do not wait for it without end.
    fn check_assignment(&self, sync: &SyncGroup) -> Result<(), GroupError> {
        let bytes = sync.assignments.iter().map(|(_, bytes)| bytes.len());
        let leads = self.roster.is_leader(&sync.membership.member_id);
        if leads && bytes.sum::<usize>() > ASSIGNMENT_BYTES_MAX {
            Err(GroupError::GroupMaxSizeReached)
        } else {
            Ok(())
        }
    }

    fn wait_for_assignment(&mut self, call: CallId, sync: &SyncGroup, turn: &mut Turn) {
        let id = sync.membership.member_id.as_str();
        let mut member = self.roster.entry(id).expect("it was checked");
        let before = member.wait_to_sync(call);
        if let Some(call) = before.and_then(|before| before.call) {
            // The client has sent its sync again, so it does not wait for this one.
            let error = GroupError::RebalanceInProgress;
            turn.reply(call, GroupReply::Sync(Err(error)));
        }
        if self.roster.is_leader(id) {
            self.complete_generation(&sync.assignments, turn);
        }
        self.note_sync(id);
    }

    /// Gives each member what the leader gave it, nothing where it gave none.
    fn complete_generation(&mut self, assignments: &[(String, Bytes)], turn: &mut Turn) {
        let assignments: BTreeMap<&str, &Bytes> = assignments
            .iter()
            .map(|(id, bytes)| (id.as_str(), bytes))
            .collect();
        for id in self.roster.ids() {
            let assignment = assignments.get(&*id).map(|bytes| &bytes[..]);
            let mut member = self.roster.entry(&id).expect("the id was just read");
            // Copied, since what came in is a piece of a larger request that must not be kept.
            member.assign(Bytes::copy_from_slice(assignment.unwrap_or_default()));
        }
        self.phase = Phase::Stable;
        self.store(turn);
        for id in self.roster.ids() {
            let synced = self.synced(&id);
            self.answer_sync(&id, Ok(synced), turn);
        }
    }

    /// Answers all that wait for the assignment that it will not come.
    pub(super) fn refuse_syncs(&mut self, error: GroupError, turn: &mut Turn) {
        for id in self.roster.ids() {
            self.answer_sync(&id, Err(error), turn);
        }
    }

    /// Answers a member's sync, if one waits; its session begins anew then.
    fn answer_sync(&mut self, id: &str, reply: Result<Synced, GroupError>, turn: &mut Turn) {
        let waiting = self
            .roster
            .entry(id)
            .and_then(|mut member| member.end_sync());
        // Who has gone away is not answered, and is silent.
        if let Some(call) = waiting.and_then(|waiting| waiting.call) {
            turn.reply(call, GroupReply::Sync(reply));
            self.keep_alive(id, turn);
        }
    }

    fn synced(&self, id: &str) -> Synced {
        let member = self.roster.member(id);
        Synced {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: self.protocol.clone().unwrap_or_default(),
            assignment: member.map(|m| m.assignment.clone()).unwrap_or_default(),
        }
    }

    fn note_sync(&mut self, id: &str) {
        if self.roster.synced(id) {
            self.timers.clear(&Due::Sync);
        }
    }
}
