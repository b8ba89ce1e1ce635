//! What a topic and its cluster ask of a client's batch.
//!
//! Owns: the rules as data, and where they come from. Does not own: applying them to bytes.

use model::{ByteCount, Limits, Timestamp, TimestampType, TopicConfig};

use crate::compress::{Codec, DecompressLimits};

/// The rules that a produced batch is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRules {
    /// Version of the Produce request; batches of format v2 begin at 3, zstd at 7.
    pub produce_version: i16,
    /// The topic's `max.message.bytes`: size of the whole batch as sent, compressed.
    pub batch_bytes_max: ByteCount,
    /// The cluster's limit. AWS answers it with another error than the topic's.
    pub cluster_batch_bytes_max: ByteCount,
    /// Whether every record needs a key.
    pub compacted: bool,
    /// Whose timestamps the topic keeps. Only the producer's are held against the clock.
    pub timestamp_type: TimestampType,
    /// How far a record's timestamp may lie behind now; `i64::MAX` is no limit.
    pub timestamp_before_max_ms: i64,
    /// How far a record's timestamp may lie ahead of now; `i64::MAX` is no limit.
    pub timestamp_after_max_ms: i64,
    /// The codec that batches are stored with; none for their producer's.
    pub codec: Option<Codec>,
    /// Bounds for a batch that must be decompressed to be checked.
    pub decompress: DecompressLimits,
}

impl BatchRules {
    /// The rules of a topic within its cluster's limits.
    pub fn of_topic(produce_version: i16, topic: &TopicConfig, cluster: &Limits) -> Self {
        let difference = topic.message_timestamp_difference_max_ms;
        Self {
            produce_version,
            batch_bytes_max: topic.max_message_bytes,
            cluster_batch_bytes_max: cluster.message_bytes_max,
            compacted: topic.cleanup_policy.compacts(),
            timestamp_type: topic.message_timestamp_type,
            timestamp_before_max_ms: difference.min(topic.message_timestamp_before_max_ms),
            timestamp_after_max_ms: difference.min(topic.message_timestamp_after_max_ms),
            codec: Codec::of_topic(&topic.compression_type),
            decompress: DecompressLimits::default(),
        }
    }

    /// Whether a record may carry `timestamp` at the time `now`. "No timestamp" always passes.
    pub(crate) fn accepts_timestamp(&self, timestamp: i64, now: Timestamp) -> bool {
        let passes = |limit: i64| {
            limit == i64::MAX || now.0.abs_diff(timestamp) <= u64::try_from(limit).unwrap_or(0)
        };
        self.timestamp_type == TimestampType::LogAppendTime
            || timestamp == Timestamp::NONE.0
            || passes(self.timestamp_limit_ms(timestamp, now))
    }

    /// The limit that a timestamp is held to: another one for what is past.
    pub(crate) fn timestamp_limit_ms(&self, timestamp: i64, now: Timestamp) -> i64 {
        if timestamp > now.0 {
            self.timestamp_after_max_ms
        } else {
            self.timestamp_before_max_ms
        }
    }
}
