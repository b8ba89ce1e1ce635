//! Varints and their bounded reader, for the byte forms of this crate.
//!
//! Owns: the alphabet of those forms. Does not own: any of the forms.
//! Invariants: one value has one encoding (LEB128 without padding), so equal values are equal bytes;
//! reading allocates nothing.

/// Why bytes are not an encoding of this crate. Positions count from the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes begin as something else.
    #[error("the bytes are of another kind")]
    Kind,
    /// The version byte is one that this build does not know.
    #[error("version {found} is not known, only {known}")]
    Version {
        /// What the bytes say.
        found: u8,
        /// What this build reads.
        known: u8,
    },
    /// The bytes end inside a value.
    #[error("bytes end at {at}, inside a value")]
    Truncated {
        /// The length of the input.
        at: usize,
    },
    /// A number that does not fit its field, or is padded.
    #[error("the number that ends at byte {at} does not fit its field or is padded")]
    Number {
        /// Where it ends.
        at: usize,
    },
    /// Entries are not in ascending order.
    #[error("the entry at byte {at} is not above the one before it")]
    Order {
        /// Where the key of the entry ends.
        at: usize,
    },
    /// More entries than the bound, or than the rest of the bytes could hold.
    #[error("{found} entries, at most {max} are possible here")]
    TooMany {
        /// What the bytes say.
        found: u64,
        /// What is possible.
        max: u64,
    },
    /// Bytes are left over after the last value.
    #[error("{left} bytes are left over")]
    Trailing {
        /// How many.
        left: usize,
    },
}

/// Appends `value` in seven-bit groups, lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// As [`put_varint`], of twice the width.
pub(crate) fn put_varint_wide(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// As [`put_signed`], of twice the width.
pub(crate) fn put_signed_wide(out: &mut Vec<u8>, value: i128) {
    put_varint_wide(out, ((value << 1) ^ (value >> 127)) as u128);
}

/// Appends a signed value so that small ones of either sign stay short.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends the distance of `key` from the key before it, or `key` itself where it is the first.
pub(crate) fn put_key(out: &mut Vec<u8>, before: Option<u32>, key: u32) {
    put_varint(out, u64::from(key - before.unwrap_or(0)));
}

/// A position in bytes that are being read.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins behind the version byte, which must be `known`.
    pub(crate) fn new(bytes: &'a [u8], known: u8) -> Result<Self, DecodeError> {
        let mut reader = Self { bytes, at: 0 };
        match reader.byte()? {
            found if found == known => Ok(reader),
            found => Err(DecodeError::Version { found, known }),
        }
    }

    /// Reads what [`put_varint`] wrote.
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            let padded = byte == 0 && shift > 0;
            if padded || (group << shift) >> shift != group {
                return Err(DecodeError::Number { at: self.at });
            }
            value |= group << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Number { at: self.at })
    }

    /// Reads what [`put_varint_wide`] wrote.
    pub(crate) fn varint_wide(&mut self) -> Result<u128, DecodeError> {
        let mut value = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let group = u128::from(byte & 0x7f);
            let padded = byte == 0 && shift > 0;
            if padded || (group << shift) >> shift != group {
                return Err(DecodeError::Number { at: self.at });
            }
            value |= group << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Number { at: self.at })
    }

    /// Reads what [`put_signed_wide`] wrote.
    pub(crate) fn signed_wide(&mut self) -> Result<i128, DecodeError> {
        let value = self.varint_wide()?;
        Ok((value >> 1) as i128 ^ -((value & 1) as i128))
    }

    /// Reads what [`put_signed`] wrote.
    pub(crate) fn signed(&mut self) -> Result<i64, DecodeError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads what [`put_key`] wrote; a key after `before` must be larger.
    pub(crate) fn key(&mut self, before: Option<u32>) -> Result<u32, DecodeError> {
        let distance = self.varint()?;
        if before.is_some() && distance == 0 {
            return Err(DecodeError::Order { at: self.at });
        }
        let key = u64::from(before.unwrap_or(0)).checked_add(distance);
        key.and_then(|key| u32::try_from(key).ok())
            .ok_or(DecodeError::Number { at: self.at })
    }

    /// Reads a number of entries: at most `max`, and of at least `entry_bytes_min` bytes each, so a
    /// short input cannot announce a long list.
    pub(crate) fn count(&mut self, max: u64, entry_bytes_min: u64) -> Result<u64, DecodeError> {
        let found = self.varint()?;
        let left = (self.bytes.len() - self.at) as u64;
        let max = max.min(left / entry_bytes_min);
        if found > max {
            return Err(DecodeError::TooMany { found, max });
        }
        Ok(found)
    }

    /// Where the reader stands.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Checks that everything has been read.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            left => Err(DecodeError::Trailing { left }),
        }
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let end = DecodeError::Truncated {
            at: self.bytes.len(),
        };
        let byte = *self.bytes.get(self.at).ok_or(end)?;
        self.at += 1;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<u64, DecodeError> {
        let mut versioned = vec![1];
        versioned.extend(bytes);
        let mut reader = Reader::new(&versioned, 1)?;
        let value = reader.varint()?;
        reader.finish()?;
        Ok(value)
    }

    #[test]
    fn one_value_has_one_encoding() {
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[0x80, 0]), Err(DecodeError::Number { at: 3 }));
        assert_eq!(read(&[0xff; 9]), Err(DecodeError::Truncated { at: 10 }));
        let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(read(&max), Ok(u64::MAX));
        let above = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(read(&above), Err(DecodeError::Number { at: 11 }));
        assert_eq!(read(&[0x80; 11]), Err(DecodeError::Number { at: 11 }));
    }

    proptest! {
        #[test]
        fn numbers_come_back(value: u64, signed: i64, wide: u128, signed_wide: i128) {
            let mut out = vec![9];
            put_varint_wide(&mut out, wide);
            put_signed_wide(&mut out, signed_wide);
            put_varint(&mut out, value);
            put_signed(&mut out, signed);
            let mut reader = Reader::new(&out, 9).unwrap();
            prop_assert_eq!(reader.varint_wide(), Ok(wide));
            prop_assert_eq!(reader.signed_wide(), Ok(signed_wide));
            prop_assert_eq!(reader.varint(), Ok(value));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }
}
