use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;
const MINUTE: Duration = Duration::from_secs(60);

fn limits() -> Limits {
    Limits {
        ingress_bytes_per_s: ByteRate(1_000),
        egress_bytes_per_s: ByteRate(1_000),
        requests_per_s: 10,
        topic_requests_per_s: 2,
        connections_max: 3,
        connection_attempts_per_s: 2,
        ..Limits::serverless()
    }
}

fn quota() -> ClusterQuota {
    ClusterQuota::new(&limits(), Instant(0))
}

fn told_ms(quota: &mut ClusterQuota, now: u64, flow: Flow, amount: u64) -> u128 {
    let throttle = quota.charge(Instant(now), flow, amount, MINUTE);
    throttle.expect("within patience").told.as_millis()
}

#[test]
fn a_burst_passes_and_what_is_above_is_told_to_hold_back() {
    let mut quota = quota();
    let at = 10 * SECOND;
    assert_eq!(told_ms(&mut quota, at, Flow::Ingress, 250), 0);
    assert_eq!(told_ms(&mut quota, at, Flow::Ingress, 500), 500);
    assert_eq!(told_ms(&mut quota, at, Flow::Ingress, 9_000), 1_000);
    assert_eq!(told_ms(&mut quota, at, Flow::Requests, 10), 0);
    assert_eq!(told_ms(&mut quota, at, Flow::Requests, 1), 100);
    assert_eq!(told_ms(&mut quota, at, Flow::TopicRequests, 3), 500);
    let figures = quota.figures(Instant(at), LimitName::Ingress);
    assert_eq!(figures.throttled, Duration::from_millis(9_500));
    assert_eq!((figures.ceiling, figures.refused), (1_000, 0));
}

#[test]
fn what_would_wait_for_longer_than_its_client_is_not_charged() {
    let mut quota = quota();
    let now = Instant(10 * SECOND);
    let patience = Duration::from_secs(5);
    let mut charge = |amount| quota.charge(now, Flow::Ingress, amount, patience);
    assert_eq!(charge(7_250).expect("is patient").park.as_secs(), 4);
    let overdue = charge(1_001).expect_err("is not");
    assert_eq!(overdue.park, Duration::from_millis(5_001));
    assert_eq!(charge(1_000).expect("is patient").park, patience);
    let large = charge(3_001).expect("it would never come in time");
    assert_eq!(large.park, patience);
    let overdue = charge(3_001).expect_err("those before it are not paid in time");
    assert_eq!(overdue.park, Duration::from_millis(11_002));
    assert_eq!(quota.figures(now, LimitName::Ingress).refused, 2);
}

#[test]
fn egress_has_no_room_while_it_owes_a_second() {
    let mut quota = quota();
    let now = Instant(10 * SECOND);
    assert_eq!(quota.egress_room(now), ByteCount(1_250));
    assert_eq!(told_ms(&mut quota, now.0, Flow::Egress, 5_250), 1_000);
    assert_eq!(quota.egress_room(now), ByteCount(0));
    assert_eq!(quota.egress_throttle(now).told, Duration::from_secs(1));
    let later = Instant(now.0 + 9 * SECOND / 2);
    assert_eq!(quota.egress_room(later), ByteCount(500));
}

#[test]
fn above_its_rate_egress_comes_in_slices() {
    let limits = Limits {
        egress_bytes_per_s: ByteRate(40_000_000),
        ..limits()
    };
    let now = Instant(10 * SECOND);
    let mut quota = ClusterQuota::new(&limits, now);
    assert_eq!(
        quota.egress_room(now),
        ByteCount(11_000_000),
        "burst and slice"
    );
    told_ms(&mut quota, now.0, Flow::Egress, 10_000_000);
    assert_eq!(quota.egress_room(now), ByteCount(1_000_000), "a slice");
    assert_eq!(told_ms(&mut quota, now.0, Flow::Egress, 1_000_000), 25);
    assert_eq!(quota.egress_room(now), EGRESS_SLICE_MIN);
    told_ms(&mut quota, now.0, Flow::Egress, 38_900_000);
    assert_eq!(
        quota.egress_room(now),
        ByteCount(100_000),
        "within a second of debt"
    );
}

#[test]
fn debt_of_requests_is_forgotten_above_what_stops_a_connection() {
    let mut quota = quota();
    let now = 10 * SECOND;
    for _ in 0..1_000 {
        let throttle = quota.charge(Instant(now), Flow::Requests, 1, Duration::ZERO);
        let throttle = throttle.expect("requests never wait");
        assert!(throttle.park.is_zero() && throttle.mute <= Duration::from_secs(3));
    }
    assert_eq!(
        told_ms(&mut quota, now + 3 * SECOND, Flow::Requests, 1),
        100
    );
}

