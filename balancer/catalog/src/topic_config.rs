//! Topic properties by Kafka's names: the seven that have an effect, the others that are kept.
//!
//! Source: AWS, "Configuration properties for MSK Serverless clusters"; Kafka's `TopicConfig`. MSK
//! refuses all but the seven, which breaks Kafka Streams and Connect; here the harmless rest is
//! accepted, kept and shown, without effect.

use model::topic_request::TopicError;
use model::{ByteCount, CleanupPolicy, Limits, TimestampType, TopicConfig};

/// Topic properties of Kafka that are kept without effect.
pub const KEPT_WITHOUT_EFFECT: &[&str] = &[
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// Reads the properties that a client wrote, over the defaults.
pub fn parse_config(
    written: &[(String, Option<String>)],
    limits: &Limits,
) -> Result<TopicConfig, TopicError> {
    let mut config = TopicConfig::default();
    for (name, value) in written {
        let Some(value) = value else {
            return Err(invalid(
                name,
                "null",
                "Null value not supported for topic configs",
            ));
        };
        set(&mut config, name, value, limits)?;
    }
    Ok(config)
}

fn set(
    config: &mut TopicConfig,
    name: &str,
    value: &str,
    limits: &Limits,
) -> Result<(), TopicError> {
    match name {
        "cleanup.policy" => {
            config.cleanup_policy = match value {
                "delete" => CleanupPolicy::Delete,
                "compact" => CleanupPolicy::Compact,
                _ => return Err(invalid(name, value, "expected delete or compact")),
            }
        }
        "compression.type" if CODECS.contains(&value) => {
            value.clone_into(&mut config.compression_type)
        }
        "compression.type" => {
            return Err(invalid(
                name,
                value,
                "expected one of zstd, lz4, snappy, gzip, uncompressed, producer",
            ));
        }
        "max.message.bytes" => {
            let bytes = number(name, value, 0)?;
            if bytes > limits.message_bytes_max.0 {
                let most = limits.message_bytes_max;
                return Err(invalid(
                    name,
                    value,
                    &format!("the largest value is {most}"),
                ));
            }
            config.max_message_bytes = ByteCount(bytes);
        }
        "message.timestamp.difference.max.ms" => {
            config.message_timestamp_difference_max_ms =
                i64::try_from(number(name, value, 0)?).unwrap_or(i64::MAX);
        }
        "message.timestamp.type" => {
            config.message_timestamp_type = match value {
                "CreateTime" => TimestampType::CreateTime,
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => return Err(invalid(name, value, "expected CreateTime or LogAppendTime")),
            }
        }
        "retention.bytes" => config.retention_bytes = unlimited(name, value)?.map(ByteCount),
        "retention.ms" => config.retention_ms = retention_ms(name, value, limits)?,
        _ if KEPT_WITHOUT_EFFECT.contains(&name) => {
            config.others.insert(name.to_owned(), value.to_owned());
        }
        _ => {
            return Err(TopicError::InvalidConfig {
                reason: format!("Unknown topic config name: {name}"),
            });
        }
    }
    Ok(())
}

fn retention_ms(name: &str, value: &str, limits: &Limits) -> Result<Option<u64>, TopicError> {
    let ms = unlimited(name, value)?;
    match limits.retention_ms_max {
        Some(most) if ms.is_none_or(|ms| ms > most) => Err(invalid(
            name,
            value,
            &format!("the largest value is {most}"),
        )),
        _ => Ok(ms),
    }
}

fn unlimited(name: &str, value: &str) -> Result<Option<u64>, TopicError> {
    if value == "-1" {
        Ok(None)
    } else {
        number(name, value, 0).map(Some)
    }
}

fn number(name: &str, value: &str, least: u64) -> Result<u64, TopicError> {
    match value.trim().parse::<i64>() {
        Ok(number) if number >= 0 && number.unsigned_abs() >= least => Ok(number.unsigned_abs()),
        Ok(_) => Err(invalid(
            name,
            value,
            &format!("Value must be at least {least}"),
        )),
        Err(_) => Err(invalid(name, value, "Not a number")),
    }
}

fn invalid(name: &str, value: &str, why: &str) -> TopicError {
    let reason = format!("Invalid value {value} for configuration {name}: {why}");
    TopicError::InvalidConfig { reason }
}

/// The seven properties with an effect, and the kept ones, by Kafka's names and spelling.
pub fn describe_config(config: &TopicConfig) -> Vec<(String, String)> {
    let or_unlimited = |value: Option<u64>| value.map_or("-1".to_owned(), |v| v.to_string());
    let cleanup = match config.cleanup_policy {
        CleanupPolicy::Delete => "delete",
        CleanupPolicy::Compact => "compact",
    };
    let timestamps = match config.message_timestamp_type {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    let seven = [
        ("cleanup.policy", cleanup.to_owned()),
        ("compression.type", config.compression_type.clone()),
        ("max.message.bytes", config.max_message_bytes.to_string()),
        (
            "message.timestamp.difference.max.ms",
            config.message_timestamp_difference_max_ms.to_string(),
        ),
        ("message.timestamp.type", timestamps.to_owned()),
        (
            "retention.bytes",
            or_unlimited(config.retention_bytes.map(|bytes| bytes.0)),
        ),
        ("retention.ms", or_unlimited(config.retention_ms)),
    ];
    let seven = seven
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let others = config
        .others
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    seven.chain(others).collect()
}
