//! What goes into the log and what comes back out of it once it is durable.
//!
//! Owns: the vocabulary of writers. Does not own: how it is written ([`crate::committer`]).

use std::sync::Arc;

use model::{ByteCount, Timestamp, TopicPartition, VirtualClusterId};
use partition_log::{FrameAt, Freed, LogRecord, SegmentId};
use quota::{Meters, Minute};
use records::StampedBatch;

use crate::format::frame::FRAME_HEADER_BYTES;
use crate::format::payload::Payload;

/// What one frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameRecord {
    /// A change of a partition's log.
    Log(LogRecord),
    /// The meters of all that lies before this frame in the log, so that older segments can go.
    /// Whoever submits it vouches for that, also for what is not acknowledged yet.
    MeterTotals(Meters),
    /// The same, filled in by the log itself, which alone knows what lies before the frame; it comes
    /// back as [`FrameRecord::MeterTotals`].
    MeterTotalsNow(TotalsOrder),
    /// Bytes that this virtual cluster stores no more, of partitions that are gone: found out at a
    /// start, where what the log has counted is more than what its partitions store.
    Freed(ByteCount),
}

/// What becomes of the windows in totals that the log fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotalsOrder {
    /// They are carried on as they are.
    Carry,
    /// Those that are over when the frame is committed are sealed, unless a batch of them is still
    /// on its way to where it is kept.
    Seal {
        /// All batches numbered below this are kept there for good.
        stored_below: u64,
    },
}

impl TotalsOrder {
    /// Does with `total` what is ordered, in a frame that is committed in `minute`.
    pub fn apply(self, total: &mut Meters, minute: Minute) {
        if let Self::Seal { stored_below } = self {
            total.note_stored(stored_below);
            // Commit times never go back, so nothing is counted before this minute any more.
            total.seal_before(minute);
        }
    }
}

/// One frame to be written.
#[derive(Clone, Debug)]
pub struct FrameWrite {
    /// Who is told when it is durable.
    pub shard: u16,
    /// Whose bytes they are.
    pub virtual_cluster: VirtualClusterId,
    /// Whose change it is; of no meaning for meter totals.
    pub partition: TopicPartition,
    /// What it says.
    pub record: FrameRecord,
    /// The batch: there if, and only if, the record is an append.
    pub batch: Option<StampedBatch>,
}

/// What a shard is told, in the order in which it happened.
#[derive(Clone, Debug)]
pub enum WalEvent {
    /// Frames of this shard are durable.
    Committed(Committed),
    /// A segment is full and its footer is durable. All that it holds was announced before.
    SegmentSealed(SegmentId),
}

/// Frames of one shard that one sync made durable, in the order in which they were submitted.
#[derive(Clone, Debug)]
pub struct Committed {
    /// When; never earlier than in any event before.
    pub commit_time: Timestamp,
    /// The frames.
    pub frames: Vec<CommittedFrame>,
}

/// A frame that is durable.
#[derive(Clone, Debug)]
pub struct CommittedFrame {
    /// Whose bytes they are.
    pub virtual_cluster: VirtualClusterId,
    /// Whose change it is.
    pub partition: TopicPartition,
    /// What it says.
    pub record: FrameRecord,
    /// Where its payload lies: the batch of an append.
    pub at: FrameAt,
    /// The batch as it was submitted, for whoever keeps the newest in memory.
    pub batch: Option<StampedBatch>,
}

/// A frame with its payload in the form in which it is written. Made by whoever submits, so that
/// encoding does not hold up the one thread that writes.
#[derive(Debug)]
pub struct PreparedFrame {
    pub(crate) write: FrameWrite,
    /// A snapshot, meters or freed bytes, as bytes; empty for the other kinds.
    pub(crate) content: Vec<u8>,
    submitted_bytes: usize,
    /// What the log has to fill in.
    totals: Option<TotalsOrder>,
}

