//! What the frames of a segment have counted, whatever lies before it.
//!
//! Owns: sums by virtual cluster and minute of commit, and their byte form, for segments' footers.
//! Does not own: what was counted before, and with it the level of stored bytes
//! ([`crate::meters`]).
//!
//! Invariants: the order of additions and merges does not matter; a sum stops at its type's end. A
//! tally has at most one window for each frame that it counts (and each entry of a report in it), so
//! it is bounded by its segment.

use std::collections::BTreeMap;

use model::VirtualClusterId;

use crate::meter::{MeterSum, Window};
use crate::minute::Minute;

mod encoding;

pub(crate) use encoding::{WINDOW_BYTES_MIN, decode_minute, put_minute};

/// Sums by virtual cluster and minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    clusters: BTreeMap<VirtualClusterId, BTreeMap<Minute, MeterSum>>,
}

impl Tally {
    /// Nothing counted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one event.
    pub fn add(&mut self, window: Window) {
        if !window.sum.is_zero() {
            let windows = self.clusters.entry(window.virtual_cluster).or_default();
            let sum = windows.entry(window.minute).or_default();
            *sum = sum.plus(window.sum);
        }
    }

    /// Adds everything that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        other.windows().for_each(|window| self.add(window));
    }

    /// Every window, in the order of virtual clusters, then minutes.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        self.clusters
            .iter()
            .flat_map(|(&virtual_cluster, windows)| {
                windows.iter().map(move |(&minute, &sum)| Window {
                    virtual_cluster,
                    minute,
                    sum,
                })
            })
    }

    /// The sum of all minutes of each virtual cluster, in the order of ids.
    pub fn totals(&self) -> impl Iterator<Item = (VirtualClusterId, MeterSum)> {
        self.clusters.iter().map(|(&cluster, windows)| {
            let sums = windows.values().copied();
            (cluster, sums.fold(MeterSum::default(), MeterSum::plus))
        })
    }
}

#[cfg(test)]
mod tests;
