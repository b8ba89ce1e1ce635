//! Clients that obey verdicts, on a clock that is moved by hand: what passes in each 10 s window.
//!
//! After a second of idleness producers offer four times the quota until 60 s, over connections with
//! latency. They send no more than they may have in flight, and are acknowledged and read when the
//! verdict says so. Every window of 10 s that begins after the first 5 s, in steps of 7 ms, must hold
//! 97 to 101 % of the quota.

use std::collections::VecDeque;
use std::time::Duration;

use model::{ByteCount, ByteRate, Instant, Limits};
use quota::PartitionQuota;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const RUN: u64 = 60 * SECOND;
const WINDOW: u64 = 10 * SECOND;
const KIB: u64 = 1024;

/// From here on windows are checked.
const SETTLED: u64 = 5 * SECOND;

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("delays are bounded by seconds")
}

/// Bytes that passed, by time.
#[derive(Default)]
struct Passed(Vec<(u64, u64)>);

impl Passed {
    /// Fewest and most bytes in a window that begins at or after `from`.
    fn extremes(&mut self, from: u64) -> (u64, u64) {
        self.0.sort_unstable();
        let mut before = vec![0];
        for &(_, bytes) in &self.0 {
            before.push(before[before.len() - 1] + bytes);
        }
        let passed_until = |time| before[self.0.partition_point(|&(at, _)| at < time)];
        let starts = (from..=RUN - WINDOW).step_by(7 * MS as usize);
        starts.fold((u64::MAX, 0), |(least, most), start| {
            let bytes = passed_until(start + WINDOW) - passed_until(start);
            (least.min(bytes), most.max(bytes))
        })
    }

    /// 97 to 101 % of `rate` in each window from `from` on.
    fn check(&mut self, rate: ByteRate, from: u64, what: &str) {
        let (least, most) = self.extremes(from);
        let percent = rate.0 * (WINDOW / SECOND) / 100;
        assert!(
            least >= 97 * percent && most <= 101 * percent,
            "{what}: {least} to {most}, 1 % is {percent}"
        );
    }
}

/// A producer's connection, and how it is read.
struct Connection {
    sizes: Vec<u64>,
    in_flight_max: usize,
    latency: u64,
    offered_bytes_per_s: u64,
    sent: usize,
    next_offer: u64,
    /// When the acknowledgements of the latest batches reach the client, oldest first.
    acknowledged: VecDeque<u64>,
    readable_at: u64,
    last_ack: u64,
}

impl Connection {
    fn new(sizes: &[u64], in_flight_max: usize, latency: u64, offered_bytes_per_s: u64) -> Self {
        Self {
            sizes: sizes.to_vec(),
            in_flight_max,
            latency,
            offered_bytes_per_s,
            sent: 0,
            next_offer: SECOND,
            acknowledged: VecDeque::new(),
            readable_at: 0,
            last_ack: 0,
        }
    }

    /// When the gateway reads the next batch: once it is offered, fits in flight, has arrived, and the
    /// connection is read.
    fn next_read(&self) -> u64 {
        let waits = self.acknowledged.len() == self.in_flight_max;
        let slot = if waits { self.acknowledged[0] } else { 0 };
        (self.next_offer.max(slot) + self.latency).max(self.readable_at)
    }

    fn read(&mut self, quota: &mut PartitionQuota, appended: &mut Passed, acked: &mut Passed) {
        let now = self.next_read();
        let size = self.sizes[self.sent % self.sizes.len()];
        assert_eq!(quota.ingress_park(Instant(now)), Duration::ZERO);
        let verdict = quota.charge_ingress(Instant(now), ByteCount(size), ByteCount(0));
        let ack = now + nanos(verdict.ack_delay);
        // Answers leave in the order of requests.
        self.last_ack = self.last_ack.max(ack);
        self.readable_at = now + nanos(verdict.stop_reading);
        if self.acknowledged.len() == self.in_flight_max {
            self.acknowledged.pop_front();
        }
        if self.in_flight_max != usize::MAX {
            self.acknowledged.push_back(self.last_ack + self.latency);
        }
        self.sent += 1;
        self.next_offer += size * SECOND / self.offered_bytes_per_s;
        appended.0.push((now, size));
        acked.0.push((self.last_ack, size));
    }
}

/// Runs `count` connections to one partition; returns what was appended and what was acknowledged.
fn produce(count: usize, sizes: &[u64], in_flight_max: usize, latency: u64) -> (Passed, Passed) {
    let limits = Limits::serverless();
    let offered = 4 * limits.partition_ingress_bytes_per_s.0 / count as u64;
    let mut quota = PartitionQuota::new(&limits, Instant(0));
    let mut connections: Vec<_> = (0..count)
        .map(|_| Connection::new(sizes, in_flight_max, latency, offered))
        .collect();
    let (mut appended, mut acked) = (Passed::default(), Passed::default());
    loop {
        let next = connections
            .iter_mut()
            .min_by_key(|connection| connection.next_read())
            .expect("there is at least one connection");
        if next.next_read() >= RUN {
            return (appended, acked);
        }
        next.read(&mut quota, &mut appended, &mut acked);
    }
}

fn ingress_rate() -> ByteRate {
    Limits::serverless().partition_ingress_bytes_per_s
}

/// Batches up to 1 % of a window, and 1 MiB.
const SIZES: [u64; 7] = [
    KIB,
    10 * KIB,
    16_384,
    100_000,
    256 * KIB,
    500_000,
    1024 * KIB,
];

