//! The bucket against an oracle that counts bytes, not time.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const TOLERANCE: Duration = Duration::from_millis(40);
const SECOND: u64 = 1_000_000_000;

fn bucket(rate: u64) -> TokenBucket {
    TokenBucket::new(ByteRate(rate), TOLERANCE, Instant(0))
}

/// Rates and sizes from tiny to the largest, small ones as likely as large ones.
fn magnitudes() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift)
}

#[test]
fn a_charge_larger_than_the_tolerance_is_slowed_and_never_stuck() {
    let mut bucket = bucket(1000);
    assert_eq!(
        bucket.charge(Instant(SECOND), ByteCount(5040)),
        Duration::from_secs(5)
    );
    assert_eq!(bucket.ready_at(), Instant(6 * SECOND));
    assert_eq!(
        bucket.debt(Instant(6 * SECOND - 1)),
        Duration::from_nanos(1)
    );
    assert_eq!(bucket.debt(Instant(6 * SECOND)), Duration::ZERO);
}

#[test]
fn within_the_tolerance_nothing_waits() {
    let mut bucket = bucket(1000);
    assert_eq!(
        bucket.charge(Instant(SECOND), ByteCount(40)),
        Duration::ZERO
    );
    assert_eq!(
        bucket.charge(Instant(SECOND), ByteCount(1)),
        Duration::from_millis(1)
    );
}

#[test]
fn without_a_limit_nothing_is_owed() {
    let mut bucket = TokenBucket::new(ByteRate::UNLIMITED, TOLERANCE, Instant(5));
    let fresh = bucket;
    for _ in 0..3 {
        assert_eq!(
            bucket.charge(Instant(5), ByteCount(u64::MAX)),
            Duration::ZERO
        );
    }
    assert_eq!(bucket, fresh);
    assert_eq!(bucket.room(Instant(5), Duration::ZERO), ByteCount(u64::MAX));
    assert_eq!(bucket.settle(Instant(u64::MAX)), NanoBytes::ZERO);
}

#[test]
fn lifting_the_limit_ends_debt_and_a_new_limit_starts_without() {
    let mut bucket = bucket(10);
    bucket.charge(Instant(0), ByteCount(1000));
    bucket.set_rate(Instant(SECOND), ByteRate::UNLIMITED);
    assert_eq!(bucket.debt(Instant(SECOND)), Duration::ZERO);
    assert_eq!(bucket.owed(Instant(SECOND)), NanoBytes::ZERO);
    bucket.set_rate(Instant(9 * SECOND), ByteRate(10));
    assert_eq!(
        bucket.charge(Instant(9 * SECOND), ByteCount(10)),
        Duration::from_secs(1)
    );
}

#[test]
fn a_rate_of_zero_lets_a_byte_through_each_second() {
    let mut bucket = bucket(0);
    assert_eq!(
        bucket.charge(Instant(0), ByteCount(3)),
        Duration::from_secs(3)
    );
    bucket.set_rate(Instant(SECOND), ByteRate(2));
    assert_eq!(bucket.debt(Instant(SECOND)), Duration::from_secs(1));
}

#[test]
fn a_clock_that_steps_back_makes_no_debt_and_pays_none() {
    let mut bucket = bucket(1000);
    assert_eq!(
        bucket.charge(Instant(9 * SECOND), ByteCount(1040)),
        Duration::from_secs(1)
    );
    assert_eq!(bucket.debt(Instant(0)), Duration::from_secs(1));
    assert_eq!(
        bucket.charge(Instant(0), ByteCount(1000)),
        Duration::from_secs(2)
    );
    assert_eq!(bucket.ready_at(), Instant(11 * SECOND));
    bucket.repay(Instant(0), ByteCount(500).into());
    assert_eq!(bucket.ready_at(), Instant(10_500_000_000));
    // An idle bucket is not in debt for the time that the clock went back.
    bucket.settle(Instant(20 * SECOND));
    assert_eq!(bucket.debt(Instant(0)), Duration::ZERO);
    assert_eq!(
        bucket.set_rate(Instant(0), ByteRate(5)),
        ByteCount(40).into()
    );
    assert_eq!(bucket.ready_at(), Instant(20 * SECOND));
}

#[test]
fn at_the_end_of_the_clock_debt_saturates() {
    let mut bucket = bucket(1);
    for _ in 0..3 {
        bucket.charge(Instant(7), ByteCount(u64::MAX));
        assert_eq!(bucket.ready_at(), Instant(u64::MAX));
    }
    bucket.set_rate(Instant(7), ByteRate(u64::MAX - 1));
    assert!(bucket.debt(Instant(7)) < Duration::from_secs(1));
}

/// What a bucket should do, told in nano-bytes: debt drains at the rate, and so does tolerance fill.
struct Oracle {
    rate: u64,
    now: u64,
    debt: i128,
    dropped: i128,
}

