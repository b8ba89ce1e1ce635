//! The log on a real folder: group commit as a node has it, threads included, and the opening of a log
//! whose process has died.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Throughput};
use model::NodeEpoch;
use partition_log::SegmentId;
use tempfile::TempDir;
use wal::{
    FileDisk, FrameRecord, FrameWrite, Opened, PreparedFrame, Recovered, Running, TotalsOrder,
    WalConfig, WalEvent, WalId,
};

use super::batches::{Load, Source, StillClock};

/// A sync takes milliseconds, so few samples are enough, and little is written to the disk.
const SAMPLES: usize = 20;
const MEASURED_FOR: Duration = Duration::from_secs(3);

/// Four large batches that one sync makes durable together.
const GROUP: Load = Load {
    name: "4 x 256 KiB",
    partitions: 4,
    value_bytes: 256 * 1024,
};

/// What lies in the log that is opened after a crash: requests of this kind.
const CRASHED: Load = super::LOADS[0];
const CRASHED_REQUESTS: u64 = 160;
/// Segments of the log that crashed. Smaller than a node's, since each opening has a copy of its own.
const CRASHED_SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

fn open(folder: &Path, config: WalConfig, node_epoch: NodeEpoch) -> (Opened, Recovered) {
    let disk = FileDisk::open(folder).expect("a temporary folder can be opened");
    let opened = wal::open(Arc::new(disk), config, node_epoch, Arc::new(StillClock));
    opened.expect("the log is sound")
}

/// A log at work, and what waits to be given back.
struct Live {
    running: Running,
    sealed: Vec<SegmentId>,
}

impl Live {
    /// Submits frames and waits until all are durable.
    fn commit(&mut self, frames: Vec<FrameWrite>) {
        let mut left = frames.len();
        let submitted = self.running.handle.try_submit(frames);
        submitted.expect("nothing else is under way");
        while left > 0 {
            match self.running.events[0].recv_blocking() {
                Some(WalEvent::Committed(committed)) => left -= committed.frames.len(),
                Some(WalEvent::SegmentSealed(segment)) => self.sealed.push(segment),
                None => panic!("the log has stopped"),
            }
        }
    }

    /// Gives full segments back, as a node does when retention has emptied them.
    fn recycle(&mut self, totals: impl FnOnce() -> FrameWrite) {
        if self.sealed.is_empty() {
            return;
        }
        self.commit(vec![totals()]);
        for segment in self.sealed.drain(..) {
            let taken = self.running.handle.recycle(segment);
            taken.expect("the log works");
        }
    }

    fn end(self) {
        let Running { handle, thread, .. } = self.running;
        drop(handle);
        thread.join().expect("the writing thread does not panic");
    }
}

/// From the hand-over of four batches to the news that they are durable. Segments that are full are
/// given back in the time that is measured, once in sixty groups.
pub(crate) fn bench_group_commit(group: &mut BenchmarkGroup<'_, WallTime>) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (opened, _) = open(folder.path(), WalConfig::new(WalId(1)), NodeEpoch(1));
    let mut live = Live {
        running: wal::start(opened, 1),
        sealed: Vec::new(),
    };
    let mut source = Source::new(GROUP);
    group.sample_size(SAMPLES).measurement_time(MEASURED_FOR);
    group.throughput(Throughput::Bytes(source.bytes()));
    group.bench_function(format!("group commit/{}", GROUP.name), |bencher| {
        bencher.iter(|| {
            live.commit(source.next_frames());
            live.recycle(|| totals_of(&source));
        });
    });
    live.end();
}

fn totals_of(source: &Source) -> FrameWrite {
    FrameWrite {
        record: FrameRecord::MeterTotalsNow(TotalsOrder::Carry),
        batch: None,
        ..source.sample()
    }
}

/// The folder of a log whose process died: one segment without a footer, and a spare.
pub(crate) struct Crashed {
    folder: TempDir,
    /// Frames in the segment.
    pub(crate) frames: usize,
    /// Bytes of the batches in it.
    pub(crate) batch_bytes: u64,
}

impl Crashed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let (opened, _) = open(folder.path(), Self::config(), NodeEpoch(1));
        let (mut committer, mut source) = (opened.committer, Source::new(CRASHED));
        let spare = committer.spare_files().create(&mut || {});
        spare.expect("there is room for a spare");
        let mut frames = 0;
        for _ in 0..CRASHED_REQUESTS {
            let prepared = source.next_frames().into_iter().map(PreparedFrame::new);
            let commit = committer.commit(&mut prepared.collect());
            let commit = commit.expect("the disk works");
            assert!(commit.sealed.is_none(), "one segment has room for all");
            frames += commit.shards[0].committed.frames.len();
        }
        Self {
            folder,
            frames,
            batch_bytes: source.given_bytes(),
        }
    }

    fn config() -> WalConfig {
        WalConfig {
            segment_bytes: CRASHED_SEGMENT_BYTES,
            ..WalConfig::new(WalId(1))
        }
    }

    /// The segment as it lies on the disk.
    pub(crate) fn segment(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).expect("the folder is there");
        let mut paths = files.map(|file| file.expect("the folder is there").path());
        let segment = paths.find(|path| path.extension().is_some_and(|name| name == "segment"));
        std::fs::read(segment.expect("there is one segment")).expect("it can be read")
    }

    /// Another folder with the same files, synced, so that opening it has nothing else to write.
    fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().expect("there is room for a folder");
        for file in std::fs::read_dir(self.folder.path()).expect("the folder is there") {
            let file = file.expect("the folder is there");
            let to = copy.path().join(file.file_name());
            std::fs::copy(file.path(), &to).expect("there is room for a copy");
            let written = std::fs::File::open(&to).and_then(|file| file.sync_all());
            written.expect("the disk works");
        }
        copy
    }
}

/// The whole start of a log: lock, scan, the last group written and synced again, the footer, the next
/// segment.
pub(crate) fn bench_open(group: &mut BenchmarkGroup<'_, WallTime>) {
    let crashed = Crashed::new();
    group.sample_size(SAMPLES).measurement_time(MEASURED_FOR);
    group.throughput(Throughput::Bytes(crashed.batch_bytes));
    group.bench_function("open after a crash", |bencher| {
        bencher.iter_batched(
            || crashed.copy(),
            |folder| {
                let (opened, recovered) = open(folder.path(), Crashed::config(), NodeEpoch(2));
                let partitions = recovered.segments[0].partitions.values();
                let frames = partitions
                    .map(|partition| partition.frames().len())
                    .sum::<usize>();
                assert_eq!(frames, crashed.frames, "all of it is found");
                // They are dropped when the time has been taken.
                (opened, folder)
            },
            BatchSize::PerIteration,
        );
    });
}
