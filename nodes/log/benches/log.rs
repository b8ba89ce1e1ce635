//! How long one partition's log takes to judge an append, to take in that it is durable, and to plan a
//! read. There are no bytes here: what is measured is paid for each batch, whatever its size.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use model::{
    AppendId, GatewayIncarnation, LaneId, LeaderEpoch, Offset, ProducerEpoch, ProducerId,
    Timestamp, TopicId, TopicPartition, VirtualClusterId,
};
use partition_log::{
    Accepted, AppendRequest, Extent, FrameAt, FrameEntry, PartitionLog, ProducerStamp, ReadPlan,
    SegmentId, read_frames,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const EPOCH: LeaderEpoch = LeaderEpoch(1);
const BATCH_BYTES: u32 = 15_000;
const RECORDS: u32 = 15;
/// Batches of a segment of 64 MiB that holds one partition alone.
const SEGMENT_FRAMES: u64 = 4_096;
/// Sealed segments of the log that is read.
const SEGMENTS: u64 = 1_000;
/// What a fetch asks of a partition by default.
const READ_BYTES: u32 = 1024 * 1024;

/// A log, and what its gateway and its producers will say next.
struct Writer {
    log: PartitionLog,
    appends: u64,
    producers: u64,
}

impl Writer {
    fn new(producers: u64) -> Self {
        let partition = TopicPartition {
            topic: TopicId([7; 16]),
            partition: 3,
        };
        Self {
            log: PartitionLog::new(VirtualClusterId(5), partition, EPOCH),
            appends: 0,
            producers,
        }
    }

    /// The next append; producers take turns, if there are any.
    fn request(&self) -> AppendRequest {
        let turns = self.appends.checked_rem(self.producers);
        let producer = turns.map(|producer| {
            let sequence = self.appends / self.producers * u64::from(RECORDS);
            let sequence = i32::try_from(sequence % (1 << 31)).expect("sequences wrap");
            let id = ProducerId(i64::try_from(producer).expect("there are few"));
            ProducerStamp::new(id, ProducerEpoch(0), sequence, RECORDS)
        });
        AppendRequest {
            id: AppendId {
                gateway: GatewayIncarnation(1),
                lane: LaneId(2),
                sequence: self.appends,
            },
            answered_below: self.appends,
            leader_epoch: EPOCH,
            record_count: RECORDS,
            batch_bytes: BATCH_BYTES,
            metered_bytes: BATCH_BYTES,
            producer,
            max_timestamp: NOW,
        }
    }

    /// Appends one batch and makes it durable; a full segment is sealed.
    fn append(&mut self) -> Offset {
        let (segment, place) = (self.appends / SEGMENT_FRAMES, self.appends % SEGMENT_FRAMES);
        let accepted = self.log.append(NOW, self.request());
        let Ok(Accepted::New(facts)) = accepted else {
            panic!("{accepted:?} is no new append");
        };
        let at = FrameAt {
            segment: SegmentId(segment),
            position: place * u64::from(BATCH_BYTES),
            length: BATCH_BYTES,
        };
        self.log.committed(&facts, at, NOW);
        self.appends += 1;
        if self.appends.is_multiple_of(SEGMENT_FRAMES) {
            self.log.segment_sealed(SegmentId(segment));
        }
        facts.end_offset()
    }
}

fn bench_append(group: &mut BenchmarkGroup<'_, WallTime>, producers: u64) {
    let mut writer = Writer::new(producers);
    group.throughput(Throughput::Elements(1));
    let name = format!("append and commit/{producers} idempotent producers");
    group.bench_function(name, |bencher| bencher.iter(|| writer.append()));
    let bounds = writer.log.bounds();
    assert_eq!(bounds.high_watermark, writer.log.end_offset());
    let appended = writer.appends * u64::from(BATCH_BYTES);
    assert_eq!(bounds.end_position, appended, "every append is in the log");
}

/// A log of many sealed segments with a full open one at its end.
fn long_log() -> PartitionLog {
    let mut writer = Writer::new(0);
    for _ in 0..(SEGMENTS + 1) * SEGMENT_FRAMES - 1 {
        writer.append();
    }
    assert_eq!(writer.log.extents().count() as u64, SEGMENTS + 1);
    writer.log
}

fn plan(log: &PartitionLog, offset: Offset) -> ReadPlan {
    let plan = log.plan_read(offset, READ_BYTES, true);
    plan.expect("the offset is in the log")
}

fn bench_read_open(group: &mut BenchmarkGroup<'_, WallTime>, log: &PartitionLog) {
    let segment_records = SEGMENT_FRAMES * u64::from(RECORDS);
    let in_open = offset(SEGMENTS * segment_records + segment_records / 2);
    let ReadPlan::Frames(run) = plan(log, in_open) else {
        panic!("the last segment is open");
    };
    group.throughput(Throughput::Elements(run.frames.len() as u64));
    group.bench_function("plan a read of 1 MiB/open segment", |bencher| {
        bencher.iter(|| plan(log, black_box(in_open)));
    });
}

/// The plan names a segment; its list of frames comes from its footer, or a cache of those.
fn bench_read_sealed(group: &mut BenchmarkGroup<'_, WallTime>, log: &PartitionLog) {
    let wanted = offset(log.end_offset().value() / 2);
    let ReadPlan::Sealed(extent) = plan(log, wanted) else {
        panic!("the segment in the middle is sealed");
    };
    let frames = frames_of(&extent);
    let run = read_frames(&extent, &frames, wanted, READ_BYTES, true);
    assert!(!run.frames.is_empty());
    group.throughput(Throughput::Elements(run.frames.len() as u64));
    group.bench_function(
        "plan a read of 1 MiB/one of 1000 sealed segments",
        |bencher| {
            bencher.iter(|| match plan(log, black_box(wanted)) {
                ReadPlan::Sealed(extent) => read_frames(&extent, &frames, wanted, READ_BYTES, true),
                ReadPlan::Frames(run) => run,
            });
        },
    );
}

fn frames_of(extent: &Extent) -> Vec<FrameEntry> {
    let frame = |number| FrameEntry {
        base_offset: offset(extent.start_offset.value() + number * u64::from(RECORDS)),
        record_count: RECORDS,
        max_timestamp: NOW,
        at: FrameAt {
            segment: extent.segment,
            position: number * u64::from(BATCH_BYTES),
            length: BATCH_BYTES,
        },
        bytes_before: number * u64::from(BATCH_BYTES),
    };
    (0..SEGMENT_FRAMES).map(frame).collect()
}

fn offset(value: u64) -> Offset {
    Offset::new(value).expect("the log is short")
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut group = criterion.benchmark_group("log");
    for producers in [0, 1, 1_000] {
        bench_append(&mut group, producers);
    }
    let log = long_log();
    bench_read_open(&mut group, &log);
    bench_read_sealed(&mut group, &log);
    group.finish();
    criterion.final_summary();
}
