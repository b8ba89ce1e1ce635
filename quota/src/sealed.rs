//! Sealed usage: the amounts of windows that are over, as they go to the bill.
//!
//! Owns: one source's batch of them, and its byte form. Does not own: when windows are sealed
//! ([`crate::meters`], `catalog`), where batches are kept (`balancer`).
//!
//! Minutes with equal amounts stand together as a run: a virtual cluster that only stores has one
//! run, however long nothing happens, so a batch is bounded by what has happened, not by time.
//!
//! Invariants: a batch never changes; of one source and epoch, batches are numbered from 0 without a
//! gap, and no window of a virtual cluster is in two of them.

use model::{Timestamp, VirtualClusterId};
use serde::{Deserialize, Serialize};

use crate::meter::MINUTE_MS;
use crate::minute::Minute;
use crate::usage::{Meter, UsageId, UsageOrigin, UsageRecord, UsageSource};

mod encoding;

/// What is billed, of one virtual cluster in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// See [`Meter::BytesIn`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_in: u64,
    /// See [`Meter::BytesOut`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_out: u64,
    /// See [`Meter::ClusterTime`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cluster_ms: u64,
    /// See [`Meter::PartitionTime`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partition_ms: u64,
    /// See [`Meter::StoredByteTime`].
    #[serde(default, skip_serializing_if = "is_zero_wide")]
    pub stored_byte_ms: u128,
}

// Serde asks for functions of references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_zero_wide(number: &u128) -> bool {
    *number == 0
}

impl Amounts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            bytes_in: self.bytes_in.saturating_add(other.bytes_in),
            bytes_out: self.bytes_out.saturating_add(other.bytes_out),
            cluster_ms: self.cluster_ms.saturating_add(other.cluster_ms),
            partition_ms: self.partition_ms.saturating_add(other.partition_ms),
            stored_byte_ms: self.stored_byte_ms.saturating_add(other.stored_byte_ms),
        }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            bytes_in: self.bytes_in.saturating_mul(times),
            bytes_out: self.bytes_out.saturating_mul(times),
            cluster_ms: self.cluster_ms.saturating_mul(times),
            partition_ms: self.partition_ms.saturating_mul(times),
            stored_byte_ms: self.stored_byte_ms.saturating_mul(u128::from(times)),
        }
    }

    /// Whether there is nothing to bill.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The amount of each meter, in the meter's unit.
    pub fn by_meter(&self) -> [(Meter, u128); 5] {
        [
            (Meter::BytesIn, u128::from(self.bytes_in)),
            (Meter::BytesOut, u128::from(self.bytes_out)),
            (Meter::ClusterTime, u128::from(self.cluster_ms)),
            (Meter::PartitionTime, u128::from(self.partition_ms)),
            (Meter::StoredByteTime, self.stored_byte_ms),
        ]
    }
}

/// Minutes that follow one another, with the same amounts in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRun {
    /// Whose usage.
    pub virtual_cluster: VirtualClusterId,
    /// The first window.
    pub first: Minute,
    /// How many windows, at least one.
    pub minutes: u64,
    /// What each of them comes to.
    pub amounts: Amounts,
}

impl UsageRun {
    /// The first window after the run.
    pub fn end(&self) -> Minute {
        Minute(self.first.0.saturating_add_unsigned(self.minutes))
    }

    /// The part of the run in `[from, to)`, if there is one.
    pub fn within(&self, from: Minute, to: Minute) -> Option<Self> {
        let (first, end) = (self.first.max(from), self.end().min(to));
        (first < end).then(|| Self {
            first,
            minutes: end.0.abs_diff(first.0),
            ..*self
        })
    }

    /// What all its windows come to.
    pub fn total(&self) -> Amounts {
        self.amounts.times(self.minutes)
    }
}

/// A batch of sealed windows of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedUsage {
    /// The epoch of the source, see [`UsageOrigin::epoch`].
    pub epoch: u64,
    /// Its number.
    pub sequence: u64,
    /// All windows before this one are sealed, in this batch or an earlier one.
    pub before: Minute,
    /// The windows, by virtual cluster, then by minute.
    pub runs: Vec<UsageRun>,
}

impl SealedUsage {
    /// The records of all windows, one for each meter that is not zero, under their ids.
    pub fn records(&self, source: UsageSource) -> impl Iterator<Item = UsageRecord> {
        let origin = UsageOrigin {
            source,
            epoch: self.epoch,
        };
        self.runs
            .iter()
            .flat_map(move |run| (0..run.minutes).map(move |nth| (run, nth)))
            .flat_map(move |(run, nth)| {
                let minute = Minute(run.first.0.saturating_add_unsigned(nth));
                let amounts = run.amounts.by_meter().into_iter();
                amounts
                    .filter(|(_, amount)| *amount > 0)
                    .map(move |(meter, amount)| UsageRecord {
                        id: UsageId {
                            virtual_cluster: run.virtual_cluster,
                            meter,
                            minute,
                            origin,
                        },
                        amount,
                    })
            })
    }
}

/// What one source has counted and not yet handed over, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUsage {
    /// Who counts.
    pub source: UsageSource,
    /// Its epoch.
    pub epoch: u64,
    /// All batches numbered below this are sealed.
    pub next_sequence: u64,
    /// The last of them, unless it is known to be kept.
    pub sealed: Option<SealedUsage>,
    /// What is in none of them, by virtual cluster, then by minute.
    pub runs: Vec<UsageRun>,
}

/// Adds to `runs` what a level of `per_ms` comes to in each window from `from` to `to`: a part of a
/// window, a run of whole ones, and a part again.
pub fn push_level(
    runs: &mut Vec<UsageRun>,
    virtual_cluster: VirtualClusterId,
    (from, to): (Timestamp, Timestamp),
    per_ms: Amounts,
) {
    let mut at = from;
    while at < to {
        let minute = Minute::of(at);
        let is_whole = minute.start() == at && minute.end() <= to;
        let (end, minutes) = match is_whole {
            true => {
                let minutes = Minute::of(to).0.abs_diff(minute.0);
                (Minute::of(to).start(), minutes)
            }
            false => (minute.end().min(to), 1),
        };
        let ms = match is_whole {
            true => MINUTE_MS,
            false => end.0.abs_diff(at.0),
        };
        let run = UsageRun {
            virtual_cluster,
            first: minute,
            minutes,
            amounts: per_ms.times(ms),
        };
        push_run(runs, run);
        if end <= at {
            return; // The end of time.
        }
        at = end;
    }
}

/// Adds a run behind the others: into their last window where it is of that one, and as part of their
/// last run where it goes on alike.
///
/// # Panics
/// If it begins before the last window of the same virtual cluster.
pub fn push_run(runs: &mut Vec<UsageRun>, run: UsageRun) {
    if run.amounts.is_zero() {
        return;
    }
    if let Some(last) = runs.last_mut()
        && last.virtual_cluster == run.virtual_cluster
    {
        if run.minutes == 1 && last.end() == Minute(run.first.0.saturating_add(1)) {
            let amounts = last.amounts.plus(run.amounts);
            last.minutes -= 1;
            if last.minutes == 0 {
                runs.pop();
            }
            return push_run(runs, UsageRun { amounts, ..run });
        }
        assert!(last.end() <= run.first, "runs do not overlap");
        if last.end() == run.first && last.amounts == run.amounts {
            last.minutes += run.minutes;
            return;
        }
    }
    runs.push(run);
}

#[cfg(test)]
mod tests;