impl Oracle {
    fn advance(&mut self, now: u64) {
        let passed = now.saturating_sub(self.now);
        self.now = self.now.max(now);
        self.debt -= i128::from(passed) * i128::from(self.rate);
        let floor =
            -(TOLERANCE.as_nanos().min(u128::from(self.now)) as i128) * i128::from(self.rate);
        self.dropped += (floor - self.debt).max(0);
        self.debt = self.debt.max(floor);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn many_small_charges_equal_one_large(
        rate in magnitudes(),
        now: u64,
        before in magnitudes(),
        parts in vec(magnitudes().prop_map(|n| n / 40), 1..40),
    ) {
        let mut small = bucket(rate);
        small.charge(Instant(now / 2), ByteCount(before));
        let mut large = small;
        for &part in &parts {
            small.charge(Instant(now), ByteCount(part));
        }
        large.charge(Instant(now), ByteCount(parts.iter().sum()));
        prop_assert_eq!(small, large);
    }

    #[test]
    fn the_instant_tells_what_counting_bytes_tells(
        rate in 1..1_000_000_000_000u64,
        steps in vec((0..2_000_000_000u64, 0..10_000_000u64, any::<bool>()), 1..60),
    ) {
        let mut bucket = bucket(rate);
        let mut oracle = Oracle { rate, now: 0, debt: 0, dropped: 0 };
        let (mut now, mut dropped) = (0, 0);
        for (step, bytes, back) in steps {
            now = if back { now - now.min(step) / 8 } else { now + step };
            dropped += bucket.settle(Instant(now)).0 as i128;
            bucket.charge(Instant(now), ByteCount(bytes));
            oracle.advance(now);
            oracle.debt += i128::from(bytes) * 1_000_000_000;
            prop_assert_eq!(bucket.owed(Instant(now)).0 as i128, oracle.debt.max(0));
            prop_assert_eq!(dropped, oracle.dropped);
            let nanos = oracle.debt.max(0) as u128;
            prop_assert_eq!(bucket.debt(Instant(now)).as_nanos(), nanos.div_ceil(u128::from(rate)));
        }
    }

    #[test]
    fn a_change_of_rate_keeps_the_debt_in_bytes(
        rates in vec(1..u64::MAX, 1..20),
        debt in 0..1_000_000_000u64,
        now in 0..u64::MAX / 4,
    ) {
        let mut bucket = bucket(u64::MAX - 1);
        bucket.settle(Instant(now));
        let tolerated = bucket.room(Instant(now), Duration::ZERO).0;
        bucket.charge(Instant(now), ByteCount(tolerated));
        // What is left of the tolerance is less than a byte.
        bucket.charge(Instant(now), ByteCount(debt + 1));
        let owed = bucket.owed(Instant(now));
        prop_assert!(owed <= ByteCount(debt + 1).into() && owed > ByteCount(debt).into());
        for rate in rates {
            bucket.set_rate(Instant(now), ByteRate(rate));
            prop_assume!(bucket.ready_at() < Instant(u64::MAX));
            prop_assert_eq!(bucket.owed(Instant(now)), owed);
        }
    }

    #[test]
    fn room_is_what_may_be_charged_and_not_a_byte_more(
        rate in 1..u64::MAX >> 20,
        charged in 0..100_000_000u64,
        now in 0..u64::MAX / 4,
        debt_ms in 0..1000u64,
    ) {
        let mut bucket = bucket(rate);
        bucket.charge(Instant(now), ByteCount(charged));
        let debt_max = Duration::from_millis(debt_ms);
        let room = bucket.room(Instant(now), debt_max);
        if room > ByteCount(0) {
            let mut filled = bucket;
            prop_assert!(filled.charge(Instant(now), room) <= debt_max);
        }
        prop_assert!(bucket.charge(Instant(now), ByteCount(room.0 + 1)) > debt_max);
    }

    #[test]
    fn repaid_debt_is_as_if_it_had_not_been_charged(
        rate in 1..1_000_000_000u64,
        kept in 0..1_000_000_000u64,
        repaid in 0..1_000_000_000u64,
    ) {
        let now = Instant(5 * SECOND);
        let mut bucket = bucket(rate);
        let tolerated = bucket.room(now, Duration::ZERO).0;
        bucket.charge(now, ByteCount(tolerated + 1 + kept));
        let mut repaying = bucket;
        repaying.charge(now, ByteCount(repaid));
        repaying.repay(now, ByteCount(repaid).into());
        prop_assert_eq!(repaying, bucket);
        repaying.repay(now, NanoBytes(u128::MAX));
        prop_assert_eq!(repaying.owed(now), NanoBytes::ZERO);
    }

    #[test]
    fn no_numbers_overflow(
        rates in vec(prop_oneof![any::<u64>(), magnitudes(), Just(u64::MAX), Just(0)], 1..10),
        steps in vec((any::<u64>(), prop_oneof![any::<u64>(), magnitudes()]), 1..30),
    ) {
        let mut bucket = bucket(rates[0]);
        for (i, &(now, bytes)) in steps.iter().enumerate() {
            let now = Instant(now);
            bucket.charge(now, ByteCount(bytes));
            bucket.set_rate(now, ByteRate(rates[i % rates.len()]));
            bucket.room(now, Duration::MAX);
            bucket.repay(now, NanoBytes(u128::from(bytes)));
            prop_assert!(bucket.owed(now).bytes_up() >= bucket.owed(now).bytes_down());
        }
    }
}