impl PreparedFrame {
    /// Encodes what has to be encoded.
    ///
    /// # Panics
    /// If the batch is missing, not of an append, or not of the size that the facts say.
    pub fn new(write: FrameWrite) -> Self {
        let declared = match &write.record {
            FrameRecord::Log(LogRecord::Append(facts)) => Some(facts.batch_bytes as usize),
            _ => None,
        };
        let found = write.batch.as_ref().map(StampedBatch::len);
        assert_eq!(
            declared, found,
            "an append, and nothing else, has a batch as its facts say"
        );
        let mut content = Vec::new();
        match &write.record {
            FrameRecord::Log(LogRecord::Snapshot(snapshot)) => snapshot.encode(&mut content),
            FrameRecord::Log(LogRecord::LogStart(_, freed) | LogRecord::Closed(freed)) => {
                content.extend(encode_freed(*freed));
            }
            FrameRecord::Freed(bytes) => content.extend(bytes.0.to_le_bytes()),
            FrameRecord::MeterTotals(meters) => meters.encode(&mut content),
            FrameRecord::Log(LogRecord::Append(_)) | FrameRecord::MeterTotalsNow(_) => {}
        }
        let totals = match write.record {
            FrameRecord::MeterTotalsNow(order) => Some(order),
            _ => None,
        };
        let mut prepared = Self {
            write,
            content,
            submitted_bytes: 0,
            totals,
        };
        prepared.submitted_bytes = prepared.frame_bytes();
        prepared
    }

    /// Size of the frame, as far as it is known now.
    pub fn frame_bytes(&self) -> usize {
        let batch_bytes = self.write.batch.as_ref().map_or(0, StampedBatch::len);
        FRAME_HEADER_BYTES + batch_bytes + self.content.len()
    }

    /// Size of the frame as it was known when it was submitted: what it counts against the bound.
    pub fn submitted_bytes(&self) -> usize {
        self.submitted_bytes
    }

    /// Whether the log has to fill in totals.
    pub(crate) fn asks_for_totals(&self) -> bool {
        self.totals.is_some()
    }

    /// Fills in the totals, if they are asked for. `total` sums up all frames before this one, which
    /// will be committed in `minute`, or later: then they are filled in again. Where the windows are
    /// too many for a frame of `frame_bytes_max`, those that were never sealed are joined: the amounts
    /// stay, and the segments still know the minutes.
    pub(crate) fn fill_totals(&mut self, total: &Meters, frame_bytes_max: usize, minute: Minute) {
        let Some(order) = self.totals else {
            return;
        };
        let mut filled = total.clone();
        order.apply(&mut filled, minute);
        self.put_totals(filled);
        if self.frame_bytes() > frame_bytes_max {
            let mut filled = total.clone();
            filled.coarsen();
            order.apply(&mut filled, minute);
            self.put_totals(filled);
        }
    }

    fn put_totals(&mut self, totals: Meters) {
        self.content.clear();
        totals.encode(&mut self.content);
        self.write.record = FrameRecord::MeterTotals(totals);
    }

    /// What the frame carries.
    pub(crate) fn payload(&self) -> Payload<'_> {
        match &self.write.batch {
            Some(batch) => Payload::of_batch(batch),
            None => Payload::of_content(&self.content),
        }
    }
}

/// What a log start or a closed frame says of freed bytes: their number, and the position, each in 8
/// bytes.
pub(crate) fn encode_freed(freed: Freed) -> [u8; FREED_BYTES] {
    let mut out = [0; FREED_BYTES];
    out[..8].copy_from_slice(&freed.bytes.to_le_bytes());
    out[8..].copy_from_slice(&freed.position.to_le_bytes());
    out
}

/// Size of what [`encode_freed`] writes.
pub(crate) const FREED_BYTES: usize = 16;

/// The log has stopped for good: a write or a sync failed, so nobody knows what is on the disk. The
/// process must end; the next start finds out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the write-ahead log has stopped: {reason}")]
pub struct WalStopped {
    /// What went wrong first.
    pub reason: Arc<str>,
}
