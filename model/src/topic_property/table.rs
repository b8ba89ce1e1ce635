//! The list: one line a property, in the order of their names.
//!
//! Owns: names, types, defaults and ranges, which are Apache Kafka 4.3's (`TopicConfig`, `LogConfig`)
//! but for three: `retention.bytes` has MSK Serverless's default (virtual clusters may have another),
//! the two bounds of timestamps have none, and `segment.bytes` may be however small, since nothing
//! depends on it. Does not own: what a type or range means (`value`).

use super::PropertyType::{self, Boolean, Double, Int, List, Long, String};
use super::Range::{self, Any, AtLeast, Between, GzipLevel, Off, OneOf, Ratio, Replicas, SomeOf};
use super::TopicProperty;

/// Every property of a topic, by name.
pub const TOPIC_PROPERTIES: [TopicProperty; 34] = [
    property(
        ("cleanup.policy", List, "delete"),
        Some("log.cleanup.policy"),
        SomeOf(&["compact", "delete"]),
        "What happens to old records: delete removes them by age and size, compact keeps \
         the last one of each key. Fixed when the topic is created.",
    ),
    property(
        ("compression.gzip.level", Int, "-1"),
        Some("compression.gzip.level"),
        GzipLevel,
        "Level of gzip. Kept without effect.",
    ),
    property(
        ("compression.lz4.level", Int, "9"),
        Some("compression.lz4.level"),
        Between(1, 17),
        "Level of lz4. Kept without effect.",
    ),
    property(
        ("compression.type", String, "producer"),
        Some("compression.type"),
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        "How batches are stored: as their producer compressed them (producer), or \
         compressed anew with the codec that is named.",
    ),
    property(
        ("compression.zstd.level", Int, "3"),
        Some("compression.zstd.level"),
        Between(-131_072, 22),
        "Level of zstd. Kept without effect.",
    ),
    property(
        ("delete.retention.ms", Long, "86400000"),
        Some("log.cleaner.delete.retention.ms"),
        AtLeast(0),
        "How long tombstones of a compacted topic stay.",
    ),
    property(
        ("file.delete.delay.ms", Long, "60000"),
        Some("log.segment.delete.delay.ms"),
        AtLeast(0),
        "How long files wait to be deleted. Kept without effect.",
    ),
    property(
        ("flush.messages", Long, "9223372036854775807"),
        Some("log.flush.interval.messages"),
        AtLeast(1),
        "After how many records a log is synced. Kept without effect: every batch is \
         durable before it is acknowledged.",
    ),
    property(
        ("flush.ms", Long, "9223372036854775807"),
        None,
        AtLeast(0),
        "After what time a log is synced. Kept without effect: every batch is durable \
         before it is acknowledged.",
    ),
    property(
        ("follower.replication.throttled.replicas", List, ""),
        None,
        Replicas,
        "Followers that are slowed down. Kept without effect.",
    ),
    property(
        ("index.interval.bytes", Int, "4096"),
        Some("log.index.interval.bytes"),
        AtLeast(0),
        "How densely a log is indexed. Kept without effect.",
    ),
    property(
        ("leader.replication.throttled.replicas", List, ""),
        None,
        Replicas,
        "Leaders that are slowed down. Kept without effect.",
    ),
    property(
        ("local.retention.bytes", Long, "-2"),
        Some("log.local.retention.bytes"),
        AtLeast(-2),
        "How much of a tiered log stays local. Kept without effect.",
    ),
    property(
        ("local.retention.ms", Long, "-2"),
        Some("log.local.retention.ms"),
        AtLeast(-2),
        "How long a tiered log stays local. Kept without effect.",
    ),
    property(
        ("max.compaction.lag.ms", Long, "9223372036854775807"),
        Some("log.cleaner.max.compaction.lag.ms"),
        AtLeast(1),
        "How long a record may stay uncompacted at most.",
    ),
    property(
        ("max.message.bytes", Int, "1048588"),
        Some("message.max.bytes"),
        AtLeast(0),
        "The largest record batch, as it is sent and as it is stored.",
    ),
    property(
        (
            "message.timestamp.after.max.ms",
            Long,
            "9223372036854775807",
        ),
        Some("log.message.timestamp.after.max.ms"),
        AtLeast(0),
        "How far ahead of the server's time a record's timestamp may be.",
    ),
    property(
        (
            "message.timestamp.before.max.ms",
            Long,
            "9223372036854775807",
        ),
        Some("log.message.timestamp.before.max.ms"),
        AtLeast(0),
        "How far behind the server's time a record's timestamp may be.",
    ),
    property(
        (
            "message.timestamp.difference.max.ms",
            Long,
            "9223372036854775807",
        ),
        Some("log.message.timestamp.difference.max.ms"),
        AtLeast(0),
        "How far from the server's time, ahead or behind, a record's timestamp may be.",
    ),
    property(
        ("message.timestamp.type", String, "CreateTime"),
        Some("log.message.timestamp.type"),
        OneOf(&["CreateTime", "LogAppendTime"]),
        "Whose timestamps records have: the producer's (CreateTime) or the server's \
         (LogAppendTime).",
    ),
    property(
        ("min.cleanable.dirty.ratio", Double, "0.5"),
        Some("log.cleaner.min.cleanable.ratio"),
        Ratio,
        "From which part of a log on it is compacted.",
    ),
    property(
        ("min.compaction.lag.ms", Long, "0"),
        Some("log.cleaner.min.compaction.lag.ms"),
        AtLeast(0),
        "How long a record stays uncompacted at least.",
    ),
    property(
        ("min.insync.replicas", Int, "1"),
        Some("min.insync.replicas"),
        AtLeast(1),
        "How many replicas a write needs. Kept without effect: durability is the store's.",
    ),
    property(
        ("preallocate", Boolean, "false"),
        Some("log.preallocate"),
        Any,
        "Whether files are made in full size. Kept without effect.",
    ),
    property(
        ("remote.log.copy.disable", Boolean, "false"),
        None,
        Any,
        "Whether nothing more is copied to tiered storage. Kept without effect.",
    ),
    property(
        ("remote.log.delete.on.disable", Boolean, "false"),
        None,
        Any,
        "Whether tiered data goes when tiering is turned off. Kept without effect.",
    ),
    property(
        ("remote.storage.enable", Boolean, "false"),
        None,
        Off,
        "Whether the topic is tiered in Kafka's sense. Cannot be turned on.",
    ),
    property(
        ("retention.bytes", Long, "268435456000"),
        Some("log.retention.bytes"),
        Any,
        "How many bytes of a partition stay; a negative number for all.",
    ),
    property(
        ("retention.ms", Long, "604800000"),
        None,
        AtLeast(-1),
        "How long records stay, in milliseconds; -1 for ever.",
    ),
    property(
        ("segment.bytes", Int, "1073741824"),
        Some("log.segment.bytes"),
        AtLeast(0),
        "Size of a log's files. Kept without effect.",
    ),
    property(
        ("segment.index.bytes", Int, "10485760"),
        Some("log.index.size.max.bytes"),
        AtLeast(4),
        "Size of an index. Kept without effect.",
    ),
    property(
        ("segment.jitter.ms", Long, "0"),
        None,
        AtLeast(0),
        "By how much the rolling of files is spread. Kept without effect.",
    ),
    property(
        ("segment.ms", Long, "604800000"),
        None,
        AtLeast(1),
        "After what time a log goes on with a new file. Kept without effect.",
    ),
    property(
        ("unclean.leader.election.enable", Boolean, "false"),
        Some("unclean.leader.election.enable"),
        Any,
        "Whether a replica that is behind may lead. Kept without effect: nothing \
         acknowledged is lost.",
    ),
];

const fn property(
    (name, kind, default): (&'static str, PropertyType, &'static str),
    broker_name: Option<&'static str>,
    range: Range,
    documentation: &'static str,
) -> TopicProperty {
    TopicProperty {
        name,
        kind,
        default,
        broker_name,
        documentation,
        range,
    }
}
