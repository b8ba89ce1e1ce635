//! Variable-length integers, and a reader that never goes beyond what came in.
//!
//! Unsigned numbers are LEB128, signed ones are zigzagged first, so that small differences of either
//! sign take one byte.

/// Why stored state cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end in the middle of something.
    #[error("the stored state is cut off")]
    Truncated,
    /// There is something behind the end.
    #[error("{0} bytes follow the stored state")]
    Trailing(usize),
    /// It was written by another release.
    #[error("the stored state has version {found}, this release reads {expected}")]
    Version {
        /// The version that was written.
        found: u8,
        /// The version that is understood.
        expected: u8,
    },
    /// A number is out of its range, or breaks an order.
    #[error("the stored state is damaged: {0}")]
    Invalid(&'static str),
}

/// Appends `value` as LEB128.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` zigzagged.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends how far `value` lies from `previous`, whatever the two are, and keeps it as the next
/// previous.
pub(crate) fn put_step(out: &mut Vec<u8>, previous: &mut i64, value: i64) {
    put_signed(out, value.wrapping_sub(*previous));
    *previous = value;
}

/// Reads what the functions above have written.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn version(&mut self, expected: u8) -> Result<(), DecodeError> {
        let found = self.byte()?;
        if found == expected {
            Ok(())
        } else {
            Err(DecodeError::Version { found, expected })
        }
    }

    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
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
        Err(DecodeError::Invalid("a number has more than 64 bits"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, DecodeError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(crate) fn step(&mut self, previous: &mut i64) -> Result<i64, DecodeError> {
        *previous = previous.wrapping_add(self.signed()?);
        Ok(*previous)
    }

    /// A number of the type that `what` names.
    pub(crate) fn number<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, DecodeError> {
        T::try_from(self.varint()?).map_err(|_| DecodeError::Invalid(what))
    }

    /// How many entries follow, of at least `entry_bytes_min` bytes each, and at most `max`.
    pub(crate) fn count(
        &mut self,
        entry_bytes_min: usize,
        max: usize,
    ) -> Result<usize, DecodeError> {
        let count: usize = self.number("a count")?;
        if count > max {
            return Err(DecodeError::Invalid("a count is above its bound"));
        }
        if count > self.rest.len() / entry_bytes_min {
            return Err(DecodeError::Truncated);
        }
        Ok(count)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(DecodeError::Trailing(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_come_back() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            put_signed(&mut out, value as i64);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.varint(), Ok(value));
            assert_eq!(reader.signed(), Ok(value as i64));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn a_number_that_is_cut_off_or_too_long_is_refused() {
        assert_eq!(Reader::new(&[0x80]).varint(), Err(DecodeError::Truncated));
        let two_to_the_64 = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2];
        assert!(Reader::new(&two_to_the_64).varint().is_err());
        assert!(Reader::new(&[0xff; 32]).varint().is_err());
    }

    #[test]
    fn a_count_never_promises_more_than_came_in() {
        assert_eq!(Reader::new(&[3, 0, 0, 0]).count(1, 10), Ok(3));
        assert_eq!(
            Reader::new(&[4, 0, 0, 0]).count(1, 10),
            Err(DecodeError::Truncated)
        );
        assert!(Reader::new(&[3, 0, 0, 0]).count(1, 2).is_err());
    }
}
