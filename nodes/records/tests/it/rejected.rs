//! Each refusal: what brings it about, its facts and its Kafka code.

use bytes::Bytes;
use model::{ByteCount, Timestamp, TimestampType};
use records::{
    BatchError, BatchHeader, BatchRules, Codec, DecodeError, DecompressLimits, MalformedRecord,
    RECORD_ERRORS_MAX, RecordFault, Rejected, validate,
};

use crate::samples::{NOW, batch, record, rules, shapes, small_batch, with_body, with_header};

/// The refusal of `batch` under `rules`.
fn refusal(batch: Bytes, rules: &BatchRules) -> Rejected {
    validate(batch, rules, NOW).expect_err("the batch must be refused")
}

/// Refuses a small batch whose header was changed so that it stays intact.
fn refused_header(change: impl FnOnce(&mut BatchHeader)) -> Rejected {
    refusal(
        with_header(&small_batch(Codec::Uncompressed), change),
        &rules(),
    )
}

fn check(rejected: Rejected, expected: Rejected, code: i16) {
    assert_eq!(rejected, expected);
    assert_eq!(rejected.kafka_code(), code, "{rejected}");
    assert!(!rejected.to_string().is_empty());
}

#[test]
fn what_is_no_single_batch() {
    let sent = small_batch(Codec::Uncompressed);
    let bytes = sent.len() as u64;
    let old = BatchRules {
        produce_version: 2,
        ..rules()
    };
    check(refusal(sent.clone(), &old), Rejected::ProduceVersion(2), 35);
    check(refusal(Bytes::new(), &rules()), Rejected::NoBatch, 87);
    let cut = BatchError::Truncated {
        declared: bytes,
        received: bytes - 1,
    };
    check(
        refusal(sent.slice(..sent.len() - 1), &rules()),
        cut.into(),
        87,
    );
    let cut = BatchError::Truncated {
        declared: 61,
        received: 60,
    };
    check(refusal(sent.slice(..60), &rules()), cut.into(), 87);
    let two = Bytes::from([&sent[..], &sent[..]].concat());
    let expected = Rejected::MoreThanOneBatch {
        batch: ByteCount(bytes),
        received: ByteCount(2 * bytes),
    };
    check(refusal(two, &rules()), expected, 87);
    check(
        refused_header(|header| header.batch_length = 48),
        BatchError::Length(48).into(),
        2,
    );
}

#[test]
fn other_formats() {
    for (magic, code) in [(0, 87), (1, 87), (3, 2), (-1, 2)] {
        let rejected = refused_header(|header| header.magic = magic);
        check(rejected, BatchError::Magic(magic).into(), code);
    }
    // An old message is shorter than the header of a batch.
    let mut old = small_batch(Codec::Uncompressed)[..34].to_vec();
    old[16] = 1;
    check(
        refusal(old.into(), &rules()),
        BatchError::Magic(1).into(),
        87,
    );
}

#[test]
fn sizes_are_held_against_the_batch_as_sent() {
    let sent = small_batch(Codec::Zstd);
    let batch = ByteCount(sent.len() as u64);
    let exact = BatchRules {
        batch_bytes_max: batch,
        cluster_batch_bytes_max: batch,
        ..rules()
    };
    assert!(validate(sent.clone(), &exact, NOW).is_ok());
    let limit = ByteCount(batch.0 - 1);
    let topic = BatchRules {
        batch_bytes_max: limit,
        ..rules()
    };
    check(
        refusal(sent.clone(), &topic),
        Rejected::TooLarge { batch, limit },
        10,
    );
    let both = BatchRules {
        cluster_batch_bytes_max: limit,
        ..topic
    };
    check(
        refusal(sent, &both),
        Rejected::BeyondCluster { batch, limit },
        42,
    );
}

#[test]
fn a_changed_byte() {
    let sent = small_batch(Codec::Gzip);
    for at in (17..61).chain([sent.len() - 1]) {
        let mut changed = sent.to_vec();
        changed[at] ^= 0x40;
        let rejected = refusal(changed.into(), &rules());
        assert!(
            matches!(rejected, Rejected::Frame(BatchError::Crc { .. })),
            "{at}: {rejected}"
        );
        assert_eq!(rejected.kafka_code(), 2);
    }
}

