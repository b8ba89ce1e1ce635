//! The one buffer in which each group is put together.
//!
//! Owns: the bytes of the group being made; each batch is copied once, from where it was received
//! to here. Does not own: which frames go into a group, or where it is written.

use model::Timestamp;

use crate::config::GROUP_BYTES_MAX;
use crate::format::frame::{FrameOrigin, put_frame};
use crate::format::group::{GROUP_HEADER_BYTES, GroupHeader, add_frame_crc};
use crate::format::{BLOCK_BYTES, Chain, Identity};
use crate::write::FrameRecord;

/// A group in the making.
#[derive(Debug, Default)]
pub(crate) struct GroupBuffer {
    bytes: Vec<u8>,
    frames_crc: u32,
    frame_count: u32,
}

impl GroupBuffer {
    /// Begins a new group. What a single large frame has taken beyond the usual is given back.
    pub(crate) fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(GROUP_BYTES_MAX + 2 * BLOCK_BYTES);
        self.bytes.resize(GROUP_HEADER_BYTES, 0);
        self.frames_crc = 0;
        self.frame_count = 0;
    }

    /// Adds a frame and says where in the group it begins.
    pub(crate) fn push(
        &mut self,
        origin: &FrameOrigin,
        record: &FrameRecord,
        payload: [&[u8]; 2],
    ) -> u64 {
        let position = self.bytes.len() as u64;
        let crc = put_frame(&mut self.bytes, origin, record, payload);
        self.frames_crc = add_frame_crc(self.frames_crc, crc);
        self.frame_count += 1;
        position
    }

    /// Completes the group that follows `chain`, and says where the chain stands after it.
    pub(crate) fn finish(
        &mut self,
        identity: Identity,
        chain: Chain,
        commit_time: Timestamp,
    ) -> Chain {
        let body_bytes = self.bytes.len() - GROUP_HEADER_BYTES;
        let header = GroupHeader {
            previous_crc: chain.crc,
            frame_count: self.frame_count,
            body_bytes: u32::try_from(body_bytes).expect("a group fits into a segment"),
            identity,
            sequence: chain.sequence,
            commit_time,
        };
        let (header, crc) = header.encode(self.frames_crc);
        self.bytes[..GROUP_HEADER_BYTES].copy_from_slice(&header);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(BLOCK_BYTES), 0);
        Chain {
            sequence: chain.sequence + 1,
            crc,
            commit_time,
        }
    }

    /// Size of the frames so far.
    pub(crate) fn frames_bytes(&self) -> usize {
        self.bytes.len() - GROUP_HEADER_BYTES
    }

    /// Whether it has no frame.
    pub(crate) fn is_empty(&self) -> bool {
        self.frame_count == 0
    }

    /// The group so far; once finished, whole blocks.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
