//! A token bucket kept as one instant: the moment up to which everything charged is paid for.
//!
//! Owns: the level of one limit. Does not own: what debt means for a client ([`crate::verdict`]), or
//! what becomes of allocation that nobody used ([`crate::burst`]).
//!
//! This is the generic cell rate algorithm (ITU-T I.371) with debt allowed: a charge moves the
//! instant ahead by bytes / rate, whatever its size, so a charge larger than the tolerance is slowed
//! and never stuck.
//!
//! ```text
//!           tolerance                     debt
//!       |<------------->|<--------------------------------->|
//! ------+---------------+-----------------------------------+------> time
//!  now - tolerance     now                              paid_until
//!                                                 (or left of `now`: no debt)
//! ```
//!
//! Invariants: `remainder` is less than the rate; `paid_until` never falls behind `now - tolerance`
//! once settled. At the end of the clock (584 years) debt saturates and the excess is forgotten.

use std::time::Duration;

use model::{ByteCount, ByteRate, Instant};

use crate::nano_bytes::NanoBytes;

/// A rate limit with its level. Forty bytes, no allocation, no timer.
///
/// Nothing here caps the debt: who charges decides beforehand. Partitions cap theirs at
/// [`INGRESS_DEBT_MAX`](crate::verdict::INGRESS_DEBT_MAX).
///
/// A clock that steps back is taken to stand still until it has caught up: that neither pays debt
/// twice nor makes any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    rate: ByteRate,
    tolerance_ns: u64,
    /// The latest time this bucket was told.
    latest: Instant,
    /// Everything charged is paid for at this instant plus `remainder / rate` nanoseconds.
    paid_until: Instant,
    /// Nano-bytes that the division by the rate left over, which makes the arithmetic exact.
    remainder: u64,
}

impl TokenBucket {
    /// A bucket without debt at `now`. Allocation that is not used stays usable for `tolerance`.
    ///
    /// A rate of 0 is served as one byte per second, so that debt always ends.
    pub fn new(rate: ByteRate, tolerance: Duration, now: Instant) -> Self {
        Self {
            rate,
            tolerance_ns: u64::try_from(tolerance.as_nanos()).unwrap_or(u64::MAX),
            latest: now,
            paid_until: now,
            remainder: 0,
        }
    }

    /// The rate as it was set.
    pub fn rate(&self) -> ByteRate {
        self.rate
    }

    /// Charges `bytes` and says how long it takes from now until all debt is paid.
    pub fn charge(&mut self, now: Instant, bytes: ByteCount) -> Duration {
        self.settle(now);
        self.owe(bytes.into());
        self.debt(now)
    }

    /// How long it takes from `now` until all debt is paid; zero without debt.
    pub fn debt(&self, now: Instant) -> Duration {
        if self.rate.is_unlimited() {
            return Duration::ZERO;
        }
        self.ready_at().saturating_since(now.max(self.latest))
    }

    /// The first instant without debt, in whole nanoseconds; it may be past.
    pub fn ready_at(&self) -> Instant {
        self.paid_until + Duration::from_nanos(u64::from(self.remainder > 0))
    }

    /// What is charged and not paid for at `now`, exactly.
    pub fn owed(&self, now: Instant) -> NanoBytes {
        let now = now.max(self.latest);
        if self.rate.is_unlimited() || self.paid_until < now {
            return NanoBytes::ZERO;
        }
        let whole = u128::from(self.paid_until.0 - now.0) * u128::from(self.drain());
        NanoBytes(whole + u128::from(self.remainder))
    }

    /// How many bytes may be charged at `now` so that no more than `debt_max` of debt results.
    pub fn room(&self, now: Instant, debt_max: Duration) -> ByteCount {
        if self.rate.is_unlimited() {
            return ByteCount(u64::MAX);
        }
        let mut settled = *self;
        settled.settle(now);
        settled
            .unused_before(settled.latest + debt_max)
            .bytes_down()
    }

    /// Drops the allocation that was left unused for longer than the tolerance, and returns it.
    /// Every [`charge`](Self::charge) does so too: call this first to make use of what it drops.
    pub fn settle(&mut self, now: Instant) -> NanoBytes {
        self.latest = self.latest.max(now);
        self.drop_before(Instant(self.latest.0.saturating_sub(self.tolerance_ns)))
    }

    /// Takes `amount` off the debt, as if it had been charged to somebody else; never below zero.
    pub fn repay(&mut self, now: Instant, amount: NanoBytes) {
        let owed = self.owed(now);
        if amount == NanoBytes::ZERO || owed == NanoBytes::ZERO {
            return;
        }
        self.restart(now.max(self.latest));
        self.owe(NanoBytes(owed.0.saturating_sub(amount.0)));
    }

    /// Changes the rate. Debt is kept in bytes, so a higher rate ends it sooner; without a limit it
    /// ends at once. Returns the allocation of the old rate that was left unused, all of it.
    pub fn set_rate(&mut self, now: Instant, rate: ByteRate) -> NanoBytes {
        if rate == self.rate {
            return NanoBytes::ZERO;
        }
        self.latest = self.latest.max(now);
        let unused = self.drop_before(self.latest);
        let owed = self.owed(self.latest);
        self.rate = rate;
        self.restart(self.latest);
        self.owe(owed);
        unused
    }

    /// Nano-bytes per nanosecond, which is bytes per second.
    fn drain(&self) -> u64 {
        self.rate.0.max(1)
    }

    fn restart(&mut self, now: Instant) {
        self.paid_until = now;
        self.remainder = 0;
    }

    fn unused_before(&self, floor: Instant) -> NanoBytes {
        if self.rate.is_unlimited() || self.paid_until >= floor {
            return NanoBytes::ZERO;
        }
        let whole = u128::from(floor.0 - self.paid_until.0) * u128::from(self.drain());
        NanoBytes(whole - u128::from(self.remainder))
    }

    fn drop_before(&mut self, floor: Instant) -> NanoBytes {
        let unused = self.unused_before(floor);
        if self.paid_until < floor {
            self.restart(floor);
        }
        unused
    }

    fn owe(&mut self, amount: NanoBytes) {
        if self.rate.is_unlimited() {
            return;
        }
        let drain = u128::from(self.drain());
        let owed = amount.0.saturating_add(u128::from(self.remainder));
        let nanos = u64::try_from(owed / drain).unwrap_or(u64::MAX);
        self.paid_until = self.paid_until + Duration::from_nanos(nanos);
        self.remainder = u64::try_from(owed % drain).expect("less than the rate, which is a u64");
        assert!(self.remainder < self.drain());
    }
}

#[cfg(test)]
mod tests;
