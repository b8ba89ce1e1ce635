//! JoinGroup: who may join, under which id, and whether that begins a rebalance.
//!
//! Owns: the checks, ids of new members, the replacement of static ones. Does not own: the rebalance
//! itself (`rebalance`).
//!
//! As in Apache Kafka, a static member that comes back to a stable group takes its place without a
//! rebalance as long as the chosen protocol stays, even where its metadata is another: those of a
//! cooperative consumer always are, since it owns nothing any more. Unlike there, it may do so in a
//! group that is full.

use std::fmt::Write;

use crate::group::member::{Member, MemberId, Protocols, pending_bytes};
use crate::group::{Caller, Due, Group, Phase};
use crate::limits::{MEMBERS_BYTES_MAX, NEW_MEMBER_JOIN_TIMEOUT_MS};
use crate::message::{GroupError, GroupReply, JoinGroup, JoinRefused, Joined};
use crate::turn::Turn;

impl Group {
    pub(super) fn join(&mut self, caller: Caller, join: &JoinGroup, turn: &mut Turn) {
        if let Err(refused) = self.try_join(caller, join, turn) {
            turn.reply(caller.call, GroupReply::Join(Err(refused)));
        }
    }

    /// Answers at once, lets the call wait, or refuses it.
    fn try_join(
        &mut self,
        caller: Caller,
        join: &JoinGroup,
        turn: &mut Turn,
    ) -> Result<(), JoinRefused> {
        let refused = |error| refused(error, &join.member_id);
        let asked = Member::new(join);
        if !self.has_room(join, &asked, turn) {
            self.leave_behind(&join.member_id, turn);
            return Err(JoinRefused {
                error: GroupError::GroupMaxSizeReached,
                member_id: String::new(),
            });
        }
        if !self.fits(&join.protocol_type, &asked.protocols) {
            return Err(refused(GroupError::InconsistentGroupProtocol));
        }
        if join.member_id.is_empty() {
            return self.join_as_new(caller, join, asked, turn);
        }
        if self.roster.is_pending(&join.member_id) {
            if join.instance_id.is_some() {
                return Err(refused(GroupError::UnknownMemberId));
            }
            let id = join.member_id.as_str().into();
            self.add_member(caller, id, (join, asked), turn);
            return Ok(());
        }
        self.roster
            .check(&join.member_id, join.instance_id.as_deref())
            .map_err(refused)?;
        self.join_again(caller, join, asked, turn);
        Ok(())
    }

    /// Whether the group takes whoever joins: it may have no more members than are allowed, and no
    /// more bytes of them. While members join, those that wait are counted, so that of a group that is
    /// too large the last ones go.
    fn has_room(&self, join: &JoinGroup, asked: &Member, turn: &Turn) -> bool {
        let known = self.known(join);
        let known_bytes = match (&known, self.roster.is_pending(&join.member_id)) {
            (Some(id), _) => self.roster.member(id).map_or(0, |member| member.bytes(id)),
            (None, true) => pending_bytes(&join.member_id),
            (None, false) => 0,
        };
        let id_bytes = if join.member_id.is_empty() {
            name_of(join).len() + UUID_BYTES
        } else {
            join.member_id.len()
        };
        let bytes = self.roster.bytes() - known_bytes + asked.bytes("") + id_bytes;
        let members_max = turn.settings.members_max as usize;
        let fits = match self.phase {
            Phase::Empty | Phase::Dead => true,
            Phase::Preparing(_) => {
                let waits =
                    |id: &MemberId| self.roster.member(id).is_some_and(|m| m.join.is_some());
                known.as_ref().is_some_and(waits) || self.roster.joining() < members_max
            }
            Phase::Completing | Phase::Stable => known.is_some() || self.roster.len() < members_max,
        };
        fits && bytes <= MEMBERS_BYTES_MAX
    }

    /// Of a rebalance, the group goes on without a member that it has no room for.
    fn leave_behind(&mut self, id: &str, turn: &mut Turn) {
        if matches!(self.phase, Phase::Preparing(_)) {
            self.remove_member(id, turn);
            self.complete_if_all_joined(turn);
        }
    }

    /// The member that joins again, by its id or its static name.
    fn known(&self, join: &JoinGroup) -> Option<MemberId> {
        if join.member_id.is_empty() {
            let instance_id = join.instance_id.as_deref()?;
            self.roster.static_id(instance_id)
        } else {
            self.roster.id(&join.member_id)
        }
    }

    fn fits(&self, protocol_type: &str, protocols: &Protocols) -> bool {
        if self.phase == Phase::Empty {
            !protocol_type.is_empty() && protocols.names().next().is_some()
        } else {
            self.protocol_type.as_deref() == Some(protocol_type)
                && self.roster.has_in_common(protocols)
        }
    }

    fn join_as_new(
        &mut self,
        caller: Caller,
        join: &JoinGroup,
        asked: Member,
        turn: &mut Turn,
    ) -> Result<(), JoinRefused> {
        let id = new_member_id(name_of(join), caller.chance);
        if let Some(old) = self.known(join) {
            self.replace_static(caller, (&old, id), (join, asked), turn);
        } else if join.instance_id.is_none() && join.requires_known_member_id {
            let refused = refused(GroupError::MemberIdRequired, &id);
            self.roster.add_pending(id.clone());
            let ends = turn.after(u64::from(asked.session_timeout_ms));
            self.timers.set(Due::Session(id), ends);
            return Err(refused);
        } else {
            self.add_member(caller, id, (join, asked), turn);
        }
        Ok(())
    }

