//! Whether what came back is what was sent: each message once, in the order of its partition.
//!
//! ```text
//! sequence  0 1 2 3 . . 6        next = 7, one hole [4, 6)
//!           5 comes              out of order, hole [4, 5)
//!           2 comes              a duplicate
//!           end, 8 were sent     lost: [4, 5) and [7, 8)
//! ```
//!
//! Owns: the count of each partition. Does not own: the messages (see `payload`). Costs a comparison and an addition
//! for each message that comes in its turn.

use serde::Serialize;

/// Holes that are remembered for one partition; what comes late from a later hole counts as a duplicate. A run with a
/// single hole has failed anyway.
const HOLES_MAX: usize = 10_000;

/// What is wrong with one run's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Sent, acknowledged, and never delivered.
    pub lost: u64,
    /// Delivered once more.
    pub duplicates: u64,
    /// Delivered after one that was sent later.
    pub out_of_order: u64,
    /// Not as they were sent, or where they were not sent.
    pub damaged: u64,
}

impl Findings {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// One partition.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// The lowest sequence above all that came.
    next: u64,
    /// Ranges below it that did not come, half-open, in order.
    holes: Vec<(u64, u64)>,
}

/// What came back so far.
#[derive(Clone, Debug)]
pub struct Ledger {
    slots: Vec<Slot>,
    distinct: u64,
    findings: Findings,
}

impl Ledger {
    /// For a run over so many partitions.
    pub fn new(slots: usize) -> Self {
        Self {
            slots: vec![Slot::default(); slots],
            distinct: 0,
            findings: Findings::default(),
        }
    }

    /// A message came.
    pub fn seen(&mut self, slot: usize, sequence: u64) {
        let Some(slot) = self.slots.get_mut(slot) else {
            return self.damaged();
        };
        if sequence == slot.next {
            slot.next += 1;
            self.distinct += 1;
        } else if sequence > slot.next {
            if slot.holes.len() < HOLES_MAX {
                slot.holes.push((slot.next, sequence));
            }
            slot.next = sequence + 1;
            self.distinct += 1;
        } else if slot.fill(sequence) {
            self.findings.out_of_order += 1;
            self.distinct += 1;
        } else {
            self.findings.duplicates += 1;
        }
    }

    /// A message came that is not as it was sent.
    pub fn damaged(&mut self) {
        self.findings.damaged += 1;
    }

    /// How many different messages came.
    pub fn distinct(&self) -> u64 {
        self.distinct
    }

    /// The verdict, when nothing more will come; `sent` has each partition's number.
    pub fn settle(&self, sent: &[u64]) -> Findings {
        let (total, beyond) =
            self.slots
                .iter()
                .zip(sent)
                .fold((0, 0), |(total, beyond), (slot, sent)| {
                    (total + sent, beyond + slot.next.saturating_sub(*sent))
                });
        Findings {
            lost: total - self.distinct.saturating_sub(beyond).min(total),
            damaged: self.findings.damaged + beyond,
            ..self.findings
        }
    }
}

impl Slot {
    /// Takes a sequence out of the hole that it lies in, if there is one.
    fn fill(&mut self, sequence: u64) -> bool {
        let inside = |(from, to): &(u64, u64)| *from <= sequence && sequence < *to;
        let Some(place) = self.holes.iter().position(inside) else {
            return false;
        };
        let (from, to) = self.holes.remove(place);
        let parts = [(from, sequence), (sequence + 1, to)];
        let left = parts.into_iter().filter(|(from, to)| from < to);
        self.holes.splice(place..place, left);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(came: &[u64], sent: u64) -> Findings {
        let mut ledger = Ledger::new(1);
        came.iter().for_each(|sequence| ledger.seen(0, *sequence));
        ledger.settle(&[sent])
    }

    #[test]
    fn all_in_order_is_clean() {
        assert!(verdict(&[0, 1, 2, 3], 4).is_clean());
    }

    #[test]
    fn a_planted_loss_is_found_inside_and_at_the_end() {
        assert_eq!(verdict(&[0, 1, 3], 5).lost, 2);
        assert_eq!(verdict(&[], 5).lost, 5);
    }

    #[test]
    fn a_planted_duplicate_is_found() {
        let found = verdict(&[0, 1, 1, 2, 0], 3);
        let duplicates = 2;
        let expected = Findings {
            duplicates,
            ..Findings::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_planted_disorder_is_found_and_is_no_loss() {
        let found = verdict(&[0, 2, 1, 3], 4);
        let out_of_order = 1;
        let expected = Findings {
            out_of_order,
            ..Findings::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_late_message_that_comes_twice_is_a_duplicate_the_second_time() {
        let found = verdict(&[0, 4, 2, 2, 1, 3], 5);
        assert_eq!(
            (found.out_of_order, found.duplicates, found.lost),
            (3, 1, 0)
        );
    }

    #[test]
    fn what_was_never_sent_is_damage() {
        let found = verdict(&[0, 1, 2], 2);
        assert_eq!((found.damaged, found.lost), (1, 0));
        let mut ledger = Ledger::new(1);
        ledger.seen(1, 0);
        assert_eq!(ledger.settle(&[0]).damaged, 1);
    }

    #[test]
    fn partitions_are_counted_apart() {
        let mut ledger = Ledger::new(2);
        ledger.seen(0, 0);
        ledger.seen(1, 0);
        ledger.seen(1, 1);
        assert!(ledger.settle(&[1, 2]).is_clean());
        assert_eq!(ledger.settle(&[2, 2]).lost, 1);
        assert_eq!(ledger.distinct(), 3);
    }
}
