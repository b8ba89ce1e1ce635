//! One member of a group.
//!
//! Owns: who it is, what it can do, what it is assigned, and which of its calls wait.

use std::sync::Arc;

use bytes::Bytes;

use crate::effect::CallId;
use crate::message::JoinGroup;

/// A member's id. Ids are kept in several indexes, so they are shared.
pub(crate) type MemberId = Arc<str>;

/// Bytes that a member takes beside what it brings along.
const MEMBER_BYTES: usize = 128;

/// Bytes that a protocol takes beside its name and metadata.
const PROTOCOL_BYTES: usize = 64;

/// A call that is not answered yet. Whoever has gone away still waits in the group's eyes, until the
/// answer would have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The call; none where the client is gone.
    pub call: Option<CallId>,
}

impl Waiting {
    pub(crate) fn new(call: CallId) -> Self {
        Self { call: Some(call) }
    }

    /// Lets go of `call`, and tells whether it was this one.
    pub(crate) fn abandon(&mut self, call: CallId) -> bool {
        let is_it = self.call == Some(call);
        if is_it {
            self.call = None;
        }
        is_it
    }
}

/// What a member can do: the most wanted first, each name once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocols(Vec<(String, Bytes)>);

impl Protocols {
    /// Takes the first of each name. The bytes are copied, since what came in is a piece of a larger
    /// request that must not be kept.
    pub(crate) fn new(offered: &[(String, Bytes)]) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let first = offered.iter().filter(|(name, _)| seen.insert(name));
        Self(
            first
                .map(|(name, metadata)| (name.clone(), Bytes::copy_from_slice(metadata)))
                .collect(),
        )
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The metadata for `protocol`; empty where the member does not know it.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.0.iter().find(|(name, _)| name == protocol);
        found
            .map(|(_, metadata)| metadata.clone())
            .unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        let bytes = |(name, metadata): &(String, Bytes)| name.len() + metadata.len();
        self.0.iter().map(bytes).sum::<usize>() + self.0.len() * PROTOCOL_BYTES
    }
}

/// A member.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// The name of a static member (KIP-345).
    pub instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub session_timeout_ms: u32,
    pub rebalance_timeout_ms: u32,
    pub protocols: Protocols,
    /// Its share of the generation that is complete; empty while none is.
    pub assignment: Bytes,
    /// Whether it has joined and waits for the rebalance to end.
    pub join: Option<Waiting>,
    /// Whether it waits for the leader's assignment.
    pub sync: Option<Waiting>,
    /// Whether no generation with it has begun: then its join does not keep it alive (it may have
    /// been sent again under another id).
    pub is_new: bool,
}

impl Member {
    /// The member that `join` asks for. A rebalance time-out that is missing (version 0) is that of
    /// the session.
    pub(crate) fn new(join: &JoinGroup) -> Self {
        let session_timeout_ms = u32::try_from(join.session_timeout_ms).unwrap_or(0);
        Self {
            instance_id: join.instance_id.clone(),
            client_id: join.client_id.clone(),
            client_host: join.client_host.clone(),
            session_timeout_ms,
            rebalance_timeout_ms: u32::try_from(join.rebalance_timeout_ms)
                .unwrap_or(session_timeout_ms),
            protocols: Protocols::new(&join.protocols),
            assignment: Bytes::new(),
            join: None,
            sync: None,
            is_new: true,
        }
    }

    pub(crate) fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    /// Whether a call of its waits, so that it need not send heartbeats.
    pub(crate) fn is_kept_by_a_call(&self) -> bool {
        let is_live = |waiting: &Waiting| waiting.call.is_some();
        let waits = self.join.iter().chain(&self.sync).any(is_live);
        !self.is_new && waits
    }

    /// Bytes that it takes, its assignment not counted.
    pub(crate) fn bytes(&self, id: &str) -> usize {
        let instance_bytes = self.instance_id.as_ref().map_or(0, String::len);
        let names = id.len() + instance_bytes + self.client_id.len() + self.client_host.len();
        MEMBER_BYTES + names + self.protocols.bytes()
    }
}

/// Bytes that a member takes that has yet to come again under its id.
pub(crate) fn pending_bytes(id: &str) -> usize {
    MEMBER_BYTES + id.len()
}
