//! Reads and writes the variable-length numbers and byte strings that records are made of.
//!
//! Owns: zigzag varints (as in Protocol Buffers), bounds of every read. Does not own: the order of
//! a record's fields. Invariant: a read never passes the end of what it was given.

use std::ops::Range;

use bytes::BufMut;

use crate::span::MalformedRecord;

/// A position in some bytes that only moves forward.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts reading `bytes` at position `at`, which lies within them.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        assert!(at <= bytes.len(), "a cursor starts within its bytes");
        Self { bytes, at }
    }

    /// Where the next read starts.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Skips one byte.
    pub(crate) fn skip_byte(&mut self) -> Result<(), MalformedRecord> {
        self.take(1).map(|_| ())
    }

    /// Reads a 32-bit number.
    pub(crate) fn varint(&mut self) -> Result<i32, MalformedRecord> {
        let raw = self.unsigned(32)? as u32;
        Ok((raw >> 1) as i32 ^ -((raw & 1) as i32))
    }

    /// Reads a 64-bit number.
    pub(crate) fn varlong(&mut self) -> Result<i64, MalformedRecord> {
        let raw = self.unsigned(64)?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    /// Reads a length and passes over as many bytes; -1 stands for null.
    pub(crate) fn nullable(&mut self) -> Result<Option<Range<usize>>, MalformedRecord> {
        match self.varint()? {
            -1 => Ok(None),
            length => self.take_signed(length).map(Some),
        }
    }

    /// Reads a length and passes over as many bytes.
    pub(crate) fn sized(&mut self) -> Result<Range<usize>, MalformedRecord> {
        let length = self.varint()?;
        self.take_signed(length)
    }

    fn take_signed(&mut self, length: i32) -> Result<Range<usize>, MalformedRecord> {
        let length = usize::try_from(length).map_err(|_| MalformedRecord::Length(length))?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Result<Range<usize>, MalformedRecord> {
        if length > self.bytes.len() - self.at {
            return Err(MalformedRecord::Truncated);
        }
        let start = self.at;
        self.at += length;
        Ok(start..self.at)
    }

    /// Reads groups of seven bits, the lowest first, of a number of `bits` bits.
    fn unsigned(&mut self, bits: u32) -> Result<u64, MalformedRecord> {
        let (mut value, mut shift) = (0, 0);
        while shift < bits {
            let byte = *self.bytes.get(self.at).ok_or(MalformedRecord::Truncated)?;
            self.at += 1;
            let group = u64::from(byte & 0x7f);
            if bits - shift < 7 && group >> (bits - shift) != 0 {
                break;
            }
            value |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
        Err(MalformedRecord::VarintTooLong)
    }
}

/// Writes `value` so that numbers near zero, of either sign, are short.
pub(crate) fn put_varlong(out: &mut impl BufMut, value: i64) {
    let mut raw = zigzag(value);
    while raw >= 0x80 {
        out.put_u8(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.put_u8(raw as u8);
}

/// How many bytes [`put_varlong`] writes for `value`.
pub(crate) fn varlong_bytes(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_round_trip_at_every_width() {
        let edges = (0..63).flat_map(|bit| [1_i64 << bit, (1 << bit) - 1, -(1 << bit)]);
        for value in edges.chain([i64::MAX, i64::MIN]) {
            let mut out = Vec::new();
            put_varlong(&mut out, value);
            assert_eq!(out.len(), varlong_bytes(value), "{value}");
            let mut cursor = Cursor::new(&out, 0);
            assert_eq!(cursor.varlong(), Ok(value));
            assert_eq!(cursor.at(), out.len());
            if let Ok(narrow) = i32::try_from(value) {
                assert_eq!(Cursor::new(&out, 0).varint(), Ok(narrow));
            }
        }
    }

    #[test]
    fn known_encodings() {
        let known: [(i64, &[u8]); 5] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
        ];
        for (value, bytes) in known {
            assert_eq!(Cursor::new(bytes, 0).varint(), Ok(value as i32));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        let too_long = Err(MalformedRecord::VarintTooLong);
        assert_eq!(Cursor::new(&[0xff; 5], 0).varint(), too_long);
        assert_eq!(
            Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x10], 0).varint(),
            too_long
        );
        let mut eleven = [0x80; 11];
        assert_eq!(
            Cursor::new(&eleven, 0).varlong(),
            Err(MalformedRecord::VarintTooLong)
        );
        eleven[9] = 0x02;
        assert_eq!(
            Cursor::new(&eleven, 0).varlong(),
            Err(MalformedRecord::VarintTooLong)
        );
        assert_eq!(
            Cursor::new(&[0x80], 0).varint(),
            Err(MalformedRecord::Truncated)
        );
    }

    #[test]
    fn lengths_are_held_against_what_is_there() {
        assert_eq!(Cursor::new(&[1], 0).nullable(), Ok(None));
        assert_eq!(
            Cursor::new(&[3], 0).nullable(),
            Err(MalformedRecord::Length(-2))
        );
        assert_eq!(
            Cursor::new(&[1], 0).sized(),
            Err(MalformedRecord::Length(-1))
        );
        assert_eq!(
            Cursor::new(&[4, 9], 0).sized(),
            Err(MalformedRecord::Truncated)
        );
        assert_eq!(Cursor::new(&[4, 9, 9], 0).sized(), Ok(1..3));
    }
}
