//! Builds a batch as a client would send it: for internal partitions, tests and load tools.
//!
//! Owns: the encoding of records. Does not own: offsets; they count from 0 until the batch is
//! stamped.

use bytes::{BufMut, Bytes, BytesMut};
use model::Timestamp;

use crate::compress::{Codec, compress};
use crate::cursor::{put_varlong, varlong_bytes};
use crate::header::{
    Attributes, BATCH_HEADER_BYTES, BatchHeader, LENGTH_OVERHEAD, MAGIC, ProducerFields, crc_of,
};

/// What Kafka writes where there is no producer, epoch or sequence.
const NONE: i8 = -1;

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// The producer's time.
    pub timestamp: Timestamp,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; none is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// A batch in the making. Its parts are set first, then records are added, then it is built.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    codec: Codec,
    producer: Option<ProducerFields>,
    transactional: bool,
    body: BytesMut,
    record_count: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(codec: Codec) -> Self {
        Self {
            codec,
            producer: None,
            transactional: false,
            body: BytesMut::new(),
            record_count: 0,
            base_timestamp: i64::from(NONE),
            max_timestamp: i64::from(NONE),
        }
    }

    /// Marks the batch as an idempotent producer's.
    pub fn producer(mut self, producer: ProducerFields) -> Self {
        self.producer = Some(producer);
        self
    }

    /// Marks the batch as part of a transaction.
    pub fn transactional(mut self) -> Self {
        self.transactional = true;
        self
    }

    /// Adds a record.
    ///
    /// # Panics
    /// If the record has 2 GiB or more.
    pub fn push(&mut self, record: &NewRecord<'_>) {
        if self.record_count == 0 {
            self.base_timestamp = record.timestamp.0;
            self.max_timestamp = record.timestamp.0;
        }
        self.max_timestamp = self.max_timestamp.max(record.timestamp.0);
        let timestamp_delta = record.timestamp.0.wrapping_sub(self.base_timestamp);
        let offset_delta = i64::from(self.record_count);
        let size = record_bytes(record, timestamp_delta, offset_delta);
        assert!(
            i32::try_from(size).is_ok(),
            "a record is smaller than 2 GiB"
        );
        self.body.reserve(size + varlong_bytes(size as i64));
        put_varlong(&mut self.body, size as i64);
        self.body.put_u8(0);
        put_varlong(&mut self.body, timestamp_delta);
        put_varlong(&mut self.body, offset_delta);
        put_nullable(&mut self.body, record.key);
        put_nullable(&mut self.body, record.value);
        put_varlong(&mut self.body, record.headers.len() as i64);
        for (name, value) in record.headers {
            put_nullable(&mut self.body, Some(name.as_bytes()));
            put_nullable(&mut self.body, *value);
        }
        self.record_count += 1;
    }

    /// Number of records so far.
    pub fn record_count(&self) -> u32 {
        self.record_count.unsigned_abs()
    }

    /// Size of the batch so far, if it were not compressed.
    pub fn uncompressed_bytes(&self) -> usize {
        BATCH_HEADER_BYTES + self.body.len()
    }

    /// Compresses the records and puts the header before them.
    ///
    /// # Panics
    /// If there is no record, or if the batch has 2 GiB or more.
    pub fn build(&self) -> Bytes {
        assert!(self.record_count > 0, "a batch has at least one record");
        let body = match self.codec {
            Codec::Uncompressed => self.body.clone().freeze(),
            codec => compress(codec, &self.body).into(),
        };
        let length = BATCH_HEADER_BYTES - LENGTH_OVERHEAD + body.len();
        let producer = self.producer;
        let mut header = BatchHeader {
            base_offset: 0,
            batch_length: i32::try_from(length).expect("a batch is smaller than 2 GiB"),
            partition_leader_epoch: NONE.into(),
            magic: MAGIC,
            crc: 0,
            attributes: Attributes::new(self.codec, self.transactional),
            last_offset_delta: self.record_count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: producer.map_or(NONE.into(), |fields| fields.producer_id.0),
            producer_epoch: producer.map_or(NONE.into(), |fields| fields.producer_epoch.0),
            base_sequence: producer.map_or(NONE.into(), |fields| fields.base_sequence),
            record_count: self.record_count,
        };
        header.crc = crc_of(&header.encode(), &body);
        let mut batch = BytesMut::with_capacity(BATCH_HEADER_BYTES + body.len());
        batch.put_slice(&header.encode());
        batch.put_slice(&body);
        batch.freeze()
    }
}

/// Size of a record without its length field.
fn record_bytes(record: &NewRecord<'_>, timestamp_delta: i64, offset_delta: i64) -> usize {
    const ATTRIBUTES: usize = 1;
    let headers = record
        .headers
        .iter()
        .map(|(name, value)| nullable_bytes(Some(name.as_bytes())) + nullable_bytes(*value));
    ATTRIBUTES
        + varlong_bytes(timestamp_delta)
        + varlong_bytes(offset_delta)
        + nullable_bytes(record.key)
        + nullable_bytes(record.value)
        + varlong_bytes(record.headers.len() as i64)
        + headers.sum::<usize>()
}

fn nullable_bytes(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varlong_bytes(bytes.len() as i64) + bytes.len())
}

fn put_nullable(out: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varlong(out, i64::from(NONE)),
        Some(bytes) => {
            put_varlong(out, bytes.len() as i64);
            out.put_slice(bytes);
        }
    }
}
