//! What the sending and the reading thread of an open loop tell each other.
//!
//! Owns: the clock that both count from, and who has failed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::events::Events;
use crate::patience::{GivenUp, Patience};
use crate::scenario::Open;
use crate::stage::Stage;
use crate::topics::Topics;

/// Longest time beside the schedule itself: signing in, joining a group, draining what waits.
const BESIDE_MAX: Duration = Duration::from_secs(180);

/// What the two threads tell each other.
pub(super) struct Shared<'a> {
    /// The run.
    pub(super) stage: &'a Stage<'a>,
    /// What is sent.
    pub(super) open: &'a Open,
    /// Where to.
    pub(super) topics: &'a Topics,
    /// The beginning of time.
    pub(super) epoch: Instant,
    /// The reader has its partitions.
    pub(super) reading: AtomicBool,
    /// One side has failed.
    pub(super) failed: AtomicBool,
    /// When the schedule began, in nanoseconds since the epoch.
    pub(super) start_ns: AtomicU64,
    /// From which due time on latencies count, likewise.
    pub(super) measured_from_ns: AtomicU64,
    /// How many messages there are, once that is known.
    pub(super) expected: AtomicU64,
}

impl<'a> Shared<'a> {
    /// Before anything is sent or read.
    pub(super) fn new(
        stage: &'a Stage<'a>,
        open: &'a Open,
        topics: &'a Topics,
        epoch: Instant,
    ) -> Self {
        Self {
            stage,
            open,
            topics,
            epoch,
            reading: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            start_ns: AtomicU64::new(0),
            measured_from_ns: AtomicU64::new(u64::MAX),
            expected: AtomicU64::new(u64::MAX),
        }
    }

    /// Marks the failure of one side for the other.
    pub(super) fn side<T>(&self, outcome: Result<T, GivenUp>) -> Result<T, GivenUp> {
        if outcome.is_err() {
            self.failed.store(true, Relaxed);
        }
        outcome
    }

    /// What time it is, in nanoseconds since the epoch.
    pub(super) fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// The patience with one side.
    pub(super) fn patience(&self, what: &'static str, of: u64) -> Patience<'a> {
        Patience::new(self.stage.stop, what, of, self.open.length() + BESIDE_MAX)
    }

    /// The error of a client, or of the other side.
    pub(super) fn trouble(&self, events: &Events) -> Result<Option<String>, GivenUp> {
        match (events.error(), self.failed.load(Relaxed)) {
            (None, true) => Err(GivenUp::OtherSide),
            (error, _) => Ok(error),
        }
    }
}
