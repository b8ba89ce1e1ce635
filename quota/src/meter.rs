//! Bytes and records per virtual cluster: sums since ever, and by minute of commit.
//!
//! Owns: the sums and their byte form ([`encode`](Meters::encode), for segment footers and
//! snapshots). Does not own: what is sent to a bill ([`crate::usage`]).
//!
//! ```text
//!   folded into the total      open windows, one sum for each minute
//! --------------------------|-----------------------------------------> minutes
//!                       open_from
//! ```
//!
//! A folded window is sealed: it has been sent and must not change. What comes late for it is counted
//! in the first open window, so it is billed once, a little later, and never lost. The order of
//! additions and merges does not matter to the result, as long as no fold lies between them.
//!
//! Invariants: every window is at or after `open_from`; no virtual cluster has more than
//! [`WINDOWS_MAX`] of them; a sum stops at `u64::MAX`.

use std::collections::BTreeMap;

use model::{ByteCount, Timestamp, VirtualClusterId};
use serde::{Deserialize, Serialize};

use crate::minute::Minute;

mod encoding;

/// Most open windows of one virtual cluster: four hours in which nobody folded. At the bound the
/// oldest is added to the one after it: its bytes stay, only their minute is lost, and the log still
/// knows that. A virtual cluster takes about 12 kB at the bound.
pub const WINDOWS_MAX: usize = 240;

/// What was counted, for one virtual cluster over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterSum {
    /// Size of the record batches committed, as received.
    pub bytes_in: ByteCount,
    /// Size of the record batches delivered.
    pub bytes_out: ByteCount,
    /// Records in the batches committed.
    pub records_in: u64,
}

impl MeterSum {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let bytes = |a: ByteCount, b: ByteCount| ByteCount(a.0.saturating_add(b.0));
        Self {
            bytes_in: bytes(self.bytes_in, other.bytes_in),
            bytes_out: bytes(self.bytes_out, other.bytes_out),
            records_in: self.records_in.saturating_add(other.records_in),
        }
    }

    /// Whether nothing was counted.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// The sum of one virtual cluster in one open window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The virtual cluster.
    pub virtual_cluster: VirtualClusterId,
    /// The window.
    pub minute: Minute,
    /// What was counted in it.
    pub sum: MeterSum,
}

/// The meters of a node, a segment or a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meters {
    open_from: Minute,
    clusters: BTreeMap<VirtualClusterId, ClusterMeter>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ClusterMeter {
    folded: MeterSum,
    windows: BTreeMap<Minute, MeterSum>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            open_from: Minute::FIRST,
            clusters: BTreeMap::new(),
        }
    }
}

impl Meters {
    /// Nothing counted, every window open.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a committed batch of `records` records, under the commit time of its frame.
    pub fn add_in(
        &mut self,
        cluster: VirtualClusterId,
        commit_time: Timestamp,
        bytes: ByteCount,
        records: u64,
    ) {
        let sum = MeterSum {
            bytes_in: bytes,
            records_in: records,
            ..MeterSum::default()
        };
        self.add(cluster, Minute::of(commit_time), sum);
    }

    /// Counts delivered bytes, under the commit time of the report that they came in.
    pub fn add_out(&mut self, cluster: VirtualClusterId, commit_time: Timestamp, bytes: ByteCount) {
        let sum = MeterSum {
            bytes_out: bytes,
            ..MeterSum::default()
        };
        self.add(cluster, Minute::of(commit_time), sum);
    }

    /// Adds everything that `other` has counted. Windows that either has sealed stay sealed.
    pub fn merge(&mut self, other: &Self) {
        self.open_from = self.open_from.max(other.open_from);
        for meter in self.clusters.values_mut() {
            meter.move_up_to(self.open_from);
        }
        for (&cluster, meter) in &other.clusters {
            let own = self.clusters.entry(cluster).or_default();
            own.folded = own.folded.plus(meter.folded);
            for (&minute, &sum) in &meter.windows {
                own.add(minute.max(self.open_from), sum);
            }
        }
    }

    /// Seals every window before `minute`: its sums go into the totals and its detail is dropped.
    /// Send [`windows`](Self::windows) first. A minute before an earlier fold changes nothing.
    pub fn fold_before(&mut self, minute: Minute) {
        self.open_from = self.open_from.max(minute);
        for meter in self.clusters.values_mut() {
            let sealed = meter.take_before(self.open_from);
            meter.folded = meter.folded.plus(sealed);
        }
    }

    /// The first window that is not sealed.
    pub fn open_from(&self) -> Minute {
        self.open_from
    }

    /// All that `cluster` has ever counted, folded or not.
    pub fn total(&self, cluster: VirtualClusterId) -> MeterSum {
        self.clusters
            .get(&cluster)
            .map_or_else(MeterSum::default, ClusterMeter::total)
    }

    /// The total of every virtual cluster, in the order of ids.
    pub fn totals(&self) -> impl Iterator<Item = (VirtualClusterId, MeterSum)> {
        self.clusters
            .iter()
            .map(|(&cluster, meter)| (cluster, meter.total()))
    }

    /// Every open window, in the order of virtual clusters, then minutes.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        self.clusters.iter().flat_map(|(&virtual_cluster, meter)| {
            let windows = meter.windows.iter();
            windows.map(move |(&minute, &sum)| Window {
                virtual_cluster,
                minute,
                sum,
            })
        })
    }

    fn add(&mut self, cluster: VirtualClusterId, minute: Minute, sum: MeterSum) {
        if !sum.is_zero() {
            let meter = self.clusters.entry(cluster).or_default();
            meter.add(minute.max(self.open_from), sum);
        }
    }
}

impl ClusterMeter {
    fn total(&self) -> MeterSum {
        self.windows
            .values()
            .fold(self.folded, |total, &sum| total.plus(sum))
    }

    fn add(&mut self, minute: Minute, sum: MeterSum) {
        let window = self.windows.entry(minute).or_default();
        *window = window.plus(sum);
        if self.windows.len() > WINDOWS_MAX
            && let Some((_, oldest)) = self.windows.pop_first()
            && let Some(mut next) = self.windows.first_entry()
        {
            *next.get_mut() = next.get().plus(oldest);
        }
        assert!(self.windows.len() <= WINDOWS_MAX);
    }

    /// Counts what lies before `minute` in it.
    fn move_up_to(&mut self, minute: Minute) {
        let late = self.take_before(minute);
        if !late.is_zero() {
            self.add(minute, late);
        }
    }

    fn take_before(&mut self, minute: Minute) -> MeterSum {
        let open = self.windows.split_off(&minute);
        let before = std::mem::replace(&mut self.windows, open);
        before
            .into_values()
            .fold(MeterSum::default(), MeterSum::plus)
    }
}

#[cfg(test)]
mod tests;
