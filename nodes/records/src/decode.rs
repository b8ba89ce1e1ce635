//! Reads the records of a stored batch.
//!
//! Owns: decompression of a batch as a whole, records with their offsets and timestamps. Does not
//! own: which batch to read. Records are made one at a time, so that a body of many small ones does
//! not become a list many times its size; keys and values share the (decompressed) body.

use bytes::Bytes;
use model::{ByteCount, Offset, Timestamp, TimestampType};

use crate::compress::{Codec, DecompressLimits, decompress};
use crate::cursor::Cursor;
use crate::header::BatchHeader;
use crate::span::{MalformedRecord, RecordSpan, Spans, header_span};
use crate::stamped::{StampedBatch, offset};

/// Why the records of a batch cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The codec's number has no meaning.
    #[error("codec {0} is unknown")]
    UnknownCodec(u16),
    /// More comes out of the compressed bytes than is allowed.
    #[error("the records take more than {limit} bytes")]
    TooLarge {
        /// The limit in force.
        limit: ByteCount,
    },
    /// The bytes are not what the codec makes.
    #[error("the bytes are not of codec {codec:?}")]
    Corrupt {
        /// The codec that the header names.
        codec: Codec,
    },
    /// The bytes are no record.
    #[error("record {index}: {fault}")]
    Malformed {
        /// Position of the record in the batch, from 0.
        index: u32,
        /// What is wrong with it.
        fault: MalformedRecord,
    },
    /// The batch holds more than the records it counts.
    #[error("{left} bytes follow the last of {count} records")]
    BytesLeft {
        /// Records by the header.
        count: u32,
        /// Bytes after them.
        left: usize,
    },
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log.
    pub offset: Offset,
    /// The producer's time, or the log's.
    pub timestamp: Timestamp,
    /// The key, if there is one.
    pub key: Option<Bytes>,
    /// The value; none is a tombstone.
    pub value: Option<Bytes>,
    /// Headers in order; names need not be unique. Bytes that are not UTF-8 are replaced, as Java
    /// does.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// The records of one batch in order; ends after the first error.
#[derive(Clone, Debug)]
pub struct Records {
    placed: PlacedSpans,
}

/// Reads the records of `batch`, decompressing it within `limits`.
pub fn decode_records(
    batch: &StampedBatch,
    limits: &DecompressLimits,
) -> Result<Records, DecodeError> {
    Ok(Records {
        placed: PlacedSpans::new(batch, limits)?,
    })
}

impl Iterator for Records {
    type Item = Result<Record, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let placed = self.placed.next()?;
        Some(placed.map(|placed| to_record(self.placed.spans.body(), placed)))
    }
}

fn to_record(body: &Bytes, placed: Placed) -> Record {
    let Placed {
        offset,
        timestamp,
        span,
    } = placed;
    let mut cursor = Cursor::new(body, span.headers_at);
    let headers = (0..span.header_count).map(|_| {
        let (name, value) = header_span(&mut cursor).expect("checked when the span was made");
        let name = String::from_utf8_lossy(&body[name]).into_owned();
        (name, value.map(|range| body.slice(range)))
    });
    Record {
        offset,
        timestamp,
        headers: headers.collect(),
        key: span.key.map(|range| body.slice(range)),
        value: span.value.map(|range| body.slice(range)),
    }
}

/// A record's place and time, and where its parts lie.
pub(crate) struct Placed {
    pub(crate) offset: Offset,
    pub(crate) timestamp: Timestamp,
    pub(crate) span: RecordSpan,
}

/// Goes through a batch without making records; ends after the first error.
#[derive(Clone, Debug)]
pub(crate) struct PlacedSpans {
    header: BatchHeader,
    spans: Spans,
    next_delta: i64,
    index: u32,
}

impl PlacedSpans {
    pub(crate) fn new(
        batch: &StampedBatch,
        limits: &DecompressLimits,
    ) -> Result<Self, DecodeError> {
        let header = batch.header();
        let codec_id = header.attributes.codec_id();
        let body = match header
            .attributes
            .codec()
            .ok_or(DecodeError::UnknownCodec(codec_id))?
        {
            Codec::Uncompressed => batch.body_bytes(),
            codec => decompress(codec, batch.body(), *limits)?.into(),
        };
        let spans = Spans::new(body, header.record_count.unsigned_abs());
        Ok(Self {
            header,
            spans,
            next_delta: 0,
            index: 0,
        })
    }

    /// Offsets ascend within the batch; a compacted one may have gaps.
    fn place(&mut self, span: RecordSpan) -> Result<Placed, DecodeError> {
        let (index, delta) = (self.index, i64::from(span.offset_delta));
        if delta < self.next_delta || delta > i64::from(self.header.last_offset_delta) {
            self.spans.stop();
            let fault = MalformedRecord::OffsetDelta(span.offset_delta);
            return Err(DecodeError::Malformed { index, fault });
        }
        self.next_delta = delta + 1;
        self.index += 1;
        let timestamp = match self.header.attributes.timestamp_type() {
            TimestampType::LogAppendTime => self.header.max_timestamp,
            TimestampType::CreateTime => self
                .header
                .base_timestamp
                .wrapping_add(span.timestamp_delta),
        };
        let offset = offset(self.header.base_offset + delta);
        Ok(Placed {
            offset,
            timestamp: Timestamp(timestamp),
            span,
        })
    }
}

impl Iterator for PlacedSpans {
    type Item = Result<Placed, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let span = self.spans.next()?;
        Some(span.and_then(|span| self.place(span)))
    }
}
