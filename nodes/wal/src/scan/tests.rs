use model::{NodeEpoch, Timestamp};
use partition_log::{LogRecord, SegmentId};
use proptest::prelude::*;

use super::*;
use crate::digest::SegmentDigest;
use crate::fixtures::{append, partition};
use crate::format::block::BlockFault;
use crate::format::footer;
use crate::format::frame::FrameFault;
use crate::format::{Chain, WalId};
use crate::group_buffer::GroupBuffer;
use crate::write::{FrameRecord, PreparedFrame};

const FILE_BYTES: usize = 20 * BLOCK_BYTES;

/// A segment's file in memory.
struct Segment {
    bytes: Vec<u8>,
    header: SegmentHeader,
    end: usize,
    chain: Chain,
    next_offset: u64,
    digest: SegmentDigest,
}

impl Segment {
    /// A segment in a file that held something else before.
    fn new(number: u64, chain: Chain, old: Vec<u8>) -> Self {
        let segment = SegmentId(number);
        let identity = Identity {
            wal: WalId(7),
            segment,
            node_epoch: NodeEpoch(2),
        };
        let header = SegmentHeader { identity, chain };
        let mut bytes = old;
        bytes.resize(FILE_BYTES, 0);
        bytes[..BLOCK_BYTES].copy_from_slice(&header.encode());
        let digest = SegmentDigest::default();
        Self {
            bytes,
            header,
            end: BLOCK_BYTES,
            chain,
            next_offset: 0,
            digest,
        }
    }

    /// Adds a group of two frames with bodies of this size.
    fn group(&mut self, body_bytes: usize) {
        let mut buffer = GroupBuffer::default();
        buffer.begin().unwrap();
        let commit_time = Timestamp(self.chain.commit_time.0 + 5);
        for _ in 0..2 {
            let body = vec![self.next_offset as u8; body_bytes];
            let frame = PreparedFrame::new(append(partition(1), self.next_offset, 1, &body, None));
            let origin = frame::FrameOrigin {
                segment: self.header.identity.segment,
                node_epoch: NodeEpoch(2),
                commit_time,
                virtual_cluster: frame.write.virtual_cluster,
                partition: partition(1),
            };
            let in_group = buffer.push(&origin, &frame.write.record, frame.payload());
            let at = self.end as u64 + in_group.unwrap();
            let at = frame::payload_at(origin.segment, at, frame.frame_bytes());
            self.digest.add(&origin, &frame.write.record, at);
            self.next_offset += 1;
        }
        self.chain = buffer.finish(self.header.identity, self.chain, commit_time);
        let group = buffer.bytes();
        self.bytes[self.end..self.end + group.len()].copy_from_slice(group);
        self.end += group.len();
    }

    fn seal(&mut self) {
        let Self {
            header,
            chain,
            end,
            digest,
            ..
        } = self;
        let footer = footer::encode(digest, header.identity, *chain, *end as u64);
        self.bytes[*end..*end + footer.bytes.len()].copy_from_slice(&footer.bytes);
        self.bytes[FILE_BYTES - BLOCK_BYTES..].copy_from_slice(&footer.trailer);
    }

    /// What a scan finds, and the offsets of the batches that it shows.
    fn scan(&self) -> Result<(Scan, Vec<u64>), Damage> {
        let mut offsets = Vec::new();
        let scan = scan(&self.bytes, &self.header, |frame, at| {
            let FrameRecord::Log(LogRecord::Append(facts)) = &frame.record else {
                panic!("only appends were written");
            };
            let batch = &self.bytes[at.position as usize..][..at.length as usize];
            assert_eq!(batch[61..], *frame.payload.split_at(61).1);
            offsets.push(facts.base_offset.value());
            Ok(())
        })?;
        Ok((scan, offsets))
    }
}

/// Three groups of one block, two blocks and one block.
fn three_groups() -> Segment {
    let mut segment = Segment::new(3, Chain::START, Vec::new());
    segment.group(100);
    segment.group(3000);
    segment.group(50);
    segment
}

#[test]
fn every_frame_is_shown_once_and_the_end_is_found() {
    let segment = three_groups();
    let (scan, offsets) = segment.scan().unwrap();
    assert_eq!(offsets, [0, 1, 2, 3, 4, 5]);
    assert_eq!((scan.end, scan.chain), (segment.end as u64, segment.chain));
    assert_eq!(
        scan.last_group,
        Some(4 * 4096..4 * 4096 + 64 + 2 * (136 + 61 + 50))
    );
    assert_eq!(scan.torn, None);
}

#[test]
fn an_empty_segment_ends_where_it_begins() {
    let start = Chain {
        sequence: 9,
        crc: 8,
        commit_time: Timestamp(7),
    };
    let (scan, offsets) = Segment::new(3, start, Vec::new()).scan().unwrap();
    assert_eq!((scan.end, scan.chain, scan.last_group), (4096, start, None));
    assert!(offsets.is_empty());
}

