//! The meters of a log: what it has counted since ever, what of it is sealed, what is still open.
//!
//! Owns: the level of stored bytes, the open windows, the one batch of sealed windows that is not
//! known to be stored, and their byte form. Does not own: what one frame counts ([`crate::meter`]),
//! where sealed windows are kept (`balancer`), when they are sealed (whoever writes the log).
//!
//! ```text
//!   stored for good │ sealed: being sent │ open windows, one sum for each minute
//! ──────────────────┼────────────────────┼──────────────────────────────────────▶ minutes
//!   batches < n     │ batch n            │ open_from
//! ```
//!
//! Meters are a function of the frames of the log before a point, and are written into it at such
//! points. Sealing is a step of the log too: a batch is in the log before anybody is sent it, and
//! nothing changes it there. So whoever sends it again after a crash sends the same.
//!
//! Invariants: every open window is at or after `open_from`; no virtual cluster has more than
//! [`WINDOWS_MAX`] of them; at most one batch is sealed and not known to be stored; whatever was
//! counted is in exactly one batch or open window.

use std::collections::BTreeMap;

use model::{ByteCount, Timestamp, VirtualClusterId};

use crate::meter::{MINUTE_MS, MeterSum, Window};
use crate::minute::Minute;
use crate::sealed::{Amounts, SealedUsage, UsageRun, push_run};
use crate::tally::Tally;

mod encoding;

/// Most open windows of one virtual cluster: four hours in which no batch could be stored. At the
/// bound the oldest open one joins the one after it: all amounts stay, only their minutes are lost.
/// Open windows have never been sent, so no window that was sent is changed. A virtual cluster takes
/// about 20 kB at the bound.
pub const WINDOWS_MAX: usize = 240;

/// A virtual cluster that only stores, and moves nothing, is sealed this often.
pub const IDLE_SEAL_MINUTES: i64 = 60;

/// What a virtual cluster has used since ever, as its log tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsedInAll {
    /// Bytes of committed record batches.
    pub bytes_in: ByteCount,
    /// Bytes of record batches delivered.
    pub bytes_out: ByteCount,
    /// Records in the batches committed.
    pub records_in: u64,
    /// Byte-ms stored, up to the moment that was asked for.
    pub stored_byte_ms: u128,
    /// Bytes stored now.
    pub stored_bytes: u64,
}

