//! A partition's two directions together, and with burst credit.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NO_ROOM: ByteCount = ByteCount(0);
const ROOM: ByteCount = ByteCount(u64::MAX);
const SECOND: u64 = 1_000_000_000;

fn limits(partition_burst_s: u32) -> Limits {
    Limits {
        partition_burst_s,
        ..Limits::serverless()
    }
}

fn quota(burst_s: u32) -> PartitionQuota {
    PartitionQuota::new(&limits(burst_s), Instant(0))
}

#[test]
fn directions_do_not_share_a_bucket() {
    let mut quota = quota(0);
    let verdict = quota.charge_ingress(Instant(SECOND), ByteCount(10_200_000), NO_ROOM);
    assert_eq!(verdict.ack_delay, Duration::from_secs(2));
    assert_eq!(verdict.stop_reading, Duration::from_secs(1));
    assert_eq!(quota.egress_ready(Instant(SECOND)), Duration::ZERO);
    quota.charge_egress(Instant(SECOND), ByteCount(30_400_000), NO_ROOM);
    assert_eq!(quota.egress_ready(Instant(SECOND)), Duration::from_secs(3));
    assert_eq!(quota.ingress_debt(Instant(SECOND)), Duration::from_secs(2));
}

#[test]
fn many_connections_cannot_push_debt_far_beyond_the_bound() {
    let mut quota = quota(0);
    let batch = ByteCount(8 * 1024 * 1024);
    let mut appended = 0;
    while quota.ingress_park(Instant(0)).is_zero() {
        quota.charge_ingress(Instant(0), batch, NO_ROOM);
        appended += 1;
    }
    assert_eq!(appended, 6);
    assert!(quota.ingress_debt(Instant(0)) < INGRESS_DEBT_MAX + Duration::from_secs(2));
    let parked = quota.ingress_park(Instant(0));
    assert_eq!(quota.ingress_park(Instant(0) + parked), Duration::ZERO);
}

#[test]
fn reads_are_clipped_to_what_keeps_windows_exact() {
    let mut quota = quota(0);
    let now = Instant(SECOND);
    // 60 ms of debt and 40 ms of tolerance at 10 MB/s.
    assert_eq!(quota.egress_allowance(now), ByteCount(1_000_000));
    quota.charge_egress(now, ByteCount(1_000_000), NO_ROOM);
    assert_eq!(quota.egress_ready(now), EGRESS_DEBT_MAX);
    assert_eq!(quota.egress_allowance(now), ByteCount(0));
    assert_eq!(
        quota.egress_allowance(now + EGRESS_DEBT_MAX),
        ByteCount(600_000)
    );
}

#[test]
fn the_slowest_partition_can_be_read_a_byte_at_a_time() {
    let slow = Limits {
        partition_egress_bytes_per_s: ByteRate(1),
        ..limits(0)
    };
    let quota = PartitionQuota::new(&slow, Instant(0));
    assert_eq!(quota.egress_allowance(Instant(0)), ByteCount(1));
}

#[test]
fn burst_credit_is_spent_while_the_node_has_room() {
    let mut quota = quota(300);
    let now = Instant(10 * SECOND);
    // Ten idle seconds: 200 kB are still tolerated, the rest has become credit.
    assert_eq!(quota.level(now).ingress_credit, ByteCount(49_800_000));
    let refused = quota.charge_ingress(now, ByteCount(10_200_000), NO_ROOM);
    assert_eq!(refused.ack_delay, Duration::from_secs(2));
    assert_eq!(refused.burst_spent, ByteCount(0));
    let granted = quota.charge_ingress(now, ByteCount(5_000_000), ByteCount(12_000_000));
    assert_eq!(granted.burst_spent, ByteCount(12_000_000));
    assert_eq!(granted.ack_delay, Duration::from_millis(600));
    let granted = quota.charge_ingress(now, ByteCount(40_000_000), ROOM);
    assert_eq!(granted.burst_spent, ByteCount(37_800_000));
    assert_eq!(granted.ack_delay, Duration::from_millis(1040));
}

#[test]
fn without_burst_seconds_idleness_buys_nothing() {
    let mut quota = quota(0);
    let verdict = quota.charge_ingress(Instant(3600 * SECOND), ByteCount(5_200_000), ROOM);
    assert_eq!(
        verdict,
        Verdict::of_debt(Duration::from_secs(1), ByteCount(0))
    );
}

