//! Reads the fixed parts of one segment's file.
//!
//! Owns: where they lie in the file, and that no length in the file makes anybody allocate more than
//! the file has. Does not own: what a fault means to whoever reads.

use std::io;
use std::sync::Arc;

use partition_log::SegmentId;

use crate::disk::{Disk, DiskFile};
use crate::error::{Fault, WalError};
use crate::format::block::Block;
use crate::format::footer::Directory;
use crate::format::header::SegmentHeader;
use crate::format::reach::Reach;
use crate::format::trailer::{Part, Trailer};
use crate::format::{BLOCK_BYTES, Identity};
use crate::names::segment_name;

/// Why a part of a segment cannot be read.
#[derive(Debug)]
pub(crate) enum PartError {
    /// The disk refused.
    Disk(io::Error),
    /// The bytes are wrong.
    Fault(Fault),
}

impl<F: Into<Fault>> From<F> for PartError {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

/// The open file of a segment.
#[derive(Clone)]
pub(crate) struct SegmentFile {
    pub(crate) segment: SegmentId,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) length: u64,
}

impl SegmentFile {
    pub(crate) fn open(disk: &dyn Disk, segment: SegmentId) -> io::Result<Self> {
        let file = disk.open(&segment_name(segment))?;
        let length = file.length()?;
        Ok(Self {
            segment,
            file,
            length,
        })
    }

    /// The first block.
    pub(crate) fn header(&self) -> Result<SegmentHeader, PartError> {
        let header = SegmentHeader::decode(&self.block(0)?)?;
        self.check_owner(header.identity.segment)?;
        Ok(header)
    }

    /// The last block.
    pub(crate) fn trailer(&self) -> Result<Trailer, PartError> {
        let position = self.trailer_position().ok_or(Fault::Short)?;
        let trailer = Trailer::decode(&self.block(position)?)?;
        self.check_owner(trailer.identity.segment)?;
        Ok(trailer)
    }

    /// Where the last block begins.
    pub(crate) fn trailer_position(&self) -> Option<u64> {
        self.length.checked_sub(BLOCK_BYTES as u64)
    }

    /// The partitions of a full segment.
    pub(crate) fn directory(&self, trailer: &Trailer) -> Result<Directory, PartError> {
        let bytes = self.part(trailer.directory)?;
        Ok(Directory::decode(&bytes).ok_or(Fault::Footer("the directory is not in order"))?)
    }

    /// The bytes of a part, checked.
    pub(crate) fn part(&self, part: Part) -> Result<Vec<u8>, PartError> {
        let end = part.position.checked_add(u64::from(part.length));
        if end.is_none_or(|end| end > self.length) {
            return Err(Fault::Short.into());
        }
        let mut bytes = vec![0; part.length as usize];
        self.read(&mut bytes, part.position)?;
        if !part.is_intact(&bytes) {
            return Err(Fault::Footer("the part's checksum is wrong").into());
        }
        Ok(bytes)
    }

    /// Up to where groups may lie, as far as the file says it while it is being written: where it does not, they may
    /// lie anywhere.
    pub(crate) fn reach(&self, identity: Identity) -> Result<u64, WalError> {
        let Some(position) = self.trailer_position() else {
            return Ok(self.length);
        };
        match self.block(position) {
            Ok(block) => Ok(match Reach::decode(&block) {
                Ok(reach) if reach.identity == identity => reach.end.min(self.length),
                // A trailer, or what the file held before, or half written.
                _ => self.length,
            }),
            Err(PartError::Disk(why)) => {
                Err(WalError::disk("read", &segment_name(self.segment))(why))
            }
            Err(PartError::Fault(_)) => Ok(self.length),
        }
    }

    /// The file up to `end`.
    pub(crate) fn read_to(&self, end: u64) -> Result<Vec<u8>, WalError> {
        let name = segment_name(self.segment);
        let length = usize::try_from(end).expect("a segment fits into memory");
        let mut bytes = vec![0; length];
        self.file
            .read_at(&mut bytes, 0)
            .map_err(WalError::disk("read", &name))?;
        Ok(bytes)
    }

    fn block(&self, position: u64) -> Result<Block, PartError> {
        let mut block = [0; BLOCK_BYTES];
        self.read(&mut block, position)?;
        Ok(block)
    }

    fn read(&self, buffer: &mut [u8], position: u64) -> Result<(), PartError> {
        self.file
            .read_at(buffer, position)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => PartError::Fault(Fault::Short),
                _ => PartError::Disk(error),
            })
    }

    fn check_owner(&self, found: SegmentId) -> Result<(), Fault> {
        if found == self.segment {
            Ok(())
        } else {
            Err(Fault::Segment(found))
        }
    }
}
