//! The log of one partition, as pure state: it gives offsets, knows what is durable, recognises
//! what was appended before, and says where batches lie.
//!
//! Owns: offsets, leader epoch, producers' sequences (KIP-98), gateways' append sequences, the queue
//! of appends that are not durable yet, the index of durable batches, retention, what of it all is
//! stored and how it is rebuilt.
//! Does not own: bytes (`wal`), the record format (`records`), quotas (`quota`), who leads
//! (`catalog`). Nothing here does I/O, reads a clock or draws lots.
//!
//! ```text
//!  append ─▶ New(facts) ─▶ write-ahead log ─▶ committed(facts, at) ─▶ high watermark ─▶ answer
//!         ╰▶ Repeat(offsets) ── wait until the high watermark has passed them ────────▶ answer
//!
//!  records or digests of segments, in order ─▶ replay ─▶ finish_replay ─▶ lead ─▶ append …
//! ```

pub mod append;
pub mod digest;
pub mod facts;
pub mod index;
pub mod limits;
pub mod log;
pub mod producers;
pub mod read;
pub mod recovery;
pub mod retention;
pub mod sessions;
pub mod snapshot;

mod codec;
#[cfg(test)]
mod fixtures;

pub use append::{Accepted, AppendError, AppendRequest};
pub use codec::DecodeError;
pub use digest::PartitionDigest;
pub use facts::{AppendFacts, FrameAt, Freed, LogRecord, ProducerStamp, SegmentId};
pub use index::{Extent, FrameEntry};
pub use log::{Bounds, PartitionLog, StaleLeadership};
pub use producers::{ProducerRefusal, Producers};
pub use read::{
    FrameRun, OutOfRange, Place, ReadPlan, first_frame_reaching, frame_with_max_timestamp,
    read_frames, select_frames,
};
pub use recovery::ReplayError;
pub use sessions::Sessions;
pub use snapshot::LogSnapshot;
