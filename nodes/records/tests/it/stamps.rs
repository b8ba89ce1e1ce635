//! What stamping changes in a batch, and what it leaves alone.

use bytes::Bytes;
use kafka_protocol::records::{RecordBatchDecoder, TimestampType as TheirTimestampType};
use model::{LeaderEpoch, Offset, Timestamp, TimestampType};
use records::{BatchRules, Codec, StampedBatch, validate};

use crate::samples::{
    NOW, batch, decoded, record, rules, small_batch, stamped, valid, with_header,
};

const LATER: Timestamp = Timestamp(NOW.0 + 12_345);

fn at(offset: u64) -> Offset {
    Offset::new(offset).expect("small")
}

#[test]
fn offset_and_epoch_lie_outside_the_checksum() {
    for codec in Codec::ALL {
        let sent = small_batch(codec);
        let stamped = valid(sent.clone()).stamp(at(u64::MAX >> 2), LeaderEpoch(9), None);
        let header = stamped.header();
        assert_eq!(
            (header.base_offset, header.partition_leader_epoch),
            (i64::MAX >> 1, 9)
        );
        assert_eq!(stamped.check_crc(), Ok(()));
        assert_eq!(stamped.header_bytes()[16..], sent[16..61]);
        assert_eq!(stamped.body(), &sent[61..]);
    }
}

#[test]
fn log_append_time_is_set_under_a_new_checksum() {
    for codec in Codec::ALL {
        let sent = small_batch(codec);
        let stamped = valid(sent.clone()).stamp(at(7), LeaderEpoch(0), Some(LATER));
        let header = stamped.header();
        assert_eq!(
            header.attributes.timestamp_type(),
            TimestampType::LogAppendTime
        );
        assert_eq!(header.attributes.codec(), Some(codec));
        assert_eq!(header.max_timestamp, LATER.0);
        assert_eq!(stamped.check_crc(), Ok(()));
        assert_eq!(
            stamped.body().as_ptr(),
            sent[61..].as_ptr(),
            "the body is not copied"
        );
        assert!(
            decoded(&stamped)
                .iter()
                .all(|record| record.timestamp == LATER)
        );
        // The other implementation checks the checksum as it reads.
        let set = RecordBatchDecoder::decode(&mut Bytes::from(stamped.segments().concat()));
        let records = set.unwrap().records;
        assert!(
            records
                .iter()
                .all(|record| record.timestamp_type == TheirTimestampType::LogAppend)
        );
    }
}

#[test]
fn a_wrong_largest_timestamp_is_put_right() {
    for codec in Codec::ALL {
        for wrong in [0, -1, NOW.0 - 1] {
            let sent = with_header(&small_batch(codec), |header| header.max_timestamp = wrong);
            let valid = valid(sent);
            assert_eq!(
                valid.max_timestamp(),
                Timestamp(NOW.0 + 2),
                "{codec:?} {wrong}"
            );
            let stamped = valid.stamp(at(0), LeaderEpoch(0), None);
            assert_eq!(stamped.header().max_timestamp, NOW.0 + 2);
            assert_eq!(stamped.check_crc(), Ok(()));
        }
    }
}

#[test]
fn a_header_that_was_not_filled_in_is_not_believed() {
    let records = [record(0, 0, b"k", b"v"), record(1, NOW.0, b"k", b"v")];
    for codec in Codec::ALL {
        let sent = with_header(&batch(codec, &records), |header| header.max_timestamp = 0);
        assert_eq!(valid(sent).max_timestamp(), NOW, "{codec:?}");
    }
}

#[test]
fn a_compressed_batchs_possible_timestamp_is_believed() {
    let too_late = |header: &mut records::BatchHeader| header.max_timestamp = NOW.0 + 99;
    let uncompressed = valid(with_header(&small_batch(Codec::Uncompressed), too_late));
    assert_eq!(uncompressed.max_timestamp(), Timestamp(NOW.0 + 2));
    let compressed = valid(with_header(&small_batch(Codec::Zstd), too_late));
    assert_eq!(compressed.max_timestamp(), Timestamp(NOW.0 + 99));
    // Where the log's own time is kept, the producer's need not be right.
    let rules = BatchRules {
        timestamp_type: TimestampType::LogAppendTime,
        ..rules()
    };
    let nonsense = with_header(&small_batch(Codec::Zstd), |header| {
        header.max_timestamp = -1
    });
    assert_eq!(
        validate(nonsense, &rules, NOW).unwrap().max_timestamp(),
        Timestamp::NONE
    );
}

#[test]
fn stored_batches_are_stamped_only_once() {
    let records: Vec<_> = (0..4).map(|i| record(i, NOW.0, b"k", b"v")).collect();
    let stored = stamped(batch(Codec::Snappy, &records), 100);
    let read = StampedBatch::parse(stored.segments().concat().into()).unwrap();
    assert_eq!((read.base_offset(), read.last_offset()), (at(100), at(103)));
    assert_eq!(read, stored);
}

#[test]
#[should_panic(expected = "a log ends before Kafka's offsets do")]
fn offsets_past_kafkas_range_are_a_bug() {
    valid(small_batch(Codec::Uncompressed)).stamp(Offset::MAX, LeaderEpoch(0), None);
}

#[test]
fn a_checksum_is_known_only_where_it_was_held_against_the_bytes() {
    for codec in Codec::ALL {
        for append_time in [None, Some(LATER)] {
            let stamped = valid(small_batch(codec)).stamp(at(7), LeaderEpoch(2), append_time);
            let bytes = stamped.segments().concat();
            let known = stamped.known_crc().expect("it has just come in");
            let covered = &bytes[bytes.len() - known.covered_bytes..];
            assert_eq!(known.crc, crc32c::crc32c(covered));
            assert_eq!(stamped.header().crc, known.crc);
            let stored = StampedBatch::parse(bytes.into()).unwrap();
            assert_eq!(stored.known_crc(), None);
            assert_eq!(stored, stamped);
        }
    }
}
