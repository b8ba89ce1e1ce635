//! What must hold, whatever happens.

use std::collections::BTreeMap;

use coordinator::{
    DescribedGroup, GroupReply, GroupRequest, GroupState, SnapshotPlace, StoredRecord,
};
use model::TopicPartition;

use crate::shard::{CLUSTER, replay};
use crate::simulation::client::{Client, share};
use crate::simulation::world::{GROUPS, World};

/// What is known of a group from outside.
#[derive(Debug, Default)]
pub struct Known {
    /// The generation that members were told of last; none after a crash, or where there is none.
    pub generation: Option<i32>,
    /// What was committed last of each partition.
    pub offsets: BTreeMap<TopicPartition, u64>,
}

impl World {
    /// A generation comes after those before it, and its leader alone is told of all.
    pub fn check_joined(&mut self, client: usize, joined: &coordinator::Joined) {
        let group = self.clients[client].group;
        let known = self.known.entry(group).or_default();
        let before = known.generation.replace(joined.generation);
        assert!(before <= Some(joined.generation), "generations go up");
        let leads = joined.leader == joined.member_id;
        assert_eq!(leads, !joined.members.is_empty());
        if leads {
            let is_there = |id: &str| joined.members.iter().any(|m| m.member_id == *id);
            assert!(is_there(&joined.member_id));
        }
    }

    /// Whoever is answered well is a member of the one generation that there is.
    pub fn check_current(&mut self, group: &'static str, generation: i32) {
        let known = self.known.entry(group).or_default();
        let current = *known.generation.get_or_insert(generation);
        assert_eq!(current, generation, "there is one generation at a time");
    }

    /// A share is what the leader of this generation gave; a static member has its forerunner's.
    pub fn check_share(&mut self, client: &Client, generation: i32, assignment: &[u8]) {
        self.check_current(client.group, generation);
        if client.instance_id.is_none() {
            assert_eq!(assignment, share(generation, &client.member_id));
        } else if !assignment.is_empty() {
            let of_generation = format!("{generation} of ");
            assert!(assignment.starts_with(of_generation.as_bytes()));
        }
    }

    /// Offsets are what was committed last; they may have expired, where they do so soon.
    pub fn check_offsets(&mut self) {
        for group in GROUPS {
            let told = self.shard.core.committed(CLUSTER);
            let told = told.filter(|told| told.group == *group);
            let told: BTreeMap<_, _> = told.map(|told| (told.key, told.offset.value())).collect();
            let known = &mut self.known.entry(group).or_default().offsets;
            for (key, offset) in &told {
                assert_eq!(known.get(key), Some(offset), "it was not committed");
            }
            if told.len() < known.len() {
                assert!(self.expires, "it was committed, and is gone");
                *self.seen.entry("an expired offset".to_owned()).or_default() += 1;
            }
            *known = told;
        }
    }

    /// The live state, all that was written, and a snapshot with what was written after it: each is
    /// the same in what is durable.
    pub fn check_durable(&self) {
        let live: Vec<StoredRecord> = self.shard.core.snapshot().collect();
        let mut place = SnapshotPlace::default();
        let parts = std::iter::from_fn(|| self.shard.core.snapshot_part(&mut place));
        assert_eq!(parts.flatten().collect::<Vec<_>>(), live);
        let all = replay(self.shard.log.iter().cloned());
        assert_eq!(all.snapshot().collect::<Vec<_>>(), live);
        let (snapshot, from) = &self.snapshot;
        let later = self.shard.log[*from..].iter();
        let rest = replay(snapshot.iter().chain(later).cloned());
        assert_eq!(rest.snapshot().collect::<Vec<_>>(), live);
    }

    /// No rebalance goes on without an end, and a group that is gone begins anew.
    pub fn check_groups(&mut self) {
        let listed = self.shard.core.list(CLUSTER);
        let count = self.shard.core.group_count(CLUSTER);
        assert_eq!(listed.len(), count as usize);
        for group in &listed {
            let rebalances = matches!(
                group.state,
                GroupState::PreparingRebalance | GroupState::CompletingRebalance
            );
            assert!(!rebalances || self.shard.core.poll_timeout().is_some());
        }
        for group in GROUPS {
            if !listed.iter().any(|listed| listed.group == *group) {
                self.known.entry(group).or_default().generation = None;
            }
        }
    }

    pub fn described(&mut self, group: &'static str) -> DescribedGroup {
        let call = self.shard.call_of(CLUSTER, group, GroupRequest::Describe);
        match self.shard.answer(call) {
            GroupReply::Describe(reply) => reply.expect("a group can always be described"),
            other => panic!("{other:?} is no description"),
        }
    }
}
