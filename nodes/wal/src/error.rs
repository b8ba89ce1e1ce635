//! What can go wrong with the log as a whole. Reading has an error of its own
//! ([`crate::reader::ReadError`]).
//!
//! Owns: the facts of each failure. Does not own: what follows from one; all but a refused opening
//! end the process.

use std::io;

use model::{NodeEpoch, Offset};
use partition_log::SegmentId;

use crate::format::WalId;
use crate::format::block::BlockFault;
use crate::format::frame::FrameFault;

/// Why the log cannot be opened, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// A configured number is out of its range.
    #[error("{key}: {reason}")]
    Config {
        /// The field of [`crate::WalConfig`].
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process has the folder.
    #[error("{folder} is in use by another process")]
    Locked {
        /// The folder.
        folder: String,
    },
    /// The disk refused something. After a failed sync nobody knows what is on it.
    #[error("cannot {action} {name}")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        name: String,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The system has no memory to put a group together in.
    #[error("there is no memory for a group")]
    Memory(#[source] io::Error),
    /// Bytes that were durable once have changed. Nothing is cut off: an operator has to look.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A file of another log lies in the folder.
    #[error("segment {} belongs to log {:016x}, the others to {:016x}", segment.0, found.0, expected.0)]
    Foreign {
        /// The segment.
        segment: SegmentId,
        /// Whose it is.
        found: WalId,
        /// Whose it should be.
        expected: WalId,
    },
    /// The log was written under a later, or the same, incarnation of the node.
    #[error("the node's epoch {} is not above {}, which the log was written under", given.0, found.0)]
    NodeEpoch {
        /// The last epoch in the log.
        found: NodeEpoch,
        /// The epoch it was opened with.
        given: NodeEpoch,
    },
}

impl WalError {
    /// For `map_err` on what a disk returns.
    pub(crate) fn disk(action: &'static str, name: &str) -> impl FnOnce(io::Error) -> Self {
        let name = name.to_owned();
        move |source| Self::Disk {
            action,
            name,
            source,
        }
    }
}

/// A damaged place of a segment, and why it is not the torn end of the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segment {} is damaged at byte {position}: {fault}; {proof}", segment.0)]
pub struct Damage {
    /// The segment.
    pub segment: SegmentId,
    /// First byte of the damaged group or part.
    pub position: u64,
    /// What is wrong there.
    pub fault: Fault,
    /// What shows that it was durable once.
    pub proof: Proof,
}

/// What is wrong with a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header or the trailer.
    #[error("{0}")]
    Block(#[from] BlockFault),
    /// Header or trailer of another segment.
    #[error("it belongs to segment {}", .0.0)]
    Segment(SegmentId),
    /// No group of this segment begins there.
    #[error("no group begins there")]
    NoGroup,
    /// A group that is not the next one.
    #[error("group {found} instead of {expected}")]
    Sequence {
        /// The number that was to follow.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// A group that does not chain to the one before it.
    #[error("the chain is broken")]
    Chain,
    /// A group whose checksum is wrong although its frames' are right.
    #[error("the group's checksum is wrong")]
    GroupCrc,
    /// A group whose frames do not fill it.
    #[error("the frames do not fill the group")]
    GroupSize,
    /// A frame.
    #[error("frame: {0}")]
    Frame(#[from] FrameFault),
    /// A batch that does not follow the partition's last one.
    #[error("the batch at offset {0} does not follow the partition's last one")]
    Order(Offset),
    /// A payload that is no batch.
    #[error("no batch lies there")]
    NoBatch,
    /// A part of the footer.
    #[error("{0}")]
    Footer(&'static str),
    /// The file is shorter than what it must hold.
    #[error("the file is too short")]
    Short,
}

/// What shows that a damaged place was durable once, so that it must not be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A later group of the log, at this position of the same segment.
    LaterGroup(u64),
    /// The segment's trailer, which is written after all groups.
    Trailer,
    /// A later segment, which is begun after the trailer.
    LaterSegment(SegmentId),
    /// A file gets its name after its header.
    Name,
    /// The checksum is right, so this is what was written.
    Checksum,
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LaterGroup(position) => write!(f, "a later group is intact at byte {position}"),
            Self::Trailer => f.write_str("its trailer is intact"),
            Self::LaterSegment(segment) => write!(f, "segment {} was begun after it", segment.0),
            Self::Name => f.write_str("it has the name of a segment"),
            Self::Checksum => f.write_str("its checksum is right"),
        }
    }
}
