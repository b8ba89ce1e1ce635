//! Reads primitive values from one frame.
//!
//! Owns: the position, the end, the grant of memory, the name of the field being read (for errors).
//! Does not own: what a message consists of.
//!
//! Invariants:
//! * `offset <= end <= bytes.len()`.
//! * Memory is charged before it is allocated, so all values of one reader together take at most
//!   `memory_grant(input)` bytes.
//! * Bytes are handed out as slices of the input.

use bytes::Bytes;

use crate::decode_error::DecodeError;
use crate::wire_type::Shape;

#[cfg(test)]
mod tests;

/// Decoded values may take this many times the bytes of their frame, for its first [`DENSE_BYTES_MAX`]; a frame that
/// wants more is refused with [`DecodeError::Memory`]. The densest honest request, a list of one-letter topic names,
/// needs 14.
pub const MEMORY_FACTOR: usize = 16;

/// Above this length a frame is large because of its records, which take no memory of their own.
pub const DENSE_BYTES_MAX: usize = 1024 * 1024;

/// The factor for what a frame has above [`DENSE_BYTES_MAX`]. The densest honest list, of partitions to fetch, needs 4.
pub const MEMORY_FACTOR_ABOVE: usize = 4;

/// Granted whatever the length of the frame, so that short frames are never refused for their memory.
pub const MEMORY_FLOOR: usize = 64 * 1024;

/// How much memory the values in an input of this length may take together, beside the input itself.
#[must_use]
pub const fn memory_grant(input_bytes: usize) -> usize {
    let above = input_bytes.saturating_sub(DENSE_BYTES_MAX);
    let dense = input_bytes - above;
    above
        .saturating_mul(MEMORY_FACTOR_ABOVE)
        .saturating_add(MEMORY_FACTOR * dense + MEMORY_FLOOR)
}

/// Longest string on the wire, in every version and encoding; a longer one is refused.
pub const STRING_BYTES_MAX: usize = i16::MAX as usize;

/// Shortest tagged field: its tag and its size, one byte each.
const TAGGED_FIELD_BYTES_MIN: usize = 2;

/// A position in a frame.
#[derive(Debug)]
pub struct Reader {
    bytes: Bytes,
    offset: usize,
    end: usize,
    field: &'static str,
    memory_left: usize,
}

