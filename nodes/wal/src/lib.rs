//! The write-ahead log of one process, shared by all its partitions; its full files are the
//! first-level segments that partitions are read from.
//!
//! Owns: the format of segments, group commit, recovery, recycling, reading batches back, and the
//! seam to the disk ([`disk::Disk`]). Does not own: what a partition's records mean (`partition_log`),
//! when a segment is not needed any more, caches.
//!
//! ```text
//!  shards ─submit─▶ queue ─▶ Committer: one buffer ─▶ write, sync ─▶ events to the shards
//!                                │ full                   one group in flight
//!                                ▼
//!               footer, synced; the next file, from the pool of spares
//!
//!  open: footers of the sealed segments, a scan of the last one ─▶ Recovered, and a new segment
//!  reader: any frame by its place, any partition's digest by a sealed segment's footer
//! ```
//!
//! Pure parts: [`mod@format`], [`scan`], [`digest`]. [`committer`] and [`recover`] are driven from
//! outside over the disk's seam; [`running`] adds the threads.
//!
//! Invariants: nothing is announced before it is durable; what one recovery has shown stays; a failed
//! sync ends the log for good.

mod active;
mod commit_delay;
pub mod committer;
pub mod config;
#[cfg(any(test, feature = "sim"))]
pub mod contract;
pub mod digest;
pub mod disk;
pub mod error;
pub mod events;
#[cfg(any(test, feature = "sim"))]
pub mod fixtures;
pub mod format;
mod group_buffer;
pub mod handle;
mod inbox;
mod janitor;
mod names;
mod plant;
pub mod reader;
pub mod recover;
mod reports;
mod reserve;
pub mod running;
pub mod scan;
mod segment_file;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod spares;
pub mod write;

pub use committer::{Commit, Committer, ShardCommit};
pub use config::WalConfig;
pub use digest::{SegmentDigest, SegmentMeters};
pub use disk::{Disk, DiskFile, FileDisk};
pub use error::{Damage, WalError};
pub use events::ShardEvents;
pub use format::WalId;
pub use handle::{TrySubmitError, WalHandle};
pub use reader::{ReadError, SegmentReader};
pub use recover::segments::{SegmentSummary, Torn};
pub use recover::{Opened, Recovered, open};
pub use reports::reports_in;
pub use running::{Running, start};
pub use write::{
    Committed, CommittedFrame, FrameRecord, FrameWrite, PreparedFrame, TotalsOrder, WalEvent,
    WalStopped,
};

#[cfg(test)]
mod crash;
