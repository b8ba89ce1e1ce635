//! How state is written: versioned records with a key and a value, in bytes.
//!
//! Owns: numbers, strings and a reader that never goes beyond what came in. Does not own: the fields
//! (`codec/key`, `codec/stored_group`, `codec/stored_offset`), when something is written (`group`).
//!
//! ```text
//!   key    version (1) | kind (1) | virtual cluster (4) | group | kind 2: topic (16), partition (4)
//!   value  version (1) | fields of the kind
//! ```
//!
//! Numbers are LEB128, signed ones are zigzagged first; fixed ones are big-endian. A string or a run
//! of bytes is its length and itself; what may be missing has a byte 0 or 1 before it.

use bytes::Bytes;

use crate::effect::ReplayError;

pub(crate) mod key;
pub(crate) mod stored_group;
pub(crate) mod stored_offset;

/// The version of keys and values that is written, and the only one that is read.
pub(crate) const VERSION: u8 = 1;

/// Collects the bytes of a key or a value.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { out: vec![VERSION] }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    pub(crate) fn signed(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.fixed(bytes);
    }

    /// Writes whether there is a value, and the value by `write`.
    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn optional_text(&mut self, text: Option<&str>) {
        self.optional(text, |writer, text| writer.bytes(text.as_bytes()));
    }

    pub(crate) fn finish(self) -> Bytes {
        self.out.into()
    }
}

/// Reads what a [`Writer`] has written.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins behind the version, which must be the one that is understood.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, ReplayError> {
        let mut reader = Self { rest: bytes };
        match reader.byte()? {
            VERSION => Ok(reader),
            found => Err(ReplayError::Version {
                found,
                expected: VERSION,
            }),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ReplayError> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ReplayError> {
        let (first, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(ReplayError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, ReplayError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ReplayError::Invalid("a number has more than 64 bits"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, ReplayError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number of the type that `what` names.
    pub(crate) fn number<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, ReplayError> {
        T::try_from(self.varint()?).map_err(|_| ReplayError::Invalid(what))
    }

    /// How many entries follow, of at least `entry_bytes_min` bytes each.
    pub(crate) fn count(&mut self, entry_bytes_min: usize) -> Result<usize, ReplayError> {
        let count: usize = self.number("a count is out of range")?;
        if count > self.rest.len() / entry_bytes_min {
            return Err(ReplayError::Truncated);
        }
        Ok(count)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], ReplayError> {
        let length = self.count(1)?;
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, ReplayError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ReplayError::Invalid("a text is not UTF-8"))
    }

    /// What may be missing, read by `read`.
    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ReplayError>,
    ) -> Result<Option<T>, ReplayError> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(ReplayError::Invalid("neither there nor missing")),
        }
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<&'a str>, ReplayError> {
        self.optional(Self::text)
    }

    pub(crate) fn finish(self) -> Result<(), ReplayError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(ReplayError::Trailing(bytes)),
        }
    }
}

#[cfg(test)]
mod tests;