impl Reader {
    /// Starts at the first of `bytes`.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        let end = bytes.len();
        Self {
            bytes,
            offset: 0,
            end,
            field: "frame",
            memory_left: memory_grant(end),
        }
    }

    /// How many bytes were read.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.end - self.offset
    }

    /// What was not read, as a slice of the input.
    #[must_use]
    pub fn into_rest(self) -> Bytes {
        self.bytes.slice(self.offset..self.end)
    }

    /// Names the field that is read next, for errors.
    pub fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N)?;
        Ok(taken
            .try_into()
            .expect("take returns as many bytes as asked for"))
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A big-endian 16-bit integer.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    /// A big-endian 32-bit integer.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    /// An unsigned integer of 7 bits per byte, least significant first.
    ///
    /// # Errors
    /// [`DecodeError::Short`]; [`DecodeError::Varint`] above 32 bits.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let start = self.offset;
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Varint {
            field: self.field,
            offset: start,
        })
    }

    /// `count` bytes as a slice of the input.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn slice(&mut self, count: usize) -> Result<Bytes, DecodeError> {
        let start = self.offset;
        self.take(count)?;
        Ok(self.bytes.slice(start..self.offset))
    }

    /// The length before a string: 16 bits, or compact in flexible versions. Negative (or compact zero) is null.
    ///
    /// # Errors
    /// [`DecodeError::Short`], [`DecodeError::Varint`], [`DecodeError::StringLength`].
    pub fn string_length(&mut self, shape: Shape) -> Result<Option<usize>, DecodeError> {
        let length = if shape.flexible {
            self.compact_length()?
        } else {
            usize::try_from(self.i16()?).ok()
        };
        match length {
            Some(length) if length > STRING_BYTES_MAX => Err(DecodeError::StringLength {
                field: self.field,
                offset: self.offset,
                length,
            }),
            length => Ok(length),
        }
    }

    /// The length before bytes or an array: 32 bits, or compact in flexible versions. Negative (or compact zero) is
    /// null. The caller checks it against what is left.
    ///
    /// # Errors
    /// [`DecodeError::Short`], [`DecodeError::Varint`].
    pub fn length(&mut self, shape: Shape) -> Result<Option<usize>, DecodeError> {
        if shape.flexible {
            self.compact_length()
        } else {
            Ok(usize::try_from(self.i32()?).ok())
        }
    }

    /// A string of `length` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`], [`DecodeError::NotUtf8`], [`DecodeError::Memory`].
    pub fn string(&mut self, length: usize) -> Result<String, DecodeError> {
        let (field, offset) = (self.field, self.offset);
        self.take(length)?;
        self.charge(length)?;
        let text = std::str::from_utf8(&self.bytes[offset..self.offset]);
        text.map(str::to_owned)
            .map_err(|_| DecodeError::NotUtf8 { field, offset })
    }

    /// Room for `count` values of type `T`, which take at least `element_bytes_min` bytes each on the wire.
    ///
    /// # Errors
    /// [`DecodeError::Count`] if they cannot all be in what is left, [`DecodeError::Memory`].
    pub fn room_for<T>(
        &mut self,
        count: usize,
        element_bytes_min: usize,
    ) -> Result<Vec<T>, DecodeError> {
        // An element takes at least a byte, or a count alone could ask for any amount of memory.
        let left = self.remaining();
        if count > left / element_bytes_min.max(1) {
            return Err(DecodeError::Count {
                field: self.field,
                offset: self.offset,
                count,
                left,
            });
        }
        self.charge(count.saturating_mul(size_of::<T>()))?;
        Ok(Vec::with_capacity(count))
    }

    /// The section of tagged fields that ends each structure of a flexible version. `read_known` reads the value of
    /// a tag that it knows and says whether it did; others are skipped (KIP-482).
    ///
    /// # Errors
    /// What `read_known` returns; [`DecodeError::Count`] if the section cannot fit into what is left;
    /// [`DecodeError::TagSize`] if a known value is shorter than announced (a longer one is [`DecodeError::Short`]).
    pub fn read_tags(
        &mut self,
        mut read_known: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        self.enter("tagged fields");
        let count = self.uvarint()? as usize;
        let left = self.remaining();
        if count > left / TAGGED_FIELD_BYTES_MIN {
            return Err(DecodeError::Count {
                field: self.field,
                offset: self.offset,
                count,
                left,
            });
        }
        for _ in 0..count {
            self.enter("tagged fields");
            self.read_tag(&mut read_known)?;
        }
        Ok(())
    }

    /// One tagged field. The end is moved to the end of its value, so that reading it cannot run into the next.
    fn read_tag(
        &mut self,
        read_known: &mut impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let tag = self.uvarint()?;
        let size = self.uvarint()? as usize;
        if size > self.remaining() {
            return Err(self.short(size));
        }
        let start = self.offset;
        let outer_end = std::mem::replace(&mut self.end, start + size);
        let known = read_known(self, tag)?;
        let used = self.offset - start;
        if known && used != size {
            return Err(DecodeError::TagSize {
                field: self.field,
                offset: self.offset,
                tag,
                size,
                used,
            });
        }
        self.offset = start + size;
        self.end = outer_end;
        Ok(())
    }

    /// The error for a null that the version does not allow.
    #[must_use]
    pub fn null(&self) -> DecodeError {
        DecodeError::Null {
            field: self.field,
            offset: self.offset,
        }
    }

    /// Takes `wanted` bytes from the grant, before they are allocated.
    ///
    /// # Errors
    /// [`DecodeError::Memory`] if the grant is used up.
    pub fn charge(&mut self, wanted: usize) -> Result<(), DecodeError> {
        match self.memory_left.checked_sub(wanted) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(DecodeError::Memory {
                field: self.field,
                offset: self.offset,
                wanted,
                left: self.memory_left,
            }),
        }
    }

    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.uvarint()?.checked_sub(1).map(|length| length as usize))
    }

    fn take(&mut self, count: usize) -> Result<&[u8], DecodeError> {
        if count > self.remaining() {
            return Err(self.short(count));
        }
        let start = self.offset;
        self.offset += count;
        Ok(&self.bytes[start..self.offset])
    }

    fn short(&self, needed: usize) -> DecodeError {
        DecodeError::Short {
            field: self.field,
            offset: self.offset,
            needed,
            left: self.remaining(),
        }
    }
}