/// One way, such that 5 KiB in flight are still four times the quota.
const NEAR: u64 = MS / 10;

/// One way, for producers that do not wait for acknowledgements.
const FAR: u64 = 20 * MS;

#[test]
fn a_producer_gets_its_quota() {
    for (in_flight_max, latency) in [(5, NEAR), (usize::MAX, FAR)] {
        for size in SIZES {
            let (mut appended, mut acked) = produce(1, &[size], in_flight_max, latency);
            let what = format!("{in_flight_max} in flight of {size}");
            acked.check(ingress_rate(), SETTLED, &format!("acknowledged, {what}"));
            appended.check(ingress_rate(), SETTLED, &format!("appended, {what}"));
        }
    }
}

#[test]
fn a_producer_with_one_in_flight_gets_its_round_trips_back() {
    for (size, latency) in [(16_384, MS), (256 * KIB, 15 * MS), (1024 * KIB, 19 * MS)] {
        let (_, mut acked) = produce(1, &[size], 1, latency);
        acked.check(ingress_rate(), SETTLED, &format!("acknowledged by {size}"));
    }
}

#[test]
fn several_connections_share_one_quota() {
    for count in [2, 4, 9] {
        for (in_flight_max, latency) in [(5, NEAR), (usize::MAX, FAR)] {
            for size in SIZES {
                let (_, mut acked) = produce(count, &[size], in_flight_max, latency);
                let what = format!("{count} connections, {in_flight_max} in flight of {size}");
                acked.check(ingress_rate(), SETTLED, &what);
            }
        }
    }
}

#[test]
fn batches_of_mixed_sizes_get_their_quota() {
    let sizes = [256 * KIB, KIB, 499_999, 65_536, 3, 300_000, 123_457];
    for in_flight_max in [5, usize::MAX] {
        let (_, mut acked) = produce(3, &sizes, in_flight_max, 3 * MS);
        acked.check(ingress_rate(), SETTLED, "acknowledged, mixed");
    }
}

/// Idleness before an overload is worth the tolerance and no more: 0.4 % of a window.
#[test]
fn the_window_that_begins_in_idleness_is_no_exception() {
    let quota = ingress_rate().0 * (WINDOW / SECOND);
    for (in_flight_max, latency) in [(5, NEAR), (usize::MAX, FAR)] {
        for size in [KIB, 16_384, 100_000, 256 * KIB] {
            let (_, mut acked) = produce(1, &[size], in_flight_max, latency);
            let (_, most) = acked.extremes(0);
            assert!(most < quota + 200_000 + size, "by {size}: {most}");
        }
    }
}

/// Whole batches of more than 1 % of a window can pass 101 %, whoever paces them: 64.3 batches of this
/// size are the quota, and a window holds 64 or 65. What holds for every size is the quota and less
/// than one batch.
#[test]
fn a_batch_of_any_size_is_within_one_batch_of_the_quota() {
    let quota = ingress_rate().0 * (WINDOW / SECOND);
    for size in [777_777, 1_063_830, 1_400_000, 8 * KIB * KIB] {
        for in_flight_max in [2, 5, usize::MAX] {
            let (_, mut acked) = produce(2, &[size], in_flight_max, NEAR);
            let (least, most) = acked.extremes(SETTLED);
            assert!(
                least > quota - size && most < quota + size,
                "{in_flight_max} in flight of {size}: {least} to {most}"
            );
        }
    }
}

/// Reads as soon as the partition is ready and the client asks again, `delays` after its last answer.
/// A log of whole `batch`es gives at least one, else as many as fit.
fn consume(batch: u64, delays: &[u64]) -> Passed {
    const READ_MAX: u64 = 1024 * KIB;
    let mut quota = PartitionQuota::new(&Limits::serverless(), Instant(0));
    let mut read = Passed::default();
    let mut asked = 0;
    for turn in 0.. {
        let ready = quota.egress_ready(Instant(asked));
        let now = asked + nanos(ready);
        if now >= RUN {
            break;
        }
        let allowed = quota.egress_allowance(Instant(now)).0.min(READ_MAX);
        let bytes = (allowed / batch * batch).max(batch);
        quota.charge_egress(Instant(now), ByteCount(bytes), ByteCount(0));
        read.0.push((now, bytes));
        asked = now + delays[turn % delays.len()];
    }
    read
}

fn egress_rate() -> ByteRate {
    Limits::serverless().partition_egress_bytes_per_s
}

/// Reads cut anywhere keep every window exact, the first after idleness included.
#[test]
fn a_consumer_gets_its_quota() {
    let delays: [&[u64]; 4] = [
        &[0],
        &[2 * MS],
        &[95 * MS],
        &[0, 35 * MS, 5 * MS, 90 * MS, 1],
    ];
    for delays in delays {
        consume(1, delays).check(egress_rate(), 0, &format!("cut, after {delays:?}"));
    }
}

/// Clipping to whole batches costs up to one batch of what a read could have returned, so a client
/// that is to get its whole quota must be back earlier by the time that a batch takes.
#[test]
fn a_consumer_of_whole_batches_gets_its_quota() {
    for batch in [KIB, 16_384, 100_000, 256 * KIB, 1024 * KIB] {
        let longest = (100 * MS).saturating_sub(batch * SECOND / egress_rate().0);
        for delays in [&[0][..], &[longest], &[0, longest / 2, 1, longest]] {
            let what = format!("{batch} after {delays:?}");
            consume(batch, delays).check(egress_rate(), SETTLED, &what);
        }
    }
}
