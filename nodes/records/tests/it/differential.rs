//! Agreement with another implementation of the format (the crate `kafka-protocol`), both ways.
//! Only valid batches are shown to it: it is not made for others.

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record as TheirRecord, RecordBatchDecoder, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType as TheirTimestampType,
};
use model::{LeaderEpoch, Offset, Timestamp};
use records::{Codec, Record};

use crate::samples::{batch, decoded, shapes, stamped, valid};

fn theirs(codec: Codec) -> Compression {
    match codec {
        Codec::Uncompressed => Compression::None,
        Codec::Gzip => Compression::Gzip,
        Codec::Snappy => Compression::Snappy,
        Codec::Lz4 => Compression::Lz4,
        Codec::Zstd => Compression::Zstd,
    }
}

fn to_theirs(record: &Record) -> TheirRecord {
    let header = |(name, value): &(String, Option<Bytes>)| {
        (StrBytes::from_string(name.clone()), value.clone())
    };
    TheirRecord {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: 4,
        producer_epoch: 5,
        timestamp_type: TheirTimestampType::Creation,
        offset: record.offset.to_wire(),
        sequence: 6 + record.offset.to_wire() as i32,
        timestamp: record.timestamp.0,
        key: record.key.clone(),
        value: record.value.clone(),
        headers: record.headers.iter().map(header).collect(),
    }
}

fn from_theirs(record: &TheirRecord) -> Record {
    let headers = record.headers.iter();
    Record {
        offset: Offset::from_wire(record.offset).expect("samples begin at 0"),
        timestamp: Timestamp(record.timestamp),
        key: record.key.clone(),
        value: record.value.clone(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect(),
    }
}

#[test]
fn their_batches_are_valid_and_read_the_same() {
    for codec in Codec::ALL {
        for records in shapes() {
            let mut sent = BytesMut::new();
            let their_records: Vec<_> = records.iter().map(to_theirs).collect();
            let options = RecordEncodeOptions {
                version: 2,
                compression: theirs(codec),
            };
            RecordBatchEncoder::encode(&mut sent, &their_records, &options).unwrap();
            let valid = valid(sent.freeze());
            let mark = valid.producer().unwrap();
            assert_eq!(
                (
                    mark.producer_id.0,
                    mark.producer_epoch.0,
                    mark.base_sequence
                ),
                (4, 5, 6)
            );
            let latest = records.iter().map(|record| record.timestamp).max().unwrap();
            assert_eq!(valid.max_timestamp(), latest);
            let stamped = valid.stamp(Offset::ZERO, LeaderEpoch(0), None);
            assert_eq!(decoded(&stamped), records, "{codec:?}");
        }
    }
}

#[test]
fn they_read_our_batches_the_same() {
    for codec in Codec::ALL {
        for records in shapes() {
            let base = 1000;
            let stored = stamped(batch(codec, &records), base);
            let set = RecordBatchDecoder::decode(&mut Bytes::from(stored.segments().concat()));
            let set = set.unwrap();
            assert_eq!((set.version, set.compression), (2, theirs(codec)));
            let read: Vec<_> = set.records.iter().map(from_theirs).collect();
            assert_eq!(read, decoded(&stored), "{codec:?}");
            assert!(
                set.records
                    .iter()
                    .all(|record| record.partition_leader_epoch == 3)
            );
        }
    }
}
