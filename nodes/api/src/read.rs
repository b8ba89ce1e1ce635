//! Reading: batches, offsets, and the news that there is more to read.

use std::time::Duration;

use bytes::Bytes;
use model::{CatalogVersion, Offset, Timestamp, TopicPartition};

/// Where a partition's log begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogBounds {
    /// First offset that may be read.
    pub log_start_offset: Offset,
    /// End, exclusive, of what is durable and may be read.
    pub high_watermark: Offset,
    /// The same for `read_committed`.
    pub last_stable_offset: Offset,
    /// Bytes ever appended that are not stored any more.
    pub start_position: u64,
    /// Bytes ever appended and durable: the difference of two positions is what lies between them.
    pub end_position: u64,
}

/// A wish for batches of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The partition.
    pub partition: TopicPartition,
    /// The cluster map the gateway routed by.
    pub map_version: CatalogVersion,
    /// The batch that contains this offset comes first.
    pub offset: Offset,
    /// Whole batches up to this many bytes.
    pub bytes_max: u32,
    /// Whether the first batch comes even if it is larger than `bytes_max`.
    pub at_least_one: bool,
}

/// What a [`Read`] found.
#[derive(Clone, Debug, Default)]
pub struct ReadReply {
    /// Whole batches in offset order, as pieces that are written one after the other.
    pub segments: Vec<Bytes>,
    /// Sum of the pieces' sizes.
    pub bytes: usize,
    /// The offset to go on from; the asked one where nothing was read.
    pub next_offset: Offset,
    /// Position of `next_offset`, to be compared with [`LogBounds::end_position`]. None where it
    /// is not known without reading.
    pub next_position: Option<u64>,
    /// Where the log begins and ends now.
    pub bounds: LogBounds,
    /// Not zero where the egress quota held batches back: when to ask again.
    pub retry_after: Duration,
}

/// Why nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The offset lies outside the log.
    #[error("offset out of range")]
    OutOfRange {
        /// Where the log begins and ends.
        bounds: LogBounds,
    },
    /// The partition is not here.
    #[error("not the owner of the partition")]
    NotOwner,
    /// A bound of the node is reached; ask again.
    #[error("the node is at its bound of reads")]
    Busy,
    /// Stored bytes could not be read, or are damaged. The log has the details.
    #[error("storage error")]
    Storage,
}

/// What a client wants to know an offset by (ListOffsets, key 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetQuery {
    /// -2: the log start offset.
    Earliest,
    /// -1: the high watermark, or the last stable offset.
    Latest,
    /// -3: the record with the largest timestamp.
    MaxTimestamp,
    /// The first record at or after this time.
    AtOrAfter(Timestamp),
}

/// A wish for one offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindOffset {
    /// The partition.
    pub partition: TopicPartition,
    /// The cluster map the gateway routed by.
    pub map_version: CatalogVersion,
    /// Which offset.
    pub query: OffsetQuery,
}

/// The answer to a [`FindOffset`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    /// The offset and its record's timestamp; none where no record fits. Earliest and latest have
    /// no timestamp ([`Timestamp::NONE`]).
    pub found: Option<(Offset, Timestamp)>,
    /// Where the log begins and ends now.
    pub bounds: LogBounds,
}

/// The news about one partition that a gateway is interested in; only the latest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The partition.
    pub partition: TopicPartition,
    /// Where its log begins and ends; none where it is gone or not here (any more).
    pub bounds: Option<LogBounds>,
}