#[test]
fn connections_have_places_and_attempts_a_rate() {
    let mut quota = quota();
    let now = Instant(10 * SECOND);
    for _ in 0..3 {
        assert!(quota.take_place(now));
    }
    assert!(!quota.take_place(now));
    quota.leave_place();
    assert!(quota.take_place(now));
    assert_eq!(quota.figures(now, LimitName::Connections).used, Some(3));
    let delays: Vec<_> = (0..5).map(|_| quota.attempt(now)).collect();
    let ms = |ms| Some(Duration::from_millis(ms));
    assert_eq!(delays, [ms(0), ms(0), ms(500), ms(1_000), None]);
    assert_eq!(quota.figures(now, LimitName::ConnectionAttempts).refused, 1);
    assert_eq!(quota.attempt(Instant(11 * SECOND)), ms(500));
}

#[test]
fn changed_limits_and_shares_have_effect_at_once_and_keep_debt() {
    let mut quota = quota();
    let now = Instant(10 * SECOND);
    assert_eq!(told_ms(&mut quota, now.0, Flow::Ingress, 750), 500);
    let faster = Limits {
        ingress_bytes_per_s: ByteRate(5_000),
        ..limits()
    };
    quota.set_limits(now, &faster);
    assert_eq!(told_ms(&mut quota, now.0, Flow::Ingress, 0), 100);
    let lease = Lease::granted(now, Share::millionths(100_000), Duration::from_secs(1), 2);
    quota.set_lease(now, lease);
    assert_eq!(told_ms(&mut quota, now.0, Flow::Ingress, 0), 1_000);
    assert!(quota.take_place(now), "one of three is the least share");
    assert!(!quota.take_place(now));
    // The lender is silent: half of everything, since there are two gateways.
    let silent = now + Duration::from_secs(1);
    assert_eq!(told_ms(&mut quota, silent.0, Flow::Ingress, 1_250), 500);
}

#[test]
fn without_limits_nobody_is_held_back() {
    let mut quota = ClusterQuota::new(&Limits::provisioned(), Instant(0));
    for flow in Flow::ALL {
        assert_eq!(told_ms(&mut quota, 0, flow, u64::MAX), 0);
    }
    assert_eq!(quota.egress_room(Instant(0)), ByteCount(u64::MAX));
    assert_eq!(
        quota.figures(Instant(0), LimitName::Ingress).throttled,
        Duration::ZERO
    );
}

/// Pauses in milliseconds and sizes, none too large by itself, of clients that send again and again
/// whatever they are told.
fn demand() -> impl Strategy<Value = Vec<(u64, u64)>> {
    vec((0..400u64, prop_oneof![0..1_450u64, 0..20u64]), 1..200)
}

proptest! {
    /// In no span of time is more let through than rate x time + burst + the debt that is allowed.
    #[test]
    fn no_demand_gets_more_than_its_rate(demand in demand(), change_at in 0..200usize) {
        for flow in [Flow::Ingress, Flow::TopicRequests] {
            let mut quota = quota();
            let rate = rate(flow, &limits());
            let mut now = 10 * SECOND;
            let mut passed = Vec::new();
            for (number, &(pause, amount)) in demand.iter().enumerate() {
                now += pause * 1_000_000;
                if number == change_at {
                    // A share that comes and goes must not give anything away.
                    let lease = Lease::granted(Instant(now), Share::even(2), MINUTE, 1);
                    quota.set_lease(Instant(now), lease);
                }
                let amount = if flow == Flow::Ingress { amount } else { amount % 2 };
                let patience = Duration::from_secs(4);
                if let Ok(throttle) = quota.charge(Instant(now), flow, amount, patience) {
                    prop_assert!(throttle.park <= patience);
                    passed.push((Instant(now) + throttle.park, amount));
                }
            }
            passed.sort_by_key(|(at, _)| *at);
            for from in 0..passed.len() {
                let mut sum = 0;
                for &(at, amount) in &passed[from..] {
                    sum += amount;
                    let span = at.saturating_since(passed[from].0);
                    let allowed = span + flow.tolerance() + flow.mute_max();
                    let bytes = allowed.as_nanos() * u128::from(rate) / 1_000_000_000;
                    prop_assert!(u128::from(sum) <= bytes + u128::from(passed[from].1) + 1);
                }
            }
        }
    }

    /// Debt lasts exactly as long as what was charged above the rate takes.
    #[test]
    fn a_throttle_is_neither_longer_nor_shorter_than_the_excess(amounts in vec(0..500u64, 1..20)) {
        let mut quota = quota();
        let now = Instant(10 * SECOND);
        let mut sum = 0;
        for amount in amounts {
            sum += amount;
            let throttle = quota.charge(now, Flow::Ingress, amount, MINUTE).expect("patient");
            let debt = Duration::from_millis(sum.saturating_sub(250));
            prop_assert_eq!(throttle, Throttle::of_debt(Flow::Ingress, debt));
        }
    }
}

#[test]
fn a_new_quota_has_its_whole_burst() {
    let mut quota = quota();
    assert_eq!(told_ms(&mut quota, 0, Flow::Ingress, 250), 0);
    assert_eq!(told_ms(&mut quota, 0, Flow::Ingress, 1), 1);
    assert_eq!(quota.attempt(Instant(0)), Some(Duration::ZERO));
}
