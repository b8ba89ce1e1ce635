//! The one segment that is being written.
//!
//! Owns: where the next group goes, what the segment holds so far, how much of its end is kept free
//! for the footer; beginning and sealing it. Does not own: which frames go into a group.
//!
//! ```text
//! | header | groups ...  | room for the next group | reserve for the footer | reach, then trailer |
//!                        ^ end                                             one block
//! ```
//! Invariants: a segment gets its name after its header is durable, and its footer after all its
//! groups are; the next segment is begun after that. No group that is durable ends at or above the durable reach.

use std::io;
use std::sync::Arc;

use partition_log::FrameAt;

use crate::digest::SegmentDigest;
use crate::disk::{Disk, DiskFile};
use crate::error::WalError;
use crate::format::footer;
use crate::format::frame::FrameOrigin;
use crate::format::header::SegmentHeader;
use crate::format::reach::Reach;
use crate::format::{BLOCK_BYTES, Chain, Identity, to_blocks};
use crate::group_buffer::GroupBuffer;
use crate::names::{segment_name, spare_name};
use crate::plant::{Bug, is_planted};
use crate::reserve::FooterReserve;
use crate::spares::{Spare, sync_folder};
use crate::write::PreparedFrame;

/// The reach goes this part of a file ahead of the groups: what a start reads for nothing, against how often a
/// block more is written.
const REACH_PARTS: u64 = 16;

/// The segment that is being written.
pub(crate) struct Active {
    pub(crate) identity: Identity,
    pub(crate) chain: Chain,
    pub(crate) digest: SegmentDigest,
    reserve: FooterReserve,
    file: Arc<dyn DiskFile>,
    file_bytes: u64,
    end: u64,
    /// As it was written last.
    reach: u64,
}

impl Active {
    /// Begins a segment in the file of a spare.
    pub(crate) fn begin(
        disk: &dyn Disk,
        spare: Spare,
        header: SegmentHeader,
    ) -> Result<Self, WalError> {
        let (from, to) = (spare_name(spare.0), segment_name(header.identity.segment));
        let file = disk
            .open_for_blocks(&from)
            .map_err(WalError::disk("open", &from))?;
        let file_bytes = file.length().map_err(WalError::disk("open", &from))?;
        file.write_at(&header.encode(), 0)
            .map_err(WalError::disk("write", &from))?;
        let end = BLOCK_BYTES as u64;
        let reach = write_reach(&*file, header.identity, file_bytes, end)
            .map_err(WalError::disk("write", &from))?;
        file.sync().map_err(WalError::disk("sync", &from))?;
        disk.rename(&from, &to)
            .map_err(WalError::disk("rename", &from))?;
        sync_folder(disk)?;
        Ok(Self {
            identity: header.identity,
            chain: header.chain,
            digest: SegmentDigest::default(),
            reserve: FooterReserve::default(),
            file,
            file_bytes,
            end,
            reach,
        })
    }

    /// Where the next group begins.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Whether `frame` fits behind the group so far, with the footer that it then takes.
    pub(crate) fn fits(&self, group: &GroupBuffer, frame: &PreparedFrame) -> bool {
        let group = to_blocks((group.bytes().len() + frame.frame_bytes()) as u64);
        let fits = |new_partition: bool| {
            let footer = self.reserve.bytes() + FooterReserve::growth(frame, new_partition);
            let footer = to_blocks(footer as u64);
            self.end + group + footer + BLOCK_BYTES as u64 <= self.file_bytes
        };
        // A new partition takes most. Where even that fits, it need not be looked up.
        let is_known = || self.digest.partitions.contains_key(&frame.write.partition);
        fits(true) || (is_known() && fits(false))
    }

    /// Takes `frame` into the digest, but for what it counts, and keeps room for what it adds to the footer.
    ///
    /// # Panics
    /// As [`SegmentDigest::add`].
    pub(crate) fn take_in(&mut self, origin: &FrameOrigin, frame: &PreparedFrame, at: FrameAt) {
        let new_partition = self.digest.add_uncounted(origin, &frame.write.record, at);
        self.reserve.grow(frame, new_partition, origin.commit_time);
    }

    /// Whether nothing has been written to it.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == BLOCK_BYTES as u64
    }

    /// Writes a finished group and makes it durable.
    pub(crate) fn write_group(&mut self, group: &[u8], chain: Chain) -> Result<(), WalError> {
        let name = segment_name(self.identity.segment);
        let end = self.end + group.len() as u64;
        if end >= self.reach && !is_planted(Bug::StaleReach) {
            self.reach = write_reach(&*self.file, self.identity, self.file_bytes, end)
                .map_err(WalError::disk("write", &name))?;
        }
        self.file
            .write_at(group, self.end)
            .map_err(WalError::disk("write", &name))?;
        if !is_planted(Bug::AckBeforeSync) {
            self.file.sync().map_err(WalError::disk("sync", &name))?;
        }
        self.end = end;
        self.chain = chain;
        Ok(())
    }

    /// Writes the footer, so that the segment is never scanned again. It is durable on return.
    pub(crate) fn seal(&self) -> Result<(), WalError> {
        let name = segment_name(self.identity.segment);
        let footer = footer::encode(&self.digest, self.identity, self.chain, self.end);
        let footer_end = self.end + footer.bytes.len() as u64;
        // The reserve is an estimate: where the footer needs more, the file grows, and is removed
        // rather than recycled later.
        let trailer_at = footer_end.max(self.file_bytes - BLOCK_BYTES as u64);
        self.file
            .write_at(&footer.bytes, self.end)
            .map_err(WalError::disk("write", &name))?;
        self.file
            .write_at(&footer.trailer, trailer_at)
            .map_err(WalError::disk("write", &name))?;
        self.file.sync().map_err(WalError::disk("sync", &name))
    }
}

/// Writes how far groups may come when the next one ends at `end`, and says it. Durable with the next sync.
fn write_reach(
    file: &dyn DiskFile,
    identity: Identity,
    file_bytes: u64,
    end: u64,
) -> io::Result<u64> {
    let reach = end + to_blocks(file_bytes / REACH_PARTS);
    let block = Reach {
        identity,
        end: reach,
    };
    file.write_at(&block.encode(), file_bytes - BLOCK_BYTES as u64)?;
    Ok(reach)
}
