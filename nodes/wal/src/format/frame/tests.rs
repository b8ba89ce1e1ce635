use bytes::Bytes;
use model::{Limits, TopicConfig};
use proptest::prelude::*;
use records::{BatchBuilder, BatchRules, Codec, NewRecord, StampedBatch, validate};

use super::*;
use crate::fixtures::{append, batch, change, offset, partition};
use crate::write::{FrameWrite, PreparedFrame, TotalsOrder};

const ORIGIN: FrameOrigin = FrameOrigin {
    segment: SegmentId(0x0102_0304),
    node_epoch: NodeEpoch(5),
    commit_time: Timestamp(1_700_000_000_123),
    virtual_cluster: VirtualClusterId(7),
    partition: TopicPartition {
        topic: TopicId([9; 16]),
        partition: 11,
    },
};

const FREED_SOME: Freed = Freed {
    bytes: 5,
    position: 0x0102_0304_0506_0708,
};

fn encode(write: FrameWrite) -> Vec<u8> {
    let prepared = PreparedFrame::new(write);
    // What was there before does not matter.
    let mut out = vec![0xee; prepared.frame_bytes()];
    put_frame(
        &mut out,
        &ORIGIN,
        &prepared.write.record,
        prepared.payload(),
    );
    out
}

/// The frame with its checksum made anew.
fn with_crc(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn all_kinds() -> Vec<FrameWrite> {
    let mut meters = Meters::new(2);
    meters.add(quota::Window::appended(
        VirtualClusterId(3),
        Timestamp(60_000),
        ByteCount(4),
        5,
    ));
    meters.seal_before(quota::Minute(2));
    let snapshot = LogSnapshot {
        end_offset: offset(8),
        ..LogSnapshot::default()
    };
    let totals = FrameRecord::MeterTotals(meters);
    vec![
        append(partition(1), 12, 3, b"body", None),
        append(partition(1), 12, 3, b"", Some((5, i32::MAX - 1))),
        change(partition(1), LogRecord::LogStart(offset(99), FREED_SOME)),
        change(partition(1), LogRecord::Snapshot(snapshot)),
        change(partition(1), LogRecord::Closed(FREED_SOME)),
        FrameWrite {
            record: totals,
            ..change(partition(1), LogRecord::Closed(FREED_SOME))
        },
        FrameWrite {
            record: FrameRecord::Freed(ByteCount(77)),
            ..change(partition(1), LogRecord::Closed(FREED_SOME))
        },
    ]
}

#[test]
fn every_kind_comes_back() {
    for write in all_kinds() {
        let bytes = encode(write.clone());
        let frame = Frame::decode(&bytes).unwrap();
        assert_eq!(frame.origin, ORIGIN);
        assert_eq!(frame.record, write.record);
        assert_eq!(frame.frame_bytes(), bytes.len());
        if let Some(batch) = write.batch {
            let payload = Bytes::copy_from_slice(frame.payload);
            assert_eq!(records::StampedBatch::parse(payload), Ok(batch));
        }
    }
}

#[test]
fn the_fields_lie_where_the_layout_says() {
    let bytes = encode(append(partition(1), 0x0a0b, 2, b"xyz", Some((6, 4))));
    assert_eq!(bytes[4..8], 64_u32.to_le_bytes());
    assert_eq!(bytes[8..10], [1, 1]);
    assert_eq!(bytes[16..24], 0x0102_0304_u64.to_le_bytes());
    assert_eq!(bytes[44..48], 11_u32.to_le_bytes());
    assert_eq!(bytes[48..64], [9; 16]);
    assert_eq!(bytes[64..72], 0x0a0b_u64.to_le_bytes());
    assert_eq!(bytes[104..112], 6_i64.to_le_bytes());
    assert_eq!(bytes[120..124], 5_i32.to_le_bytes());
    assert_eq!(bytes[124..136], [0; 12]);
    assert_eq!(bytes[136..197], batch(0x0a0b, 2, b"xyz").header_bytes()[..]);
    assert_eq!(bytes[197..], *b"xyz");
}

#[test]
fn a_changed_bit_is_seen_wherever_it_is() {
    let bytes = encode(append(partition(1), 12, 3, b"some body", None));
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Frame::decode(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn what_is_no_frame_is_named() {
    let bytes = encode(append(partition(1), 12, 3, b"body", None));
    let truncated = |wanted, left| Err(FrameFault::Truncated { wanted, left });
    assert_eq!(check(&bytes[..135]), truncated(136, 135));
    assert_eq!(check(&bytes[..200]), truncated(201, 200));
    let mut huge = bytes.clone();
    huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(check(&huge), truncated(136 + u64::from(u32::MAX), 201));

    let decode = |at: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + value.len()].copy_from_slice(value);
        Frame::decode(&with_crc(changed)).map(|frame| frame.record)
    };
    assert_eq!(decode(8, &[0]), Err(FrameFault::Kind(0)));
    assert_eq!(decode(8, &[4]), Err(FrameFault::Payload(65)));
    assert_eq!(
        decode(64, &u64::MAX.to_le_bytes()),
        Err(FrameFault::Offset(u64::MAX))
    );
    assert_eq!(decode(72, &[0; 4]), Err(FrameFault::RecordCount(0)));
    let last = i64::MAX as u64 - 1;
    assert_eq!(
        decode(64, &last.to_le_bytes()),
        Err(FrameFault::RecordCount(3))
    );
    assert!(matches!(decode(8, &[3]), Err(FrameFault::Content(_))));
    assert!(matches!(decode(8, &[5]), Err(FrameFault::Content(_))));
    assert_eq!(decode(8, &[6]), Err(FrameFault::Payload(65)));
    assert_eq!(decode(8, &[7]), Err(FrameFault::Kind(7)));
}

#[test]
#[should_panic(expected = "filled in before")]
fn totals_are_filled_in_before_they_are_written() {
    let record = FrameRecord::MeterTotalsNow(TotalsOrder::Carry);
    put_frame(
        &mut [0; FRAME_HEADER_BYTES],
        &ORIGIN,
        &record,
        Payload::of_content(&[]),
    );
}

proptest! {
    /// Whatever bytes there are under a right checksum: no panic.
    #[test]
    fn any_header_is_read_or_refused(header in prop::collection::vec(any::<u8>(), 128), kind in 0..8_u8) {
        let mut bytes = vec![0; 8];
        bytes.extend(header);
        bytes[8] = kind;
        bytes.extend([1, 2, 3]);
        bytes[4] = 3;
        let _ = Frame::decode(&with_crc(bytes));
    }
}

/// A client's batch of random records, with its place in a log.
fn stamped(values: &[Vec<u8>], codec: Codec, log_append_time: Option<Timestamp>) -> StampedBatch {
    let sent = ORIGIN.commit_time;
    let mut builder = BatchBuilder::new(codec);
    for value in values {
        builder.push(&NewRecord {
            timestamp: sent,
            key: None,
            value: Some(value),
            headers: &[],
        });
    }
    let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::serverless());
    let valid = validate(builder.build(), &rules, sent).expect("it was just built");
    valid.stamp(offset(12), LeaderEpoch(3), log_append_time)
}

proptest! {
    /// A frame is the same, byte by byte, whether its checksum was joined or made of all its bytes.
    #[test]
    fn a_known_checksum_makes_the_same_frame(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4000), 1..6),
        codec in prop::sample::select(Codec::ALL.to_vec()),
        log_append_time in prop::option::of((0..1_i64 << 50).prop_map(Timestamp)),
    ) {
        let known = stamped(&values, codec, log_append_time);
        prop_assert!(known.known_crc().is_some());
        let unknown = StampedBatch::parse(Bytes::from(known.segments().concat())).unwrap();
        prop_assert!(unknown.known_crc().is_none());
        let record = append(partition(1), 12, 1, b"", None).record;
        let frame = |batch: &StampedBatch| {
            let mut out = vec![0; FRAME_HEADER_BYTES + batch.len()];
            let crc = put_frame(&mut out, &ORIGIN, &record, Payload::of_batch(batch));
            (crc, out)
        };
        let (crc, bytes) = frame(&known);
        prop_assert_eq!(crc, crc32c::crc32c(&bytes[4..]));
        prop_assert!((crc, bytes) == frame(&unknown));
    }
}
