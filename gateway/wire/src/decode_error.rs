//! Why bytes were not a message.
//!
//! Owns: the facts of a refusal: which field, at which offset, what was asked for.
//! Does not own: what is answered; that is decided at the gateway's edge.
//! Invariant: a text holds no byte of the input, so it may be logged and shown.

use thiserror::Error;

/// Why bytes could not be decoded. `offset` counts from the start of what the reader was given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The input ends inside a field.
    #[error("{field} at byte {offset}: {needed} bytes are needed, {left} are left")]
    Short {
        /// The field.
        field: &'static str,
        /// Where it was read.
        offset: usize,
        /// How many bytes the field takes from there.
        needed: usize,
        /// How many there are.
        left: usize,
    },
    /// Null in a version where the field cannot be null.
    #[error("{field} at byte {offset}: null is not allowed")]
    Null {
        /// The field.
        field: &'static str,
        /// The byte after the null.
        offset: usize,
    },
    /// An array that cannot fit into what is left, even if each element were as short as the version allows.
    #[error("{field} at byte {offset}: {count} elements do not fit into {left} bytes")]
    Count {
        /// The field.
        field: &'static str,
        /// The byte after the count.
        offset: usize,
        /// How many elements were announced.
        count: usize,
        /// How many bytes are left for them.
        left: usize,
    },
    /// A string longer than Kafka allows, which is `i16::MAX` in every version.
    #[error("{field} at byte {offset}: a string of {length} bytes is too long")]
    StringLength {
        /// The field.
        field: &'static str,
        /// The byte after the length.
        offset: usize,
        /// The announced length.
        length: usize,
    },
    /// A string that is not UTF-8.
    #[error("{field} at byte {offset}: not UTF-8")]
    NotUtf8 {
        /// The field.
        field: &'static str,
        /// Where the string starts.
        offset: usize,
    },
    /// A variable-length integer of more than 32 bits.
    #[error("{field} at byte {offset}: the variable-length integer is longer than 32 bits")]
    Varint {
        /// The field.
        field: &'static str,
        /// Where the integer starts.
        offset: usize,
    },
    /// A known tagged field whose announced size is not what its value takes.
    #[error("{field} at byte {offset}: tag {tag} announces {size} bytes and takes {used}")]
    TagSize {
        /// The field.
        field: &'static str,
        /// The byte after the value.
        offset: usize,
        /// The tag.
        tag: u32,
        /// The announced size.
        size: usize,
        /// The size of the value.
        used: usize,
    },
    /// The values would take more memory than the input is worth, see [`crate::reader::memory_grant`].
    #[error("{field} at byte {offset}: {wanted} bytes of memory are wanted, {left} are granted")]
    Memory {
        /// The field.
        field: &'static str,
        /// Where the reader stood.
        offset: usize,
        /// What the value would take.
        wanted: usize,
        /// What is left of the grant.
        left: usize,
    },
}
