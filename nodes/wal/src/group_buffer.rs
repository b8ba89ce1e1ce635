//! The one buffer in which each group is put together.
//!
//! Owns: the bytes of the group being made; each batch is copied once, from where it was received
//! to here. Does not own: which frames go into a group, or where it is written.

use model::Timestamp;

use crate::config::GROUP_BYTES_MAX;
use crate::disk::aligned;
use crate::format::frame::{FRAME_HEADER_BYTES, FrameOrigin, put_frame};
use crate::format::group::{GROUP_HEADER_BYTES, GroupHeader, add_frame_crc};
use crate::format::{BLOCK_BYTES, Chain, Identity};
use crate::write::FrameRecord;

/// What the buffer holds without growing: a group of the usual kind, its header and what fills its
/// last block.
const USUAL_BYTES: usize = GROUP_BYTES_MAX + 2 * BLOCK_BYTES;

/// A group in the making. It begins where a block of memory does, so that the disk can take it from
/// where it lies.
#[derive(Debug, Default)]
pub(crate) struct GroupBuffer {
    memory: Vec<u8>,
    /// Where in `memory` the group begins.
    start: usize,
    frames_crc: u32,
    frame_count: u32,
}

impl GroupBuffer {
    /// Begins a new group. What a single large frame has taken beyond the usual is given back.
    pub(crate) fn begin(&mut self) {
        let capacity = self.memory.capacity();
        if !(USUAL_BYTES..=USUAL_BYTES + BLOCK_BYTES).contains(&capacity) {
            (self.memory, self.start) = aligned(USUAL_BYTES);
        }
        self.memory.truncate(self.start);
        self.memory.resize(self.start + GROUP_HEADER_BYTES, 0);
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
        self.make_room(FRAME_HEADER_BYTES + payload[0].len() + payload[1].len());
        let position = self.bytes().len() as u64;
        let crc = put_frame(&mut self.memory, origin, record, payload);
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
        let header = GroupHeader {
            previous_crc: chain.crc,
            frame_count: self.frame_count,
            body_bytes: u32::try_from(self.frames_bytes()).expect("a group fits into a segment"),
            identity,
            sequence: chain.sequence,
            commit_time,
        };
        let (header, crc) = header.encode(self.frames_crc);
        self.memory[self.start..][..GROUP_HEADER_BYTES].copy_from_slice(&header);
        let whole = self.bytes().len().next_multiple_of(BLOCK_BYTES);
        self.memory.resize(self.start + whole, 0);
        Chain {
            sequence: chain.sequence + 1,
            crc,
            commit_time,
        }
    }

    /// Size of the frames so far.
    pub(crate) fn frames_bytes(&self) -> usize {
        self.bytes().len() - GROUP_HEADER_BYTES
    }

    /// Whether it has no frame.
    pub(crate) fn is_empty(&self) -> bool {
        self.frame_count == 0
    }

    /// The group so far; once finished, whole blocks.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..]
    }

    /// Grows for a frame beyond the usual; the memory would lose its place if it grew by itself.
    fn make_room(&mut self, frame_bytes: usize) {
        let wanted = (self.bytes().len() + frame_bytes).next_multiple_of(BLOCK_BYTES);
        if self.start + wanted > self.memory.capacity() {
            let (mut memory, start) = aligned(wanted);
            memory.extend_from_slice(self.bytes());
            (self.memory, self.start) = (memory, start);
        }
    }
}
