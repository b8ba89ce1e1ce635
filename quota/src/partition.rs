//! The quota of one partition: a bucket and burst credit for each direction.
//!
//! Owns: the partition's level. It lives with the partition's owner and travels with a move, so it
//! is exact with any number of gateways. Does not own: limits of the virtual cluster, or any waiting.

use std::time::Duration;

use model::{ByteCount, ByteRate, Instant, Limits};

use crate::bucket::TokenBucket;
use crate::burst::BurstCredit;
use crate::level::Level;
use crate::nano_bytes::NanoBytes;
use crate::verdict::{EGRESS_DEBT_MAX, INGRESS_DEBT_MAX, PACING_TOLERANCE, Verdict};

/// What one partition has used of its rates.
///
/// `head_room` is how many bytes beyond its partitions' rates the node can carry right now. Burst
/// credit is spent up to that and no further; 0 spends none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionQuota {
    ingress: Allocation,
    egress: Allocation,
}

impl PartitionQuota {
    /// The quota of a new partition: no debt, no burst credit.
    pub fn new(limits: &Limits, now: Instant) -> Self {
        let burst_s = limits.partition_burst_s;
        Self {
            ingress: Allocation::new(limits.partition_ingress_bytes_per_s, burst_s, now),
            egress: Allocation::new(limits.partition_egress_bytes_per_s, burst_s, now),
        }
    }

    /// The quota of a partition that came by a move or from a checkpoint.
    pub fn restore(limits: &Limits, level: Level, now: Instant) -> Self {
        let mut quota = Self::new(limits, now);
        quota
            .ingress
            .restore(now, level.ingress_debt, level.ingress_credit);
        quota
            .egress
            .restore(now, level.egress_debt, level.egress_credit);
        quota
    }

    /// The level, to hand over or to keep.
    pub fn level(&self, now: Instant) -> Level {
        let (ingress_debt, ingress_credit) = self.ingress.level(now);
        let (egress_debt, egress_credit) = self.egress.level(now);
        Level {
            ingress_debt,
            ingress_credit,
            egress_debt,
            egress_credit,
        }
    }

    /// Takes over changed limits. Debt and burst credit are kept in bytes.
    pub fn set_rates(&mut self, now: Instant, limits: &Limits) {
        let burst_s = limits.partition_burst_s;
        self.ingress
            .set_rate(now, limits.partition_ingress_bytes_per_s, burst_s);
        self.egress
            .set_rate(now, limits.partition_egress_bytes_per_s, burst_s);
    }

    /// How long a request must be parked before its batch may be appended; zero in ordinary times.
    /// It keeps debt below [`INGRESS_DEBT_MAX`] and one batch, however many connections there are.
    pub fn ingress_park(&self, now: Instant) -> Duration {
        self.ingress_debt(now).saturating_sub(INGRESS_DEBT_MAX)
    }

    /// Time until all that was written is paid for.
    pub fn ingress_debt(&self, now: Instant) -> Duration {
        self.ingress.bucket.debt(now)
    }

    /// Charges a batch that is being appended.
    pub fn charge_ingress(
        &mut self,
        now: Instant,
        bytes: ByteCount,
        head_room: ByteCount,
    ) -> Verdict {
        let burst_spent = self.ingress.charge(now, bytes, head_room);
        Verdict::of_debt(self.ingress.bucket.debt(now), burst_spent)
    }

    /// Time until the partition may be read; until then it counts as empty.
    pub fn egress_ready(&self, now: Instant) -> Duration {
        self.egress.bucket.debt(now)
    }

    /// How many bytes a read may return at `now`: zero before [`egress_ready`](Self::egress_ready),
    /// then at least one, so that a read always moves on. A reader that must return a whole batch
    /// may go beyond; that is charged like the rest.
    pub fn egress_allowance(&self, now: Instant) -> ByteCount {
        if !self.egress_ready(now).is_zero() {
            return ByteCount(0);
        }
        self.egress
            .bucket
            .room(now, EGRESS_DEBT_MAX)
            .max(ByteCount(1))
    }

    /// Charges what was read. Returns the burst credit that was spent.
    pub fn charge_egress(
        &mut self,
        now: Instant,
        bytes: ByteCount,
        head_room: ByteCount,
    ) -> ByteCount {
        self.egress.charge(now, bytes, head_room)
    }
}

/// One direction: what the bucket drops as unused becomes credit, and credit pays debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allocation {
    bucket: TokenBucket,
    credit: BurstCredit,
}

impl Allocation {
    fn new(rate: ByteRate, burst_s: u32, now: Instant) -> Self {
        Self {
            bucket: TokenBucket::new(rate, PACING_TOLERANCE, now),
            credit: BurstCredit::new(burst_s),
        }
    }

    fn restore(&mut self, now: Instant, debt: ByteCount, credit: ByteCount) {
        self.bucket.charge(now, debt);
        self.credit.earn(self.bucket.rate(), credit.into());
    }

    fn level(&self, now: Instant) -> (ByteCount, ByteCount) {
        let mut settled = *self;
        settled.settle(now);
        (settled.bucket.owed(now).bytes_up(), settled.credit.bytes())
    }

    fn set_rate(&mut self, now: Instant, rate: ByteRate, burst_s: u32) {
        self.settle(now);
        let unused = self.bucket.set_rate(now, rate);
        self.credit.resize(rate, burst_s);
        self.credit.earn(rate, unused);
    }

    fn charge(&mut self, now: Instant, bytes: ByteCount, head_room: ByteCount) -> ByteCount {
        self.settle(now);
        self.bucket.charge(now, bytes);
        let spent: NanoBytes = self.credit.spend(self.bucket.owed(now), head_room);
        self.bucket.repay(now, spent);
        spent.bytes_up()
    }

    fn settle(&mut self, now: Instant) {
        let unused = self.bucket.settle(now);
        self.credit.earn(self.bucket.rate(), unused);
    }
}

#[cfg(test)]
mod tests;
