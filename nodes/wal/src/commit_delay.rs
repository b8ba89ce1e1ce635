//! Whether a small group of frames waits for others, so that one sync does for all (PostgreSQL's commit delay).
//!
//! Owns: the decision. Does not own: the thread and the wait ([`crate::running`]).
//!
//! A sync costs the same for one frame as for ten, and so does what it sets in motion: the log's
//! thread, the shard, who wrote and who reads. So a group of few frames waits for more, [`COMMIT_DELAY`] at most, if that
//! pays: if others came in the last waits. Who sends one batch and waits for its answer gains nothing by a wait and is
//! spared it, as is everybody where batches are few.

use std::time::Duration;

/// How long a group waits at most: enough for two more of those that come each millisecond.
pub(crate) const COMMIT_DELAY: Duration = Duration::from_micros(2000);

/// A group of so many frames is worth its sync.
const FRAMES_ENOUGH: usize = 3;

/// A group of this size is worth its sync.
const BYTES_ENOUGH: usize = 256 * 1024;

/// After a wait in vain so many groups go at once, then twice as many, and so on.
const SPARED_MIN: u32 = 4;

/// At the bound it is tried again after so many.
const SPARED_MAX: u32 = 1024;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct CommitDelay {
    /// Groups that still go at once.
    spared: u32,
    /// How many do after the next wait in vain.
    next_spared: u32,
}

impl Default for CommitDelay {
    fn default() -> Self {
        Self {
            spared: 0,
            next_spared: SPARED_MIN,
        }
    }
}

impl CommitDelay {
    /// How many more frames a group waits for that is made of so many, the first of them of `first_bytes`.
    pub(crate) fn wanted(&mut self, frames: usize, first_bytes: usize) -> usize {
        if frames >= FRAMES_ENOUGH || first_bytes >= BYTES_ENOUGH {
            return 0;
        }
        if self.spared > 0 {
            self.spared -= 1;
            return 0;
        }
        FRAMES_ENOUGH - frames
    }

    /// Learns whether others came in a wait.
    pub(crate) fn waited(&mut self, others_came: bool) {
        if others_came {
            self.next_spared = SPARED_MIN;
        } else {
            self.spared = self.next_spared;
            self.next_spared = (self.next_spared * 2).min(SPARED_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_small_group_waits() {
        let mut delay = CommitDelay::default();
        assert_eq!(delay.wanted(FRAMES_ENOUGH, 100), 0);
        assert_eq!(delay.wanted(1, BYTES_ENOUGH), 0);
        assert_eq!(delay.wanted(1, 100), FRAMES_ENOUGH - 1);
    }

    #[test]
    fn waits_in_vain_become_rare_and_those_that_pay_stay() {
        let mut delay = CommitDelay::default();
        let mut waits = 0;
        for _ in 0..10_000 {
            if delay.wanted(1, 100) > 0 {
                waits += 1;
                delay.waited(false);
            }
        }
        assert!((9..20).contains(&waits), "{waits}");
        while delay.wanted(1, 100) == 0 {}
        for _ in 0..100 {
            delay.waited(true);
            assert!(delay.wanted(1, 100) > 0);
        }
    }
}
