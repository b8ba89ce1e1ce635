//! The bytes of a segment, the file that the write-ahead log is made of.
//!
//! Owns: where each field lies, what each checksum covers, and what a decoder refuses.
//! Does not own: files, or what a damaged place means ([`crate::scan`] judges that).
//!
//! ```text
//! 0        4096                                                        len-4096      len
//! | header | group | group | ... | last group | footer | (unused) ... | trailer |
//!          ^ every group, the footer and the trailer begin on a block of 4096 bytes; while the segment is
//!            written, its reach stands where the trailer comes
//!
//! group  = header (64)  frame frame ...  zeros up to the next block
//! frame  = header (136) payload: a batch (61-byte header and body), a snapshot, meters, or nothing
//! footer = directory (one entry a partition)  digest digest ...  meters
//! ```
//!
//! All numbers are little-endian; a batch keeps Kafka's own byte order. Checksums are CRC-32C.
//!
//! Invariants:
//! * Everything is written only after what lies before it has been synced: the header, then one
//!   group after the other, then footer and trailer together, then the header of the next segment.
//!   So whatever is intact proves that all before it was durable.
//! * A group names its log, segment, node epoch and number, and chains to the checksum of the group
//!   before it, over the borders of segments. So what a recycled file held before is never taken
//!   for new.

pub mod block;
mod crc;
pub mod footer;
pub mod frame;
pub mod group;
pub mod header;
pub mod payload;
pub mod reach;
pub mod trailer;

use model::{NodeEpoch, Timestamp};
use partition_log::SegmentId;

/// Unit of alignment and of what is found by position alone: header and trailer fill one each.
pub const BLOCK_BYTES: usize = 4096;

/// Version of everything in this module.
pub const FORMAT_VERSION: u32 = 2;

/// Name of one write-ahead log, drawn by chance when it was created and secret: without it nobody
/// can make up a payload that looks like a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalId(pub u64);

/// What every group of a segment repeats. A segment is written under one node epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The log.
    pub wal: WalId,
    /// The segment.
    pub segment: SegmentId,
    /// The incarnation of the node that writes it.
    pub node_epoch: NodeEpoch,
}

/// How far the chain of groups has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Number of the next group; the first one of a log is 0.
    pub sequence: u64,
    /// Checksum of the group before it; 0 where there is none.
    pub crc: u32,
    /// Commit time of the group before it; the next one's is not earlier.
    pub commit_time: Timestamp,
}

impl Chain {
    /// Where a new log begins.
    pub const START: Self = Self {
        sequence: 0,
        crc: 0,
        commit_time: Timestamp(0),
    };
}

/// `bytes` rounded up to whole blocks.
pub const fn to_blocks(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK_BYTES as u64)
}
