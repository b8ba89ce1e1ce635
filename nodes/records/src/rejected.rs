//! Why a client's batch was refused, and the Kafka error code that says so.
//!
//! Owns: the facts of a refusal and their code. Does not own: the checks.
//! Codes follow Apache Kafka's `LogValidator`; where Kafka would answer with an unknown server
//! error (a codec that does not exist, bytes that do not decompress) a fitting code is used.

use model::{ByteCount, Timestamp};

use crate::decode::DecodeError;
use crate::header::BatchError;

/// Most records that one refusal names. Beyond it only their number is kept, so that an answer is
/// no larger than a few times what came in; a client that drops those named finds the next ones.
pub const RECORD_ERRORS_MAX: usize = 1000;

/// Kafka's error codes that a refused batch is answered with.
mod code {
    pub(super) const CORRUPT_MESSAGE: i16 = 2;
    pub(super) const MESSAGE_TOO_LARGE: i16 = 10;
    pub(super) const INVALID_TIMESTAMP: i16 = 32;
    pub(super) const UNSUPPORTED_VERSION: i16 = 35;
    pub(super) const INVALID_REQUEST: i16 = 42;
    pub(super) const UNSUPPORTED_COMPRESSION_TYPE: i16 = 76;
    pub(super) const INVALID_RECORD: i16 = 87;
}

/// What is wrong with one record of a batch that is otherwise sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// A compacted topic cannot place a record without a key.
    #[error("a compacted topic needs a key")]
    NoKey,
    /// The timestamp is too far from the time of the append.
    #[error("timestamp {timestamp} is further than {difference_max_ms} ms from {now}")]
    Timestamp {
        /// The record's.
        timestamp: Timestamp,
        /// When it was checked.
        now: Timestamp,
        /// The bound that it passes, one of the topic's `message.timestamp.*.max.ms`.
        difference_max_ms: i64,
    },
    /// The i-th record's offset delta must be i.
    #[error("offset delta {0} does not continue the one before")]
    OffsetDelta(i32),
}

/// Why a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Produce requests below version 3 carry formats that are gone.
    #[error("produce version {0} is not served")]
    ProduceVersion(i16),
    /// There is no batch.
    #[error("a produce request must have one record batch per partition")]
    NoBatch,
    /// The bytes do not begin with a whole batch of format v2.
    #[error(transparent)]
    Frame(#[from] BatchError),
    /// Something follows the batch.
    #[error("{received} bytes where one record batch of {batch} bytes is allowed")]
    MoreThanOneBatch {
        /// Size of the first batch.
        batch: ByteCount,
        /// Size of everything sent.
        received: ByteCount,
    },
    /// The batch is larger than the topic allows.
    #[error("a batch of {batch} bytes exceeds max.message.bytes ({limit})")]
    TooLarge {
        /// Size of the batch as sent.
        batch: ByteCount,
        /// The topic's `max.message.bytes`.
        limit: ByteCount,
    },
    /// The batch is larger than the cluster allows, whatever the topic says.
    #[error("a batch of {batch} bytes exceeds the cluster's limit ({limit})")]
    BeyondCluster {
        /// Size of the batch as sent.
        batch: ByteCount,
        /// The cluster's limit.
        limit: ByteCount,
    },
    /// Clients number the records of a batch from 0.
    #[error("base offset {0} instead of 0")]
    BaseOffset(i64),
    /// No records, or not one offset for each.
    #[error("{record_count} records with last offset delta {last_offset_delta}")]
    RecordCount {
        /// Records by the header.
        record_count: i32,
        /// Must be one less.
        last_offset_delta: i32,
    },
    /// Only the log writes control records.
    #[error("clients may not write control records")]
    Control,
    /// Only the log sets delete horizons.
    #[error("clients may not set a delete horizon")]
    DeleteHorizon,
    /// Only the log stamps batches with the time of their append.
    #[error("clients may not set the timestamp type to LogAppendTime")]
    LogAppendTime,
    /// The codec's number has no meaning.
    #[error("codec {0} is unknown")]
    UnknownCodec(u16),
    /// zstd came with Produce v7 (KIP-110): older consumers cannot be told.
    #[error("zstd needs produce version 7, this is {0}")]
    ZstdTooEarly(i16),
    /// Producer id, epoch and sequence do not go together.
    #[error(
        "producer id {producer_id} with epoch {producer_epoch}, sequence {base_sequence}, \
         transactional: {transactional}"
    )]
    Producer {
        /// Producer id, or a negative number for none.
        producer_id: i64,
        /// Needs to be 0 or more with a producer id.
        producer_epoch: i16,
        /// Needs to be 0 or more with a producer id.
        base_sequence: i32,
        /// Needs a producer id.
        transactional: bool,
    },
    /// The records cannot be read.
    #[error("the records cannot be read: {0}")]
    Records(#[from] DecodeError),
    /// Some records break a rule of the topic.
    #[error("{} of the records refused, the first (index {}): {}", .total, .errors[0].0, .errors[0].1)]
    InvalidRecords {
        /// Index within the batch and reason, ascending: at least one, at most
        /// [`RECORD_ERRORS_MAX`].
        errors: Vec<(u32, RecordFault)>,
        /// Number of records refused, with those that are not named.
        total: u32,
    },
}

impl Rejected {
    /// The code that Kafka's protocol has for it.
    pub fn kafka_code(&self) -> i16 {
        match self {
            Self::ProduceVersion(_) => code::UNSUPPORTED_VERSION,
            Self::Frame(fault) => frame_code(fault),
            // Answered so, a Java producer splits the batch and tries again. A body too large to
            // check is helped by the same.
            Self::TooLarge { .. } | Self::Records(DecodeError::TooLarge { .. }) => {
                code::MESSAGE_TOO_LARGE
            }
            Self::BeyondCluster { .. } => code::INVALID_REQUEST,
            Self::UnknownCodec(_) | Self::ZstdTooEarly(_) => code::UNSUPPORTED_COMPRESSION_TYPE,
            Self::LogAppendTime => code::INVALID_TIMESTAMP,
            Self::InvalidRecords { errors, .. }
                if errors.iter().any(|(_, fault)| fault.is_timestamp()) =>
            {
                code::INVALID_TIMESTAMP
            }
            Self::NoBatch
            | Self::MoreThanOneBatch { .. }
            | Self::BaseOffset(_)
            | Self::RecordCount { .. }
            | Self::Control
            | Self::DeleteHorizon
            | Self::Producer { .. }
            | Self::Records(_)
            | Self::InvalidRecords { .. } => code::INVALID_RECORD,
        }
    }
}

/// Old formats and cut-off batches are the client's doing; the rest may be the network's, and
/// CORRUPT_MESSAGE makes a client send it once more.
fn frame_code(fault: &BatchError) -> i16 {
    match fault {
        BatchError::Magic(0 | 1) | BatchError::Truncated { .. } => code::INVALID_RECORD,
        BatchError::Magic(_)
        | BatchError::Length(_)
        | BatchError::BytesLeft { .. }
        | BatchError::RecordCount(_)
        | BatchError::Offsets { .. }
        | BatchError::Crc { .. } => code::CORRUPT_MESSAGE,
    }
}

impl RecordFault {
    fn is_timestamp(self) -> bool {
        matches!(self, Self::Timestamp { .. })
    }
}