/// The meters of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meters {
    epoch: u64,
    open_from: Minute,
    next_sequence: u64,
    sealed: Option<SealedUsage>,
    clusters: BTreeMap<VirtualClusterId, ClusterMeter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ClusterMeter {
    /// What windows before `from` have counted.
    bytes_in: u64,
    bytes_out: u64,
    records_in: u64,
    stored_byte_ms: u128,
    /// Bytes stored at the start of `from`. Never below zero unless frames say what is not so.
    level: i128,
    /// The first window that is not in the numbers above.
    from: Minute,
    windows: BTreeMap<Minute, OpenWindow>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct OpenWindow {
    sum: MeterSum,
    /// Byte-ms of windows that have joined this one.
    joined_byte_ms: u128,
}

impl Default for Meters {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Meters {
    /// Nothing counted, every window open. The epoch names the log in the ids of its windows: a log
    /// that begins anew must have another one.
    pub fn new(epoch: u64) -> Self {
        Self {
            epoch,
            open_from: Minute::FIRST,
            next_sequence: 0,
            sealed: None,
            clusters: BTreeMap::new(),
        }
    }

    /// Counts one event. Commit times never go back, so nothing comes late; if it did, it would be
    /// counted in the first open window.
    pub fn add(&mut self, window: Window) {
        if window.sum.is_zero() {
            return;
        }
        let minute = window.minute.max(self.open_from);
        let cluster = self.clusters.entry(window.virtual_cluster);
        cluster
            .or_insert_with(|| ClusterMeter::new(minute))
            .add(minute, window.sum);
    }

    /// Counts everything that `tally` has counted.
    pub fn add_tally(&mut self, tally: &Tally) {
        tally.windows().for_each(|window| self.add(window));
    }

    /// The epoch that names the log.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The first window that is not sealed.
    pub fn open_from(&self) -> Minute {
        self.open_from
    }

    /// The number that the next batch will have: all before it are sealed.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The batch that is sealed and not known to be stored.
    pub fn sealed(&self) -> Option<&SealedUsage> {
        self.sealed.as_ref()
    }

    /// Every batch numbered below `sequence` is stored for good, and need not be kept.
    pub fn note_stored(&mut self, sequence: u64) {
        self.sealed.take_if(|sealed| sealed.sequence < sequence);
    }

    /// Seals every window before `minute`, which must all be over: nothing may be counted in them any
    /// more. Does nothing while another batch is not known to be stored.
    pub fn seal_before(&mut self, minute: Minute) {
        if self.sealed.is_some() || minute <= self.open_from {
            return;
        }
        self.open_from = minute;
        let mut runs = Vec::new();
        for (&id, cluster) in &mut self.clusters {
            let first = runs.len();
            cluster.seal_before(id, minute, &mut runs);
            if id == VirtualClusterId::SYSTEM {
                // The system's own virtual cluster has no bill.
                runs.truncate(first);
            }
        }
        if !runs.is_empty() {
            self.sealed = Some(SealedUsage {
                epoch: self.epoch,
                sequence: self.next_sequence,
                before: minute,
                runs,
            });
            self.next_sequence += 1;
        }
    }

    /// Whether there is something to seal now that `minute` has begun: something was counted in a
    /// window before it, or bytes have been stored for [`IDLE_SEAL_MINUTES`].
    pub fn has_to_seal(&self, minute: Minute) -> bool {
        let billed = self
            .clusters
            .iter()
            .filter(|(id, _)| **id != VirtualClusterId::SYSTEM);
        billed.map(|(_, cluster)| cluster).any(|cluster| {
            let first = cluster.windows.first_key_value();
            let idle_minutes = minute.0.saturating_sub(cluster.from.0);
            first.is_some_and(|(first, _)| *first < minute)
                || (idle_minutes >= IDLE_SEAL_MINUTES && cluster.level_now() > 0)
        })
    }

    /// Joins all open windows of each virtual cluster into its last one, so that the meters take less
    /// room. All amounts stay; their minutes are lost.
    pub fn coarsen(&mut self) {
        for cluster in self.clusters.values_mut() {
            while cluster.windows.len() > 1 {
                cluster.join_oldest();
            }
        }
    }

    /// What `cluster` has used up to `now`.
    pub fn total(&self, cluster: VirtualClusterId, now: Timestamp) -> UsedInAll {
        let meter = self.clusters.get(&cluster);
        meter.map_or_else(UsedInAll::default, |meter| meter.total(cluster, now))
    }

    /// What every virtual cluster has used up to `now`, in the order of ids.
    pub fn totals(&self, now: Timestamp) -> impl Iterator<Item = (VirtualClusterId, UsedInAll)> {
        self.clusters
            .iter()
            .map(move |(&id, meter)| (id, meter.total(id, now)))
    }

    /// What is open, up to `now`: the amounts of its windows as they stand, but for those of the
    /// system's own virtual cluster.
    pub fn open(&self, now: Timestamp) -> Vec<UsageRun> {
        let mut runs = Vec::new();
        for (&id, cluster) in &self.clusters {
            if id != VirtualClusterId::SYSTEM {
                cluster.runs(id, now, &mut runs);
            }
        }
        runs
    }

    /// Every open window's sum, in the order of virtual clusters, then minutes.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        self.clusters.iter().flat_map(|(&virtual_cluster, meter)| {
            meter.windows.iter().map(move |(&minute, open)| Window {
                virtual_cluster,
                minute,
                sum: open.sum,
            })
        })
    }
}

impl ClusterMeter {
    fn new(from: Minute) -> Self {
        Self {
            bytes_in: 0,
            bytes_out: 0,
            records_in: 0,
            stored_byte_ms: 0,
            level: 0,
            from,
            windows: BTreeMap::new(),
        }
    }

    fn add(&mut self, minute: Minute, sum: MeterSum) {
        let window = self.windows.entry(minute).or_default();
        window.sum = window.sum.plus(sum);
        if self.windows.len() > WINDOWS_MAX {
            self.join_oldest();
        }
        assert!(self.windows.len() <= WINDOWS_MAX);
    }

    /// Bytes stored after all windows.
    fn level_now(&self) -> i128 {
        let changes = self.windows.values().map(|open| open.sum.level_change());
        changes.fold(self.level, i128::saturating_add)
    }

    /// The oldest open window joins the next one, with all that was stored up to that one's start.
    fn join_oldest(&mut self) {
        let Some((&next, _)) = self.windows.iter().nth(1) else {
            return;
        };
        let (oldest, open) = self.windows.pop_first().expect("there are two");
        let mut byte_ms = level_byte_ms(self.level, self.from, oldest);
        byte_ms = byte_ms.saturating_add(open.byte_ms(self.level));
        self.level = self.level.saturating_add(open.sum.level_change());
        self.from = Minute(oldest.0.saturating_add(1));
        byte_ms = byte_ms.saturating_add(level_byte_ms(self.level, self.from, next));
        self.from = next;
        let into = self.windows.get_mut(&next).expect("it is there");
        into.joined_byte_ms = into.joined_byte_ms.saturating_add(byte_ms);
        // What has come and gone is in the level already; the amounts are not.
        into.sum.bytes_in.0 = into.sum.bytes_in.0.saturating_add(open.sum.bytes_in.0);
        into.sum.bytes_freed.0 = into.sum.bytes_freed.0.saturating_add(open.sum.bytes_in.0);
        into.sum.bytes_out.0 = into.sum.bytes_out.0.saturating_add(open.sum.bytes_out.0);
        into.sum.records_in = into.sum.records_in.saturating_add(open.sum.records_in);
    }