#[test]
fn a_burst_of_reads_stays_ready() {
    let mut quota = quota(300);
    let now = Instant(2 * SECOND);
    let mut read = 0;
    while quota.egress_ready(now).is_zero() {
        let bytes = quota.egress_allowance(now);
        quota.charge_egress(now, bytes, ROOM);
        read += bytes.0;
    }
    // Two seconds of allocation, and the debt that the last read may leave.
    assert!((20_000_000..=20_600_000).contains(&read), "{read}");
}

#[test]
fn new_rates_hold_at_once_and_keep_debt_and_credit_in_bytes() {
    let mut quota = quota(10);
    let now = Instant(20 * SECOND);
    quota.charge_ingress(now, ByteCount(5_200_000), NO_ROOM);
    let before = quota.level(now);
    assert_eq!(before.ingress_debt, ByteCount(5_000_000));
    let faster = Limits {
        partition_ingress_bytes_per_s: ByteRate(50_000_000),
        ..limits(10)
    };
    quota.set_rates(now, &faster);
    assert_eq!(quota.level(now), before);
    assert_eq!(quota.ingress_debt(now), Duration::from_millis(100));
    quota.set_rates(now, &Limits::provisioned());
    assert_eq!(quota.level(now).ingress_debt, ByteCount(0));
    assert_eq!(quota.egress_allowance(now), ByteCount(u64::MAX));
}

#[test]
fn a_level_travels_as_bytes() {
    let level = Level {
        ingress_debt: ByteCount(1),
        ingress_credit: ByteCount(300),
        egress_debt: ByteCount(u64::MAX),
        egress_credit: ByteCount(0),
    };
    let mut bytes = Vec::new();
    level.encode(&mut bytes);
    assert_eq!(bytes.len(), 1 + 1 + 2 + 10 + 1);
    assert_eq!(Level::decode(&bytes), Ok(level));
    for end in 0..bytes.len() {
        let truncated = crate::DecodeError::Truncated { at: end };
        assert_eq!(Level::decode(&bytes[..end]), Err(truncated));
    }
}

/// Steps of time, batch sizes and room.
fn charges() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    let step = prop_oneof![Just(0), 0..200_000_000u64, 0..20_000_000_000u64];
    vec(
        (step, 0..3_000_000u64, prop_oneof![Just(0), 0..2_000_000u64]),
        1..80,
    )
}

proptest! {
    #[test]
    fn every_byte_is_paid_by_the_rate_by_credit_or_is_owed(rate in 1..20_000_000u64, charges in charges()) {
        let mut allocation = Allocation::new(ByteRate(rate), 300, Instant(0));
        let (mut now, mut charged, mut earned, mut spent) = (0, 0, 0, 0);
        for (step, bytes, room) in charges {
            now += step;
            let before = allocation.credit;
            allocation.settle(Instant(now));
            // With 300 s of room and short tests, nothing that is earned is cut.
            earned += allocation.credit.bytes().0 - before.bytes().0;
            let burst = allocation.charge(Instant(now), ByteCount(bytes), ByteCount(room));
            prop_assert!(burst.0 <= room);
            charged += bytes;
            spent += burst.0;
        }
        prop_assert!(spent <= earned + 80);
        // Each side rounds by less than a byte a charge.
        let allowed = u128::from(rate) * u128::from(now) / 1_000_000_000 + u128::from(spent);
        let owed = allocation.bucket.owed(Instant(now)).bytes_down();
        prop_assert!(u128::from(charged) <= allowed + u128::from(owed.0) + 80);
    }

    #[test]
    fn a_level_comes_back_from_a_move(charges in charges(), elsewhere: u32) {
        let mut quota = quota(300);
        let mut now = Instant(0);
        for (step, bytes, room) in charges {
            now = Instant(now.0 + step);
            quota.charge_ingress(now, ByteCount(bytes), ByteCount(room));
            quota.charge_egress(now, ByteCount(2 * bytes), ByteCount(room));
        }
        let level = quota.level(now);
        let there = Instant(u64::from(elsewhere));
        let moved = PartitionQuota::restore(&limits(300), level, there);
        prop_assert_eq!(moved.level(there), level);
        let longer = moved.ingress_debt(there).saturating_sub(quota.ingress_debt(now));
        prop_assert!(longer <= Duration::from_nanos(200), "less than a byte");
        prop_assert!(moved.ingress_debt(there) >= quota.ingress_debt(now));
    }
}
