//! How long a charge takes: of one partition, as its owner does for each batch; of a virtual cluster,
//! as a gateway does for each batch; of both; and of a virtual cluster whose lease changes.
//!
//! Time goes by between charges as it does for a client that keeps to its rate, so that levels stay
//! near where debt begins, and every way through the arithmetic is taken.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use model::{ByteCount, Instant, Limits};
use quota::{ClusterQuota, Flow, Lease, PartitionQuota, Share, Throttle, Verdict};

const BATCH: ByteCount = ByteCount(15_000);
/// 15 KB in this time are 5 MB/s, the rate of a partition.
const PARTITION_STEP: Duration = Duration::from_millis(3);
/// 15 KB in this time are 200 MB/s, the rate of a virtual cluster.
const CLUSTER_STEP: Duration = Duration::from_micros(75);
/// As many partitions as carry the rate of the virtual cluster.
const PARTITIONS: usize = 40;
const GATEWAYS: u32 = 4;

/// Kafka clients give up after 30 s; what waits for longer than this is refused.
const PATIENCE: Duration = Duration::from_secs(2);

fn charge_partition(quota: &mut PartitionQuota, now: Instant) -> Verdict {
    let park = quota.ingress_park(now);
    assert!(park.is_zero(), "it keeps to its rate");
    quota.charge_ingress(now, black_box(BATCH), ByteCount(0))
}

fn charge_cluster(quota: &mut ClusterQuota, now: Instant) -> Throttle {
    let throttle = quota.charge(now, Flow::Ingress, black_box(BATCH.0), PATIENCE);
    throttle.expect("it keeps to its rate")
}

fn bench_partition(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut now = Instant(1);
    let mut quota = PartitionQuota::new(&Limits::default(), now);
    group.bench_function("charge a partition/in", |bencher| {
        bencher.iter(|| {
            now = now + PARTITION_STEP;
            charge_partition(&mut quota, now)
        });
    });
    group.bench_function("charge a partition/out", |bencher| {
        bencher.iter(|| {
            now = now + PARTITION_STEP;
            let allowed = quota.egress_allowance(now);
            assert!(allowed > ByteCount(0), "it keeps to its rate");
            quota.charge_egress(now, black_box(BATCH).min(allowed), ByteCount(0))
        });
    });
}

fn bench_cluster(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut now = Instant(1);
    let mut quota = ClusterQuota::new(&Limits::default(), now);
    group.bench_function("charge a virtual cluster", |bencher| {
        bencher.iter(|| {
            now = now + CLUSTER_STEP;
            charge_cluster(&mut quota, now)
        });
    });
}

/// The way of a batch: its virtual cluster at the gateway, its partition at the owner.
fn bench_both(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut now = Instant(1);
    let limits = Limits::default();
    let mut cluster = ClusterQuota::new(&limits, now);
    let mut partitions = vec![PartitionQuota::new(&limits, now); PARTITIONS];
    let mut turn = 0;
    group.bench_function(
        "charge a virtual cluster and 1 of 40 partitions",
        |bencher| {
            bencher.iter(|| {
                now = now + CLUSTER_STEP;
                turn = (turn + 1) % PARTITIONS;
                let throttle = charge_cluster(&mut cluster, now);
                (throttle, charge_partition(&mut partitions[turn], now))
            });
        },
    );
}

/// Every charge finds another share than the one before: all rates are set anew.
fn bench_lease(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut now = Instant(1);
    let mut quota = ClusterQuota::new(&Limits::default(), now);
    let mut turn = 0;
    group.bench_function("follow a lease and charge", |bencher| {
        bencher.iter(|| {
            // A quarter of the rate, more or less, so that time goes by four times as fast.
            now = now + CLUSTER_STEP * GATEWAYS;
            turn = (turn + 1) % 2;
            let share = Share::millionths(250_000 + 1_000 * turn);
            quota.set_lease(
                now,
                Lease::granted(now, share, quota::share::LEASE_MAX, GATEWAYS),
            );
            charge_cluster(&mut quota, now)
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut group = criterion.benchmark_group("buckets");
    group.throughput(Throughput::Elements(1));
    bench_partition(&mut group);
    bench_cluster(&mut group);
    bench_both(&mut group);
    bench_lease(&mut group);
    group.finish();
    criterion.final_summary();
}
