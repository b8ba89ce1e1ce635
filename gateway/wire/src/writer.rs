//! Writes primitive values into a head and lays payloads beside it.
//!
//! Owns: one growing buffer (the head) and where payloads are to be cut in.
//! Does not own: what a message consists of.
//!
//! ```text
//! head:      [ size | header | fields ..... | fields ... ]
//! payloads:                           ^ batch      ^ batch        cut in when the writer is finished
//! ```
//! Invariant: a value that the wire cannot hold (a string above `i16::MAX`, a frame above `i32::MAX`) is a bug of
//! the caller and panics.

use bytes::{BufMut, Bytes, BytesMut};

use crate::reader::STRING_BYTES_MAX;
use crate::segments::Segments;
use crate::wire_type::Shape;

#[cfg(test)]
mod tests;

/// A payload below this is copied into the head: that costs less than a piece of its own in a vectored write.
pub const SEGMENT_BYTES_MIN: usize = 256;

/// First capacity of the head; it doubles when it is full.
const HEAD_BYTES: usize = 512;

/// Size of the length before a frame.
const PREFIX_BYTES: usize = 4;

/// Longest encoding of 32 bits at 7 bits per byte.
const UVARINT_BYTES_MAX: usize = 5;

/// An encoded message that grows at its end.
#[derive(Debug)]
pub struct Writer {
    head: BytesMut,
    cuts: Vec<Cut>,
    payload_bytes: usize,
    framed: bool,
}

/// A payload that goes between the bytes of the head before and from `at`.
#[derive(Debug)]
struct Cut {
    at: usize,
    payload: Bytes,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// Starts without a length prefix.
    #[must_use]
    pub fn new() -> Self {
        let head = BytesMut::with_capacity(HEAD_BYTES);
        Self {
            head,
            cuts: Vec::new(),
            payload_bytes: 0,
            framed: false,
        }
    }

    /// Starts a frame: [`Writer::finish`] puts its length before it.
    #[must_use]
    pub fn framed() -> Self {
        let mut writer = Self {
            framed: true,
            ..Self::new()
        };
        writer.head.put_bytes(0, PREFIX_BYTES);
        writer
    }

    /// How many bytes were written, payloads and prefix included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head.len() + self.payload_bytes
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        self.head.put_slice(bytes);
    }

    /// Appends an unsigned integer at 7 bits per byte.
    pub fn put_uvarint(&mut self, value: u32) {
        let (bytes, length) = uvarint(value);
        self.put(&bytes[..length]);
    }

    /// Appends bytes without copying them, unless they are few.
    pub fn put_payload(&mut self, payload: &Bytes) {
        if payload.len() < SEGMENT_BYTES_MIN {
            return self.put(payload);
        }
        self.payload_bytes += payload.len();
        self.cuts.push(Cut {
            at: self.head.len(),
            payload: payload.clone(),
        });
    }

    /// The length before a string; none is null.
    ///
    /// # Panics
    /// If the string is longer than [`STRING_BYTES_MAX`].
    pub fn put_string_length(&mut self, length: Option<usize>, shape: Shape) {
        if let Some(length) = length {
            assert!(
                length <= STRING_BYTES_MAX,
                "a string of {length} bytes has no encoding"
            );
        }
        if shape.flexible {
            self.put_compact_length(length);
        } else {
            self.put(&length.map_or(-1, |length| length as i16).to_be_bytes());
        }
    }

    /// The length before bytes or an array; none is null.
    ///
    /// # Panics
    /// If it is above `i32::MAX`.
    pub fn put_length(&mut self, length: Option<usize>, shape: Shape) {
        if let Some(length) = length {
            assert!(
                length <= i32::MAX as usize,
                "a length of {length} has no encoding"
            );
        }
        if shape.flexible {
            self.put_compact_length(length);
        } else {
            self.put(&length.map_or(-1, |length| length as i32).to_be_bytes());
        }
    }

    /// A tagged field: its tag, its size, and what `write` writes.
    pub fn put_tagged(&mut self, tag: u32, write: impl FnOnce(&mut Self)) {
        self.put_uvarint(tag);
        let (start, length_before, cuts_before) = (self.head.len(), self.len(), self.cuts.len());
        write(self);
        let size = u32::try_from(self.len() - length_before).expect("a frame is below 2 GiB");
        let (bytes, length) = uvarint(size);
        let end = self.head.len();
        self.head.put_bytes(0, length);
        self.head.copy_within(start..end, start + length);
        self.head[start..start + length].copy_from_slice(&bytes[..length]);
        self.cuts[cuts_before..]
            .iter_mut()
            .for_each(|cut| cut.at += length);
    }

    /// Ends the message, and puts the length before it if it is a frame.
    ///
    /// # Panics
    /// If a frame is longer than `i32::MAX`.
    #[must_use]
    pub fn finish(mut self) -> Segments {
        if self.framed {
            let length = i32::try_from(self.len() - PREFIX_BYTES).expect("a frame is below 2 GiB");
            self.head[..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
        }
        let head = self.head.freeze();
        let mut parts = Vec::with_capacity(2 * self.cuts.len() + 1);
        let mut start = 0;
        for Cut { at, payload } in self.cuts {
            parts.push(head.slice(start..at));
            parts.push(payload);
            start = at;
        }
        parts.push(head.slice(start..));
        parts.retain(|part| !part.is_empty());
        Segments::new(parts)
    }

    fn put_compact_length(&mut self, length: Option<usize>) {
        self.put_uvarint(length.map_or(0, |length| length as u32 + 1));
    }
}

/// The bytes of a variable-length integer, and how many of them count.
fn uvarint(mut value: u32) -> ([u8; UVARINT_BYTES_MAX], usize) {
    let mut bytes = [0; UVARINT_BYTES_MAX];
    let mut length = 0;
    while value > 0x7f {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    (bytes, length + 1)
}
