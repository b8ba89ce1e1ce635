use std::fs::File;
use std::os::unix::fs::FileExt;

use model::{NodeEpoch, Timestamp};
use partition_log::SegmentId;
use records::batches;
use tokio::sync::mpsc;
use wal::contract::config;
use wal::fixtures::{HandClock, append, offset, partition};
use wal::{FileDisk, WalConfig, WalEvent};

use super::super::{FileReads, Outlet};
use super::*;

/// Size of a record.
const BODY: usize = 60_000;

/// Two partitions that lie interleaved in two sealed segments.
struct Log {
    folder: tempfile::TempDir,
    files: FileReads,
    extents: [[Extent; 2]; 2],
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(FileDisk::open(folder.path()).unwrap());
        let config = WalConfig {
            segment_bytes: 8 << 20,
            group_bytes_max: 1 << 20,
            unsynced_bytes_max: 16 << 20,
            ..config()
        };
        let clock = Arc::new(HandClock::at(60_000));
        let (opened, _) = wal::open(disk, config, NodeEpoch(1), clock).unwrap();
        let mut running = wal::start(opened, 1);
        let mut sealed = Vec::new();
        for number in 0.. {
            let body = [number as u8; BODY];
            let frames = [0, 1].map(|index| append(partition(index), number, 1, &body, None));
            running.handle.submit_blocking(frames.into()).unwrap();
            let mut committed = 0;
            while committed < 2 {
                match running.events[0].recv_blocking().unwrap() {
                    WalEvent::Committed(commit) => committed += commit.frames.len(),
                    WalEvent::SegmentSealed(segment) => sealed.push(segment),
                }
            }
            if sealed.len() == 2 {
                break;
            }
        }
        let extent = |index, segment: SegmentId| {
            let frames = running.reader.partition_frames(segment, partition(index));
            let frames = frames.unwrap();
            let (first, last) = (frames[0], frames[frames.len() - 1]);
            Extent {
                segment,
                start_offset: first.base_offset,
                end_offset: last.end_offset(),
                start_position: 0,
                bytes: last.bytes_before + u64::from(last.at.length),
                max_timestamp: Timestamp(2000),
                committed_at: Timestamp(60_000),
            }
        };
        let extents =
            [0, 1].map(|index| [sealed[0], sealed[1]].map(|segment| extent(index, segment)));
        Self {
            folder,
            files: FileReads::new(running.reader.clone()),
            extents,
        }
    }

    fn source(&self) -> &Source {
        &self.files.source
    }

    fn read(&self, index: u32, from: u64, bytes_max: usize) -> FileRead {
        let [first, second] = self.extents[index as usize];
        let is_first = offset(from) < first.end_offset;
        FileRead {
            partition: partition(index),
            offset: offset(from),
            plan: ReadPlan::Sealed(if is_first { first } else { second }),
            then: is_first.then_some(second),
            bytes_max: bytes_max as u32,
            first_bytes_max: bytes_max as u32,
            bounds: LogBounds::default(),
        }
    }

    /// Answers reads as they are answered without anything read ahead, and reads ahead what follows.
    fn go(&self, reads: Vec<FileRead>) -> Vec<Answered> {
        let reads: Vec<_> = reads.into_iter().enumerate().collect();
        let followers: Vec<_> = reads.iter().filter_map(Follower::of).collect();
        let together = Together::plan(self.source(), reads);
        let parts = 0..together.parts().len();
        let answers = together.answers(parts.map(|part| together.read(self.source(), part)));
        let next = following(&followers, &answers);
        self.ahead().read(self.source(), next);
        answers
    }

    fn ahead(&self) -> &Ahead {
        &self.source().ahead
    }

    /// Offsets of the batches that were read ahead for this read, and where to go on.
    fn claim(&self, read: FileRead) -> Option<(Vec<u64>, u64)> {
        let (mut answers, rest) = self.ahead().claim(self.source(), vec![(7, read)]);
        assert_eq!(answers.len() + rest.len(), 1);
        let (index, _, answer) = answers.pop()?;
        assert_eq!(index, 7);
        let reply = answer.unwrap();
        let bytes = reply.segments.concat();
        assert_eq!(bytes.len(), reply.bytes);
        let found = batches(bytes.into()).map(|batch| {
            let batch = batch.unwrap();
            let number = batch.base_offset().value();
            assert!(batch.body().iter().all(|byte| *byte == number as u8));
            number
        });
        Some((found.collect(), reply.next_offset.value()))
    }

    /// Makes everything unreadable that is on the disk.
    fn spoil(&self) {
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "segment") {
                let file = File::options().write(true).open(&path).unwrap();
                let bytes = file.metadata().unwrap().len();
                file.write_all_at(&vec![0; bytes as usize], 0).unwrap();
            }
        }
    }
}

#[test]
fn what_follows_is_there_before_it_is_asked_for_and_is_handed_out_once() {
    let log = Log::new();
    let bytes_max = 5 * BODY;
    let answers = log.go(vec![log.read(0, 0, bytes_max), log.read(1, 8, bytes_max)]);
    assert!(answers.iter().all(|(_, _, answer)| answer.is_ok()));
    log.spoil();
    assert_eq!(log.claim(log.read(1, 4, bytes_max)), None, "another offset");
    for (index, from) in [(0, 4), (1, 12)] {
        let read = || log.read(index, from, bytes_max);
        let expected = (from..from + 4).collect();
        assert_eq!(log.claim(read()), Some((expected, from + 4)));
        assert_eq!(log.claim(read()), None);
    }
    assert_eq!(log.ahead().lock().bytes(), 0);
}

