//! What a frame carries behind its header.
//!
//! Owns: its pieces, and what is known of their checksum. Does not own: the frame around it.

use records::{KnownCrc, StampedBatch};

/// Checksums are joined where they cover at least so many bytes: of fewer, they are made as fast.
const JOINED_BYTES_MIN: usize = 2048;

/// A payload in two pieces, which are copied once.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    pieces: [&'a [u8]; 2],
    /// A checksum of the payload's last bytes, at least [`JOINED_BYTES_MIN`].
    known_crc: Option<KnownCrc>,
}

impl<'a> Payload<'a> {
    /// The batch of an append: header and body. If its checksum was checked when it came in, the frame's is made
    /// from it, and the batch's bytes are not gone through once more. They cannot have changed since: nobody
    /// can write to them. If the memory itself fails, what is stored is found to be damaged when it is read,
    /// where a checksum made anew would hide it.
    pub fn of_batch(batch: &'a StampedBatch) -> Self {
        let known = batch.known_crc();
        Self {
            pieces: [batch.header_bytes(), batch.body()],
            known_crc: known.filter(|known| known.covered_bytes >= JOINED_BYTES_MIN),
        }
    }

    /// Anything else, as bytes.
    pub fn of_content(content: &'a [u8]) -> Self {
        Self {
            pieces: [content, &[]],
            known_crc: None,
        }
    }

    /// Its bytes.
    pub fn pieces(&self) -> [&'a [u8]; 2] {
        self.pieces
    }

    /// How many they are.
    pub fn bytes(&self) -> usize {
        self.pieces[0].len() + self.pieces[1].len()
    }

    /// What is known of its checksum.
    pub(super) fn known_crc(&self) -> Option<KnownCrc> {
        self.known_crc
    }
}
