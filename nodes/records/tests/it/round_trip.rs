//! What is built, sent, stored and read back is what went in.

use bytes::Bytes;
use model::{ProducerEpoch, ProducerId, Timestamp};
use records::{
    BatchBuilder, BatchError, Codec, DecodeError, MalformedRecord, NewRecord, ProducerFields,
    Record, StampedBatch, batches, decode_records,
};

use crate::samples::{
    LIMITS, NOW, batch, decoded, record, shapes, small_batch, stamped, valid, with_body,
};

#[test]
fn every_codec_keeps_every_shape() {
    for codec in Codec::ALL {
        for records in shapes() {
            let sent = batch(codec, &records);
            let stamped = stamped(sent.clone(), 0);
            assert_eq!(decoded(&stamped), records, "{codec:?}");
            let stored = Bytes::from(stamped.segments().concat());
            assert_eq!(StampedBatch::parse(stored), Ok(stamped), "{codec:?}");
        }
    }
}

#[test]
fn offsets_count_from_the_base() {
    let batch = stamped(small_batch(Codec::Lz4), 40);
    let offsets: Vec<_> = decoded(&batch)
        .iter()
        .map(|record| record.offset.value())
        .collect();
    assert_eq!(offsets, [40, 41, 42]);
    assert_eq!(batch.base_offset().value(), 40);
    assert_eq!(batch.last_offset().value(), 42);
}

#[test]
fn nothing_is_copied_on_the_way_to_storage() {
    let sent = small_batch(Codec::Uncompressed);
    let valid = valid(sent.clone());
    assert_eq!(valid.bytes().as_ptr(), sent.as_ptr());
    assert_eq!(valid.metered_bytes().0, sent.len() as u64);
    let stamped = stamped(sent.clone(), 9);
    assert_eq!(stamped.segments()[1].as_ptr(), sent[61..].as_ptr());
    assert_eq!(stamped.len(), sent.len());
    let value = decoded(&stamped)
        .pop()
        .and_then(|record| record.value)
        .unwrap();
    assert!(sent.as_ptr_range().contains(&value.as_ptr()));
}

#[test]
fn headers_may_repeat_a_name_and_hold_any_bytes() {
    let headers: [(&str, Option<&[u8]>); 2] = [("h", Some(b"1")), ("h", None)];
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    builder.push(&NewRecord {
        timestamp: NOW,
        key: None,
        value: None,
        headers: &headers,
    });
    let mut sent = builder.build().to_vec();
    let [Record { headers, .. }] = decoded(&stamped(sent.clone().into(), 0))
        .try_into()
        .unwrap();
    assert_eq!(
        headers,
        [
            ("h".to_owned(), Some(Bytes::from_static(b"1"))),
            ("h".to_owned(), None)
        ]
    );
    let name = sent.iter().rposition(|&byte| byte == b'h').unwrap();
    sent[name] = 0xff;
    let sent = with_body(Codec::Uncompressed, &sent[61..], 1);
    let read = decoded(&stamped(sent, 0)).pop().unwrap();
    assert_eq!(read.headers[1].0, "\u{fffd}");
}

#[test]
fn the_producers_mark_comes_through() {
    let mark = ProducerFields {
        producer_id: ProducerId(77),
        producer_epoch: ProducerEpoch(0),
        base_sequence: i32::MAX,
    };
    let mut builder = BatchBuilder::new(Codec::Zstd)
        .producer(mark)
        .transactional();
    builder.push(&NewRecord {
        timestamp: NOW,
        key: None,
        value: Some(b"v"),
        headers: &[],
    });
    assert_eq!(builder.record_count(), 1);
    let valid = valid(builder.build());
    assert_eq!(valid.producer(), Some(mark));
    assert!(valid.is_transactional());
    assert_eq!(
        super::samples::valid(small_batch(Codec::Gzip)).producer(),
        None
    );
}

