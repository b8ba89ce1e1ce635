use model::{NodeEpoch, Timestamp};
use partition_log::{Freed, LogRecord, PartitionDigest, SegmentId};
use quota::{Meters, Tally};

use super::*;
use crate::fixtures::{append, change, offset, partition};
use crate::format::frame::{FrameOrigin, payload_at};
use crate::format::{BLOCK_BYTES, WalId};
use crate::write::{FrameRecord, FrameWrite};

const SEGMENT: SegmentId = SegmentId(4);
const IDENTITY: Identity = Identity {
    wal: WalId(1),
    segment: SegmentId(4),
    node_epoch: NodeEpoch(3),
};
const CHAIN: Chain = Chain {
    sequence: 20,
    crc: 21,
    commit_time: Timestamp(90_000),
};

fn add(digest: &mut SegmentDigest, write: &FrameWrite, position: u64) {
    let origin = FrameOrigin {
        segment: SEGMENT,
        node_epoch: NodeEpoch(3),
        commit_time: Timestamp(60_000 + position as i64),
        virtual_cluster: write.virtual_cluster,
        partition: write.partition,
    };
    let payload = write.batch.as_ref().map_or(0, records::StampedBatch::len);
    digest.add(
        &origin,
        &write.record,
        payload_at(SEGMENT, position, payload + 136),
    );
}

fn digest() -> SegmentDigest {
    let mut digest = SegmentDigest::default();
    add(&mut digest, &append(partition(3), 5, 2, b"one", None), 5000);
    add(
        &mut digest,
        &append(partition(2), 50, 2, b"two", Some((1, 0))),
        6000,
    );
    let totals = FrameRecord::MeterTotals(Meters::new(1));
    add(
        &mut digest,
        &FrameWrite {
            record: totals,
            ..change(partition(0), LogRecord::Closed(Freed::default()))
        },
        7000,
    );
    add(
        &mut digest,
        &append(partition(3), 7, 1, b"three", None),
        8000,
    );
    add(
        &mut digest,
        &change(
            partition(2),
            LogRecord::LogStart(offset(51), Freed::default()),
        ),
        9000,
    );
    digest
}

/// The bytes of a part, which begins after `base`.
fn part(footer: &EncodedFooter, base: u64, part: Part) -> &[u8] {
    let start = (part.position - base) as usize;
    let bytes = &footer.bytes[start..start + part.length as usize];
    assert!(part.is_intact(bytes));
    bytes
}

#[test]
fn each_part_is_found_by_itself() {
    let (base, digest) = (12_288, digest());
    let footer = encode(&digest, IDENTITY, CHAIN, base);
    assert!(footer.bytes.len().is_multiple_of(BLOCK_BYTES));
    let trailer = Trailer::decode(&footer.trailer).unwrap();
    assert_eq!(
        (trailer.identity, trailer.chain, trailer.groups_end),
        (IDENTITY, CHAIN, base)
    );
    assert_eq!(trailer.commit_time_min, Timestamp(65_000));

    let directory = Directory::decode(part(&footer, base, trailer.directory)).unwrap();
    assert_eq!(directory.entries().len(), 2);
    for (id, wanted) in &digest.partitions {
        let entry = directory.find(*id).unwrap();
        assert_eq!(entry.virtual_cluster, wanted.virtual_cluster());
        let found = PartitionDigest::decode(SEGMENT, part(&footer, base, entry.digest)).unwrap();
        assert_eq!(found, *wanted);
    }
    assert_eq!(directory.find(partition(8)), None);

    let tally = |at: Part| Tally::decode(part(&footer, base, at)).unwrap();
    assert_eq!(tally(trailer.sums), digest.meters.sums);
    let totals = Meters::decode(part(&footer, base, trailer.totals));
    assert_eq!(totals, Ok(Meters::new(1)));
    assert_eq!(tally(trailer.since_totals), digest.meters.since_totals);
    assert_ne!(digest.meters.sums, digest.meters.since_totals);
}

#[test]
fn an_empty_segment_has_a_footer_too() {
    let footer = encode(&SegmentDigest::default(), IDENTITY, CHAIN, 4096);
    let trailer = Trailer::decode(&footer.trailer).unwrap();
    assert_eq!(trailer.directory.length, 0);
    assert_eq!(trailer.totals, Part::default());
    assert_eq!(trailer.commit_time_min, CHAIN.commit_time);
}

#[test]
fn a_directory_in_disorder_is_refused() {
    let footer = encode(&digest(), IDENTITY, CHAIN, 4096);
    let directory = &footer.bytes[..2 * DIRECTORY_ENTRY_BYTES];
    assert!(Directory::decode(directory).is_some());
    assert!(Directory::decode(&directory[..41]).is_none());
    let swapped = [&directory[40..], &directory[..40]].concat();
    assert!(Directory::decode(&swapped).is_none());
    let twice = [&directory[..40], &directory[..40]].concat();
    assert!(Directory::decode(&twice).is_none());
}