#[test]
fn a_group_in_flight_is_cut_at_every_sector() {
    let ends = [4096 + 658, 2 * 4096 + 6458, 4 * 4096 + 558];
    for cut in (4096..FILE_BYTES).step_by(512) {
        let mut torn = three_groups();
        torn.bytes[cut..].fill(0);
        let (scan, offsets) = torn.scan().unwrap();
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        assert_eq!(offsets.len(), 2 * whole, "cut at {cut}");
        let begun = [4096, 8192, 16_384]
            .iter()
            .filter(|&&start| start < cut)
            .count();
        assert_eq!(scan.torn.is_some(), begun > whole, "cut at {cut}: {scan:?}");
    }
}

#[test]
fn a_changed_group_is_damage_where_a_later_one_is_there() {
    for at in [
        4096,
        4096 + 70,
        4096 + 300,
        8192,
        8192 + 50,
        8192 + 4000,
        3 * 4096,
    ] {
        let mut segment = three_groups();
        segment.bytes[at] ^= 0x10;
        let damage = segment.scan().unwrap_err();
        let group = if at < 8192 { 4096 } else { 8192 };
        assert_eq!(
            (damage.segment, damage.position),
            (SegmentId(3), group),
            "byte {at}"
        );
        assert!(matches!(damage.proof, Proof::LaterGroup(_)), "{damage}");
    }
}

#[test]
fn a_changed_last_group_is_a_torn_end_unless_the_trailer_knows_it() {
    let mut segment = three_groups();
    let last = segment.end - 4096;
    segment.bytes[last + 200] ^= 1;
    let (scan, offsets) = segment.scan().unwrap();
    assert_eq!((scan.end, offsets.len()), (last as u64, 4));
    assert!(matches!(
        scan.torn,
        Some(Fault::Frame(FrameFault::Crc { .. }))
    ));

    let mut segment = three_groups();
    segment.seal();
    assert_eq!(segment.scan().unwrap().1.len(), 6);
    segment.bytes[last + 200] ^= 1;
    assert_eq!(segment.scan().unwrap_err().proof, Proof::Trailer);
}

#[test]
fn an_older_life_of_the_file_is_not_taken_for_new() {
    let mut old = Segment::new(2, Chain::START, Vec::new());
    for _ in 0..12 {
        old.group(500);
    }
    old.seal();
    let mut segment = Segment::new(3, old.chain, old.bytes);
    segment.group(700);
    let (scan, offsets) = segment.scan().unwrap();
    assert_eq!(offsets, [0, 1]);
    assert_eq!((scan.end, scan.torn), (8192, None));
}

#[test]
fn a_group_of_another_epoch_or_place_in_the_chain_is_no_end() {
    // What another incarnation wrote to the same segment is not this one's.
    let mut segment = three_groups();
    segment.header.identity.node_epoch = NodeEpoch(1);
    assert_eq!(segment.scan().unwrap().1, [0_u64; 0]);
    // A segment whose chain begins elsewhere has nothing that follows.
    let mut segment = three_groups();
    segment.header.chain.crc = 1;
    let damage = segment.scan().unwrap_err();
    assert_eq!((damage.fault, damage.position), (Fault::Chain, 4096));
    // A hole: the next group is there, but not the one before.
    let mut segment = three_groups();
    segment.bytes.drain(4096..8192);
    let damage = segment.scan().unwrap_err();
    assert_eq!(
        damage.fault,
        Fault::Sequence {
            expected: 0,
            found: 1
        }
    );
}

#[test]
fn a_frame_that_is_refused_under_a_right_checksum_is_damage() {
    let segment = three_groups();
    let refused = scan(&segment.bytes, &segment.header, |_, _| Err(Fault::NoBatch));
    let damage = refused.unwrap_err();
    assert_eq!(
        (damage.proof, damage.position),
        (Proof::Checksum, 4096 + 64)
    );
    assert_eq!(
        damage.to_string(),
        "segment 3 is damaged at byte 4160: no batch lies there; its checksum is right"
    );
    let fault: Fault = BlockFault::Magic.into();
    assert_eq!(fault.to_string(), "not such a block");
}

proptest! {
    /// Whatever is done to a file: no panic, and only whole groups from the front.
    #[test]
    fn any_change_is_cut_or_refused(
        changes in prop::collection::vec((4096..FILE_BYTES, any::<u8>()), 1..4),
        length in 4096..FILE_BYTES,
    ) {
        let mut segment = three_groups();
        for (at, value) in changes {
            segment.bytes[at] = value;
        }
        segment.bytes.truncate(length);
        if let Ok((_, offsets)) = segment.scan() {
            prop_assert!(offsets.len() % 2 == 0);
            prop_assert!(offsets.iter().enumerate().all(|(index, &offset)| index as u64 == offset));
        }
    }
}
