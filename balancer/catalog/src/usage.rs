//! Cluster-time and partition-time, from the catalog's own history.
//!
//! Owns: the integral of what exists over the time of changes, the windows that are open, the batch
//! of sealed ones that is on its way. Does not own: where batches are kept (`balancer`).
//!
//! Each change of the catalog begins with the time at which it is made, which never goes back. Up to
//! then everything has existed as the state before the change says, whatever kinds of records there
//! are:
//!
//! ```text
//!   TimePassed t1  ClusterSet        TimePassed t2  TopicCreated     TimePassed t3 ...
//!   ├──────────── 1 cluster, 0 partitions ──┤├──────── 1 cluster, 3 partitions ──┤
//! ```
//!
//! Sealing works as it does in a node's log (`quota::Meters`): a batch is in the catalog before it is
//! handed over, and nothing changes it there.

use std::collections::BTreeMap;

use model::{Timestamp, VirtualClusterId};
use quota::sealed::push_level;
use quota::{Amounts, Minute, OpenUsage, SealedUsage, UsageRun, UsageSource};
use serde::{Deserialize, Serialize};

use crate::state::CatalogState;

/// Most open runs of one virtual cluster: hours in which no batch could be kept, with a change in each
/// minute. At the bound the oldest joins the one after it: the amounts stay, their minutes are lost.
pub const OPEN_RUNS_MAX: usize = 480;

/// Where nothing changes, windows are sealed this often.
pub const IDLE_SEAL_MINUTES: i64 = 60;

/// The balancer's meters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogUsage {
    /// When the last change was made; none where none was.
    time: Option<Timestamp>,
    /// What existed then: partitions by virtual cluster.
    partitions: BTreeMap<VirtualClusterId, u64>,
    /// The minute in which something else existed last, unless that is sealed.
    changed_in: Option<Minute>,
    /// When windows were sealed last.
    sealed_in: Option<Minute>,
    next_sequence: u64,
    on_its_way: Option<SealedUsage>,
    open: BTreeMap<VirtualClusterId, Vec<UsageRun>>,
    /// What has left `open`.
    sealed: BTreeMap<VirtualClusterId, Amounts>,
}

impl CatalogUsage {
    /// The time of a change that is made now, by a clock that may go back.
    pub fn time_of_change(&self, now: Timestamp) -> Timestamp {
        self.time.map_or(now, |time| time.max(now))
    }

    /// When the last change was made.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The batch that is not known to be kept.
    pub fn on_its_way(&self) -> Option<&SealedUsage> {
        self.on_its_way.as_ref()
    }

    /// Time has passed until `at`, in which there were these partitions: what the change before this
    /// one has left.
    fn pass_time(&mut self, partitions: BTreeMap<VirtualClusterId, u64>, at: Timestamp) {
        if self.partitions != partitions {
            self.partitions = partitions;
            self.changed_in = self.time.map(Minute::of);
        }
        let from = self.time.unwrap_or(at);
        for (&cluster, &partitions) in &self.partitions {
            let per_ms = Amounts {
                cluster_ms: 1,
                partition_ms: partitions,
                ..Amounts::default()
            };
            let runs = self.open.entry(cluster).or_default();
            push_level(runs, cluster, (from, at), per_ms);
            join_oldest(runs);
        }
        self.time = Some(at);
        self.sealed_in.get_or_insert(Minute::of(at));
    }

    /// Seals every window before the one that the last change was made in, unless another batch is
    /// not known to be kept: all below `kept_below` are.
    pub(crate) fn seal(&mut self, kept_below: u64) {
        self.on_its_way.take_if(|batch| batch.sequence < kept_below);
        let Some(before) = self.time.map(Minute::of) else {
            return;
        };
        if self.on_its_way.is_some() {
            return;
        }
        let mut runs = Vec::new();
        for (cluster, open) in &mut self.open {
            let over = open.iter().filter_map(|r| r.within(Minute::FIRST, before));
            let over: Vec<_> = over.collect();
            let left = open
                .iter()
                .filter_map(|r| r.within(before, Minute(i64::MAX)));
            *open = left.collect();
            let total = self.sealed.entry(*cluster).or_default();
            *total = over.iter().fold(*total, |sum, run| sum.plus(run.total()));
            runs.extend(over);
        }
        self.open.retain(|_, runs| !runs.is_empty());
        self.sealed_in = Some(before);
        self.changed_in = self.changed_in.filter(|changed| *changed >= before);
        if !runs.is_empty() {
            self.on_its_way = Some(SealedUsage {
                epoch: EPOCH,
                sequence: self.next_sequence,
                before,
                runs,
            });
            self.next_sequence += 1;
        }
    }
}

/// There is one catalog, and its changes are numbered through.
const EPOCH: u64 = 0;

impl CatalogState {
    /// A change is made at `at`: until then there was what there is now.
    pub(crate) fn pass_time(&mut self, at: Timestamp) {
        let partitions = self.billed_partitions();
        self.usage.pass_time(partitions, at);
    }

    /// Whether a change is due that seals windows, in `minute`: after a minute with a change, or after
    /// [`IDLE_SEAL_MINUTES`].
    pub fn has_to_seal(&self, minute: Minute) -> bool {
        let mut usage = self.usage.clone();
        let Some(time) = usage.time else {
            return false;
        };
        usage.pass_time(self.billed_partitions(), time);
        let idle_since = usage.sealed_in.unwrap_or(minute);
        let is_idle_over = minute.0.saturating_sub(idle_since.0) >= IDLE_SEAL_MINUTES;
        usage.changed_in.is_some_and(|changed| changed < minute)
            || (is_idle_over && !usage.partitions.is_empty())
    }

    /// All that was counted and not handed over, up to `now`.
    pub fn open_usage(&self, now: Timestamp) -> OpenUsage {
        let mut usage = self.usage.clone();
        let now = usage.time_of_change(now);
        usage.pass_time(self.billed_partitions(), now);
        OpenUsage {
            source: UsageSource::Balancer,
            epoch: EPOCH,
            next_sequence: usage.next_sequence,
            sealed: usage.on_its_way,
            runs: usage.open.into_values().flatten().collect(),
        }
    }

    /// What each virtual cluster has used since it began, up to `now`.
    pub fn used_in_all(&self, now: Timestamp) -> BTreeMap<VirtualClusterId, Amounts> {
        let mut totals = self.usage.sealed.clone();
        for run in self.open_usage(now).runs {
            let total = totals.entry(run.virtual_cluster).or_default();
            *total = total.plus(run.total());
        }
        totals
    }

    fn billed_partitions(&self) -> BTreeMap<VirtualClusterId, u64> {
        let clusters = self.clusters.keys();
        let mut partitions: BTreeMap<VirtualClusterId, u64> = clusters
            .filter(|id| **id != VirtualClusterId::SYSTEM)
            .map(|id| (*id, 0))
            .collect();
        for topic in self.topics.values() {
            if let Some(count) = partitions.get_mut(&topic.virtual_cluster) {
                *count += topic.placements.len() as u64;
            }
        }
        partitions
    }
}

/// Keeps within the bound.
fn join_oldest(runs: &mut Vec<UsageRun>) {
    while runs.len() > OPEN_RUNS_MAX {
        let oldest = runs.remove(0);
        let next = &mut runs[0];
        *next = UsageRun {
            virtual_cluster: next.virtual_cluster,
            first: Minute(next.end().0 - 1),
            minutes: 1,
            amounts: next.total().plus(oldest.total()),
        };
    }
}

#[cfg(test)]
mod tests;