    fn add_member(
        &mut self,
        caller: Caller,
        id: MemberId,
        (join, asked): (&JoinGroup, Member),
        turn: &mut Turn,
    ) {
        if self.roster.is_empty() {
            self.protocol_type = Some(join.protocol_type.clone());
        }
        if let Phase::Preparing(Some(delay)) = &mut self.phase {
            delay.has_grown = true;
        }
        self.roster.insert(id.clone(), asked);
        self.roster.wait_to_join(&id, caller.call);
        // It does not know its id yet and cannot send heartbeats; but if its client has given up, it
        // may come again under another one, and must not be waited for without end.
        let ends = turn.after(NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.timers.set(Due::Session(id), ends);
        self.rebalance_or_go_on(turn);
    }

    /// A member that is known joins. It is answered at once where nothing changes by it.
    fn join_again(&mut self, caller: Caller, join: &JoinGroup, asked: Member, turn: &mut Turn) {
        let id = join.member_id.as_str();
        let known = self.roster.member(id);
        let is_same = known.is_some_and(|member| member.protocols == asked.protocols);
        let nothing_changes = match self.phase {
            // It may not have got the answer to its first join.
            Phase::Completing => is_same,
            // A leader that joins again wants to assign anew, say because topics have changed.
            Phase::Stable => is_same && !self.roster.is_leader(id),
            Phase::Preparing(_) | Phase::Empty | Phase::Dead => false,
        };
        if nothing_changes {
            let joined = self.joined(id);
            turn.reply(caller.call, GroupReply::Join(Ok(joined)));
            return;
        }
        self.roster.update(id, asked);
        if let Some(before) = self.roster.wait_to_join(id, caller.call) {
            // The client has sent its join again, so it does not wait for this one.
            let error = refused(GroupError::RebalanceInProgress, id);
            answer(before.call, Err(error), turn);
        }
        self.rebalance_or_go_on(turn);
    }

    /// A static member comes under a new id (KIP-345); whoever speaks under the old one is fenced.
    fn replace_static(
        &mut self,
        caller: Caller,
        (old, id): (&MemberId, MemberId),
        (join, asked): (&JoinGroup, Member),
        turn: &mut Turn,
    ) {
        let leader_before = self.roster.leader().cloned();
        let mut member = asked;
        let known = self.roster.member(old).expect("it was found by its name");
        member.is_new = false;
        member.assignment = known.assignment.clone();
        let fenced = self.roster.replace(old, id.clone(), member);
        self.timers.clear(&Due::Session(old.clone()));
        let error = refused(GroupError::FencedInstanceId, old);
        answer(fenced.join.and_then(|join| join.call), Err(error), turn);
        if let Some(call) = fenced.sync.and_then(|sync| sync.call) {
            turn.reply(call, GroupReply::Sync(Err(GroupError::FencedInstanceId)));
        }
        self.roster.wait_to_join(&id, caller.call);
        self.keep_alive(&id, turn);
        let keeps_protocol = self.phase == Phase::Stable
            && self.protocol.as_ref() == Some(&self.roster.choose_protocol());
        if keeps_protocol {
            self.subscribed = self.subscribed_topics();
            self.store(turn);
            let mut joined = self.joined(&id);
            if join.can_skip_assignment {
                joined.skip_assignment = self.roster.is_leader(&id);
            } else {
                // A client that cannot skip must not take itself for the leader: it would assign.
                joined.leader = leader_before.map(|id| id.to_string()).unwrap_or_default();
                joined.members.clear();
            }
            self.answer_join(&id, Ok(joined), turn);
        } else {
            self.rebalance_or_go_on(turn);
        }
    }

    /// What a member is told of the generation that stands.
    pub(super) fn joined(&self, id: &str) -> Joined {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = if self.roster.is_leader(id) {
            self.roster.for_leader(&protocol)
        } else {
            Vec::new()
        };
        Joined {
            member_id: id.to_owned(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol,
            leader: self
                .roster
                .leader()
                .map(|id| id.to_string())
                .unwrap_or_default(),
            members,
            skip_assignment: false,
        }
    }

    /// Answers a member's join, if one waits.
    pub(super) fn answer_join(
        &mut self,
        id: &str,
        reply: Result<Joined, JoinRefused>,
        turn: &mut Turn,
    ) {
        if let Some(waiting) = self.roster.end_join(id) {
            answer(waiting.call, reply, turn);
        }
    }
}

fn answer(
    call: Option<crate::effect::CallId>,
    reply: Result<Joined, JoinRefused>,
    turn: &mut Turn,
) {
    if let Some(call) = call {
        turn.reply(call, GroupReply::Join(reply));
    }
}

pub(crate) fn refused(error: GroupError, member_id: &str) -> JoinRefused {
    JoinRefused {
        error,
        member_id: member_id.to_owned(),
    }
}

/// What a member's id begins with.
fn name_of(join: &JoinGroup) -> &str {
    join.instance_id.as_deref().unwrap_or(&join.client_id)
}

/// Bytes of a UUID as text, and of the dash before it.
const UUID_BYTES: usize = 37;

/// Kafka's form: a name, and a random UUID (version 4).
fn new_member_id(name: &str, mut chance: [u8; 16]) -> MemberId {
    chance[6] = chance[6] & 0x0f | 0x40;
    chance[8] = chance[8] & 0x3f | 0x80;
    let mut id = format!("{name}-");
    for (index, byte) in chance.iter().enumerate() {
        let dash = if matches!(index, 4 | 6 | 8 | 10) {
            "-"
        } else {
            ""
        };
        write!(id, "{dash}{byte:02x}").expect("a string takes all that is written");
    }
    id.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_id_is_a_name_and_a_uuid() {
        let id = new_member_id("app", [0xff; 16]);
        assert_eq!(&*id, "app-ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
