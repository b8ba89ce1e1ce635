//! What is durable of a group: written when a generation is complete, when the group is empty, and
//! when a static member is replaced; read back in a replay.
//!
//! Owns: what of the state is written, and the state that a record gives.

use bytes::Bytes;
use model::TopicPartition;

use crate::codec::key::{group_key, offset_key};
use crate::codec::stored_group::{StoredGroup, StoredMember};
use crate::codec::stored_offset::StoredOffset;
use crate::effect::StoredRecord;
use crate::group::member::{Member, Protocols};
use crate::group::roster::Roster;
use crate::group::{Group, Phase};
use crate::turn::Turn;

impl Group {
    /// Writes the generation, which is complete or empty.
    pub(super) fn store(&mut self, turn: &mut Turn) {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = self.roster.iter();
        let members = members.map(|(id, member)| stored_member(id, member, protocol));
        let group = StoredGroup {
            generation: self.generation,
            changed_at: turn.wall(),
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.roster.leader().map(|id| id.to_string()),
            members: members.collect(),
        };
        let value = group.encode();
        self.stored = Some(value.clone());
        turn.write(StoredRecord {
            key: group_key(&self.key),
            value: Some(value),
        });
    }

    /// Writes that the group is gone, if anything was written of it.
    pub(super) fn forget_stored(&mut self, turn: &mut Turn) {
        if self.stored.take().is_some() {
            turn.write(StoredRecord {
                key: group_key(&self.key),
                value: None,
            });
        }
    }

    /// Takes in a record of the group, in a replay.
    pub(crate) fn restore(&mut self, group: StoredGroup, value: &[u8]) {
        let protocol = group.protocol.as_deref().unwrap_or_default();
        self.roster = Roster::default();
        for member in &group.members {
            let restored = restored_member(member, protocol);
            self.roster.insert(member.id.as_str().into(), restored);
        }
        self.roster.set_leader(group.leader.map(Into::into));
        self.phase = if self.roster.is_empty() {
            Phase::Empty
        } else {
            Phase::Stable
        };
        self.empty_since = self.roster.is_empty().then_some(group.changed_at);
        self.generation = group.generation;
        self.protocol_type = group.protocol_type;
        self.protocol = group.protocol;
        self.subscribed = self.subscribed_topics();
        self.stored = Some(Bytes::copy_from_slice(value));
    }

    /// Takes in that the group is gone, in a replay. Offsets that were not dropped stay.
    pub(crate) fn restore_nothing(&mut self) {
        let offsets = std::mem::take(&mut self.offsets);
        *self = Self::new(self.key.clone());
        self.offsets = offsets;
    }

    /// Takes in a record of an offset, in a replay.
    pub(crate) fn restore_offset(&mut self, key: TopicPartition, offset: Option<StoredOffset>) {
        match offset {
            Some(offset) => self.offsets.insert(key, offset),
            None => {
                self.offsets.remove(&key);
            }
        }
    }

    /// After a replay: the sessions of all members begin anew.
    pub(crate) fn resume(&mut self, turn: &Turn) {
        for id in self.roster.ids() {
            self.keep_alive(&id, turn);
        }
        self.settle(turn);
    }

    /// Records that rebuild what is durable of it.
    pub(crate) fn snapshot(&self) -> impl Iterator<Item = StoredRecord> + '_ {
        let group = self.stored.iter().map(|value| StoredRecord {
            key: group_key(&self.key),
            value: Some(value.clone()),
        });
        let offsets = self.offsets.iter().map(|(key, offset)| StoredRecord {
            key: offset_key(&self.key, key),
            value: Some(offset.encode()),
        });
        group.chain(offsets)
    }
}

fn stored_member(id: &str, member: &Member, protocol: &str) -> StoredMember {
    StoredMember {
        id: id.to_owned(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        session_timeout_ms: member.session_timeout_ms,
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        metadata: member.protocols.metadata(protocol),
        assignment: member.assignment.clone(),
    }
}

/// A member as it was in its generation: of its protocols, the chosen one is known.
fn restored_member(member: &StoredMember, protocol: &str) -> Member {
    Member {
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        session_timeout_ms: member.session_timeout_ms,
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        protocols: Protocols::new(&[(protocol.to_owned(), member.metadata.clone())]),
        assignment: member.assignment.clone(),
        join: None,
        sync: None,
        is_new: false,
    }
}
