//! Appending: what a gateway sends down a lane and what comes back.

use std::time::Duration;

use model::{
    AppendId, CatalogVersion, LeaderEpoch, Offset, Timestamp, TopicPartition, VirtualClusterId,
};
use records::ValidBatch;

/// One batch for one partition.
#[derive(Clone, Debug)]
pub struct Append {
    /// Names this append; a repeat carries the same.
    pub id: AppendId,
    /// Every append of this gateway to this partition below this sequence has been answered (or
    /// given up), so a sequence at or below it is no gap. Never above `id.sequence`.
    pub answered_below: u64,
    /// The virtual cluster that the partition belongs to; its bytes are billed there.
    pub virtual_cluster: VirtualClusterId,
    /// Where to append.
    pub partition: TopicPartition,
    /// The leadership the gateway believes in; another one is refused.
    pub leader_epoch: LeaderEpoch,
    /// The cluster map the gateway routed by; a node that is behind catches up first.
    pub map_version: CatalogVersion,
    /// The batch, as received and checked.
    pub batch: ValidBatch,
}

/// The batch is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the batch's first record.
    pub base_offset: Offset,
    /// First offset that a client may read.
    pub log_start_offset: Offset,
    /// Set where the topic stamps batches on arrival (`LogAppendTime`).
    pub log_append_time: Option<Timestamp>,
    /// How long the acknowledgement is still to be held, counted from this answer, so that the
    /// partition keeps to its ingress rate.
    pub ack_delay: Duration,
    /// How long the connection it came by is not to be read, likewise.
    pub stop_reading: Duration,
}

/// Why a batch was not appended. Nothing of it is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendRefusal {
    /// An earlier append of this gateway to this partition has not arrived.
    #[error("append sequence gap: {expected} is expected next")]
    Gap {
        /// The sequence that has to come first.
        expected: u64,
    },
    /// The partition is not here, or not under this leader epoch, or its opening is under way.
    #[error("not the owner of the partition")]
    NotOwner,
    /// A bound of the node is reached; nothing is wrong with the batch.
    #[error("the node is at its bound of unsynced bytes")]
    Busy,
    /// The batch is larger than what the node's log can hold (Kafka error 10).
    #[error("the batch is larger than the node's log can hold")]
    TooLarge,
    /// The partition is compacted, and as large as such a one may be (Kafka error 89).
    #[error("the compacted partition is at its limit of size")]
    PartitionFull,
    /// The producer's batch does not follow its last one (Kafka error 45).
    #[error("out of order sequence {found}, expected {expected}")]
    OutOfOrderSequence {
        /// The base sequence that would have followed.
        expected: i32,
        /// The one that came.
        found: i32,
    },
    /// The producer's batch was appended too long ago to say where (Kafka error 46).
    #[error("duplicate sequence")]
    DuplicateSequence,
    /// A newer incarnation of the producer has appended (Kafka error 47).
    #[error("the producer's epoch is fenced")]
    InvalidProducerEpoch,
    /// The partition's offsets are used up, or its log failed an invariant and is closed.
    #[error("the partition is closed")]
    Closed,
}

impl AppendRefusal {
    /// Whether the gateway is to send the same append again, rather than tell the client.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Gap { .. } | Self::NotOwner | Self::Busy)
    }
}

/// The answer to an [`Append`].
pub type AppendOutcome = Result<Appended, AppendRefusal>;

/// What comes back up a lane; may be lost, repeated or late.
#[derive(Clone, Debug)]
pub struct AppendReply {
    /// The append that is answered.
    pub id: AppendId,
    /// Its partition.
    pub partition: TopicPartition,
    /// What became of it.
    pub outcome: AppendOutcome,
}
