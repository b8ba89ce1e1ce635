use std::collections::VecDeque;

use model::TopicPartition;
use partition_log::LogRecord;

use super::*;
use crate::contract::config;
use crate::error::{Fault, Proof};
use crate::fixtures::{HandClock, append, change, partition};
use crate::format::BLOCK_BYTES;
use crate::format::Chain;
use crate::format::block::BlockFault;
use crate::format::reach::Reach;
use crate::names::{segment_name, spare_name};
use crate::segment_file::SegmentFile;
use crate::sim::{Crash, SimDisk};
use crate::write::{FrameRecord, FrameWrite, PreparedFrame, TotalsOrder};

const TO: fn() -> TopicPartition = || partition(1);

fn try_open(disk: &SimDisk, epoch: u64) -> Result<(Opened, Recovered), WalError> {
    let clock = Arc::new(HandClock::at(60_000));
    open(Arc::new(disk.clone()), config(), NodeEpoch(epoch), clock)
}

/// A log whose only segment has `groups` groups of one block each, and no footer.
fn written(groups: u64) -> SimDisk {
    let disk = SimDisk::new(1);
    let (mut opened, _) = try_open(&disk, 1).unwrap();
    write(&mut opened, 0..groups);
    drop(opened);
    disk
}

fn write(opened: &mut Opened, offsets: std::ops::Range<u64>) {
    for number in offsets {
        let frame = append(TO(), number, 1, b"body", None);
        let mut pending = VecDeque::from([PreparedFrame::new(frame)]);
        opened.committer.commit(&mut pending).unwrap();
    }
}

fn flip(disk: &SimDisk, segment: u64, byte: u64) {
    disk.flip_bit(&segment_name(SegmentId(segment)), byte * 8 + 3);
}

fn damage_of(result: Result<(Opened, Recovered), WalError>) -> crate::error::Damage {
    match result {
        Err(WalError::Damaged(damage)) => damage,
        Err(other) => panic!("refused otherwise: {other}"),
        Ok(_) => panic!("it was opened"),
    }
}

fn offsets(recovered: &Recovered) -> Vec<u64> {
    let found = recovered
        .segments
        .iter()
        .filter_map(|found| found.partitions.get(&TO()));
    found
        .flat_map(|digest| digest.frames())
        .map(|frame| frame.base_offset.value())
        .collect()
}

#[test]
fn a_damaged_group_before_the_last_is_not_cut() {
    for byte in [BLOCK_BYTES, BLOCK_BYTES + 100, 2 * BLOCK_BYTES + 260] {
        let disk = written(3);
        flip(&disk, 0, byte as u64);
        let damage = damage_of(try_open(&disk, 2));
        let group = byte / BLOCK_BYTES * BLOCK_BYTES;
        assert_eq!(
            (damage.segment, damage.position),
            (SegmentId(0), group as u64)
        );
        // The refusal has changed nothing.
        assert_eq!(damage_of(try_open(&disk, 2)), damage);
    }
}

#[test]
fn a_damaged_last_group_is_a_torn_end() {
    let disk = written(3);
    flip(&disk, 0, 3 * BLOCK_BYTES as u64 + 90);
    let (opened, recovered) = try_open(&disk, 2).unwrap();
    assert_eq!(offsets(&recovered), [0, 1]);
    let torn = recovered.torn.unwrap();
    assert_eq!(
        (torn.segment, torn.position),
        (SegmentId(0), 3 * BLOCK_BYTES as u64)
    );
    assert!(matches!(torn.fault, Fault::Frame(_)), "{:?}", torn.fault);
    drop(opened);
    let (_, again) = try_open(&disk, 3).unwrap();
    assert_eq!(offsets(&again), [0, 1]);
    assert_eq!(again.torn, None);
}

fn last_segment(disk: &SimDisk) -> (SegmentFile, Identity) {
    let file = SegmentFile::open(disk, SegmentId(0)).unwrap();
    let identity = file.header().unwrap().identity;
    (file, identity)
}

#[test]
fn only_what_groups_may_have_reached_is_read() {
    for groups in [0, 1, 5, 11] {
        let disk = written(groups);
        let (file, identity) = last_segment(&disk);
        let (end, reach) = ((1 + groups) * 4096, file.reach(identity).unwrap());
        assert!((end + 1..=end + 2 * 4096).contains(&reach), "{end} {reach}");
    }
}

#[test]
fn without_its_reach_a_segment_is_read_whole() {
    let disk = written(3);
    let (file, identity) = last_segment(&disk);
    flip(&disk, 0, file.length - 2000);
    assert_eq!(file.reach(identity).unwrap(), file.length);
    let (_, recovered) = try_open(&disk, 2).unwrap();
    assert_eq!(offsets(&recovered), [0, 1, 2]);
}

#[test]
fn a_whole_group_that_lies_across_the_reach_is_kept() {
    let disk = written(2);
    let (file, identity) = last_segment(&disk);
    // In the middle of the last group, as after a power failure that spared the group and not the new reach.
    let end = 2 * 4096 + 100;
    file.file
        .write_at(&Reach { identity, end }.encode(), file.length - 4096)
        .unwrap();
    let (_, recovered) = try_open(&disk, 2).unwrap();
    assert_eq!(offsets(&recovered), [0, 1]);
}

