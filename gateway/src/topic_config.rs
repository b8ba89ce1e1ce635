//! A topic's properties by Kafka's names, as CreateTopics returns them.
//!
//! Owns: every property that a client may expect, with its effective value. Does not own: which may
//! be set (`catalog`). Properties without effect here show Kafka's defaults, so that clients that
//! read, change and write them back do not stumble; those that would hold a batch back show that
//! they do not.

use model::{CleanupPolicy, TimestampType, TopicConfig};

/// One property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Whether the value is the default.
    pub(crate) is_default: bool,
}

/// Kafka's other topic properties, with their defaults.
const WITHOUT_EFFECT: [(&str, &str); 24] = [
    ("compression.gzip.level", "-1"),
    ("compression.lz4.level", "9"),
    ("compression.zstd.level", "3"),
    ("delete.retention.ms", "86400000"),
    ("file.delete.delay.ms", "60000"),
    ("flush.messages", "9223372036854775807"),
    ("flush.ms", "9223372036854775807"),
    ("follower.replication.throttled.replicas", ""),
    ("index.interval.bytes", "4096"),
    ("leader.replication.throttled.replicas", ""),
    ("local.retention.bytes", "-2"),
    ("local.retention.ms", "-2"),
    ("max.compaction.lag.ms", "9223372036854775807"),
    ("message.timestamp.after.max.ms", "9223372036854775807"),
    ("message.timestamp.before.max.ms", "9223372036854775807"),
    ("min.cleanable.dirty.ratio", "0.5"),
    ("min.compaction.lag.ms", "0"),
    ("min.insync.replicas", "1"),
    ("preallocate", "false"),
    ("remote.storage.enable", "false"),
    ("segment.bytes", "1073741824"),
    ("segment.jitter.ms", "0"),
    ("segment.ms", "604800000"),
    ("unclean.leader.election.enable", "false"),
];

/// Every property of a topic, by name.
pub(crate) fn describe(config: &TopicConfig) -> Vec<Property> {
    let defaults = with_effect(&TopicConfig::default());
    let ours = with_effect(config).into_iter().zip(defaults);
    let mut properties: Vec<_> = ours
        .map(|((name, value), (_, default))| Property {
            name: name.to_owned(),
            is_default: value == default,
            value,
        })
        .collect();
    properties.extend(WITHOUT_EFFECT.iter().filter_map(|&(name, default)| {
        let is_default = !config.others.contains_key(name);
        is_default.then(|| Property {
            name: name.to_owned(),
            value: default.to_owned(),
            is_default,
        })
    }));
    properties.extend(config.others.iter().map(|(name, value)| Property {
        name: name.clone(),
        value: value.clone(),
        is_default: false,
    }));
    properties.sort_by(|a, b| a.name.cmp(&b.name));
    properties
}

/// The seven properties that have an effect, as Kafka writes them.
fn with_effect(config: &TopicConfig) -> [(&'static str, String); 7] {
    let unlimited = |limit: Option<u64>| limit.map_or_else(|| "-1".to_owned(), |n| n.to_string());
    let cleanup_policy = match config.cleanup_policy {
        CleanupPolicy::Delete => "delete",
        CleanupPolicy::Compact => "compact",
    };
    let timestamp_type = match config.message_timestamp_type {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    [
        ("cleanup.policy", cleanup_policy.to_owned()),
        ("compression.type", config.compression_type.clone()),
        ("max.message.bytes", config.max_message_bytes.to_string()),
        (
            "message.timestamp.difference.max.ms",
            config.message_timestamp_difference_max_ms.to_string(),
        ),
        ("message.timestamp.type", timestamp_type.to_owned()),
        (
            "retention.bytes",
            unlimited(config.retention_bytes.map(|bytes| bytes.0)),
        ),
        ("retention.ms", unlimited(config.retention_ms)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_property_is_there_once_with_its_effective_value() {
        let mut config = TopicConfig {
            retention_ms: None,
            ..TopicConfig::default()
        };
        config
            .others
            .insert("segment.ms".to_owned(), "1000".to_owned());
        let properties = describe(&config);
        assert!(
            properties
                .windows(2)
                .all(|pair| pair[0].name < pair[1].name)
        );
        assert_eq!(properties.len(), 7 + WITHOUT_EFFECT.len());
        let find = |name: &str| properties.iter().find(|p| p.name == name).unwrap();
        assert_eq!(
            (
                &*find("retention.ms").value,
                find("retention.ms").is_default
            ),
            ("-1", false)
        );
        assert_eq!(
            (&*find("segment.ms").value, find("segment.ms").is_default),
            ("1000", false)
        );
        assert_eq!(find("cleanup.policy").value, "delete");
        assert!(find("retention.bytes").is_default);
    }
}