#[test]
fn a_run_of_batches_is_taken_apart() {
    let parts: Vec<_> = Codec::ALL
        .iter()
        .map(|&codec| stamped(small_batch(codec), 5))
        .collect();
    let run: Vec<Bytes> = parts.iter().flat_map(StampedBatch::segments).collect();
    let run = Bytes::from(run.concat());
    let read: Result<Vec<_>, _> = batches(run.clone()).collect();
    assert_eq!(read, Ok(parts));
    let cut: Vec<_> = batches(run.slice(..run.len() - 1)).collect();
    assert_eq!(cut.len(), 5);
    assert!(
        matches!(cut[4], Err(BatchError::Truncated { .. })),
        "{:?}",
        cut[4]
    );
    assert_eq!(batches(Bytes::new()).count(), 0);
}

#[test]
fn stored_bytes_that_are_no_batch_are_named() {
    let stored = Bytes::from(stamped(small_batch(Codec::Gzip), 5).segments().concat());
    let parse = |at: usize, bytes: &[u8]| {
        let mut stored = stored.to_vec();
        stored[at..at + bytes.len()].copy_from_slice(bytes);
        StampedBatch::parse(stored.into()).map(|batch| batch.check_crc())
    };
    assert_eq!(parse(0, &[]), Ok(Ok(())));
    let longer = Bytes::from([&stored[..], b"x"].concat());
    assert!(matches!(
        StampedBatch::parse(longer),
        Err(BatchError::BytesLeft { .. })
    ));
    assert!(matches!(parse(0, &[0x80]), Err(BatchError::Offsets { .. })));
    assert!(matches!(
        parse(0, &[0x7f, 255, 255, 255, 255, 255, 255, 255]),
        Err(BatchError::Offsets { .. })
    ));
    assert!(matches!(
        parse(23, &[0xff]),
        Err(BatchError::Offsets { .. })
    ));
    assert!(matches!(
        parse(57, &[0xff]),
        Err(BatchError::RecordCount(_))
    ));
    assert!(matches!(
        parse(61, &[0xff]),
        Ok(Err(BatchError::Crc { .. }))
    ));
}

#[test]
fn offsets_within_a_batch_ascend_and_may_have_gaps() {
    let records: Vec<_> = (0..3).map(|i| record(i, NOW.0, b"k", b"v")).collect();
    let sent = batch(Codec::Uncompressed, &records);
    let body = &sent[61..];
    let one = body.len() / 3;
    // The middle record is gone, as compaction leaves it.
    let sparse = [&body[..one], &body[2 * one..]].concat();
    let mut stored = with_body(Codec::Uncompressed, &sparse, 2).to_vec();
    stored[26] = 2;
    let stored = StampedBatch::parse(stored.into()).unwrap();
    let offsets: Vec<_> = decoded(&stored)
        .iter()
        .map(|record| record.offset.value())
        .collect();
    assert_eq!(offsets, [0, 2]);
    let (first, second, third) = (&body[..one], &body[one..2 * one], &body[2 * one..]);
    for (wrong, delta) in [([second, first], 0), ([first, third], 2)] {
        let stored = with_body(Codec::Uncompressed, &wrong.concat(), 2);
        let stored = StampedBatch::parse(stored).unwrap();
        let read: Result<Vec<_>, _> = decode_records(&stored, &LIMITS).unwrap().collect();
        let fault = MalformedRecord::OffsetDelta(delta);
        assert_eq!(read, Err(DecodeError::Malformed { index: 1, fault }));
    }
}

#[test]
fn timestamps_wrap_as_in_kafka() {
    let records = [record(0, i64::MIN, b"", b""), record(1, i64::MAX, b"", b"")];
    let sent = batch(Codec::Uncompressed, &records);
    assert_eq!(valid(sent.clone()).max_timestamp(), Timestamp(i64::MAX));
    assert_eq!(decoded(&stamped(sent, 0)), records);
}
