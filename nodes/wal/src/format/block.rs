//! Blocks that are found by their position alone: the header and the trailer of a segment.
//!
//! Owns: the magic, the version and the checksum around their fields. Does not own: the fields.
//!
//! ```text
//! 0 magic (8)  8 version (4)  12 fields ... zeros  4092 crc of bytes [0, 4092)
//! ```

use super::{BLOCK_BYTES, FORMAT_VERSION};

/// A whole block.
pub type Block = [u8; BLOCK_BYTES];

const FIELDS_AT: usize = 12;
const CRC_AT: usize = BLOCK_BYTES - 4;

/// Why a block is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// It does not begin as it must: never written, or written by something else.
    #[error("not such a block")]
    Magic,
    /// It was written by another version of this format.
    #[error("version {0} of the format is not known")]
    Version(u32),
    /// Its bytes are not those that its checksum was made of.
    #[error("checksum {computed:08x} instead of {stored:08x}")]
    Crc {
        /// Checksum in the block.
        stored: u32,
        /// Checksum of its bytes.
        computed: u32,
    },
}

/// Puts `fields` into a block.
pub fn seal(magic: [u8; 8], fields: &[u8]) -> Block {
    assert!(
        fields.len() <= CRC_AT - FIELDS_AT,
        "the fields of a block fit into it"
    );
    let mut block = [0; BLOCK_BYTES];
    block[..8].copy_from_slice(&magic);
    block[8..FIELDS_AT].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    block[FIELDS_AT..FIELDS_AT + fields.len()].copy_from_slice(fields);
    let crc = crc32c::crc32c(&block[..CRC_AT]);
    block[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    block
}

/// The fields of a block, with the zeros that follow them.
pub fn open(block: &Block, magic: [u8; 8]) -> Result<&[u8], BlockFault> {
    if block[..8] != magic {
        return Err(BlockFault::Magic);
    }
    let (stored, computed) = (u32_at(block, CRC_AT), crc32c::crc32c(&block[..CRC_AT]));
    if stored != computed {
        return Err(BlockFault::Crc { stored, computed });
    }
    match u32_at(block, 8) {
        FORMAT_VERSION => Ok(&block[FIELDS_AT..CRC_AT]),
        version => Err(BlockFault::Version(version)),
    }
}

fn u32_at(block: &Block, at: usize) -> u32 {
    let bytes = block[at..]
        .first_chunk()
        .expect("a block is longer than its fields");
    u32::from_le_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_bit_is_seen_wherever_it_is() {
        let block = seal(*b"MAGICMAG", &[7; 100]);
        assert_eq!(
            &open(&block, *b"MAGICMAG").unwrap()[..101],
            [vec![7; 100], vec![0]].concat()
        );
        for at in [0, 9, 12, 111, 2000, 4092, 4095] {
            let mut changed = block;
            changed[at] ^= 4;
            assert!(open(&changed, *b"MAGICMAG").is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_version_is_called_by_its_number() {
        let mut block = seal(*b"MAGICMAG", &[]);
        block[8] = 9;
        let crc = crc32c::crc32c(&block[..CRC_AT]);
        block[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(open(&block, *b"MAGICMAG"), Err(BlockFault::Version(9)));
    }
}
