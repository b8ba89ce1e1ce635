//! Which coordinators are here: follows the cluster map, loads what comes, drops what goes.
//!
//! Owns: the beginning and the end of a coordinator's tenure. Does not own: what happens in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use coordinator::{Coordinator, GROUP_SHARDS, GroupError, SnapshotPlace};
use model::{ClusterMap, GROUPS_TOPIC, Placement, TopicPartition, VirtualClusterId};
use node_api::Appended;
use node_api::lane::LaneError;
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::coordinators::group_shard::{AbortOnDrop, GroupShard, Serving};
use crate::coordinators::journal::Journal;
use crate::coordinators::loader::{LoadError, Loaded, load};
use crate::coordinators::writer::Writer;
use crate::coordinators::{Coordinators, Done, Report};
use crate::limits::LOAD_FAILED_RETRY_AFTER;

impl Coordinators {
    /// Takes over the latest cluster map.
    pub(super) fn follow_map(&mut self) {
        let map = Arc::clone(&self.maps.borrow_and_update());
        let before = std::mem::replace(&mut self.map, map);
        if Arc::ptr_eq(&before, &self.map) {
            return;
        }
        self.place();
        for core in self.shards.values_mut().filter_map(GroupShard::core_mut) {
            forget_between(core, &before, &self.map);
            configure(core, &before, &self.map);
        }
    }

    /// Loads the coordinators that are placed here and drops those that are no more.
    fn place(&mut self) {
        let system = VirtualClusterId::SYSTEM;
        let topic = self.map.topic_by_name(system, GROUPS_TOPIC).cloned();
        self.topic = topic.as_ref().map(|topic| topic.id);
        let mut wanted: BTreeMap<u32, (TopicPartition, Placement)> = BTreeMap::new();
        if let Some(topic) = &topic {
            let placed = (0..GROUP_SHARDS).zip(&topic.placements);
            let here = placed.filter(|(_, placement)| placement.node == self.around.node);
            wanted.extend(here.map(|(partition, placement)| {
                let topic = topic.id;
                (partition, (TopicPartition { topic, partition }, *placement))
            }));
        }
        let is_wanted = |number: &u32, shard: &GroupShard| {
            wanted.get(number) == Some(&(shard.partition, shard.placement))
        };
        let gone = self
            .shards
            .extract_if(.., |number, shard| !is_wanted(number, shard));
        for (number, _) in gone {
            self.callers.refuse_all(number, GroupError::NotCoordinator);
        }
        for (number, (partition, placement)) in wanted {
            if !self.shards.contains_key(&number) {
                self.load(partition, placement);
            }
        }
    }

    /// Begins a tenure.
    fn load(&mut self, partition: TopicPartition, placement: Placement) {
        let tenure = self.next_tenure;
        self.next_tenure += 1;
        let (around, reports) = (Arc::clone(&self.around), self.reports.clone());
        let map_version = self.map.version;
        let shard = partition.partition;
        let task = self.tasks.spawn(async move {
            let what = Done::Loaded(Box::new(load(&around, partition, map_version).await));
            let report = Report {
                shard,
                tenure,
                what,
            };
            // Without a receiver the coordinators have stopped.
            let _ = reports.send(report).await;
        });
        let loading = GroupShard::loading(partition, placement, tenure, task);
        self.shards.insert(shard, loading);
    }

    /// Begins a new tenure after one that has failed. A write may have been refused because the
    /// placement is another by now, so the newest map is followed first, which may begin or end it.
    pub(super) fn load_again(&mut self, number: u32) {
        let tenure = self.shards.get(&number).map(|shard| shard.tenure);
        self.follow_map();
        if let Some(shard) = self.shards.get(&number)
            && Some(shard.tenure) == tenure
        {
            let (partition, placement) = (shard.partition, shard.placement);
            self.load(partition, placement);
        }
    }

    /// A coordinator's state is there, or cannot be had.
    pub(super) fn loaded(&mut self, number: u32, loaded: Result<Loaded, LoadError>) {
        let Loaded { mut core, found } = match loaded {
            Ok(loaded) => loaded,
            Err(why) => {
                error!(shard = number, %why, "a group coordinator cannot be loaded");
                return self.fail(number);
            }
        };
        let at = self.moment();
        core.replayed(at);
        let nothing = ClusterMap::default();
        configure(&mut core, &nothing, &self.map);
        let topics = &self.map.topics;
        core.forget_topics(&|topic| !topics.contains_key(&topic));
        let Some(shard) = self.shards.get_mut(&number) else {
            return;
        };
        let tenure = shard.tenure;
        let writer = Writer::new(Arc::clone(&self.around), shard.partition, shard.placement);
        let (batches, receiver) = mpsc::channel(1);
        let report = move |outcome| Report {
            shard: number,
            tenure,
            what: Done::Landed(outcome),
        };
        let task = self
            .tasks
            .spawn(writer.run(receiver, self.reports.clone(), report));
        let serving = Serving {
            core,
            journal: Journal::new(self.around.rules.snapshot, found, at.now),
            snapshot_at: SnapshotPlace::default(),
            batches,
            batch_bytes_max: self.around.rules.batch_bytes_max,
            _writer: AbortOnDrop(task),
        };
        shard.serve(at, serving);
        if found.read_bytes > 0 {
            info!(
                shard = number,
                bytes = found.read_bytes,
                "a group coordinator was loaded"
            );
        }
    }

    /// A batch has come to its end. One that was refused leaves the coordinator knowing more than
    /// its log: it is loaded again.
    pub(super) fn landed(&mut self, number: u32, outcome: Result<Appended, LaneError>) {
        match outcome {
            Ok(appended) => {
                if let Some(shard) = self.shards.get_mut(&number) {
                    shard.landed(appended.base_offset);
                }
            }
            Err(why) => {
                error!(shard = number, %why, "a group coordinator could not write");
                self.callers.refuse_all(number, GroupError::NotAvailable);
                self.load_again(number);
            }
        }
    }

    /// Refuses whoever waits for a coordinator that could not be loaded, for a while.
    fn fail(&mut self, number: u32) {
        let retry_at = self.around.clock.now() + LOAD_FAILED_RETRY_AFTER;
        if let Some(shard) = self.shards.get_mut(&number) {
            shard.fail(retry_at);
        }
        self.callers.refuse_all(number, GroupError::NotAvailable);
    }
}

/// Drops what belongs to topics and virtual clusters that were there before and are gone. What no
/// map has shown yet is not gone: whoever commits may have seen a newer one.
fn forget_between(core: &mut Coordinator, before: &ClusterMap, now: &ClusterMap) {
    for cluster in before.virtual_clusters.keys() {
        if !now.virtual_clusters.contains_key(cluster) {
            core.forget_cluster(*cluster);
        }
    }
    let mut ids = before.topics.keys();
    if ids.any(|topic| !now.topics.contains_key(topic)) {
        core.forget_topics(&|topic| {
            before.topics.contains_key(&topic) && !now.topics.contains_key(&topic)
        });
    }
}

/// Tells how virtual clusters run their groups, where that has changed.
fn configure(core: &mut Coordinator, before: &ClusterMap, now: &ClusterMap) {
    for (id, cluster) in &now.virtual_clusters {
        let known = before.virtual_clusters.get(id).map(|before| before.groups);
        if known != Some(cluster.groups) {
            core.configure(*id, &cluster.groups);
        }
    }
}
