//! The header of a group: the frames that one sync made durable together.
//!
//! Owns: the layout and the checksum that chains groups. Does not own: the frames.
//!
//! ```text
//!  0 magic (4)          4 crc (4)         8 crc of the group before (4)  12 frame count (4)
//! 16 bytes of frames (4)  20 zero (4)    24 log (8)  32 segment (8)      40 node epoch (8)
//! 48 number (8)        56 commit time (8)                                64
//! ```
//!
//! The crc covers the checksums of the frames in their order, then bytes [8, 64) of the header.
//! Each frame's own checksum covers its bytes, so no byte of a batch is summed twice.

use bytes::{Buf, BufMut};
use model::{NodeEpoch, Timestamp};
use partition_log::SegmentId;

use super::{Identity, WalId};

/// Size of a group's header.
pub const GROUP_HEADER_BYTES: usize = 64;

const MAGIC: u32 = u32::from_le_bytes(*b"tgGr");
const COVERED_FROM: usize = 8;

/// What a group begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeader {
    /// Checksum of the group before it.
    pub previous_crc: u32,
    /// Number of frames.
    pub frame_count: u32,
    /// Size of the frames, without this header and the zeros after them.
    pub body_bytes: u32,
    /// Whose group it is.
    pub identity: Identity,
    /// Its number in the log.
    pub sequence: u64,
    /// When it was committed.
    pub commit_time: Timestamp,
}

impl GroupHeader {
    /// As it is written, given the checksum over the frames' checksums; and its own checksum.
    pub fn encode(&self, frames_crc: u32) -> ([u8; GROUP_HEADER_BYTES], u32) {
        let mut out = [0; GROUP_HEADER_BYTES];
        let mut rest = &mut out[COVERED_FROM..];
        rest.put_u32_le(self.previous_crc);
        rest.put_u32_le(self.frame_count);
        rest.put_u32_le(self.body_bytes);
        rest.put_u32_le(0);
        rest.put_u64_le(self.identity.wal.0);
        rest.put_u64_le(self.identity.segment.0);
        rest.put_u64_le(self.identity.node_epoch.0);
        rest.put_u64_le(self.sequence);
        rest.put_i64_le(self.commit_time.0);
        let crc = crc32c::crc32c_append(frames_crc, &out[COVERED_FROM..]);
        let mut rest = out.as_mut_slice();
        rest.put_u32_le(MAGIC);
        rest.put_u32_le(crc);
        (out, crc)
    }

    /// Reads the header that `bytes` begin with, and the checksum in it; none where there is none.
    pub fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let mut fields: &[u8] = bytes.first_chunk::<GROUP_HEADER_BYTES>()?;
        if fields.get_u32_le() != MAGIC {
            return None;
        }
        let crc = fields.get_u32_le();
        let previous_crc = fields.get_u32_le();
        let frame_count = fields.get_u32_le();
        let body_bytes = fields.get_u32_le();
        fields.advance(4);
        let identity = Identity {
            wal: WalId(fields.get_u64_le()),
            segment: SegmentId(fields.get_u64_le()),
            node_epoch: NodeEpoch(fields.get_u64_le()),
        };
        let sequence = fields.get_u64_le();
        let commit_time = Timestamp(fields.get_i64_le());
        let header = Self {
            previous_crc,
            frame_count,
            body_bytes,
            identity,
            sequence,
            commit_time,
        };
        Some((header, crc))
    }

    /// Size of the whole group, header and frames, without the zeros after them.
    pub fn group_bytes(&self) -> u64 {
        GROUP_HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }
}

/// Adds a frame's checksum to the checksum over the frames' checksums, which begins at 0.
pub fn add_frame_crc(frames_crc: u32, frame_crc: u32) -> u32 {
    crc32c::crc32c_append(frames_crc, &frame_crc.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_header_comes_back() {
        let header = GroupHeader {
            previous_crc: 1,
            frame_count: 2,
            body_bytes: 3,
            identity: Identity {
                wal: WalId(4),
                segment: SegmentId(5),
                node_epoch: NodeEpoch(6),
            },
            sequence: 7,
            commit_time: Timestamp(8),
        };
        let (bytes, crc) = header.encode(9);
        assert_eq!(GroupHeader::decode(&bytes), Some((header, crc)));
        assert_eq!(GroupHeader::decode(&bytes[..63]), None);
        assert_ne!(header.encode(10).1, crc, "the frames are covered");
    }
}
