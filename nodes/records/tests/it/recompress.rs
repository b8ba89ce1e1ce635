//! Batches that are compressed anew: everything but the codec stays.

use bytes::Bytes;
use model::{ByteCount, LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampType};
use records::{
    BatchBuilder, BatchRules, Codec, DecodeError, NewRecord, ProducerFields, Rejected, validate,
};

use crate::samples::{
    NOW, batch, decoded, rules, shapes, small_batch, valid, with_body, with_header,
};

fn packed(codec: Codec) -> BatchRules {
    BatchRules {
        codec: Some(codec),
        ..rules()
    }
}

#[test]
fn every_record_survives_every_change_of_codec() {
    for records in shapes() {
        for (from, to) in pairs() {
            let before = valid(batch(from, &records));
            let rules = packed(to);
            let wanted = before.needs_codec(&rules);
            assert_eq!(wanted, (from != to).then_some(to));
            let after = before.clone().recompress(to, &rules, NOW);
            let after = after.expect("the sample fits");
            assert_eq!(after.header().attributes.codec(), Some(to));
            assert_eq!(after.needs_codec(&rules), None);
            assert_eq!(after.record_count(), before.record_count());
            assert_eq!(after.max_timestamp(), before.max_timestamp());
            assert_eq!(after.metered_bytes().0, after.bytes().len() as u64);
            let stored = after.stamp(Offset::ZERO, LeaderEpoch::SHOWN, None);
            stored.check_crc().expect("the checksum was made anew");
            assert_eq!(decoded(&stored), records, "{from:?} to {to:?}");
        }
    }
}

fn pairs() -> impl Iterator<Item = (Codec, Codec)> {
    let all = Codec::ALL.into_iter();
    all.flat_map(|from| Codec::ALL.into_iter().map(move |to| (from, to)))
}

#[test]
fn what_is_compressed_anew_is_a_batch_that_a_client_could_have_sent() {
    for (from, to) in pairs() {
        let made = valid(small_batch(from)).recompress(to, &packed(to), NOW);
        let made = made.expect("the sample fits");
        let again = validate(made.bytes().clone(), &rules(), NOW).expect("it is sound");
        assert_eq!(again, made);
    }
}

#[test]
fn the_producers_mark_stays() {
    let mark = ProducerFields {
        producer_id: ProducerId(77),
        producer_epoch: ProducerEpoch(3),
        base_sequence: 41,
    };
    let mut builder = BatchBuilder::new(Codec::Lz4).producer(mark).transactional();
    let record = NewRecord {
        timestamp: NOW,
        key: Some(b"key"),
        value: None,
        headers: &[],
    };
    builder.push(&record);
    let made = valid(builder.build()).recompress(Codec::Gzip, &packed(Codec::Gzip), NOW);
    let made = made.expect("the sample fits");
    assert_eq!(made.producer(), Some(mark));
    assert!(made.is_transactional());
    assert_eq!(
        made.header().attributes.timestamp_type(),
        TimestampType::CreateTime
    );
}

#[test]
fn a_wrong_largest_timestamp_is_put_right() {
    let sent = with_header(&small_batch(Codec::Gzip), |header| {
        header.max_timestamp += 500;
    });
    let made = valid(sent).recompress(Codec::Zstd, &packed(Codec::Zstd), NOW);
    let made = made.expect("the sample fits");
    assert_eq!(made.header().max_timestamp, NOW.0 + 2);
}

#[test]
fn what_becomes_too_large_is_refused() {
    let zeros = shapes().into_iter().nth(4).expect("there is one");
    let gzip = batch(Codec::Gzip, &zeros);
    let small = BatchRules {
        batch_bytes_max: ByteCount(gzip.len() as u64),
        ..packed(Codec::Uncompressed)
    };
    let refused = valid(gzip).recompress(Codec::Uncompressed, &small, NOW);
    let too_large = Rejected::Records(DecodeError::TooLarge {
        limit: small.batch_bytes_max,
    });
    assert_eq!(refused, Err(too_large.clone()));
    assert_eq!(too_large.kafka_code(), 10);
    // Noise does not compress, and the codec's frame comes on top.
    let noise = [shapes()[4][0].clone()];
    let plain = batch(Codec::Uncompressed, &noise);
    let tight = BatchRules {
        batch_bytes_max: ByteCount(plain.len() as u64),
        ..packed(Codec::Gzip)
    };
    let refused = valid(plain).recompress(Codec::Gzip, &tight, NOW);
    assert!(matches!(refused, Err(Rejected::TooLarge { .. })));
}

#[test]
fn records_that_are_none_are_found() {
    let mut garbage = Bytes::from_static(b"no gzip at all").to_vec();
    garbage.resize(100, 7);
    let sent = valid(with_body(Codec::Gzip, &garbage, 3));
    let refused = sent.recompress(Codec::Lz4, &packed(Codec::Lz4), NOW);
    let corrupt = DecodeError::Corrupt { codec: Codec::Gzip };
    assert_eq!(refused, Err(Rejected::Records(corrupt)));
}
