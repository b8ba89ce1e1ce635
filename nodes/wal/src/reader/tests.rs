use std::collections::VecDeque;

use model::NodeEpoch;

use super::*;
use crate::contract::config;
use crate::fixtures::{HandClock, append, partition};
use crate::format::BLOCK_BYTES;
use crate::recover::open;
use crate::sim::SimDisk;
use crate::write::PreparedFrame;

fn at(position: u64, length: u32) -> FrameAt {
    FrameAt {
        segment: SegmentId(1),
        position,
        length,
    }
}

#[test]
fn near_frames_are_read_together() {
    let near = [at(5000, 100), at(5300, 100), at(5400 + READ_GAP_MAX, 100)];
    assert_eq!(run_length(&near), 3);
    let far = [at(5000, 100), at(5300, 100), at(5401 + READ_GAP_MAX, 100)];
    assert_eq!(run_length(&far), 2);
    assert_eq!(run_length(&[at(5300, 100), at(5000, 100)]), 1, "backwards");
    assert_eq!(
        run_length(&[at(5300, 100), at(5300, 100)]),
        1,
        "the same again"
    );
    let other = FrameAt {
        segment: SegmentId(2),
        ..at(5300, 100)
    };
    assert_eq!(run_length(&[at(5000, 100), other]), 1, "another segment");
    let half = (READ_RUN_BYTES_MAX / 2) as u32;
    let large = [
        at(0, half),
        at(u64::from(half), half),
        at(2 * u64::from(half), 1),
    ];
    assert_eq!(run_length(&large), 2, "the bound");
    assert_eq!(run_length(&[at(0, 3 * half)]), 1, "a single large one");
}

#[test]
fn a_place_where_no_batch_lies_is_refused() {
    let disk = SimDisk::new(1);
    disk.create(
        &segment_name(SegmentId(1)),
        4 * BLOCK_BYTES as u64,
        &mut || {},
    )
    .unwrap();
    let reader = SegmentReader::new(Arc::new(disk));
    let fault = |place: FrameAt| match reader.read(place) {
        Err(ReadError::Damaged {
            segment: SegmentId(1),
            fault,
            ..
        }) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(at(100, 10)), Fault::Short);
    assert_eq!(fault(at(4 * BLOCK_BYTES as u64 - 9, 10)), Fault::Short);
    assert!(matches!(fault(at(5000, 10)), Fault::Frame(_)));
    let missing = FrameAt {
        segment: SegmentId(2),
        ..at(5000, 10)
    };
    assert!(matches!(
        reader.read(missing),
        Err(ReadError::Gone(SegmentId(2)))
    ));
    let unfinished = reader.directory(SegmentId(1));
    assert!(matches!(
        unfinished,
        Err(ReadError::NotSealed(SegmentId(1)))
    ));
}

#[test]
fn a_file_that_became_another_segment_is_not_read_as_what_it_was() {
    let disk = Arc::new(SimDisk::new(1));
    let clock = Arc::new(HandClock::at(60_000));
    let (mut opened, _) = open(disk, config(), NodeEpoch(1), clock).unwrap();
    let mut number = 0;
    // Batches of one size, so that they lie at the same places in every segment.
    let mut write_until_sealed = |opened: &mut crate::Opened| {
        let mut first = None;
        loop {
            let frame = append(partition(1), number, 1, &[9; 3000], None);
            number += 1;
            let mut pending = VecDeque::from([PreparedFrame::new(frame)]);
            let commit = opened.committer.commit(&mut pending).unwrap();
            first = first.or(Some(commit.shards[0].committed.frames[0].at));
            if let Some(sealed) = commit.sealed {
                return (first.unwrap(), sealed);
            }
        }
    };
    let (old, sealed) = write_until_sealed(&mut opened);
    let batch = opened.reader.read(old).unwrap();
    assert_eq!(old.segment, sealed);
    assert!(opened.committer.order_recycled());
    let spare = opened
        .committer
        .spare_files()
        .recycle(sealed, true)
        .unwrap();
    opened.committer.take_spare(spare);
    assert_eq!(
        opened.reader.read(old).unwrap(),
        batch,
        "nothing is written to it yet"
    );

    // The next segment but one lies in the same file.
    write_until_sealed(&mut opened);
    write_until_sealed(&mut opened);
    let new = FrameAt {
        segment: SegmentId(sealed.0 + 2),
        ..old
    };
    assert_ne!(opened.reader.read(new).unwrap(), batch);
    assert!(matches!(opened.reader.read(old), Err(ReadError::Gone(gone)) if gone == sealed));
}

#[test]
fn long_runs_are_read_whole_into_memory_that_was_used_before() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(crate::FileDisk::open(folder.path()).unwrap());
    let clock = Arc::new(HandClock::at(60_000));
    let config = crate::WalConfig::new(crate::WalId(1));
    let (mut opened, _) = open(disk, config, NodeEpoch(1), clock).unwrap();
    // Of every size of buffer, and one beyond.
    let sizes = [
        70_000,
        130_000,
        260_000,
        500_000,
        900_000,
        1 << 20,
        3 << 20,
        5 << 20,
    ];
    let mut pending = VecDeque::new();
    let mut wanted = Vec::new();
    for (number, bytes) in sizes.into_iter().enumerate() {
        let frame = append(
            partition(1),
            number as u64,
            1,
            &vec![number as u8; bytes],
            None,
        );
        wanted.extend(frame.batch.clone());
        pending.push_back(PreparedFrame::new(frame));
    }
    let mut places = Vec::new();
    while !pending.is_empty() {
        let commit = opened.committer.commit(&mut pending).unwrap();
        places.extend(
            commit.shards[0]
                .committed
                .frames
                .iter()
                .map(|frame| frame.at),
        );
    }
    for _ in 0..2 {
        let together = opened.reader.read_many(&places).unwrap();
        assert!(together == wanted);
        for (at, wanted) in places.iter().zip(&wanted) {
            assert!(opened.reader.read(*at).unwrap() == *wanted, "{at:?}");
        }
    }
    let held = opened.reader.read_many(&places).unwrap();
    assert!(opened.reader.read_many(&places[..4]).unwrap() == wanted[..4]);
    assert!(held == wanted, "what is held is not read over");
}