#[test]
fn a_damaged_sealed_segment_is_refused() {
    let disk = written(3);
    let (mut opened, _) = try_open(&disk, 2).unwrap();
    write(&mut opened, 3..4);
    drop(opened);
    // Segment 0 has its footer behind three groups, then its trailer.
    let footer = 4 * BLOCK_BYTES as u64;
    let refused = |byte: u64| {
        flip(&disk, 0, byte);
        let damage = damage_of(try_open(&disk, 9));
        flip(&disk, 0, byte);
        assert_eq!(damage.segment, SegmentId(0));
        damage
    };
    let later = Proof::LaterSegment(SegmentId(1));
    assert_eq!(refused(footer + 50).proof, later);
    assert_eq!(
        refused(footer + 2).fault,
        Fault::Footer("the part's checksum is wrong")
    );
    let trailer = refused(footer + BLOCK_BYTES as u64 + 77);
    assert!(matches!(
        trailer.fault,
        Fault::Block(BlockFault::Crc { .. })
    ));
    let header = refused(30);
    assert_eq!((header.proof, header.position), (Proof::Name, 0));
    // What no footer holds is found when it is read.
    flip(&disk, 0, BLOCK_BYTES as u64 + 220);
    let (opened, recovered) = try_open(&disk, 9).unwrap();
    let at = recovered.segments[0].partitions[&TO()].frames()[0].at;
    let error = opened.reader.read(at).unwrap_err();
    assert!(
        matches!(
            error,
            crate::reader::ReadError::Damaged { position: 4296, .. }
        ),
        "{error}"
    );
}

#[test]
fn a_segment_that_does_not_follow_is_refused() {
    let other = WalConfig {
        new_wal_id: WalId(99),
        ..config()
    };
    let disk = written(2);
    drop(try_open(&disk, 2).unwrap());
    // The same name from another log, or from another past of this one.
    for (wal, chain) in [(WalId(99), None), (config().new_wal_id, Some(Chain::START))] {
        let name = segment_name(SegmentId(1));
        let file = disk.open(&name).unwrap();
        let mut block = [0; BLOCK_BYTES];
        file.read_at(&mut block, 0).unwrap();
        let header = SegmentHeader::decode(&block).unwrap();
        let changed = SegmentHeader {
            identity: Identity {
                wal,
                ..header.identity
            },
            chain: chain.unwrap_or(header.chain),
        };
        file.write_at(&changed.encode(), 0).unwrap();
        let error = try_open(&disk, 3).err().unwrap();
        match chain {
            None => assert!(
                matches!(error, WalError::Foreign { found, .. } if found == other.new_wal_id)
            ),
            Some(_) => {
                assert!(matches!(error, WalError::Damaged(damage) if damage.fault == Fault::Chain));
            }
        }
        file.write_at(&block, 0).unwrap();
    }
}

#[test]
fn a_log_that_is_opened_often_takes_little_room() {
    let disk = written(1);
    for epoch in 2..20 {
        drop(try_open(&disk, epoch).unwrap());
    }
    let (_, recovered) = try_open(&disk, 20).unwrap();
    assert_eq!(offsets(&recovered), [0]);
    assert_eq!(recovered.segments.len(), 19);
    assert!(
        recovered
            .segments
            .iter()
            .all(|found| found.file_bytes <= 4 * BLOCK_BYTES as u64)
    );
    let header = [&recovered.segments[0], &recovered.segments[18]];
    assert_eq!(
        header.map(|found| found.node_epoch),
        [NodeEpoch(1), NodeEpoch(19)]
    );
}

#[test]
fn spares_are_used_and_those_of_another_size_removed() {
    let disk = SimDisk::new(3);
    disk.create(&spare_name(4), config().segment_bytes, &mut || {})
        .unwrap();
    disk.create(&spare_name(6), config().segment_bytes - 4096, &mut || {})
        .unwrap();
    disk.create("notes.txt", 10, &mut || {}).unwrap();
    let (opened, _) = try_open(&disk, 1).unwrap();
    assert_eq!(
        disk.list().unwrap(),
        [segment_name(SegmentId(0)), "notes.txt".to_owned()]
    );
    assert_eq!(
        opened.committer.spare_files().create(&mut || {}).unwrap(),
        Spare(7)
    );
}

#[test]
fn a_segment_may_be_given_another_size_at_a_start() {
    let disk = written(3);
    let clock = Arc::new(HandClock::at(60_000));
    let larger = WalConfig {
        segment_bytes: 128 * 1024,
        unsynced_bytes_max: 64 * 1024,
        ..config()
    };
    let (mut opened, recovered) =
        open(Arc::new(disk.clone()), larger, NodeEpoch(2), clock).unwrap();
    assert_eq!(offsets(&recovered), [0, 1, 2]);
    write(&mut opened, 3..30);
    drop(opened);
    let (_, recovered) = try_open(&disk, 3).unwrap();
    assert_eq!(offsets(&recovered), (0..30).collect::<Vec<_>>());
}