    fn seal_before(&mut self, id: VirtualClusterId, minute: Minute, runs: &mut Vec<UsageRun>) {
        let open = self.windows.split_off(&minute);
        let first = runs.len();
        self.runs(id, minute.start(), runs);
        let total = runs[first..]
            .iter()
            .fold(Amounts::default(), |total, run| total.plus(run.total()));
        self.bytes_in = self.bytes_in.saturating_add(total.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(total.bytes_out);
        self.stored_byte_ms = self.stored_byte_ms.saturating_add(total.stored_byte_ms);
        let records = self.windows.values().map(|open| open.sum.records_in);
        self.records_in = records.fold(self.records_in, u64::saturating_add);
        self.level = self.level_now();
        self.from = minute;
        self.windows = open;
    }

    /// The amounts of all windows from `from` on, up to `until`; a window that `until` lies in counts
    /// up to there, and later ones count whole.
    fn runs(&self, virtual_cluster: VirtualClusterId, until: Timestamp, runs: &mut Vec<UsageRun>) {
        let (mut level, mut at) = (self.level, self.from);
        let mut push = |first: Minute, minutes: u64, amounts: Amounts| {
            if minutes > 0 {
                let run = UsageRun {
                    virtual_cluster,
                    first,
                    minutes,
                    amounts,
                };
                push_run(runs, run);
            }
        };
        for (&minute, open) in &self.windows {
            push(at, minutes_between(at, minute), idle(level, MINUTE_MS));
            let missing_ms = minute.end().0.saturating_sub(until.0);
            let missing_ms = missing_ms.clamp(0, MINUTE_MS as i64);
            push(minute, 1, open.amounts(level, missing_ms));
            level = level.saturating_add(open.sum.level_change());
            at = Minute(minute.0.saturating_add(1));
        }
        let last = Minute::of(until);
        push(at, minutes_between(at, last), idle(level, MINUTE_MS));
        if at <= last && level > 0 {
            push(last, 1, idle(level, until.0.abs_diff(last.start().0)));
        }
    }

    fn total(&self, id: VirtualClusterId, now: Timestamp) -> UsedInAll {
        let mut runs = Vec::new();
        self.runs(id, now, &mut runs);
        let open = runs
            .iter()
            .fold(Amounts::default(), |total, run| total.plus(run.total()));
        let records = self.windows.values().map(|open| open.sum.records_in);
        UsedInAll {
            bytes_in: ByteCount(self.bytes_in.saturating_add(open.bytes_in)),
            bytes_out: ByteCount(self.bytes_out.saturating_add(open.bytes_out)),
            records_in: records.fold(self.records_in, u64::saturating_add),
            stored_byte_ms: self.stored_byte_ms.saturating_add(open.stored_byte_ms),
            stored_bytes: u64::try_from(self.level_now().max(0)).unwrap_or(u64::MAX),
        }
    }
}

impl OpenWindow {
    /// Byte-ms of the whole window, and of those that have joined it.
    fn byte_ms(&self, level: i128) -> u128 {
        self.amounts(level, 0).stored_byte_ms
    }

    /// The amounts of the window, of whose end `missing_ms` have not passed yet.
    fn amounts(&self, level: i128, missing_ms: i64) -> Amounts {
        let whole = level
            .saturating_mul(i128::from(MINUTE_MS))
            .saturating_add(self.sum.area_byte_ms);
        let level_at_end = level.saturating_add(self.sum.level_change());
        let missing = level_at_end.saturating_mul(i128::from(missing_ms));
        let own = whole.saturating_sub(missing).max(0).unsigned_abs();
        Amounts {
            bytes_in: self.sum.bytes_in.0,
            bytes_out: self.sum.bytes_out.0,
            stored_byte_ms: own.saturating_add(self.joined_byte_ms),
            ..Amounts::default()
        }
    }
}

/// What a window in which nothing happens comes to.
fn idle(level: i128, ms: u64) -> Amounts {
    let level = level.max(0).unsigned_abs();
    Amounts {
        stored_byte_ms: level.saturating_mul(u128::from(ms)),
        ..Amounts::default()
    }
}

fn level_byte_ms(level: i128, from: Minute, to: Minute) -> u128 {
    let minutes = u128::from(minutes_between(from, to));
    let minute = idle(level, MINUTE_MS).stored_byte_ms;
    minute.saturating_mul(minutes)
}

fn minutes_between(from: Minute, to: Minute) -> u64 {
    if from < to { to.0.abs_diff(from.0) } else { 0 }
}

#[cfg(test)]
mod tests;
