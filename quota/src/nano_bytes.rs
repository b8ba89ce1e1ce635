//! Billionths of a byte: what one byte per second lets through in one nanosecond.
//!
//! Owns: the conversion to and from whole bytes. Does not own: any level.
//! In this unit a rate times a time is a whole number, so buckets lose nothing to rounding.

use model::ByteCount;

const PER_BYTE: u128 = 1_000_000_000;

/// A number of bytes in billionths. Any `u64` of bytes fits, and so does any `u64` of bytes per
/// second times any `u64` of nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoBytes(pub u128);

impl NanoBytes {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole bytes, a part of one dropped; `u64::MAX` where there are more.
    pub fn bytes_down(self) -> ByteCount {
        ByteCount(u64::try_from(self.0 / PER_BYTE).unwrap_or(u64::MAX))
    }

    /// Whole bytes, a part of one counted as one; `u64::MAX` where there are more.
    pub fn bytes_up(self) -> ByteCount {
        ByteCount(u64::try_from(self.0.div_ceil(PER_BYTE)).unwrap_or(u64::MAX))
    }
}

impl From<ByteCount> for NanoBytes {
    fn from(bytes: ByteCount) -> Self {
        Self(u128::from(bytes.0) * PER_BYTE)
    }
}
