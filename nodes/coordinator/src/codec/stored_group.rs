//! A group as it is written: one generation that is complete, or an empty one.
//!
//! Owns: the fields, their bytes, and what must hold between them.
//!
//! Invariants: members ascend by id, instance ids differ; a group with members has a protocol type, a
//! protocol, and a leader among its members; one without has neither protocol nor leader.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::Timestamp;

use crate::codec::{Reader, Writer};
use crate::effect::ReplayError;

/// Bytes of the smallest member: five lengths, one absence, two numbers.
const MEMBER_BYTES_MIN: usize = 8;

/// What is kept of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredGroup {
    /// Its generation, from 0.
    pub generation: i32,
    /// When it came to its state.
    pub changed_at: Timestamp,
    pub protocol_type: Option<String>,
    pub protocol: Option<String>,
    pub leader: Option<String>,
    pub members: Vec<StoredMember>,
}

/// What is kept of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredMember {
    pub id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub session_timeout_ms: u32,
    pub rebalance_timeout_ms: u32,
    /// For the chosen protocol.
    pub metadata: Bytes,
    pub assignment: Bytes,
}

impl StoredGroup {
    /// The value of its record.
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new();
        writer.varint(u64::from(self.generation.unsigned_abs()));
        writer.signed(self.changed_at.0);
        writer.optional_text(self.protocol_type.as_deref());
        writer.optional_text(self.protocol.as_deref());
        writer.optional_text(self.leader.as_deref());
        writer.varint(self.members.len() as u64);
        for member in &self.members {
            member.encode(&mut writer);
        }
        writer.finish()
    }

    /// Reads the value of a record.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ReplayError> {
        let mut reader = Reader::new(bytes)?;
        let group = Self {
            generation: reader.number("a generation is out of range")?,
            changed_at: Timestamp(reader.signed()?),
            protocol_type: reader.optional_text()?.map(str::to_owned),
            protocol: reader.optional_text()?.map(str::to_owned),
            leader: reader.optional_text()?.map(str::to_owned),
            members: members(&mut reader)?,
        };
        reader.finish()?;
        group.check()?;
        Ok(group)
    }

    fn check(&self) -> Result<(), ReplayError> {
        let ids = self.members.windows(2);
        if !ids.into_iter().all(|pair| pair[0].id < pair[1].id) {
            return Err(ReplayError::Invalid("members do not ascend"));
        }
        let mut instances = BTreeSet::new();
        let instance_ids = self.members.iter().flat_map(|member| &member.instance_id);
        if !instance_ids.into_iter().all(|id| instances.insert(id)) {
            return Err(ReplayError::Invalid("two members have one instance id"));
        }
        let complete = if self.members.is_empty() {
            self.protocol.is_none() && self.leader.is_none()
        } else {
            let leads = |id: &String| self.members.iter().any(|member| member.id == *id);
            self.protocol_type.is_some()
                && self.protocol.is_some()
                && self.leader.as_ref().is_some_and(leads)
        };
        if complete {
            Ok(())
        } else {
            Err(ReplayError::Invalid(
                "protocol and leader do not fit the members",
            ))
        }
    }
}

fn members(reader: &mut Reader<'_>) -> Result<Vec<StoredMember>, ReplayError> {
    let count = reader.count(MEMBER_BYTES_MIN)?;
    (0..count).map(|_| StoredMember::decode(reader)).collect()
}

impl StoredMember {
    fn encode(&self, writer: &mut Writer) {
        writer.bytes(self.id.as_bytes());
        writer.optional_text(self.instance_id.as_deref());
        writer.bytes(self.client_id.as_bytes());
        writer.bytes(self.client_host.as_bytes());
        writer.varint(u64::from(self.session_timeout_ms));
        writer.varint(u64::from(self.rebalance_timeout_ms));
        writer.bytes(&self.metadata);
        writer.bytes(&self.assignment);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, ReplayError> {
        Ok(Self {
            id: reader.text()?.to_owned(),
            instance_id: reader.optional_text()?.map(str::to_owned),
            client_id: reader.text()?.to_owned(),
            client_host: reader.text()?.to_owned(),
            session_timeout_ms: reader.number("a session time-out is out of range")?,
            rebalance_timeout_ms: reader.number("a rebalance time-out is out of range")?,
            metadata: Bytes::copy_from_slice(reader.bytes()?),
            assignment: Bytes::copy_from_slice(reader.bytes()?),
        })
    }
}
