//! How many partitions a virtual cluster has created and deleted in the last five minutes.
//!
//! Owns: the sliding window. Does not own: the limit, or what is refused for it (`catalog`).
//!
//! Changes are kept by steps of ten seconds, so that a window is bounded whatever the limit is. A
//! step counts until five minutes after its last change: in no five minutes is there more than the
//! limit, and a change may be counted for ten seconds too long.
//!
//! Invariant: steps ascend, one for each ten seconds, each with at least one change.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The span that is looked at.
pub const SPAN_MS: i64 = 5 * 60 * 1000;

/// Changes within this time are kept as one.
const STEP_MS: i64 = 10 * 1000;

/// See the file's header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionChanges {
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    /// When the last of them happened.
    last_at: Timestamp,
    partitions: u32,
}

impl PartitionChanges {
    /// Counts `partitions` that were created or deleted at `at`. A clock that steps back is taken to
    /// stand still.
    pub fn add(&mut self, at: Timestamp, partitions: u32) {
        if partitions == 0 {
            return;
        }
        let latest = self.steps.last().map_or(at, |step| step.last_at.max(at));
        self.steps.retain(|step| is_within(*step, latest));
        match self.steps.last_mut() {
            Some(step) if step.last_at.0.div_euclid(STEP_MS) == latest.0.div_euclid(STEP_MS) => {
                step.last_at = latest;
                step.partitions = step.partitions.saturating_add(partitions);
            }
            _ => self.steps.push(Step {
                last_at: latest,
                partitions,
            }),
        }
    }

    /// How many there were in the five minutes before `now`.
    pub fn within(&self, now: Timestamp) -> u32 {
        let steps = self.steps.iter().filter(|step| is_within(**step, now));
        steps.fold(0, |sum, step| sum.saturating_add(step.partitions))
    }

    /// How many milliseconds after `now` there is room for `asked` more below `ceiling`: 0 where there
    /// is now, the whole span where there never will be.
    pub fn wait_ms(&self, now: Timestamp, asked: u32, ceiling: u32) -> u64 {
        let Some(most) = ceiling.checked_sub(asked) else {
            return SPAN_MS as u64;
        };
        let mut used = self.within(now);
        let mut wait = 0;
        for step in self.steps.iter().filter(|step| is_within(**step, now)) {
            if used <= most {
                break;
            }
            used = used.saturating_sub(step.partitions);
            wait = (step.last_at.0 + SPAN_MS - now.0).max(1);
        }
        wait as u64
    }
}

fn is_within(step: Step, now: Timestamp) -> bool {
    now.0.saturating_sub(step.last_at.0) < SPAN_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(all: &[(i64, u32)]) -> PartitionChanges {
        let mut changes = PartitionChanges::default();
        for &(second, partitions) in all {
            changes.add(Timestamp(second * 1000), partitions);
        }
        changes
    }

    #[test]
    fn a_change_counts_for_five_minutes() {
        let changes = changes(&[(0, 100), (60, 50), (200, 7)]);
        let within = |second: i64| changes.within(Timestamp(second * 1000));
        assert_eq!(
            [200, 299, 300, 359, 360, 499, 500].map(within),
            [157, 157, 57, 57, 7, 7, 0]
        );
    }

    #[test]
    fn the_wait_is_until_enough_has_passed() {
        let changes = changes(&[(0, 100), (60, 50), (200, 7)]);
        let wait = |asked, ceiling| changes.wait_ms(Timestamp(210_000), asked, ceiling) / 1000;
        assert_eq!(wait(43, 200), 0);
        assert_eq!(wait(44, 200), 90);
        assert_eq!(wait(144, 200), 150);
        assert_eq!(wait(200, 200), 290);
        assert_eq!(wait(201, 200), 300);
    }

    /// Against a list of every change: never fewer, and at most those of ten seconds more.
    #[test]
    fn the_window_is_bounded_and_never_forgets_too_early() {
        let all: Vec<_> = (0..4_000)
            .map(|n| (n * 7 % 13 + n, 1 + (n % 5) as u32))
            .collect();
        let mut changes = PartitionChanges::default();
        let mut now = 0;
        let mut seen: Vec<(i64, u32)> = Vec::new();
        for (second, partitions) in all {
            now = second.max(now);
            seen.push((now, partitions));
            changes.add(Timestamp(second * 1000), partitions);
            let exact = |span: i64| -> u32 {
                let recent = seen.iter().filter(|(at, _)| now - at < span);
                recent.map(|(_, partitions)| partitions).sum()
            };
            let counted = changes.within(Timestamp(now * 1000));
            assert!((exact(300)..=exact(310)).contains(&counted));
            assert!(changes.steps.len() <= 31);
        }
    }
}
