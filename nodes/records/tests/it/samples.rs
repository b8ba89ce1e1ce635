//! Batches, records and rules that the tests share, and a source of chance with a seed.

use bytes::Bytes;
use model::{ByteCount, LeaderEpoch, Offset, Timestamp, TimestampType};
use records::{
    BATCH_HEADER_BYTES, BatchBuilder, BatchHeader, BatchRules, Codec, DecompressLimits, NewRecord,
    Record, StampedBatch, ValidBatch, decode_records, validate,
};

/// When every test takes place.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// Enough for every sample.
pub const LIMITS: DecompressLimits = DecompressLimits {
    bytes_max: ByteCount(1 << 20),
};

/// Rules that only ask for a sound batch.
pub fn rules() -> BatchRules {
    BatchRules {
        produce_version: 9,
        batch_bytes_max: ByteCount(1_048_588),
        cluster_batch_bytes_max: ByteCount(8 << 20),
        compacted: false,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: i64::MAX,
        codec: None,
        decompress: LIMITS,
    }
}

/// A record at index `offset`.
pub fn record(offset: u64, timestamp: i64, key: &[u8], value: &[u8]) -> Record {
    Record {
        offset: Offset::new(offset).expect("samples are small"),
        timestamp: Timestamp(timestamp),
        key: Some(Bytes::copy_from_slice(key)),
        value: Some(Bytes::copy_from_slice(value)),
        headers: Vec::new(),
    }
}

/// Batches' contents that differ in shape; header names are unique within a record.
pub fn shapes() -> Vec<Vec<Record>> {
    let mut bare = record(0, NOW.0, b"", b"");
    (bare.key, bare.value) = (None, None);
    let mut rich = record(0, NOW.0, b"key", b"value");
    rich.headers = vec![
        ("trace".to_owned(), Some(Bytes::from_static(b"\x00\xff"))),
        (String::new(), None),
        ("grüße".to_owned(), Some(Bytes::new())),
    ];
    let mut tombstone = record(1, NOW.0 + 5, b"key", b"");
    tombstone.value = None;
    let many = (0..500).map(|i| record(i, NOW.0 + i as i64, &i.to_be_bytes(), b"small"));
    let backwards = (0..20).map(|i| record(i, NOW.0 - 1000 * i as i64, b"k", b"v"));
    let mut random = Xorshift(7);
    let noise: Vec<u8> = (0..100_000).map(|_| random.next() as u8).collect();
    let zeros = vec![0; 300_000];
    vec![
        vec![bare],
        vec![rich, tombstone],
        many.collect(),
        backwards.collect(),
        vec![
            record(0, NOW.0, b"noise", &noise),
            record(1, NOW.0, b"zeros", &zeros),
        ],
        vec![record(0, -1, b"", b""), record(1, 0, b"", b"")],
    ]
}

/// A batch as a client would send it.
pub fn batch(codec: Codec, records: &[Record]) -> Bytes {
    let mut builder = BatchBuilder::new(codec);
    for record in records {
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        builder.push(&NewRecord {
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &headers,
        });
    }
    builder.build()
}

/// A small batch of three records.
pub fn small_batch(codec: Codec) -> Bytes {
    let records: Vec<_> = (0..3)
        .map(|i| record(i, NOW.0 + i as i64, b"key", b"a value, a value, a value"))
        .collect();
    batch(codec, &records)
}

/// `batch` with another header, and the checksum that goes with it.
pub fn with_header(batch: &Bytes, change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let mut header = BatchHeader::parse(batch).expect("samples begin with a header");
    change(&mut header);
    resealed(header, &batch[BATCH_HEADER_BYTES..])
}

/// A batch that says it holds `count` records in `body`, whatever that is.
pub fn with_body(codec: Codec, body: &[u8], count: i32) -> Bytes {
    let mut header = BatchHeader::parse(&small_batch(codec)).expect("samples begin with a header");
    header.batch_length = (BATCH_HEADER_BYTES - 12 + body.len()) as i32;
    header.record_count = count;
    header.last_offset_delta = count.wrapping_sub(1);
    resealed(header, body)
}

fn resealed(mut header: BatchHeader, body: &[u8]) -> Bytes {
    header.crc = crc32c::crc32c(&[&header.encode()[21..], body].concat());
    [&header.encode(), body].concat().into()
}

/// A batch that must pass.
pub fn valid(batch: Bytes) -> ValidBatch {
    validate(batch, &rules(), NOW).expect("the sample is valid")
}

/// A valid batch at offset `base`.
pub fn stamped(batch: Bytes, base: u64) -> StampedBatch {
    let base = Offset::new(base).expect("samples are small");
    valid(batch).stamp(base, LeaderEpoch(3), None)
}

/// All records of a batch that must be readable.
pub fn decoded(batch: &StampedBatch) -> Vec<Record> {
    let records = decode_records(batch, &LIMITS).expect("the sample can be decompressed");
    records
        .collect::<Result<_, _>>()
        .expect("the sample's records are sound")
}

/// Marsaglia's xorshift64: the same numbers in every run.
pub struct Xorshift(pub u64);

impl Xorshift {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