#[test]
fn headers_that_are_not_a_clients() {
    check(
        refused_header(|header| header.base_offset = 1),
        Rejected::BaseOffset(1),
        87,
    );
    check(
        refused_header(|header| header.attributes.0 |= 0x20),
        Rejected::Control,
        87,
    );
    check(
        refused_header(|header| header.attributes.0 |= 0x40),
        Rejected::DeleteHorizon,
        87,
    );
    check(
        refused_header(|header| header.attributes.0 |= 0x08),
        Rejected::LogAppendTime,
        32,
    );
}

#[test]
fn counts_that_do_not_agree() {
    for (record_count, last_offset_delta) in [(0, -1), (-1, -2), (3, 3), (3, 1), (i32::MIN, 0)] {
        let rejected = refused_header(|header| {
            (header.record_count, header.last_offset_delta) = (record_count, last_offset_delta);
        });
        check(
            rejected,
            Rejected::RecordCount {
                record_count,
                last_offset_delta,
            },
            87,
        );
    }
}

#[test]
fn codecs() {
    for id in 5..8 {
        let rejected = refused_header(|header| header.attributes.0 |= id);
        check(rejected, Rejected::UnknownCodec(id), 76);
    }
    let six = BatchRules {
        produce_version: 6,
        ..rules()
    };
    check(
        refusal(small_batch(Codec::Zstd), &six),
        Rejected::ZstdTooEarly(6),
        76,
    );
    let seven = BatchRules {
        produce_version: 7,
        ..rules()
    };
    assert!(validate(small_batch(Codec::Zstd), &seven, NOW).is_ok());
    assert!(validate(small_batch(Codec::Lz4), &six, NOW).is_ok());
}

#[test]
fn producer_fields() {
    for (id, epoch, sequence, transactional) in [
        (0, -1, 0, false),
        (0, 0, -1, false),
        (9, -5, -5, true),
        (-1, -1, -1, true),
    ] {
        let rejected = refused_header(|header| {
            (header.producer_id, header.producer_epoch) = (id, epoch);
            header.base_sequence = sequence;
            header.attributes.0 |= if transactional { 0x10 } else { 0 };
        });
        let expected = Rejected::Producer {
            producer_id: id,
            producer_epoch: epoch,
            base_sequence: sequence,
            transactional,
        };
        check(rejected, expected, 87);
    }
}

#[test]
fn uncompressed_records_are_read_to_the_last_byte() {
    let sent = small_batch(Codec::Uncompressed);
    let body = &sent[61..];
    let one = body.len() / 3;
    let malformed = |index, fault| Rejected::Records(DecodeError::Malformed { index, fault });
    let cases = [
        (body.len(), 4, malformed(3, MalformedRecord::Truncated)),
        (body.len() - 1, 3, malformed(2, MalformedRecord::Truncated)),
        (
            body.len(),
            2,
            Rejected::Records(DecodeError::BytesLeft {
                count: 2,
                left: one,
            }),
        ),
        (0, 1, malformed(0, MalformedRecord::Truncated)),
    ];
    for (length, count, expected) in cases {
        let sent = with_body(Codec::Uncompressed, &body[..length], count);
        check(refusal(sent, &rules()), expected, 87);
    }
    let fields: [(&[u8], MalformedRecord); 5] = [
        (&[1], MalformedRecord::Length(-1)),
        (
            &[0xff, 0xff, 0xff, 0xff, 0x7f],
            MalformedRecord::VarintTooLong,
        ),
        (&[14, 0, 0, 0, 1, 1, 1, 0], MalformedRecord::Length(-1)),
        (&[14, 0, 0, 0, 1, 1, 0, 0], MalformedRecord::BytesLeft(1)),
        // A header count of 2^31-1.
        (
            &[20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f],
            MalformedRecord::Truncated,
        ),
    ];
    for (body, fault) in fields {
        let sent = with_body(Codec::Uncompressed, body, 1);
        check(refusal(sent, &rules()), malformed(0, fault), 87);
    }
}

#[test]
fn compressed_records_are_read_where_a_rule_needs_it() {
    let compacted = BatchRules {
        compacted: true,
        ..rules()
    };
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let garbage = with_body(codec, b"not compressed at all, not at all", 3);
        assert!(
            validate(garbage.clone(), &rules(), NOW).is_ok(),
            "the header is believed"
        );
        let expected = Rejected::Records(DecodeError::Corrupt { codec });
        check(refusal(garbage, &compacted), expected, 87);
        assert!(validate(small_batch(codec), &compacted, NOW).is_ok());
    }
}