#[test]
fn who_may_have_less_now_gets_the_beginning_and_then_the_rest() {
    let log = Log::new();
    log.go(vec![log.read(0, 0, 8 * BODY)]);
    assert_eq!(log.claim(log.read(0, 7, 3 * BODY)), Some((vec![7, 8], 9)));
    assert_eq!(log.claim(log.read(0, 9, 2 * BODY)), Some((vec![9], 10)));
    assert_eq!(
        log.claim(log.read(0, 10, 9 * BODY)),
        Some(((10..14).collect(), 14))
    );
    assert_eq!(log.ahead().lock().bytes(), 0);
    log.go(vec![log.read(0, 0, 8 * BODY)]);
    assert_eq!(log.claim(log.read(0, 7, BODY)), None, "not one batch");
    let first_in_any_case = FileRead {
        first_bytes_max: u32::MAX,
        ..log.read(0, 7, BODY)
    };
    assert_eq!(log.claim(first_in_any_case), Some((vec![7], 8)));
    assert_eq!(log.claim(log.read(0, 6, 3 * BODY)), None, "before it");
    assert_eq!(
        log.claim(log.read(0, 9, 3 * BODY)),
        Some((vec![9, 10], 11)),
        "some was had elsewhere"
    );
    assert_eq!(
        log.claim(log.read(1, 11, 3 * BODY)),
        None,
        "another partition"
    );
    assert_eq!(
        log.claim(log.read(0, 11, 9 * BODY)),
        Some(((11..14).collect(), 14))
    );
}

#[test]
fn it_goes_on_in_the_segment_that_follows() {
    let log = Log::new();
    let end = log.extents[0][0].end_offset.value();
    log.go(vec![log.read(0, end - 3, 6 * BODY)]);
    log.spoil();
    let claimed = log.claim(log.read(0, end, 6 * BODY));
    assert_eq!(claimed, Some(((end..end + 5).collect(), end + 5)));
    // What comes after that one is not known.
    let last = log.extents[0][1].end_offset.value();
    let read = log.read(0, last - 1, 6 * BODY);
    let follower = Follower::of(&(0, read)).unwrap();
    let reply = ReadReply {
        bytes: 1,
        next_offset: offset(last),
        ..ReadReply::default()
    };
    let answers = [(0, partition(0), Ok(reply))];
    assert!(following(&[follower], &answers).is_empty());
}

#[test]
fn what_waits_has_a_bound_and_goes_when_nobody_comes() {
    let log = Log::new();
    let large = 4 << 20;
    let mut taken = 0;
    for from in (0..20).rev() {
        log.ahead()
            .read(log.source(), vec![log.read(0, from, large)]);
        let mut waiting = log.ahead().lock();
        assert!(waiting.bytes() <= AHEAD_BYTES_MAX);
        taken = taken.max(waiting.reads.len());
    }
    assert!((3..20).contains(&taken), "{taken}");
    assert!(
        log.claim(log.read(0, 19, large)).is_some(),
        "nothing was given up for another"
    );
    let reads = vec![(0, log.read(1, 0, large))];
    let together = Together::plan(log.source(), reads);
    let now = Instant::now();
    let sweep = |bytes| Sweep {
        together,
        bytes,
        began_at: now,
        shares: OnceLock::new(),
    };
    let sweep = Arc::new(sweep(AHEAD_BYTES_MAX));
    assert!(!log.ahead().lock().put(&sweep, now));
    let later = now + AHEAD_SAFE_FOR + Duration::from_millis(1);
    assert!(log.ahead().lock().put(&sweep, later));
    assert_eq!(log.ahead().lock().bytes(), AHEAD_BYTES_MAX);
    drop(sweep);
    log.ahead().give_up(now + AHEAD_WAIT_MAX);
    assert_eq!(log.ahead().lock().bytes(), 0);
}

#[test]
fn what_waits_is_not_read_again() {
    let log = Log::new();
    log.go(vec![log.read(0, 0, 8 * BODY)]);
    let bytes = log.ahead().lock().bytes();
    log.go(vec![log.read(0, 0, 8 * BODY)]);
    assert_eq!(log.ahead().lock().bytes(), bytes);
    assert_eq!(log.ahead().lock().sweeps.len(), 1);
}

#[test]
fn little_is_not_read_ahead() {
    let log = Log::new();
    log.go(vec![log.read(0, 0, 2 * BODY)]);
    assert_eq!(log.ahead().lock().bytes(), 0);
}

#[test]
fn where_an_answer_has_no_room_for_some_nothing_is_read_ahead() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (other_bytes_max, followed) in [(0, 0), (8 * BODY, 2)] {
        let log = Log::new();
        let reads = vec![
            (0, log.read(0, 0, 8 * BODY)),
            (1, log.read(1, 0, other_bytes_max)),
        ];
        let (charge, _charged) = mpsc::unbounded_channel();
        let (replies, mut answers) = mpsc::channel(2);
        let outlet = Outlet { charge, replies };
        let next = runtime.block_on(log.files.read_together(reads, outlet));
        assert_eq!(answers.blocking_recv().unwrap().len(), 2);
        assert_eq!(next.map_or(0, |next| next.len()), followed);
    }
}
