//! The one buffer in which each group is put together.
//!
//! Owns: the bytes of the group being made; each batch is copied once, from where it was received
//! to here. Does not own: which frames go into a group, or where it is written.

use std::io;

use model::Timestamp;

use crate::config::GROUP_BYTES_MAX;
use crate::disk::memory::BlockMemory;
use crate::format::frame::{FRAME_HEADER_BYTES, FrameOrigin, put_frame};
use crate::format::group::{GROUP_HEADER_BYTES, GroupHeader, add_frame_crc};
use crate::format::payload::Payload;
use crate::format::{BLOCK_BYTES, Chain, Identity};
use crate::write::FrameRecord;

/// What the buffer holds without growing: a group of the usual kind, its header and what fills its
/// last block.
const USUAL_BYTES: usize = GROUP_BYTES_MAX + 2 * BLOCK_BYTES;

/// A group in the making. It begins where a block of memory does, so that the disk can take it from
/// where it lies.
#[derive(Debug, Default)]
pub(crate) struct GroupBuffer {
    /// There since the first group was begun. What lies behind the group is of groups before.
    memory: Option<BlockMemory>,
    /// Size of the group so far.
    bytes: usize,
    frames_crc: u32,
    frame_count: u32,
}

impl GroupBuffer {
    /// Begins a new group. What a single large frame has taken beyond the usual is given back.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        self.memory.take_if(|memory| memory.len() != USUAL_BYTES);
        if self.memory.is_none() {
            self.memory = Some(BlockMemory::new(USUAL_BYTES)?);
        }
        self.bytes = GROUP_HEADER_BYTES;
        self.frames_crc = 0;
        self.frame_count = 0;
        Ok(())
    }

    /// Adds a frame and says where in the group it begins.
    pub(crate) fn push(
        &mut self,
        origin: &FrameOrigin,
        record: &FrameRecord,
        payload: Payload<'_>,
    ) -> io::Result<u64> {
        let end = self.bytes + FRAME_HEADER_BYTES + payload.bytes();
        self.make_room(end)?;
        let start = std::mem::replace(&mut self.bytes, end);
        let crc = put_frame(&mut self.memory()[start..end], origin, record, payload);
        self.frames_crc = add_frame_crc(self.frames_crc, crc);
        self.frame_count += 1;
        Ok(start as u64)
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
        let end = self.bytes;
        let whole = end.next_multiple_of(BLOCK_BYTES);
        let memory = self.memory();
        memory[..GROUP_HEADER_BYTES].copy_from_slice(&header);
        memory[end..whole].fill(0);
        self.bytes = whole;
        Chain {
            sequence: chain.sequence + 1,
            crc,
            commit_time,
        }
    }

    /// Size of the frames so far.
    pub(crate) fn frames_bytes(&self) -> usize {
        self.bytes - GROUP_HEADER_BYTES
    }

    /// Whether it has no frame.
    pub(crate) fn is_empty(&self) -> bool {
        self.frame_count == 0
    }

    /// The group so far; once finished, whole blocks.
    pub(crate) fn bytes(&self) -> &[u8] {
        let memory = self.memory.as_deref();
        &memory.expect("a group has been begun")[..self.bytes]
    }

    fn memory(&mut self) -> &mut [u8] {
        self.memory.as_deref_mut().expect("a group has been begun")
    }

    /// Grows for a frame beyond the usual, to hold `end` bytes and what fills their last block.
    fn make_room(&mut self, end: usize) -> io::Result<()> {
        let wanted = end.next_multiple_of(BLOCK_BYTES);
        if wanted > self.memory().len() {
            let mut memory = BlockMemory::new(wanted)?;
            memory[..self.bytes].copy_from_slice(self.bytes());
            self.memory = Some(memory);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::NodeEpoch;
    use partition_log::SegmentId;

    use super::*;
    use crate::fixtures::{append, partition};
    use crate::format::WalId;
    use crate::write::PreparedFrame;

    const IDENTITY: Identity = Identity {
        wal: WalId(1),
        segment: SegmentId(1),
        node_epoch: NodeEpoch(1),
    };

    /// The group of one frame with a body of `body_bytes`.
    fn group(buffer: &mut GroupBuffer, body_bytes: usize) -> Vec<u8> {
        let frame = append(partition(1), 0, 1, &vec![9; body_bytes], None);
        let frame = PreparedFrame::new(frame);
        let origin = FrameOrigin {
            segment: IDENTITY.segment,
            node_epoch: IDENTITY.node_epoch,
            commit_time: Timestamp(5),
            virtual_cluster: frame.write.virtual_cluster,
            partition: frame.write.partition,
        };
        buffer.begin().unwrap();
        assert!(buffer.is_empty());
        let pushed = buffer.push(&origin, &frame.write.record, frame.payload());
        assert_eq!(pushed.unwrap(), GROUP_HEADER_BYTES as u64);
        assert_eq!(buffer.frames_bytes(), frame.frame_bytes());
        buffer.finish(IDENTITY, Chain::START, Timestamp(5));
        buffer.bytes().to_vec()
    }

    #[test]
    fn a_group_is_the_same_whatever_was_in_the_buffer_before() {
        let mut used = GroupBuffer::default();
        for body_bytes in [10_000, 20, 2 * USUAL_BYTES, 10_000, 3 * BLOCK_BYTES, 0] {
            let found = group(&mut used, body_bytes);
            assert!(found.len().is_multiple_of(BLOCK_BYTES));
            let fresh = group(&mut GroupBuffer::default(), body_bytes);
            assert!(found == fresh, "{body_bytes}");
        }
        let left = used.memory.unwrap().len();
        assert_eq!(left, USUAL_BYTES, "what the large one took is given back");
    }
}
