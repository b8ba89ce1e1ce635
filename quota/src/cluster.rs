//! The limits of one virtual cluster as a whole, or the share of them that one gateway gives out.
//!
//! Owns: the levels of the four flows and of connection attempts, how many connections there are, and
//! the figures that are shown of every limit. Does not own: what debt means ([`crate::throttle`]),
//! who has which share ([`crate::share`]), waiting, or the limits of a partition, which live with its
//! owner ([`crate::partition`]).
//!
//! Requests are measured by the same bucket as bytes: a rate of one byte per second is one request
//! per second.
//!
//! Invariants: what was let through by the end of any span t, counted when its parking is over, is at
//! most rate x (t + tolerance + the flow's longest mute), whatever the clients do, for bytes in and
//! topic requests, and a single one more that is too large by itself; changed limits and leases keep debt, in bytes.

use std::time::Duration;

use model::{ByteCount, ByteRate, Instant, Limits};

use crate::bucket::TokenBucket;
use crate::limit_name::LimitName;
use crate::nano_bytes::NanoBytes;
use crate::per_second::PerSecond;
use crate::share::{Lease, Share};
use crate::throttle::{Flow, Overdue, Throttle};

/// A connection attempt above the rate waits up to this long; one that would wait longer is refused.
pub const ATTEMPT_DELAY_MAX: Duration = Duration::from_secs(1);

/// Above its rate a virtual cluster reads so much at once and then waits, again and again: many small answers,
/// since other tenants wait behind a large one.
const EGRESS_SLICE: Duration = Duration::from_millis(25);

/// An answer is not cut to less for that.
const EGRESS_SLICE_MIN: ByteCount = ByteCount(128 * 1024);

/// Attempts of this time may come at once.
const ATTEMPT_TOLERANCE: Duration = Duration::from_secs(1);

/// What is shown of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// What is used: per second for rates, at present for numbers. None where the use is that of a
    /// single request or partition, or is known elsewhere.
    pub used: Option<u64>,
    /// The limit of the whole virtual cluster.
    pub ceiling: u64,
    /// For how long the limit has held somebody back, altogether. For the limits of partitions: the
    /// sum of what acknowledgements and reads were held back.
    pub throttled: Duration,
    /// How often something was refused for the limit.
    pub refused: u64,
}

impl Figures {
    /// The ceiling; none where nothing is held back, which is the largest number of the limit's type.
    pub fn limit(&self) -> Option<u64> {
        let is_limited = !matches!(self.ceiling, 0xffff_ffff | u64::MAX);
        is_limited.then_some(self.ceiling)
    }
}

/// One flow against its rate. It begins with the whole burst: the bucket's time runs ahead of ours by
/// its tolerance, which it takes for time that nobody used.
#[derive(Clone, Copy, Debug)]
struct Level {
    bucket: TokenBucket,
    ahead: Duration,
    seen: PerSecond,
}

impl Level {
    fn new(rate: u64, tolerance: Duration, now: Instant) -> Self {
        Self {
            bucket: TokenBucket::new(ByteRate(rate), tolerance, now),
            ahead: tolerance,
            seen: PerSecond::new(now),
        }
    }

    /// Charges, and says how much longer the debt is now than it was.
    fn charge(&mut self, now: Instant, amount: u64) -> Duration {
        let before = self.debt(now);
        self.seen.add(now, amount);
        let after = self.bucket.charge(now + self.ahead, ByteCount(amount));
        after.saturating_sub(before)
    }

    fn debt(&self, now: Instant) -> Duration {
        self.bucket.debt(now + self.ahead)
    }

    fn room(&self, now: Instant, debt_max: Duration) -> ByteCount {
        self.bucket.room(now + self.ahead, debt_max)
    }

    fn set_rate(&mut self, now: Instant, rate: u64) {
        self.bucket.set_rate(now + self.ahead, ByteRate(rate));
    }

    /// Forgets debt above `debt_max`.
    fn forget(&mut self, now: Instant, debt_max: Duration) {
        let excess = self.debt(now).saturating_sub(debt_max);
        let bytes = excess.as_nanos() * u128::from(self.bucket.rate().0.max(1));
        self.bucket.repay(now + self.ahead, NanoBytes(bytes));
    }
}

/// See the file's header.
#[derive(Clone, Debug)]
pub struct ClusterQuota {
    limits: Limits,
    lease: Lease,
    /// The share that the rates are set to.
    share: Share,
    flows: [Level; Flow::ALL.len()],
    attempts: Level,
    connections: u32,
    throttled: [Duration; LimitName::ALL.len()],
    refused: [u64; LimitName::ALL.len()],
}

impl ClusterQuota {
    /// The quota of a virtual cluster that has one gateway, without debt.
    pub fn new(limits: &Limits, now: Instant) -> Self {
        let level = |flow: Flow| Level::new(rate(flow, limits), flow.tolerance(), now);
        let attempts = u64::from(limits.connection_attempts_per_s);
        Self {
            lease: Lease::sole(),
            share: Share::WHOLE,
            flows: Flow::ALL.map(level),
            attempts: Level::new(unlimited_if_max(attempts), ATTEMPT_TOLERANCE, now),
            connections: 0,
            throttled: [Duration::ZERO; LimitName::ALL.len()],
            refused: [0; LimitName::ALL.len()],
            limits: limits.clone(),
        }
    }

    /// Takes over changed limits.
    pub fn set_limits(&mut self, now: Instant, limits: &Limits) {
        self.limits = limits.clone();
        self.set_rates(now);
    }

