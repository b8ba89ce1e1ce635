//! The coordinator of one shard: its groups, found by virtual cluster and id.
//!
//! Owns: the map of groups, how many each virtual cluster has, which calls wait, the order of effects.
//! Does not own: what a group does with a call (`group`), what is written of it (`codec`), time,
//! chance, the log.
//!
//! Invariants: each call is answered once, or abandoned; a group is in the map unless it is dead; the
//! deadlines are those of the groups.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use model::{GroupSettings, Instant, Timestamp, TopicId, TopicName, VirtualClusterId};

use crate::admission;
use crate::codec::key::{RecordKey, decode_key};
use crate::codec::stored_group::StoredGroup;
use crate::codec::stored_offset::StoredOffset;
use crate::effect::{
    CallId, CommittedOffset, Effect, GroupRules, Moment, ReplayError, StoredRecord,
};
use crate::group::{Caller, Group, GroupKey};
use crate::message::{GroupCall, GroupError, GroupReply, ListedGroup};
use crate::timers::Timers;
use crate::turn::Turn;

/// The groups of one shard, of all virtual clusters.
///
/// Calls, time and replayed records go in; effects come out. State changes at once, and writes that
/// fail end the process, so nothing is ever taken back; what a reply tells is durable because the
/// shell holds it until every write before it is.
#[derive(Debug)]
pub struct Coordinator {
    groups: BTreeMap<GroupKey, Group>,
    /// How many groups a virtual cluster has here; clusters without any are left out.
    counts: BTreeMap<VirtualClusterId, u32>,
    /// What each virtual cluster has said last.
    settings: BTreeMap<VirtualClusterId, GroupSettings>,
    /// The first deadline of each group.
    timers: Timers<GroupKey>,
    /// Calls that are not answered, by the group that they wait in.
    waiting: BTreeMap<CallId, GroupKey>,
    effects: VecDeque<Effect>,
    /// When the last input came.
    at: Moment,
}

/// How far a snapshot has come that is taken part by part; at first it has not begun.
#[derive(Clone, Debug, Default)]
pub struct SnapshotPlace(Option<GroupKey>);

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            groups: BTreeMap::new(),
            counts: BTreeMap::new(),
            settings: BTreeMap::new(),
            timers: Timers::default(),
            waiting: BTreeMap::new(),
            effects: VecDeque::new(),
            at: Moment {
                now: Instant(0),
                wall: Timestamp(0),
            },
        }
    }
}

