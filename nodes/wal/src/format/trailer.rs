//! The last block of a full segment: what its footer holds and where.
//!
//! Owns: the layout. Does not own: the parts that it points at.
//!
//! ```text
//! within the block's fields, which begin at 12:
//!  0 log (8)  8 segment (8)  16 node epoch (8)
//! 24 number after the last group (8)  32 its commit time (8)  40 its checksum (4)
//! 44 end of the groups (8)  52 earliest commit time (8)
//! 60 directory  76 sums  92 totals  108 since totals     124
//! each part: position (8)  length (4)  crc (4); all zero where it is not there
//! ```

use bytes::{Buf, BufMut};
use model::Timestamp;

use super::block::{self, Block, BlockFault};
use super::header::{put_chain, put_identity, take_chain, take_identity};
use super::{Chain, Identity};

const MAGIC: [u8; 8] = *b"tdgtEND\x01";

/// Some bytes of a segment that have a checksum of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// First byte within the segment.
    pub position: u64,
    /// Number of bytes.
    pub length: u32,
    /// Their checksum.
    pub crc: u32,
}

impl Part {
    /// Whether `bytes` are what the checksum was made of.
    pub fn is_intact(&self, bytes: &[u8]) -> bool {
        self.crc == crc32c::crc32c(bytes)
    }
}

/// What a full segment ends with. The parts of the meters are absent where nothing was metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Whose segment it is.
    pub identity: Identity,
    /// Where the chain stands after its last group.
    pub chain: Chain,
    /// Where the groups end, and the footer begins.
    pub groups_end: u64,
    /// Commit time of the first group; of the chain before it where there is none.
    pub commit_time_min: Timestamp,
    /// The partitions and where their digests lie.
    pub directory: Part,
    /// What was committed in this segment.
    pub sums: Part,
    /// The last totals that were written in this segment.
    pub totals: Part,
    /// What was committed in this segment after those totals.
    pub since_totals: Part,
}

impl Trailer {
    /// As it is written.
    pub fn encode(&self) -> Block {
        let mut fields = Vec::with_capacity(124);
        put_identity(&mut fields, &self.identity);
        put_chain(&mut fields, &self.chain);
        fields.put_u64_le(self.groups_end);
        fields.put_i64_le(self.commit_time_min.0);
        for part in [self.directory, self.sums, self.totals, self.since_totals] {
            put_part(&mut fields, part);
        }
        block::seal(MAGIC, &fields)
    }

    /// Reads the last block of a file.
    pub fn decode(bytes: &Block) -> Result<Self, BlockFault> {
        let mut fields = block::open(bytes, MAGIC)?;
        Ok(Self {
            identity: take_identity(&mut fields),
            chain: take_chain(&mut fields),
            groups_end: fields.get_u64_le(),
            commit_time_min: Timestamp(fields.get_i64_le()),
            directory: take_part(&mut fields),
            sums: take_part(&mut fields),
            totals: take_part(&mut fields),
            since_totals: take_part(&mut fields),
        })
    }
}

pub(super) fn put_part(out: &mut Vec<u8>, part: Part) {
    out.put_u64_le(part.position);
    out.put_u32_le(part.length);
    out.put_u32_le(part.crc);
}

/// Reads from fields that are long enough.
pub(super) fn take_part(fields: &mut &[u8]) -> Part {
    Part {
        position: fields.get_u64_le(),
        length: fields.get_u32_le(),
        crc: fields.get_u32_le(),
    }
}

#[cfg(test)]
mod tests {
    use model::NodeEpoch;
    use partition_log::SegmentId;

    use super::*;
    use crate::format::WalId;

    #[test]
    fn a_trailer_comes_back() {
        let part = |position| Part {
            position,
            length: 11,
            crc: 12,
        };
        let trailer = Trailer {
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
            groups_end: 7,
            commit_time_min: Timestamp(8),
            directory: part(9),
            sums: part(10),
            totals: Part::default(),
            since_totals: part(13),
        };
        assert_eq!(Trailer::decode(&trailer.encode()), Ok(trailer));
    }
}
