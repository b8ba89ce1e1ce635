//! Where the parts of each record lie in the (decompressed) body of a batch.
//!
//! Owns: the field order of a record, and that the records fill the body exactly. Does not own: what
//! the fields mean for a topic. Nothing is allocated per record: a span is a few numbers.
//!
//! ```text
//! length  attributes  timestamp delta  offset delta  key  value  header count  (key, value)*
//! varint  1 byte      varlong          varint        nullable bytes   varint
//! ```

use std::ops::Range;

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::decode::DecodeError;

/// Size of the smallest possible record: every field takes one byte.
pub(crate) const RECORD_BYTES_MIN: u64 = 7;

/// What makes some bytes no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRecord {
    /// The bytes end before the field does.
    #[error("the bytes end in the middle of a field")]
    Truncated,
    /// A variable-length number has more bits than its field.
    #[error("a variable-length number is too long")]
    VarintTooLong,
    /// A negative length where none is allowed.
    #[error("{0} is no length")]
    Length(i32),
    /// The record's fields end before the record does.
    #[error("{0} bytes follow the last field")]
    BytesLeft(usize),
    /// An offset outside the batch, or not above the one before.
    #[error("offset delta {0} is out of order or outside the batch")]
    OffsetDelta(i32),
}

/// One record as positions in the body it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordSpan {
    /// Milliseconds after the batch's base timestamp.
    pub(crate) timestamp_delta: i64,
    /// Offsets after the batch's base offset.
    pub(crate) offset_delta: i32,
    /// The key, if there is one.
    pub(crate) key: Option<Range<usize>>,
    /// The value, if there is one.
    pub(crate) value: Option<Range<usize>>,
    /// Position of the first header; all of them have been checked.
    pub(crate) headers_at: usize,
    /// Number of headers.
    pub(crate) header_count: usize,
}

/// One header: its key and its value.
pub(crate) type HeaderSpan = (Range<usize>, Option<Range<usize>>);

/// Reads one header.
pub(crate) fn header_span(cursor: &mut Cursor<'_>) -> Result<HeaderSpan, MalformedRecord> {
    Ok((cursor.sized()?, cursor.nullable()?))
}

/// Reads the record that starts at `at`, and says where it ends.
fn record_span(body: &[u8], at: usize) -> Result<(RecordSpan, usize), MalformedRecord> {
    let record = Cursor::new(body, at).sized()?;
    let end = record.end;
    let mut cursor = Cursor::new(&body[..end], record.start);
    // No bit of a record's attributes has a meaning yet, and Kafka ignores them.
    cursor.skip_byte()?;
    let timestamp_delta = cursor.varlong()?;
    let offset_delta = cursor.varint()?;
    let key = cursor.nullable()?;
    let value = cursor.nullable()?;
    let count = cursor.varint()?;
    let header_count = usize::try_from(count).map_err(|_| MalformedRecord::Length(count))?;
    let headers_at = cursor.at();
    // Each header takes two bytes at least, so a count that lies ends with the bytes.
    for _ in 0..header_count {
        header_span(&mut cursor)?;
    }
    if cursor.at() != end {
        return Err(MalformedRecord::BytesLeft(end - cursor.at()));
    }
    let span = RecordSpan {
        timestamp_delta,
        offset_delta,
        key,
        value,
        headers_at,
        header_count,
    };
    Ok((span, end))
}

/// Goes through the records of a body; ends after the first error.
#[derive(Clone, Debug)]
pub(crate) struct Spans {
    body: Bytes,
    at: usize,
    index: u32,
    count: u32,
    done: bool,
}

impl Spans {
    /// `body` is said to hold exactly `count` records.
    pub(crate) fn new(body: Bytes, count: u32) -> Self {
        Self {
            body,
            at: 0,
            index: 0,
            count,
            done: false,
        }
    }

    /// The bytes that the spans point into.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// Ends the iteration: what follows cannot be trusted either.
    pub(crate) fn stop(&mut self) {
        self.done = true;
    }
}

impl Iterator for Spans {
    type Item = Result<RecordSpan, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        if self.index == self.count {
            self.stop();
            let left = self.body.len() - self.at;
            return (left > 0).then_some(Err(DecodeError::BytesLeft {
                count: self.count,
                left,
            }));
        }
        match record_span(&self.body, self.at) {
            Ok((span, end)) => {
                self.at = end;
                self.index += 1;
                Some(Ok(span))
            }
            Err(fault) => {
                self.stop();
                Some(Err(DecodeError::Malformed {
                    index: self.index,
                    fault,
                }))
            }
        }
    }
}
