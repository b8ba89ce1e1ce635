//! The first block of a segment: whose it is, and where the chain of groups stands as it begins.
//!
//! Owns: the layout. Does not own: when it is written (synced before the file gets its name).
//!
//! ```text
//! within the block's fields, which begin at 12:
//! 0 log (8)  8 segment (8)  16 node epoch (8)
//! 24 first group's number (8)  32 commit time before it (8)  40 checksum before it (4)
//! ```

use bytes::{Buf, BufMut};
use model::{NodeEpoch, Timestamp};
use partition_log::SegmentId;

use super::block::{self, Block, BlockFault};
use super::{Chain, Identity, WalId};

const MAGIC: [u8; 8] = *b"tdgtWAL\x01";

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whose segment it is.
    pub identity: Identity,
    /// Where the chain stands before its first group.
    pub chain: Chain,
}

impl SegmentHeader {
    /// As it is written.
    pub fn encode(&self) -> Block {
        let mut fields = Vec::with_capacity(44);
        put_identity(&mut fields, &self.identity);
        put_chain(&mut fields, &self.chain);
        block::seal(MAGIC, &fields)
    }

    /// Reads the first block of a file.
    pub fn decode(bytes: &Block) -> Result<Self, BlockFault> {
        let mut fields = block::open(bytes, MAGIC)?;
        Ok(Self {
            identity: take_identity(&mut fields),
            chain: take_chain(&mut fields),
        })
    }
}

pub(super) fn put_identity(out: &mut Vec<u8>, identity: &Identity) {
    out.put_u64_le(identity.wal.0);
    out.put_u64_le(identity.segment.0);
    out.put_u64_le(identity.node_epoch.0);
}

pub(super) fn put_chain(out: &mut Vec<u8>, chain: &Chain) {
    out.put_u64_le(chain.sequence);
    out.put_i64_le(chain.commit_time.0);
    out.put_u32_le(chain.crc);
}

/// Reads from the fields of a block, which are never too short.
pub(super) fn take_identity(fields: &mut &[u8]) -> Identity {
    Identity {
        wal: WalId(fields.get_u64_le()),
        segment: SegmentId(fields.get_u64_le()),
        node_epoch: NodeEpoch(fields.get_u64_le()),
    }
}

/// Reads from the fields of a block, which are never too short.
pub(super) fn take_chain(fields: &mut &[u8]) -> Chain {
    Chain {
        sequence: fields.get_u64_le(),
        commit_time: Timestamp(fields.get_i64_le()),
        crc: fields.get_u32_le(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back() {
        let header = SegmentHeader {
            identity: Identity {
                wal: WalId(1),
                segment: SegmentId(2),
                node_epoch: NodeEpoch(3),
            },
            chain: Chain {
                sequence: 4,
                crc: 5,
                commit_time: Timestamp(6),
            },
        };
        assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
        assert_eq!(SegmentHeader::decode(&[0; 4096]), Err(BlockFault::Magic));
    }
}
