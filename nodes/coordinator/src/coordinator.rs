//! The coordinator of one shard: its groups, found by virtual cluster and id.
//!
//! Owns: the map of groups, the number of groups of each virtual cluster, the order of effects.
//! Does not own: what a group does with a call (`group`), what is written of it (`codec`), time,
//! chance, the log.

use std::collections::VecDeque;

use model::{GroupSettings, Instant, TopicId, TopicName, VirtualClusterId};

use crate::effect::{
    CallId, CommittedOffset, Effect, GroupRules, Moment, ReplayError, StoredRecord,
};
use crate::message::{GroupCall, GroupError, ListedGroup};

/// The groups of one shard, of all virtual clusters.
///
/// Calls, time and replayed records go in; effects come out. State changes at once, and writes that
/// fail end the process, so nothing is ever taken back; what a reply tells is durable because the
/// shell holds it until every write before it is.
#[derive(Debug, Default)]
pub struct Coordinator {
    effects: VecDeque<Effect>,
}

impl Coordinator {
    /// A shard without groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a call. `chance` is 16 random bytes, for a member's id if one is needed.
    pub fn handle(
        &mut self,
        _at: Moment,
        call_id: CallId,
        _call: GroupCall,
        _rules: &GroupRules,
        _chance: [u8; 16],
    ) {
        self.effects.push_back(Effect::Reply {
            call: call_id,
            reply: Err(GroupError::NotAvailable),
        });
    }

    /// What is to be done next; none when all has been told.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Does all that is due.
    pub fn handle_timeout(&mut self, _at: Moment) {}

    /// The client that waits for `call` is gone: it is not answered. Its member stays until its
    /// session ends, as in Kafka.
    pub fn abandon(&mut self, _call: CallId) {}

    /// Tells how a virtual cluster runs its groups. Each call tells so as well; until either has
    /// been, no offset of the cluster expires.
    pub fn configure(&mut self, _cluster: VirtualClusterId, _settings: &GroupSettings) {}

    /// Drops the offsets of topics that are gone.
    pub fn forget_topics(&mut self, _gone: &dyn Fn(TopicId) -> bool) {}

    /// Drops a virtual cluster that is gone, with all its groups; calls that wait are refused.
    pub fn forget_cluster(&mut self, _cluster: VirtualClusterId) {}

    /// Drops offsets of topics that no member of a living consumer group reads any more, once they
    /// are old enough (KIP-211). To be called now and then; Kafka looks every ten minutes. Topics
    /// that `name_of` does not know stay.
    pub fn expire_unsubscribed(
        &mut self,
        _at: Moment,
        _name_of: &dyn Fn(TopicId) -> Option<TopicName>,
    ) {
    }

    /// Takes in a record that was written. Nothing else may have been handled before.
    pub fn replay(&mut self, _record: StoredRecord) -> Result<(), ReplayError> {
        Ok(())
    }

    /// Ends the replay: the sessions of all members begin anew.
    pub fn replayed(&mut self, _at: Moment) {}

    /// Records that rebuild what is durable; they may be more than one write holds.
    pub fn snapshot(&self) -> impl Iterator<Item = StoredRecord> + '_ {
        std::iter::empty()
    }

    /// The groups of a virtual cluster in this shard.
    pub fn list(&self, _cluster: VirtualClusterId) -> Vec<ListedGroup> {
        Vec::new()
    }

    /// How many they are.
    pub fn group_count(&self, _cluster: VirtualClusterId) -> u32 {
        0
    }

    /// The committed offsets of a virtual cluster in this shard.
    pub fn committed(
        &self,
        _cluster: VirtualClusterId,
    ) -> impl Iterator<Item = CommittedOffset<'_>> + '_ {
        std::iter::empty()
    }
}
