//! How long the write-ahead log takes for its work on the processor (frames, groups, a scan), and on a
//! real folder that is synced (group commit, opening after a crash).
//!
//! The folder lies where temporary files do: set `TMPDIR` to measure another disk.

mod batches;
mod folder;
mod nowhere;

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use model::NodeEpoch;
use partition_log::SegmentId;
use wal::format::BLOCK_BYTES;
use wal::format::frame::{FRAME_HEADER_BYTES, FrameOrigin, put_frame};
use wal::format::header::SegmentHeader;
use wal::format::payload::Payload;
use wal::scan::scan;
use wal::{Committer, FrameWrite, PreparedFrame, SegmentDigest, WalConfig, WalId};

use batches::{COMMIT_TIME, LOADS, Load, Source, StillClock};
use nowhere::Nowhere;

/// What a produce request's batches cost as frames: header, copy, checksum.
fn bench_frames(group: &mut BenchmarkGroup<'_, WallTime>, load: Load) {
    let frames = Source::new(load).next_frames();
    let bytes: usize = frames.iter().map(frame_bytes).sum();
    let mut out = vec![0; bytes];
    assert_eq!(encode(&frames, &mut out), bytes);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function(BenchmarkId::new("encode frames", load.name), |bencher| {
        bencher.iter(|| encode(black_box(&frames), &mut out));
    });
}

fn frame_bytes(frame: &FrameWrite) -> usize {
    PreparedFrame::new(frame.clone()).frame_bytes()
}

/// Fills `out` with frames, and says how far.
fn encode(frames: &[FrameWrite], out: &mut [u8]) -> usize {
    let mut end = 0;
    for frame in frames {
        let origin = FrameOrigin {
            segment: SegmentId(1),
            node_epoch: NodeEpoch(1),
            commit_time: COMMIT_TIME,
            virtual_cluster: frame.virtual_cluster,
            partition: frame.partition,
        };
        let batch = frame.batch.as_ref().expect("every frame is an append");
        let start = end;
        end += FRAME_HEADER_BYTES + batch.len();
        put_frame(
            &mut out[start..end],
            &origin,
            &frame.record,
            Payload::of_batch(batch),
        );
    }
    end
}

/// What the one writing thread does for a group beside waiting for the disk, its segments' footers
/// included.
fn bench_commit(group: &mut BenchmarkGroup<'_, WallTime>, load: Load) {
    let disk = Arc::new(Nowhere::default());
    let config = WalConfig::new(WalId(1));
    let (opened, _) = wal::open(disk, config, NodeEpoch(1), Arc::new(StillClock))
        .expect("nothing is there, and nothing fails");
    let (mut committer, mut source) = (opened.committer, Source::new(load));
    group.throughput(Throughput::Bytes(source.bytes()));
    group.bench_function(
        BenchmarkId::new("group without a disk", load.name),
        |bencher| {
            let prepared = || {
                source
                    .next_frames()
                    .into_iter()
                    .map(PreparedFrame::new)
                    .collect()
            };
            bencher.iter_batched(
                prepared,
                |mut pending| commit_all(&mut committer, &mut pending),
                BatchSize::SmallInput,
            );
        },
    );
    let metered = source.given_bytes();
    let used = committer.total().total(batches::CLUSTER, COMMIT_TIME);
    assert_eq!(used.bytes_in.0, metered, "every batch was counted");
}

/// Where a segment ends there are two groups.
fn commit_all(committer: &mut Committer, pending: &mut VecDeque<PreparedFrame>) {
    while !pending.is_empty() {
        black_box(committer.commit(pending).expect("nothing fails"));
    }
}

/// What recovery does with the last segment once it has read it: every checksum, and the digest.
fn bench_scan(group: &mut BenchmarkGroup<'_, WallTime>) {
    let crashed = folder::Crashed::new();
    let bytes = crashed.segment();
    let header = bytes.first_chunk::<BLOCK_BYTES>().expect("it has a header");
    let header = SegmentHeader::decode(header).expect("it is intact");
    assert_eq!(frames_in(&bytes, &header), crashed.frames);
    group.throughput(Throughput::Bytes(crashed.batch_bytes));
    group.bench_function("scan a segment without a footer", |bencher| {
        bencher.iter(|| frames_in(black_box(&bytes), &header));
    });
}

fn frames_in(bytes: &[u8], header: &SegmentHeader) -> usize {
    let (mut digest, mut frames) = (SegmentDigest::default(), 0);
    let scanned = scan(bytes, header, |frame, at| {
        digest.add(&frame.origin, &frame.record, at);
        frames += 1;
        Ok(())
    });
    assert!(scanned.is_ok(), "it is not damaged");
    frames
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut group = criterion.benchmark_group("wal");
    for load in LOADS {
        bench_frames(&mut group, load);
        bench_commit(&mut group, load);
    }
    bench_scan(&mut group);
    group.finish();
    let mut group = criterion.benchmark_group("wal folder");
    folder::bench_group_commit(&mut group);
    folder::bench_open(&mut group);
    group.finish();
    criterion.final_summary();
}
