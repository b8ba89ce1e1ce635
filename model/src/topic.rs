//! What a topic's owner may set, with MSK Serverless's defaults.

use serde::{Deserialize, Serialize};

use crate::units::ByteCount;
use std::collections::BTreeMap;

/// `cleanup.policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CleanupPolicy {
    /// Retention by time and size.
    #[default]
    Delete,
    /// The last value of each key is kept.
    Compact,
    /// Both.
    #[serde(rename = "compact,delete")]
    CompactDelete,
    /// Neither: an empty list.
    #[serde(rename = "")]
    Keep,
}

impl CleanupPolicy {
    /// The policy that does these two things.
    pub const fn of(compacts: bool, deletes: bool) -> Self {
        match (compacts, deletes) {
            (false, false) => Self::Keep,
            (false, true) => Self::Delete,
            (true, false) => Self::Compact,
            (true, true) => Self::CompactDelete,
        }
    }

    /// Whether only the last value of each key is kept, so that every record needs a key.
    pub const fn compacts(self) -> bool {
        matches!(self, Self::Compact | Self::CompactDelete)
    }

    /// Whether what is old or too much goes.
    pub const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::CompactDelete)
    }
}

/// `message.timestamp.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimestampType {
    /// Timestamps are the producer's.
    #[default]
    CreateTime,
    /// Timestamps are set when the batch is appended.
    LogAppendTime,
}

/// The seven properties that MSK Serverless lets a client set
/// (AWS: "Configuration properties for MSK Serverless clusters"), and the two that came after
/// `message.timestamp.difference.max.ms` in Apache Kafka 3.6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicConfig {
    /// `cleanup.policy`.
    pub cleanup_policy: CleanupPolicy,
    /// `compression.type`: a codec's name, `uncompressed` or `producer`.
    pub compression_type: String,
    /// `max.message.bytes`: the largest batch as sent.
    pub max_message_bytes: ByteCount,
    /// `message.timestamp.difference.max.ms`.
    pub message_timestamp_difference_max_ms: i64,
    /// `message.timestamp.before.max.ms`.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub message_timestamp_after_max_ms: i64,
    /// `message.timestamp.type`.
    pub message_timestamp_type: TimestampType,
    /// `retention.bytes` per partition; none keeps everything.
    pub retention_bytes: Option<ByteCount>,
    /// `retention.ms`; none keeps everything.
    pub retention_ms: Option<u64>,
    /// Every property that its owner has set, by Kafka's name and as it was written: those above
    /// once more, and those that are kept without effect.
    #[serde(alias = "others")]
    pub written: BTreeMap<String, String>,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            cleanup_policy: CleanupPolicy::Delete,
            compression_type: "producer".to_owned(),
            max_message_bytes: ByteCount(1_048_588),
            message_timestamp_difference_max_ms: i64::MAX,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_after_max_ms: i64::MAX,
            message_timestamp_type: TimestampType::CreateTime,
            retention_bytes: Some(ByteCount(250 * 1024 * 1024 * 1024)),
            retention_ms: Some(7 * 24 * 60 * 60 * 1000),
            written: BTreeMap::new(),
        }
    }
}

impl TopicConfig {
    /// The properties that have an effect, by Kafka's names and in its spelling.
    pub fn with_effect(&self) -> [(&'static str, String); 9] {
        let or_unlimited = |limit: Option<u64>| limit.map_or("-1".to_owned(), |n| n.to_string());
        let cleanup_policy = match self.cleanup_policy {
            CleanupPolicy::Delete => "delete",
            CleanupPolicy::Compact => "compact",
            CleanupPolicy::CompactDelete => "compact,delete",
            CleanupPolicy::Keep => "",
        };
        let timestamp_type = match self.message_timestamp_type {
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        };
        let difference = self.message_timestamp_difference_max_ms;
        let (before, after) = (
            self.message_timestamp_before_max_ms,
            self.message_timestamp_after_max_ms,
        );
        let retention_bytes = self.retention_bytes.map(|bytes| bytes.0);
        [
            ("cleanup.policy", cleanup_policy.to_owned()),
            ("compression.type", self.compression_type.clone()),
            ("max.message.bytes", self.max_message_bytes.to_string()),
            ("message.timestamp.after.max.ms", after.to_string()),
            ("message.timestamp.before.max.ms", before.to_string()),
            (
                "message.timestamp.difference.max.ms",
                difference.to_string(),
            ),
            ("message.timestamp.type", timestamp_type.to_owned()),
            ("retention.bytes", or_unlimited(retention_bytes)),
            ("retention.ms", or_unlimited(self.retention_ms)),
        ]
    }
}
