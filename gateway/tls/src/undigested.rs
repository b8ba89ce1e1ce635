//! What was read from the socket and not handed out yet.
//!
//! Owns: the rest of a gulp between two reads, and its memory. Does not own: opening records.
//!
//! ```text
//! | done | text of an opened record | ... | sealed records, the last perhaps in part |
//!          ^-- text --^                     ^-- sealed --^
//! ```
//!
//! Invariant: nothing is allocated where nothing is left.

use std::ops::Range;

/// Where what lies in a buffer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cursor {
    /// Opened.
    pub(crate) text: Range<usize>,
    /// Not opened.
    pub(crate) sealed: Range<usize>,
}

impl Cursor {
    /// A buffer of which the first `bytes` are sealed.
    pub(crate) fn sealed(bytes: usize) -> Self {
        Self {
            text: 0..0,
            sealed: 0..bytes,
        }
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.sealed.is_empty()
    }
}

/// See the file's header.
#[derive(Default)]
pub(crate) struct Undigested {
    pub(crate) bytes: Vec<u8>,
    pub(crate) cursor: Cursor,
}

impl Undigested {
    /// Keeps what a cursor leaves of a buffer, in memory of that size.
    pub(crate) fn rest_of(buffer: &[u8], cursor: &Cursor) -> Self {
        let text = &buffer[cursor.text.clone()];
        let sealed = &buffer[cursor.sealed.clone()];
        let bytes = [text, sealed].concat();
        let cursor = Cursor {
            text: 0..text.len(),
            sealed: text.len()..bytes.len(),
        };
        Self { bytes, cursor }
    }

    /// What is not opened.
    pub(crate) fn sealed(&self) -> &[u8] {
        &self.bytes[self.cursor.sealed.clone()]
    }

    /// Gives the memory back where nothing is left in it.
    pub(crate) fn tidy(&mut self) {
        if self.cursor.is_empty() {
            *self = Self::default();
        }
    }
}
