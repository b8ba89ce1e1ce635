//! Whether a lone frame waits for others, so that one sync does for both (PostgreSQL's commit delay).
//!
//! Owns: the decision. Does not own: the thread and the wait ([`crate::running`]).
//!
//! A sync costs the same for one frame as for ten, and so does what it sets in motion: the log's
//! thread, the shard, who wrote and who reads. So a frame that would be a group of its own waits
//! for the next, [`COMMIT_DELAY`] at most, if that pays: if others came in the last waits. Who sends one batch and waits
//! for its answer gains nothing by a wait and is spared it, as is everybody where batches are few. And now and then
//! one is spared though waits pay: so fewer than half of the frames wait, and the median latency stays that of one that does not.

use std::time::Duration;

/// How long a lone frame waits at most, if no other comes: enough for the next of those that come each
/// millisecond.
pub(crate) const COMMIT_DELAY: Duration = Duration::from_micros(1500);

/// A group of this size is worth its sync.
const BYTES_ENOUGH: usize = 256 * 1024;

/// After a wait in vain so many lone frames go at once, then twice as many, and so on.
const SPARED_MIN: u32 = 4;

/// At the bound it is tried again after so many.
const SPARED_MAX: u32 = 1024;

/// After so many waits that paid a lone frame goes at once.
const PAID_IN_A_ROW: u32 = 6;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct CommitDelay {
    /// Lone frames that still go at once.
    spared: u32,
    /// How many do after the next wait in vain.
    next_spared: u32,
    /// Waits that paid since a frame was spared.
    paid: u32,
}

impl Default for CommitDelay {
    fn default() -> Self {
        Self {
            spared: 0,
            next_spared: SPARED_MIN,
            paid: 0,
        }
    }
}

impl CommitDelay {
    /// Whether a group waits that is made of so many frames, the first of them of `first_bytes`.
    pub(crate) fn should_wait(&mut self, frames: usize, first_bytes: usize) -> bool {
        if frames > 1 || first_bytes >= BYTES_ENOUGH {
            return false;
        }
        if self.spared > 0 {
            self.spared -= 1;
            return false;
        }
        true
    }

    /// Learns whether others came in a wait.
    pub(crate) fn waited(&mut self, others_came: bool) {
        if others_came {
            self.next_spared = SPARED_MIN;
            self.paid += 1;
            if self.paid == PAID_IN_A_ROW {
                (self.paid, self.spared) = (0, 1);
            }
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
    fn only_a_lone_and_small_frame_waits() {
        let mut delay = CommitDelay::default();
        assert!(!delay.should_wait(2, 100));
        assert!(!delay.should_wait(1, BYTES_ENOUGH));
        assert!(delay.should_wait(1, 100));
    }

    #[test]
    fn waits_in_vain_become_rare_and_those_that_pay_stay() {
        let mut delay = CommitDelay::default();
        let mut waits = 0;
        for _ in 0..10_000 {
            if delay.should_wait(1, 100) {
                waits += 1;
                delay.waited(false);
            }
        }
        assert!((9..20).contains(&waits), "{waits}");
        while !delay.should_wait(1, 100) {}
        delay.waited(true);
        let mut alone = 0;
        for _ in 0..700 {
            if delay.should_wait(1, 100) {
                delay.waited(true);
            } else {
                alone += 1;
            }
        }
        assert!((99..=101).contains(&alone), "{alone}: fewer than half wait");
    }
}
