//! The last block of a segment that is being written: up to where its groups may lie.
//!
//! Owns: the layout. Does not own: when it is written (with the group that makes it necessary, before one sync).
//!
//! ```text
//! within the block's fields, which begin at 12:
//! 0 log (8)  8 segment (8)  16 node epoch (8)  24 end (8)
//! ```
//!
//! Invariant: a durable group ends below the durable reach, so nothing beyond has to be read to find the log's end.

use bytes::{Buf, BufMut};

use super::Identity;
use super::block::{self, Block, BlockFault};
use super::header::{put_identity, take_identity};

const MAGIC: [u8; 8] = *b"tdgtRCH\x01";

/// Stands where the trailer comes once the segment is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whose segment it is.
    pub identity: Identity,
    /// Every group that was ever durable ends below; one that was in flight begins below.
    pub end: u64,
}

impl Reach {
    /// As it is written.
    pub fn encode(&self) -> Block {
        let mut fields = Vec::with_capacity(32);
        put_identity(&mut fields, &self.identity);
        fields.put_u64_le(self.end);
        block::seal(MAGIC, &fields)
    }

    /// Reads the last block of a file.
    pub fn decode(bytes: &Block) -> Result<Self, BlockFault> {
        let mut fields = block::open(bytes, MAGIC)?;
        Ok(Self {
            identity: take_identity(&mut fields),
            end: fields.get_u64_le(),
        })
    }
}

#[cfg(test)]
mod tests {
    use model::NodeEpoch;
    use partition_log::SegmentId;

    use super::*;
    use crate::format::WalId;
    use crate::format::trailer::Trailer;

    #[test]
    fn a_reach_comes_back_and_is_no_trailer() {
        let reach = Reach {
            identity: Identity {
                wal: WalId(1),
                segment: SegmentId(2),
                node_epoch: NodeEpoch(3),
            },
            end: 4,
        };
        assert_eq!(Reach::decode(&reach.encode()), Ok(reach));
        assert_eq!(Trailer::decode(&reach.encode()), Err(BlockFault::Magic));
    }
}