#[test]
fn what_cannot_be_checked_within_bounds_is_too_large() {
    let limit = ByteCount(100);
    let decompress = DecompressLimits { bytes_max: limit };
    let compacted = BatchRules {
        compacted: true,
        decompress,
        ..rules()
    };
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let expected = Rejected::Records(DecodeError::TooLarge { limit });
        check(
            refusal(small_batch(codec), &compacted),
            expected.clone(),
            10,
        );
        // Fifteen records take 105 bytes, whatever they are.
        let many = with_body(codec, b"whatever", 15);
        check(
            refusal(
                many,
                &BatchRules {
                    compacted: false,
                    ..compacted.clone()
                },
            ),
            expected,
            10,
        );
    }
}

#[test]
fn a_compacted_topic_needs_keys() {
    let compacted = BatchRules {
        compacted: true,
        ..rules()
    };
    let mut records: Vec<_> = (0..5).map(|i| record(i, NOW.0, b"k", b"v")).collect();
    (records[1].key, records[4].key) = (None, None);
    for codec in Codec::ALL {
        let errors = vec![(1, RecordFault::NoKey), (4, RecordFault::NoKey)];
        let expected = Rejected::InvalidRecords { errors, total: 2 };
        check(refusal(batch(codec, &records), &compacted), expected, 87);
        assert!(validate(batch(codec, &records), &rules(), NOW).is_ok());
    }
}

#[test]
fn timestamps_too_far_from_now() {
    let difference_max_ms = 1000;
    let strict = BatchRules {
        timestamp_before_max_ms: difference_max_ms,
        timestamp_after_max_ms: difference_max_ms,
        ..rules()
    };
    let records: Vec<_> = (0..)
        .zip([NOW.0, NOW.0 - 1000, NOW.0 + 1000, -1, NOW.0 + 1001])
        .map(|(i, timestamp)| record(i, timestamp, b"k", b"v"))
        .collect();
    for codec in Codec::ALL {
        assert!(validate(batch(codec, &records[..4]), &strict, NOW).is_ok());
        let timestamp = Timestamp(NOW.0 + 1001);
        let fault = RecordFault::Timestamp {
            timestamp,
            now: NOW,
            difference_max_ms,
        };
        let expected = Rejected::InvalidRecords {
            errors: vec![(4, fault)],
            total: 1,
        };
        check(refusal(batch(codec, &records), &strict), expected, 32);
        let log_append = BatchRules {
            timestamp_type: TimestampType::LogAppendTime,
            ..strict.clone()
        };
        assert!(validate(batch(codec, &records), &log_append, NOW).is_ok());
    }
    let early = [
        record(0, NOW.0 - 1001, b"", b""),
        record(1, NOW.0, b"", b""),
    ];
    for codec in Codec::ALL {
        assert_eq!(refusal(batch(codec, &early), &strict).kafka_code(), 32);
    }
    let extremes = [record(0, i64::MIN, b"", b""), record(1, i64::MAX, b"", b"")];
    for codec in Codec::ALL {
        assert!(validate(batch(codec, &extremes), &rules(), NOW).is_ok());
        assert_eq!(refusal(batch(codec, &extremes), &strict).kafka_code(), 32);
    }
}

#[test]
fn offset_deltas_count_the_records() {
    let sent = small_batch(Codec::Uncompressed);
    let body = &sent[61..];
    let one = body.len() / 3;
    let swapped = [&body[one..2 * one], &body[..one], &body[2 * one..]].concat();
    let errors = vec![
        (0, RecordFault::OffsetDelta(1)),
        (1, RecordFault::OffsetDelta(0)),
    ];
    let expected = Rejected::InvalidRecords { errors, total: 2 };
    check(
        refusal(with_body(Codec::Uncompressed, &swapped, 3), &rules()),
        expected,
        87,
    );
}

#[test]
fn named_records_are_bounded() {
    let compacted = BatchRules {
        compacted: true,
        ..rules()
    };
    let mut records = shapes()[0].clone();
    records.resize(RECORD_ERRORS_MAX + 1, records[0].clone());
    let rejected = refusal(batch(Codec::Uncompressed, &records), &compacted);
    let Rejected::InvalidRecords { errors, total } = rejected else {
        panic!("{rejected}")
    };
    assert_eq!(
        (errors.len(), total as usize),
        (RECORD_ERRORS_MAX, RECORD_ERRORS_MAX + 1)
    );
}
