//! Burst credit: allocation that a partition left unused, to be spent later.
//!
//! Owns: how much credit there is. Does not own: whether the node has room for a burst; that comes
//! in with each charge.
//!
//! The idea is DynamoDB's (USENIX ATC 2022, "Bursting"): up to 300 s of unused capacity are kept
//! for a partition and may be spent beyond its rate while its node has capacity to spare.
//!
//! Invariant: the credit never exceeds rate x seconds, the whole allocation of that many seconds.
//! It does not age one second at a time: what is kept is a level with a ceiling, which needs sixteen
//! bytes for a partition where a sliding window would need one counter for each second.

use model::{ByteCount, ByteRate};

use crate::nano_bytes::NanoBytes;

/// Most seconds of unused allocation that are kept. A larger setting is taken for this one.
pub const BURST_SECONDS_MAX: u32 = 300;

/// Unused allocation of one direction of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurstCredit {
    credit: NanoBytes,
    seconds: u32,
}

impl BurstCredit {
    /// No credit yet, room for `seconds` of allocation; 0 turns bursts off.
    pub fn new(seconds: u32) -> Self {
        Self {
            credit: NanoBytes::ZERO,
            seconds: seconds.min(BURST_SECONDS_MAX),
        }
    }

    /// The credit in whole bytes.
    pub fn bytes(&self) -> ByteCount {
        self.credit.bytes_down()
    }

    /// Adds allocation that was left unused at `rate`; what is above the ceiling is lost.
    pub fn earn(&mut self, rate: ByteRate, unused: NanoBytes) {
        let sum = self.credit.0.saturating_add(unused.0);
        self.credit = NanoBytes(sum.min(self.ceiling(rate).0));
    }

    /// Pays as much of `owed` as there is credit and the node has `head_room` for; returns what it
    /// paid. Without head-room nothing is paid, and the credit stays.
    pub fn spend(&mut self, owed: NanoBytes, head_room: ByteCount) -> NanoBytes {
        let paid = owed.min(self.credit).min(head_room.into());
        self.credit = NanoBytes(self.credit.0 - paid.0);
        paid
    }

    /// Changes how many seconds of `rate` are kept. Credit is kept in bytes, up to the new ceiling.
    pub fn resize(&mut self, rate: ByteRate, seconds: u32) {
        self.seconds = seconds.min(BURST_SECONDS_MAX);
        self.earn(rate, NanoBytes::ZERO);
    }

    /// Where nothing is limited there is nothing to spend credit on.
    fn ceiling(&self, rate: ByteRate) -> NanoBytes {
        if rate.is_unlimited() {
            return NanoBytes::ZERO;
        }
        NanoBytes(NanoBytes::from(ByteCount(rate.0)).0 * u128::from(self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: ByteRate = ByteRate(1000);

    fn credit_of(seconds: u32, unused: u64) -> BurstCredit {
        let mut credit = BurstCredit::new(seconds);
        credit.earn(RATE, ByteCount(unused).into());
        credit
    }

    #[test]
    fn credit_stops_at_the_allocation_of_its_seconds() {
        assert_eq!(credit_of(10, 9_999).bytes(), ByteCount(9_999));
        assert_eq!(credit_of(10, 10_001).bytes(), ByteCount(10_000));
        assert_eq!(credit_of(9_999, u64::MAX).bytes(), ByteCount(300_000));
    }

    #[test]
    fn zero_seconds_turn_bursts_off() {
        let mut off = credit_of(0, 1_000_000);
        assert_eq!(
            off.spend(ByteCount(1).into(), ByteCount(u64::MAX)),
            NanoBytes::ZERO
        );
    }

    #[test]
    fn without_head_room_nothing_is_spent_and_nothing_lost() {
        let mut credit = credit_of(10, 5_000);
        let owed = ByteCount(4_000).into();
        assert_eq!(credit.spend(owed, ByteCount(0)), NanoBytes::ZERO);
        assert_eq!(
            credit.spend(owed, ByteCount(1_500)),
            ByteCount(1_500).into()
        );
        assert_eq!(credit.bytes(), ByteCount(3_500));
        assert_eq!(
            credit.spend(owed, ByteCount(u64::MAX)),
            ByteCount(3_500).into()
        );
        assert_eq!(credit.spend(owed, ByteCount(u64::MAX)), NanoBytes::ZERO);
    }

    #[test]
    fn a_smaller_ceiling_cuts_and_a_larger_one_keeps() {
        let mut credit = credit_of(10, 8_000);
        credit.resize(RATE, 20);
        assert_eq!(credit.bytes(), ByteCount(8_000));
        credit.resize(ByteRate(100), 20);
        assert_eq!(credit.bytes(), ByteCount(2_000));
        credit.resize(ByteRate::UNLIMITED, 300);
        assert_eq!(credit.bytes(), ByteCount(0));
    }

    #[test]
    fn the_largest_rates_do_not_overflow() {
        let mut credit = BurstCredit::new(300);
        credit.earn(ByteRate(u64::MAX - 1), NanoBytes(u128::MAX));
        credit.earn(ByteRate(u64::MAX - 1), NanoBytes(u128::MAX));
        assert_eq!(credit.bytes(), ByteCount(u64::MAX));
    }
}
