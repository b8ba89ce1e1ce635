//! Whether a small group of frames waits for others, so that one sync does for all (PostgreSQL's commit delay).
//!
//! Owns: the decision. Does not own: the thread and the wait ([`crate::running`]).
//!
//! A sync costs the same for one frame as for ten, and so does what it sets in motion: the log's
//! thread, the shard, who wrote and who reads. So a group of few frames waits for more, [`COMMIT_DELAY`] at most, if that
//! pays: if others came in the last waits. Who sends one batch and waits for its answer gains nothing by a wait and is
//! spared it, as is everybody where batches are few; and where only two come at a time, nobody waits for a third.

use std::time::Duration;

use crate::running::Message;
use crate::write::PreparedFrame;

/// How long a group waits at most: enough for one or two more of those that come each millisecond.
pub(crate) const COMMIT_DELAY: Duration = Duration::from_micros(1500);

/// A group of so many frames is worth its sync.
const FRAMES_ENOUGH: usize = 3;

/// A group of this size is worth its sync.
const BYTES_ENOUGH: usize = 256 * 1024;

/// After a wait in vain so many groups go at once, then twice as many, and so on.
const SPARED_MIN: u32 = 4;

/// At the bound it is tried again after so many.
const SPARED_MAX: u32 = 1024;

/// After so many waits in a row for [`FRAMES_ENOUGH`] that ended with fewer, two are enough.
const SHORT_IN_A_ROW: u32 = 8;

/// They are enough for so many groups, then for twice as many, and so on.
const FEWER_MIN: u32 = 64;

/// At the bound more are hoped for again after so many.
const FEWER_MAX: u32 = 4096;

/// What a message weighs for a group that waits, in frames. What is no frame does not hurry, but the end does, and
/// so does what is worth a sync of its own.
pub(crate) fn weight(message: &Message) -> usize {
    match message {
        Message::Frames(frames) => {
            let is_large = |frame: &PreparedFrame| frame.frame_bytes() >= BYTES_ENOUGH;
            if frames.iter().any(is_large) {
                return usize::MAX;
            }
            frames.len()
        }
        Message::End => usize::MAX,
        Message::Recycle(_)
        | Message::Prepared(_)
        | Message::Recycled { .. }
        | Message::Meters(_) => 0,
    }
}

/// See the file's header.
#[derive(Debug)]
pub(crate) struct CommitDelay {
    /// Groups that still go at once.
    spared: u32,
    /// How many do after the next wait in vain.
    next_spared: u32,
    /// Waits in a row that ended with fewer than were hoped for.
    short: u32,
    /// Groups for which two frames are still enough.
    fewer: u32,
    /// For how many they are, the next time.
    next_fewer: u32,
}

impl Default for CommitDelay {
    fn default() -> Self {
        Self {
            spared: 0,
            next_spared: SPARED_MIN,
            short: 0,
            fewer: 0,
            next_fewer: FEWER_MIN,
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
        let enough = match self.fewer {
            0 => FRAMES_ENOUGH,
            _ => 2,
        };
        self.fewer = self.fewer.saturating_sub(1);
        enough.saturating_sub(frames)
    }

    /// Learns how many frames a group had before a wait, how many it wanted, and how many it has.
    pub(crate) fn waited(&mut self, before: usize, wanted: usize, frames: usize) {
        if frames == before {
            self.spared = self.next_spared;
            self.next_spared = (self.next_spared * 2).min(SPARED_MAX);
            return;
        }
        self.next_spared = SPARED_MIN;
        if frames >= FRAMES_ENOUGH {
            (self.short, self.next_fewer) = (0, FEWER_MIN);
        } else if frames < before + wanted {
            self.short += 1;
            if self.short >= SHORT_IN_A_ROW {
                // When it is tried again, once is enough.
                self.short = SHORT_IN_A_ROW - 1;
                self.fewer = self.next_fewer;
                self.next_fewer = (self.next_fewer * 2).min(FEWER_MAX);
            }
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

    /// What those of 10,000 groups of a frame wanted that waited, each until it had so many.
    fn waits(delay: &mut CommitDelay, frames: usize) -> Vec<usize> {
        let mut waits = Vec::new();
        for _ in 0..10_000 {
            let wanted = delay.wanted(1, 100);
            if wanted > 0 {
                waits.push(wanted);
                delay.waited(1, wanted, frames);
            }
        }
        waits
    }

    #[test]
    fn waits_in_vain_become_rare_and_those_that_pay_stay() {
        let mut delay = CommitDelay::default();
        let waits = waits(&mut delay, 1).len();
        assert!((9..20).contains(&waits), "{waits}");
        while delay.wanted(1, 100) == 0 {}
        for _ in 0..100 {
            delay.waited(1, 2, 3);
            assert_eq!(delay.wanted(1, 100), 2);
        }
    }

    #[test]
    fn two_who_wait_for_their_answers_hardly_wait_for_a_third() {
        let mut delay = CommitDelay::default();
        let waits = waits(&mut delay, 2).into_iter();
        let in_vain = waits.filter(|&wanted| wanted == 2).count();
        assert!((8..30).contains(&in_vain), "{in_vain}");
        // A third one comes, and is soon waited for again.
        let mut missed = 0;
        while delay.wanted(1, 100) == 1 {
            delay.waited(1, 1, 2);
            missed += 1;
        }
        assert!(missed <= FEWER_MAX);
        delay.waited(1, 2, 3);
        for short in 0..1000 {
            assert_eq!(delay.wanted(1, 100), 2, "now and then one is missing");
            delay.waited(1, 2, if short % 8 == 0 { 3 } else { 2 });
        }
    }
}
