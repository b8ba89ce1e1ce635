//! Digests: their stored form, its size, damage to it, and what a fold must not lose.

use super::*;
use crate::append::AppendRequest;
use crate::codec::DecodeError;
use crate::facts::Freed;
use crate::fixtures::{NOW, Places, empty_log, new_facts, offset, request, stamp};
use model::Offset;
use proptest::prelude::*;

const SEGMENT: SegmentId = SegmentId(4);
const FREED: Freed = Freed {
    bytes: 70,
    position: 90,
};

/// The digest of `batches` appends of one gateway, with a producer.
fn digest_of(batches: u32) -> PartitionDigest {
    let mut log = empty_log();
    let mut places = Places::new(SEGMENT.0);
    let mut digest = PartitionDigest::new(SEGMENT, log.virtual_cluster());
    for batch in 0..batches {
        let length = 600 + batch * 37 % 500;
        let facts = places.append(
            &mut log,
            AppendRequest {
                batch_bytes: length,
                producer: Some(stamp(1, 0, batch as i32 * 10, 10)),
                max_timestamp: Timestamp(NOW.0 + i64::from(batch) * 7),
                ..request(0)
            },
        );
        let at = FrameAt {
            segment: SEGMENT,
            position: places.position - u64::from(length),
            length,
        };
        digest.add(&LogRecord::Append(facts), at, NOW);
        // Other partitions' frames lie in between.
        places.position += u64::from(batch * 911 % 4000);
    }
    digest
}

fn encoded(digest: &PartitionDigest) -> Vec<u8> {
    let mut bytes = Vec::new();
    digest.encode(&mut bytes);
    bytes
}

#[test]
fn a_digest_comes_back_as_it_was() {
    let mut digest = digest_of(20);
    let bytes = encoded(&digest);
    assert_eq!(PartitionDigest::decode(SEGMENT, &bytes), Ok(digest.clone()));
    assert_eq!(
        PartitionDigest::decode_frames(SEGMENT, &bytes),
        Ok(digest.frames().to_vec())
    );

    let at = digest.frames()[19].at;
    digest.add(&LogRecord::LogStart(offset(33), FREED), at, NOW);
    let snapshot = LogSnapshot {
        end_offset: offset(200),
        end_position: 20_000,
        ..LogSnapshot::default()
    };
    digest.add(&LogRecord::Snapshot(snapshot), at, NOW);
    digest.add(&LogRecord::Closed(Freed::default()), at, NOW);
    assert_eq!(
        PartitionDigest::decode(SEGMENT, &encoded(&digest)),
        Ok(digest.clone())
    );
    assert!(digest.is_closed());
    let Knowledge::Whole(snapshot) = digest.knowledge() else {
        panic!("a snapshot tells all")
    };
    assert_eq!(
        snapshot.log_start_offset,
        offset(33),
        "an older snapshot does not take it back"
    );
    assert_eq!(
        snapshot.freed_position, FREED.position,
        "nor what was freed"
    );
}

#[test]
fn a_batch_costs_about_eight_bytes() {
    let bytes = |batches| PartitionDigest::decode_frames(SEGMENT, &encoded(&digest_of(batches)));
    assert_eq!(bytes(2000).unwrap().len(), 2000);
    // What is remembered of the gateway does not grow beyond its bound; the frames do.
    let per_frame = (encoded(&digest_of(4000)).len() - encoded(&digest_of(2000)).len()) / 2000;
    assert!(per_frame <= 8, "{per_frame} bytes");
}

#[test]
fn a_digest_that_is_cut_off_or_too_long_is_refused() {
    let mut bytes = encoded(&digest_of(6));
    for end in 0..bytes.len() {
        assert!(
            PartitionDigest::decode(SEGMENT, &bytes[..end]).is_err(),
            "cut off at {end}"
        );
    }
    bytes.push(0);
    assert_eq!(
        PartitionDigest::decode(SEGMENT, &bytes),
        Err(DecodeError::Trailing(1))
    );
}

#[test]
fn a_producer_that_broke_off_within_a_segment_does_not_go_on_from_before() {
    let mut log = empty_log();
    let mut sequence = 0;
    let mut append = |producer| {
        // Expired in between, it may begin anywhere.
        log.expire(Timestamp(i64::MAX), 0);
        let mut append = request(sequence);
        (append.answered_below, append.producer) = (sequence, Some(producer));
        sequence += 1;
        LogRecord::Append(new_facts(log.append(NOW, append)))
    };
    let records = [0, 10, 50, 60].map(|base| append(stamp(1, 0, base, 10)));
    let mut places = Places::new(1);
    let mut by_record = empty_log();
    let mut by_digest = empty_log();
    for segment in records.chunks(1).take(1).chain([&records[1..]]) {
        let mut digest = PartitionDigest::new(SegmentId(places.segment), log.virtual_cluster());
        for record in segment {
            let at = places.next(100);
            by_record.replay(record, at, NOW).unwrap();
            digest.add(record, at, NOW);
        }
        by_digest.replay_digest(&digest).unwrap();
        places = Places::new(places.segment + 1);
    }
    assert_eq!(by_digest.snapshot(), by_record.snapshot());
    let late = AppendRequest {
        producer: Some(stamp(1, 0, 0, 10)),
        ..request(9)
    };
    let late = AppendRequest {
        answered_below: 9,
        ..late
    };
    assert!(
        by_digest.append(NOW, late).is_err(),
        "what broke off is not remembered"
    );
}

#[test]
fn a_count_of_frames_is_not_believed() {
    let mut bytes = vec![2, 0, 0];
    crate::codec::put_varint(&mut bytes, u64::MAX / 2);
    bytes.extend([0; 16]);
    assert_eq!(
        PartitionDigest::decode(SEGMENT, &bytes),
        Err(DecodeError::Truncated)
    );
}

#[test]
fn offsets_and_positions_beyond_their_range_are_refused() {
    let frame = |numbers: [u64; 4]| {
        let mut bytes = vec![2, 0, 0, 1];
        // One record behind a gap, of some length, at some position, at the same time.
        for number in [3, numbers[0], numbers[1], numbers[2], numbers[3]] {
            crate::codec::put_varint(&mut bytes, number);
        }
        PartitionDigest::decode_frames(SEGMENT, &bytes)
    };
    let last = Offset::MAX.value() - 1;
    assert!(frame([last, 10, 10, 0]).is_ok());
    assert!(frame([last + 1, 10, 10, 0]).is_err());
    assert!(frame([1, 10, u64::MAX - 10, 0]).is_ok());
    assert!(frame([1, 10, u64::MAX - 9, 0]).is_err());
    assert!(frame([1, 1 << 32, 10, 0]).is_err());
}

proptest! {
    #[test]
    fn damage_is_refused_or_gives_a_sound_digest(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = encoded(&digest_of(8));
        let index = at.index(bytes.len());
        bytes[index] = byte;
        if let Ok(digest) = PartitionDigest::decode(SEGMENT, &bytes) {
            prop_assert_eq!(PartitionDigest::decode(SEGMENT, &encoded(&digest)), Ok(digest.clone()));
            let mut log = empty_log();
            let _ = log.replay_digest(&digest).and_then(|()| log.finish_replay());
        }
    }
}