#[test]
fn commit_times_never_go_back_not_even_over_a_start() {
    let disk = written(1);
    let clock = Arc::new(HandClock::at(1000));
    let (mut opened, recovered) = open(
        Arc::new(disk.clone()),
        config(),
        NodeEpoch(2),
        Arc::clone(&clock) as _,
    )
    .unwrap();
    assert_eq!(recovered.segments[0].commit_time_max.0, 60_000);
    let mut commit = |number| {
        let frame = PreparedFrame::new(append(TO(), number, 1, b"", None));
        let commit = opened
            .committer
            .commit(&mut VecDeque::from([frame]))
            .unwrap();
        commit.shards[0].committed.commit_time.0
    };
    assert_eq!(commit(1), 60_000);
    clock.advance(90_000);
    assert_eq!(commit(2), 91_000);
    clock.advance(-1);
    assert_eq!(commit(3), 91_000);
}

#[test]
fn a_failed_sync_stops_the_writer_for_good() {
    let disk = written(1);
    let (mut opened, _) = try_open(&disk, 2).unwrap();
    disk.fail_sync_after(Some(0));
    let frame = |number| PreparedFrame::new(append(TO(), number, 1, b"", None));
    let error = opened
        .committer
        .commit(&mut VecDeque::from([frame(1)]))
        .unwrap_err();
    assert!(
        matches!(error, WalError::Disk { action: "sync", .. }),
        "{error}"
    );
    disk.fail_sync_after(None);
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        opened.committer.commit(&mut VecDeque::from([frame(2)]))
    }));
    assert!(again.is_err(), "it must not be written to any more");
    // It can be read after a start, and then stays.
    disk.restart(Crash::Process);
    let (_, recovered) = try_open(&disk, 3).unwrap();
    let shown = offsets(&recovered);
    disk.restart(Crash::Power);
    let (_, recovered) = try_open(&disk, 4).unwrap();
    assert_eq!(offsets(&recovered), shown);
}

#[test]
fn a_snapshot_larger_than_the_footers_reserve_is_kept_all_the_same() {
    let disk = written(1);
    let (mut opened, _) = try_open(&disk, 2).unwrap();
    // Many partitions with one frame each: the footer is as large as the groups.
    let mut pending: VecDeque<_> = (0..900)
        .map(|number| {
            PreparedFrame::new(change(
                partition(10 + number),
                LogRecord::Closed(Default::default()),
            ))
        })
        .collect();
    while !pending.is_empty() {
        opened.committer.commit(&mut pending).unwrap();
    }
    drop(opened);
    let (_, recovered) = try_open(&disk, 3).unwrap();
    let closed = recovered
        .segments
        .iter()
        .flat_map(|found| found.partitions.values());
    assert_eq!(closed.filter(|digest| digest.is_closed()).count(), 900);
}

#[test]
fn totals_of_many_windows_lose_minutes_rather_than_bytes() {
    let disk = SimDisk::new(1);
    let clock = Arc::new(HandClock::at(60_000));
    let (mut opened, _) = open(
        Arc::new(disk.clone()),
        config(),
        NodeEpoch(1),
        Arc::clone(&clock) as _,
    )
    .unwrap();
    // 90 virtual clusters in each of 60 minutes: more than a frame's 16 KiB.
    let mut bytes_in = 0;
    for minute in 0..60 {
        let mut pending: VecDeque<_> = (0..90)
            .map(|number| {
                let mut frame = append(partition(number), minute, 1, b"", None);
                frame.virtual_cluster = model::VirtualClusterId(1 + number);
                bytes_in += 61;
                PreparedFrame::new(frame)
            })
            .collect();
        while !pending.is_empty() {
            opened.committer.commit(&mut pending).unwrap();
        }
        clock.advance(60_000);
    }
    assert_eq!(opened.committer.total().windows().count(), 5400);
    let seal = FrameRecord::MeterTotalsNow(TotalsOrder::Seal { stored_below: 0 });
    let seal = FrameWrite {
        record: seal,
        ..crate::fixtures::totals_now()
    };
    let mut pending = VecDeque::from([PreparedFrame::new(seal)]);
    opened.committer.commit(&mut pending).unwrap();
    let total = opened.committer.total().clone();
    assert_eq!(total.windows().count(), 0);
    let sealed = total.sealed().expect("all windows are over");
    assert_eq!(sealed.runs.len(), 90, "one window for each virtual cluster");
    let billed = sealed.runs.iter().map(|run| run.amounts.bytes_in);
    assert_eq!(billed.sum::<u64>(), bytes_in);
    let sums = total
        .totals(model::Timestamp(0))
        .map(|(_, sum)| sum.bytes_in.0);
    assert_eq!(sums.sum::<u64>(), bytes_in);
    drop(opened);
    assert_eq!(try_open(&disk, 2).unwrap().1.meters, total);
}
