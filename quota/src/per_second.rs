//! How much of something there was in the last second.
//!
//! Owns: a count for a figure that people look at. Does not own: any limit; buckets are exact where
//! this is coarse.

use model::Instant;

const SECOND: u64 = 1_000_000_000;

/// A count that begins again each second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerSecond {
    since: Instant,
    count: u64,
    /// What the second before saw.
    last: u64,
}

impl PerSecond {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
            last: 0,
        }
    }

    pub(crate) fn add(&mut self, now: Instant, amount: u64) {
        if now.0.saturating_sub(self.since.0) >= SECOND {
            self.last = self.at(now);
            self.since = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(amount);
    }

    /// Per second, over the last whole second or what has passed since.
    pub(crate) fn at(&self, now: Instant) -> u64 {
        let passed = now.0.saturating_sub(self.since.0);
        if passed < SECOND {
            return self.last;
        }
        let rate = u128::from(self.count) * u128::from(SECOND) / u128::from(passed);
        u64::try_from(rate).expect("no more than the count")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_follows_what_comes_and_falls_when_nothing_does() {
        let mut seen = PerSecond::new(Instant(0));
        for tenth in 0..20 {
            seen.add(Instant(tenth * SECOND / 10), 5);
        }
        assert_eq!(seen.at(Instant(19 * SECOND / 10)), 50);
        assert_eq!(seen.at(Instant(3 * SECOND)), 25);
        assert_eq!(seen.at(Instant(1000 * SECOND)), 0);
    }
}