    /// Takes over a lease; the one before ends.
    pub fn set_lease(&mut self, now: Instant, lease: Lease) {
        self.lease = lease;
        self.follow_lease(now);
    }

    /// Charges a request, and says what becomes of it; none is charged that would have to wait for
    /// longer than `patience` before it is carried out. One that takes longer by itself than
    /// [`Flow::mute_max`] would never come in time where others come, too: it is judged by what those
    /// before it owe, waits for `patience` at most, and what it owes itself those after it wait for.
    pub fn charge(
        &mut self,
        now: Instant,
        flow: Flow,
        amount: u64,
        patience: Duration,
    ) -> Result<Throttle, Overdue> {
        self.follow_lease(now);
        let level = &mut self.flows[flow as usize];
        let mut after = *level;
        let held = after.charge(now, amount);
        let mut throttle = Throttle::of_debt(flow, after.debt(now));
        let before = Throttle::of_debt(flow, level.debt(now));
        if held > flow.mute_max() && before.park <= patience {
            throttle.park = throttle.park.min(patience);
        }
        if throttle.park > patience {
            self.refused[limit_of(flow).index()] += 1;
            return Err(Overdue {
                park: throttle.park,
            });
        }
        *level = after;
        if flow.forgets() {
            level.forget(now, flow.mute_max());
        }
        self.throttled[limit_of(flow).index()] += held;
        Ok(throttle)
    }

    /// How many bytes of records a fetch may be answered with: what is left of the burst, and a slice. None
    /// are left while the debt is one second or more; a batch that is larger than what is left may be read
    /// whole all the same.
    pub fn egress_room(&mut self, now: Instant) -> ByteCount {
        self.follow_lease(now);
        let level = &self.flows[Flow::Egress as usize];
        let slice = level.room(now, EGRESS_SLICE).max(EGRESS_SLICE_MIN);
        slice.min(level.room(now, Flow::Egress.mute_max()))
    }

    /// What a fetch is told that is answered without records.
    pub fn egress_throttle(&self, now: Instant) -> Throttle {
        Throttle::of_debt(Flow::Egress, self.flows[Flow::Egress as usize].debt(now))
    }

    /// A client connects: how long that is to be delayed, or none where it is refused for coming too
    /// soon after too many others.
    pub fn attempt(&mut self, now: Instant) -> Option<Duration> {
        self.follow_lease(now);
        let mut after = self.attempts;
        let held = after.charge(now, 1);
        let delay = after.debt(now);
        if delay > ATTEMPT_DELAY_MAX {
            self.refuse(LimitName::ConnectionAttempts);
            return None;
        }
        self.attempts = after;
        self.throttled[LimitName::ConnectionAttempts.index()] += held;
        Some(delay)
    }

    /// Takes a place for a connection, if one is free.
    pub fn take_place(&mut self, now: Instant) -> bool {
        self.follow_lease(now);
        let places = self.share.of(u64::from(self.limits.connections_max));
        let is_free = u64::from(self.connections) < places;
        self.connections += u32::from(is_free);
        is_free
    }

    /// A connection that had a place is closed.
    ///
    /// # Panics
    /// If none had one.
    pub fn leave_place(&mut self) {
        assert!(self.connections > 0, "every place was taken once");
        self.connections -= 1;
    }

    /// Something was refused for a limit.
    pub fn refuse(&mut self, limit: LimitName) {
        self.refused[limit.index()] += 1;
    }

    /// A limit that is judged elsewhere has held somebody back for this long.
    pub fn held(&mut self, limit: LimitName, time: Duration) {
        let sum = &mut self.throttled[limit.index()];
        *sum = sum.saturating_add(time);
    }

    /// What is to be shown of a limit.
    pub fn figures(&self, now: Instant, limit: LimitName) -> Figures {
        let used = match limit {
            LimitName::Connections => Some(u64::from(self.connections)),
            LimitName::ConnectionAttempts => Some(self.attempts.seen.at(now)),
            _ => Flow::ALL
                .into_iter()
                .find(|flow| limit_of(*flow) == limit)
                .map(|flow| self.flows[flow as usize].seen.at(now)),
        };
        Figures {
            used,
            ceiling: limit.ceiling(&self.limits),
            throttled: self.throttled[limit.index()],
            refused: self.refused[limit.index()],
        }
    }

    fn follow_lease(&mut self, now: Instant) {
        let share = self.lease.share_at(now);
        if share != self.share {
            self.share = share;
            self.set_rates(now);
        }
    }

    fn set_rates(&mut self, now: Instant) {
        for (flow, level) in Flow::ALL.into_iter().zip(&mut self.flows) {
            level.set_rate(now, self.share.of(rate(flow, &self.limits)));
        }
        let attempts = unlimited_if_max(u64::from(self.limits.connection_attempts_per_s));
        self.attempts.set_rate(now, self.share.of(attempts));
    }
}

const fn limit_of(flow: Flow) -> LimitName {
    match flow {
        Flow::Ingress => LimitName::Ingress,
        Flow::Egress => LimitName::Egress,
        Flow::Requests => LimitName::Requests,
        Flow::TopicRequests => LimitName::TopicRequests,
    }
}

fn rate(flow: Flow, limits: &Limits) -> u64 {
    unlimited_if_max(limit_of(flow).ceiling(limits))
}

/// Numbers of 32 bits say "no limit" by their own largest value.
fn unlimited_if_max(rate: u64) -> u64 {
    if rate == u64::from(u32::MAX) {
        u64::MAX
    } else {
        rate
    }
}

#[cfg(test)]
mod tests;