impl Coordinator {
    /// A shard without groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a call. `chance` is 16 random bytes, for a member's id if one is needed.
    #[expect(
        clippy::too_many_arguments,
        reason = "five beside self: a call, its name, and the time, rules and chance it is under"
    )]
    pub fn handle(
        &mut self,
        at: Moment,
        call_id: CallId,
        call: GroupCall,
        rules: &GroupRules,
        chance: [u8; 16],
    ) {
        self.at = at;
        self.configure(call.cluster, &rules.settings);
        let key = GroupKey {
            cluster: call.cluster,
            id: call.group.into(),
        };
        let is_new = !self.groups.contains_key(&key);
        let answer = admission::refusal(&key.id, &call.request, rules).or_else(|| {
            let groups = self.group_count(key.cluster);
            is_new
                .then(|| admission::without_group(&call.request, rules, groups))
                .flatten()
        });
        if let Some(reply) = answer {
            self.reply(call_id, Ok(reply));
            return;
        }
        if is_new {
            self.insert(key.clone());
        }
        let other = self.waiting.insert(call_id, key.clone());
        assert!(other.is_none(), "a call's name is used once");
        let caller = Caller {
            call: call_id,
            chance,
        };
        self.change(&key, |group, turn| group.handle(caller, call.request, turn));
        if is_new && self.groups.get(&key).is_some_and(Group::is_vacant) {
            // What would have created it was refused.
            self.remove(&key);
        }
    }

    /// What is to be done next; none when all has been told.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first()
    }

    /// Does all that is due.
    pub fn handle_timeout(&mut self, at: Moment) {
        self.at = at;
        while let Some(key) = self.timers.take_due(at.now) {
            self.change(&key, Group::handle_timeout);
        }
    }

    /// The client that waits for `call` is gone: it is not answered. Its member stays for a session from
    /// now, which the end of a rebalance does not prolong, unlike in Kafka.
    pub fn abandon(&mut self, at: Moment, call: CallId) {
        self.at = at;
        if let Some(key) = self.waiting.remove(&call) {
            self.change(&key, |group, turn| group.abandon(call, turn));
        }
    }

    /// Tells how a virtual cluster runs its groups. Each call tells so as well; until either has
    /// been, no offset of the cluster expires.
    pub fn configure(&mut self, cluster: VirtualClusterId, settings: &GroupSettings) {
        let before = self.settings.insert(cluster, *settings);
        let retention_ms = before.map(|before| before.offsets_retention_ms);
        if retention_ms != Some(settings.offsets_retention_ms) {
            for key in self.keys(cluster) {
                self.change(&key, |group, _| group.reconsider_expiry());
            }
        }
    }

    /// Drops the offsets of topics that are gone.
    pub fn forget_topics(&mut self, gone: &dyn Fn(TopicId) -> bool) {
        for key in self.all_keys() {
            self.change(&key, |group, turn| group.forget_topics(gone, turn));
        }
    }

    /// Drops a virtual cluster that is gone, with all its groups; calls that wait are refused.
    pub fn forget_cluster(&mut self, cluster: VirtualClusterId) {
        for key in self.keys(cluster) {
            self.change(&key, Group::die);
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let refused = waiting.extract_if(.., |_, key| key.cluster == cluster);
        let refused: Vec<CallId> = refused.map(|(call, _)| call).collect();
        self.waiting = waiting;
        for call in refused {
            self.reply(call, Err(GroupError::NotAvailable));
        }
        self.settings.remove(&cluster);
    }

    /// Drops offsets of topics that no member of a living consumer group reads any more, once they
    /// are old enough (KIP-211). To be called now and then; Kafka looks every ten minutes. Topics
    /// that `name_of` does not know stay.
    pub fn expire_unsubscribed(
        &mut self,
        at: Moment,
        name_of: &dyn Fn(TopicId) -> Option<TopicName>,
    ) {
        self.at = at;
        for key in self.all_keys() {
            self.change(&key, |group, turn| group.expire_unsubscribed(name_of, turn));
        }
    }

    /// Takes in a record that was written. Nothing else may have been handled before. A record that
    /// is refused changes nothing.
    pub fn replay(&mut self, record: StoredRecord) -> Result<(), ReplayError> {
        let value = record.value.as_deref();
        let key = match decode_key(&record.key)? {
            RecordKey::Group(key) => {
                let restored = value.map(StoredGroup::decode).transpose()?;
                let group = self.group(&key);
                match (restored, value) {
                    (Some(restored), Some(value)) => group.restore(restored, value),
                    _ => group.restore_nothing(),
                }
                key
            }
            RecordKey::Offset(key, partition) => {
                let offset = value.map(StoredOffset::decode).transpose()?;
                self.group(&key).restore_offset(partition, offset);
                key
            }
        };
        if self
            .groups
            .get(&key)
            .is_some_and(|group| !group.is_stored())
        {
            self.remove(&key);
        }
        Ok(())
    }

    /// Ends the replay: the sessions of all members begin anew.
    pub fn replayed(&mut self, at: Moment) {
        self.at = at;
        for key in self.all_keys() {
            self.change(&key, |group, turn| group.resume(turn));
        }
    }

    /// Records that rebuild what is durable; they may be more than one write holds.
    pub fn snapshot(&self) -> impl Iterator<Item = StoredRecord> + '_ {
        self.groups.values().flat_map(Group::snapshot)
    }

    /// The records of the next group that has any, each group as it is now; none behind the last one.
    /// Whoever writes all that comes meanwhile as well has a snapshot in the end: what was passed and
    /// has changed since was written since.
    pub fn snapshot_part(&self, place: &mut SnapshotPlace) -> Option<Vec<StoredRecord>> {
        let from = match &place.0 {
            Some(done) => Bound::Excluded(done),
            None => Bound::Unbounded,
        };
        let mut groups = self.groups.range((from, Bound::Unbounded));
        let (key, part) = groups.find_map(|(key, group)| {
            let part: Vec<StoredRecord> = group.snapshot().collect();
            (!part.is_empty()).then_some((key, part))
        })?;
        place.0 = Some(key.clone());
        Some(part)
    }

    /// The groups of a virtual cluster in this shard.
    pub fn list(&self, cluster: VirtualClusterId) -> Vec<ListedGroup> {
        self.of(cluster).map(|(_, group)| group.listed()).collect()
    }

    /// How many they are.
    pub fn group_count(&self, cluster: VirtualClusterId) -> u32 {
        self.counts.get(&cluster).copied().unwrap_or(0)
    }

    /// The committed offsets of a virtual cluster in this shard.
    pub fn committed(
        &self,
        cluster: VirtualClusterId,
    ) -> impl Iterator<Item = CommittedOffset<'_>> + '_ {
        self.of(cluster).flat_map(|(_, group)| group.committed())
    }

    /// How many they are; told without looking at each.
    pub fn committed_count(&self, cluster: VirtualClusterId) -> usize {
        self.of(cluster)
            .map(|(_, group)| group.committed_count())
            .sum()
    }

    /// Lets a group take an input, and takes out what came of it.
    fn change(&mut self, key: &GroupKey, act: impl FnOnce(&mut Group, &mut Turn)) {
        let mut turn = Turn::new(self.at, self.settings_of(key.cluster));
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        act(group, &mut turn);
        let is_dead = group.is_dead();
        match group.first_deadline() {
            Some(deadline) => self.timers.set(key.clone(), deadline),
            None => self.timers.clear(key),
        }
        for call in turn.answered() {
            let waited = self.waiting.remove(&call);
            assert!(waited.is_some(), "a call is answered once");
        }
        self.effects.extend(turn.into_effects());
        if is_dead {
            self.remove(key);
        }
    }

    /// What the virtual cluster has said last. As long as it has said nothing, offsets are kept.
    fn settings_of(&self, cluster: VirtualClusterId) -> GroupSettings {
        let unknown = GroupSettings {
            offsets_retention_ms: u64::MAX,
            ..GroupSettings::default()
        };
        self.settings.get(&cluster).copied().unwrap_or(unknown)
    }

    fn group(&mut self, key: &GroupKey) -> &mut Group {
        if !self.groups.contains_key(key) {
            self.insert(key.clone());
        }
        self.groups.get_mut(key).expect("it was just put there")
    }

    fn insert(&mut self, key: GroupKey) {
        *self.counts.entry(key.cluster).or_default() += 1;
        self.groups.insert(key.clone(), Group::new(key));
    }

    fn remove(&mut self, key: &GroupKey) {
        if self.groups.remove(key).is_none() {
            return;
        }
        self.timers.clear(key);
        let count = self.counts.get_mut(&key.cluster);
        let count = count.expect("a group that is there was counted");
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&key.cluster);
        }
    }

    fn reply(&mut self, call: CallId, reply: Result<GroupReply, GroupError>) {
        self.effects.push_back(Effect::Reply { call, reply });
    }

    /// The groups of a virtual cluster.
    fn of(&self, cluster: VirtualClusterId) -> impl Iterator<Item = (&GroupKey, &Group)> {
        let first = GroupKey {
            cluster,
            id: Arc::from(""),
        };
        let groups = self
            .groups
            .range((Bound::Included(first), Bound::Unbounded));
        groups.take_while(move |(key, _)| key.cluster == cluster)
    }

    fn keys(&self, cluster: VirtualClusterId) -> Vec<GroupKey> {
        self.of(cluster).map(|(key, _)| key.clone()).collect()
    }

    fn all_keys(&self) -> Vec<GroupKey> {
        self.groups.keys().cloned().collect()
    }
}
