//! The members of a group, with the indexes over them.
//!
//! Owns: members, the ids given out to members that have yet to come, who is static, who leads, which
//! protocols all can do. Does not own: when members come and go (`join`, `session`).
//!
//! Invariants: an id is a member's or pending, never both; static names map to members; the leader is a
//! member, and there is one whenever there are members; counts and bytes are those of the members.

use std::collections::{BTreeMap, BTreeSet};

use crate::effect::CallId;
use crate::group::member::{Member, MemberId, Protocols, Waiting, pending_bytes};
use crate::message::{GroupError, JoinedMember};

/// Members and who they are to each other.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    members: BTreeMap<MemberId, Member>,
    static_ids: BTreeMap<String, MemberId>,
    pending: BTreeSet<MemberId>,
    /// Members that have not synced in this generation.
    unsynced: BTreeSet<MemberId>,
    leader: Option<MemberId>,
    /// How many members can do a protocol.
    supporters: BTreeMap<String, usize>,
    joining: usize,
    bytes: usize,
}

impl Roster {
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&MemberId, &Member)> {
        self.members.iter()
    }

    /// All ids, for a loop that changes members.
    pub(crate) fn ids(&self) -> Vec<MemberId> {
        self.members.keys().cloned().collect()
    }

    pub(crate) fn member(&self, id: &str) -> Option<&Member> {
        self.members.get(id)
    }

    /// The id as it is kept.
    pub(crate) fn id(&self, id: &str) -> Option<MemberId> {
        self.members.get_key_value(id).map(|(id, _)| id.clone())
    }

    pub(crate) fn static_id(&self, instance_id: &str) -> Option<MemberId> {
        self.static_ids.get(instance_id).cloned()
    }

    pub(crate) fn leader(&self) -> Option<&MemberId> {
        self.leader.as_ref()
    }

    pub(crate) fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    pub(crate) fn set_leader(&mut self, leader: Option<MemberId>) {
        self.leader = leader;
    }

    /// Whether `id` may speak, under the static name that it gives (KIP-345).
    pub(crate) fn check(&self, id: &str, instance_id: Option<&str>) -> Result<(), GroupError> {
        if let Some(instance_id) = instance_id {
            match self.static_ids.get(instance_id) {
                None => return Err(GroupError::UnknownMemberId),
                Some(known) if **known != *id => return Err(GroupError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(id) {
            Ok(())
        } else {
            Err(GroupError::UnknownMemberId)
        }
    }

    /// Adds a member; the first one leads.
    pub(crate) fn insert(&mut self, id: MemberId, member: Member) {
        self.remove_pending(&id);
        self.bytes += member.bytes(&id);
        self.count_protocols(&member.protocols);
        self.joining += usize::from(member.join.is_some());
        if let Some(instance_id) = &member.instance_id {
            let other = self.static_ids.insert(instance_id.clone(), id.clone());
            assert!(other.is_none(), "a static name has one member at a time");
        }
        self.leader.get_or_insert_with(|| id.clone());
        let other = self.members.insert(id, member);
        assert!(other.is_none(), "a member's id is given out once");
    }

    /// Takes a member out; where it led, another leads.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Member> {
        let (id, member) = self.members.remove_entry(id)?;
        self.bytes -= member.bytes(&id);
        self.discount_protocols(&member.protocols);
        self.joining -= usize::from(member.join.is_some());
        if let Some(instance_id) = &member.instance_id {
            self.static_ids.remove(instance_id);
        }
        self.unsynced.remove(&id);
        if self.is_leader(&id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// Puts `member` where the member `old` was, whom it takes over the lead from and the state of
    /// its sync. Returns the old one.
    pub(crate) fn replace(&mut self, old: &str, id: MemberId, member: Member) -> Member {
        let leads = self.is_leader(old);
        let is_unsynced = self.unsynced.contains(old);
        let old = self.remove(old).expect("the caller has found it");
        self.insert(id.clone(), member);
        if is_unsynced {
            self.unsynced.insert(id.clone());
        }
        if leads {
            self.leader = Some(id);
        }
        old
    }

    /// Takes over what a member asks for when it joins again.
    pub(crate) fn update(&mut self, id: &str, asked: Member) {
        let member = self.members.get_mut(id).expect("the caller has found it");
        let was_bytes = member.bytes(id);
        let was = std::mem::replace(&mut member.protocols, asked.protocols);
        member.session_timeout_ms = asked.session_timeout_ms;
        member.rebalance_timeout_ms = asked.rebalance_timeout_ms;
        self.bytes = self.bytes - was_bytes + member.bytes(id);
        let is = member.protocols.clone();
        self.discount_protocols(&was);
        self.count_protocols(&is);
    }

    /// Lets a member wait for the end of the rebalance. Returns what it waited with before.
    pub(crate) fn wait_to_join(&mut self, id: &str, call: CallId) -> Option<Waiting> {
        let member = self.members.get_mut(id).expect("the caller has found it");
        let before = member.join.replace(Waiting::new(call));
        self.joining += usize::from(before.is_none());
        before
    }

    /// Ends a member's waiting for the end of the rebalance.
    pub(crate) fn end_join(&mut self, id: &str) -> Option<Waiting> {
        let waiting = self.members.get_mut(id)?.join.take();
        self.joining -= usize::from(waiting.is_some());
        waiting
    }

    /// A member to change in what no index knows.
    pub(crate) fn entry(&mut self, id: &str) -> Option<Entry<'_>> {
        self.members.get_mut(id).map(|member| Entry { member })
    }

    /// Lets go of a call that waits, and tells whose it was.
    pub(crate) fn abandon(&mut self, call: CallId) -> Option<MemberId> {
        self.members.iter_mut().find_map(|(id, member)| {
            let mut waits = member.join.iter_mut().chain(&mut member.sync);
            let is_its = waits.any(|waiting| waiting.abandon(call));
            is_its.then(|| MemberId::clone(id))
        })
    }

    /// How many wait for the end of the rebalance.
    pub(crate) fn joining(&self) -> usize {
        self.joining
    }

    /// Whether nobody is missing.
    pub(crate) fn all_joined(&self) -> bool {
        self.joining == self.len() && self.pending.is_empty()
    }

    /// Members that a rebalance goes on without: a static one may come back under its name.
    pub(crate) fn not_rejoined(&self) -> Vec<MemberId> {
        let missing = |member: &Member| member.join.is_none() && !member.is_static();
        let missing = self.iter().filter(|(_, member)| missing(member));
        missing.map(|(id, _)| id.clone()).collect()
    }

    /// Keeps the leader if it has joined, else takes one that has. Whether there is one.
    pub(crate) fn elect(&mut self) -> bool {
        let has_joined = |id: &MemberId| self.members.get(id).is_some_and(|m| m.join.is_some());
        if !self.leader.as_ref().is_some_and(has_joined) {
            let joined = self.members.keys().find(|id| has_joined(id)).cloned();
            if joined.is_none() {
                return false;
            }
            self.leader = joined;
        }
        true
    }

    /// How long a rebalance may take: as long as the slowest member asks for.
    pub(crate) fn rebalance_timeout_ms(&self) -> u64 {
        let timeouts = self.members.values().map(|m| m.rebalance_timeout_ms);
        u64::from(timeouts.max().unwrap_or(0))
    }

    /// Whether a member with these protocols fits the others.
    pub(crate) fn has_in_common(&self, protocols: &Protocols) -> bool {
        protocols.names().any(|name| self.is_common(name))
    }

    fn is_common(&self, protocol: &str) -> bool {
        self.supporters.get(protocol).copied().unwrap_or(0) == self.len()
    }

    /// The protocol with the most votes: each member has one, for what it wants most of what all can
    /// do. The first by name where votes are equal.
    pub(crate) fn choose_protocol(&self) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let vote = member.protocols.names().find(|name| self.is_common(name));
            let vote = vote.expect("each join is checked for a protocol in common");
            *votes.entry(vote).or_default() += 1;
        }
        let most = votes.into_iter().rev().max_by_key(|(_, votes)| *votes);
        most.expect("a group with members chooses").0.to_owned()
    }

    /// What the leader is told of the members.
    pub(crate) fn for_leader(&self, protocol: &str) -> Vec<JoinedMember> {
        let members = self.iter().map(|(id, member)| JoinedMember {
            member_id: id.to_string(),
            instance_id: member.instance_id.clone(),
            metadata: member.protocols.metadata(protocol),
        });
        members.collect()
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(crate) fn is_pending(&self, id: &str) -> bool {
        self.pending.contains(id)
    }

    pub(crate) fn add_pending(&mut self, id: MemberId) {
        self.bytes += pending_bytes(&id);
        let is_new = self.pending.insert(id);
        assert!(is_new, "a member's id is given out once");
    }

    /// Forgets an id that was given out, and tells whether it was.
    pub(crate) fn remove_pending(&mut self, id: &str) -> bool {
        let was_pending = self.pending.remove(id);
        if was_pending {
            self.bytes -= pending_bytes(id);
        }
        was_pending
    }

    /// All members have yet to sync.
    pub(crate) fn await_syncs(&mut self) {
        self.unsynced = self.members.keys().cloned().collect();
    }

    /// Nobody has to sync any more.
    pub(crate) fn forget_syncs(&mut self) {
        self.unsynced.clear();
    }

    /// Notes a member's sync, and tells whether all have synced.
    pub(crate) fn synced(&mut self, id: &str) -> bool {
        self.unsynced.remove(id);
        self.unsynced.is_empty()
    }

    pub(crate) fn unsynced(&self) -> Vec<MemberId> {
        self.unsynced.iter().cloned().collect()
    }

    /// Bytes of all members and of the ids given out.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn count_protocols(&mut self, protocols: &Protocols) {
        for name in protocols.names() {
            *self.supporters.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn discount_protocols(&mut self, protocols: &Protocols) {
        for name in protocols.names() {
            let count = self.supporters.get_mut(name).expect("it was counted");
            *count -= 1;
            if *count == 0 {
                self.supporters.remove(name);
            }
        }
    }
}

/// The parts of a member that stand in no index.
pub(crate) struct Entry<'a> {
    member: &'a mut Member,
}

impl Entry<'_> {
    pub(crate) fn assign(&mut self, assignment: bytes::Bytes) {
        self.member.assignment = assignment;
    }

    pub(crate) fn wait_to_sync(&mut self, call: CallId) -> Option<Waiting> {
        self.member.sync.replace(Waiting::new(call))
    }

    pub(crate) fn end_sync(&mut self) -> Option<Waiting> {
        self.member.sync.take()
    }

    pub(crate) fn begin_generation(&mut self) {
        self.member.is_new = false;
        self.member.assignment = bytes::Bytes::new();
    }
}
