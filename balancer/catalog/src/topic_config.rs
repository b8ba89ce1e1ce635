//! Topic properties as a client writes them: checked, and turned into what the system obeys.
//!
//! Owns: which of Kafka's properties have an effect (AWS, "Configuration properties for MSK Serverless
//! clusters", and the bounds of timestamps that came later), the limits of a virtual cluster on them,
//! what may change after creation. Does not own: their names, types and ranges (`model`).
//!
//! MSK refuses all but its seven, which breaks Kafka Streams and Connect; here the rest of Kafka's
//! list is checked, kept and shown, without effect.

use std::collections::{BTreeMap, HashSet};

use model::topic_request::{ConfigChange, PropertyChange, TopicError};
use model::{
    ByteCount, CleanupPolicy, InvalidValue, Limits, PropertyType, TimestampType, TopicConfig,
    TopicProperty,
};

/// Fixed when a topic is created, as in MSK Serverless.
const CLEANUP_POLICY: &str = "cleanup.policy";

/// Most bytes of all that is written of one topic, names and values; more is refused. It bounds a
/// record of the catalog, and with it what each change of the topic costs.
pub const WRITTEN_BYTES_MAX: usize = 32 * 1024;

/// What its owner wrote, by name.
type Written = BTreeMap<String, String>;

/// Reads the properties that a new topic's creator wrote, over the defaults. Of a property that
/// stands twice the last counts, as in Kafka.
pub fn parse_config(
    properties: &[(String, Option<String>)],
    limits: &Limits,
) -> Result<TopicConfig, TopicError> {
    let mut written = Written::new();
    for (name, value) in properties {
        let Some(value) = value else {
            let reason = format!("Null value not supported for topic configs: {name}");
            return Err(TopicError::InvalidConfig { reason });
        };
        written.insert(name.clone(), value.clone());
    }
    read(written, &Written::new(), limits)
}

/// The properties of a topic after a change.
pub fn alter_config(
    config: &TopicConfig,
    change: &ConfigChange,
    limits: &Limits,
) -> Result<TopicConfig, TopicError> {
    let before = written_of(config, limits);
    let after = match change {
        ConfigChange::Replace(properties) => {
            let fixed = before.get_key_value(CLEANUP_POLICY);
            let fixed = fixed.map(|(name, value)| (name.clone(), value.clone()));
            fixed.into_iter().chain(properties.clone()).collect()
        }
        ConfigChange::Each(changes) => {
            let mut after = before.clone();
            for (name, change) in changes {
                apply(&mut after, name, change)?;
            }
            after
        }
    };
    let altered = read(after, &before, limits)?;
    if altered.cleanup_policy != config.cleanup_policy {
        return Err(fixed(CLEANUP_POLICY));
    }
    Ok(altered)
}

/// What was written, without what an older release took and this one would not.
fn written_of(config: &TopicConfig, limits: &Limits) -> Written {
    let mut written = config.written.clone();
    written.retain(|name, value| {
        TopicProperty::named(name).is_some_and(|property| property.parse(value).is_ok())
    });
    // Older releases kept only the properties without effect as they were written.
    let defaults = defaults(limits).with_effect();
    for ((name, value), (_, default)) in config.with_effect().into_iter().zip(defaults) {
        if value != default {
            written.entry(name.to_owned()).or_insert(value);
        }
    }
    written
}

fn apply(written: &mut Written, name: &str, change: &PropertyChange) -> Result<(), TopicError> {
    match change {
        PropertyChange::Set(value) => {
            written.insert(name.to_owned(), value.clone());
        }
        // As in Kafka no matter whether there is such a property.
        PropertyChange::Delete => drop(written.remove(name)),
        PropertyChange::Append(elements) => {
            let mut list = elements_of(written, name, "APPEND")?;
            let mut there: HashSet<_> = list.iter().cloned().collect();
            for element in elements.split(',') {
                if there.insert(element.to_owned()) {
                    list.push(element.to_owned());
                }
            }
            written.insert(name.to_owned(), list.join(","));
        }
        PropertyChange::Subtract(elements) => {
            let mut list = elements_of(written, name, "SUBTRACT")?;
            let gone: HashSet<_> = elements.split(',').collect();
            list.retain(|there| !gone.contains(there.as_str()));
            written.insert(name.to_owned(), list.join(","));
        }
    }
    Ok(())
}

fn elements_of(written: &Written, name: &str, operation: &str) -> Result<Vec<String>, TopicError> {
    match TopicProperty::named(name) {
        Some(property) if property.kind == PropertyType::List => {
            let value = written.get(name).map_or(property.default, String::as_str);
            let elements = value.split(',').filter(|element| !element.is_empty());
            Ok(elements.map(str::to_owned).collect())
        }
        Some(_) | None => Err(TopicError::InvalidConfig {
            reason: format!("Can't {operation} to key {name} because its type is not LIST."),
        }),
    }
}

/// Makes a configuration of what is `written`. The virtual cluster's limits are for what is not
/// there `before`: a limit that was lowered since does not stand in the way of other changes.
fn read(written: Written, before: &Written, limits: &Limits) -> Result<TopicConfig, TopicError> {
    check_size(&written)?;
    let mut config = defaults(limits);
    for (name, value) in &written {
        let parsed = known(name)?.parse(value).map_err(invalid)?;
        if before.get(name) != Some(value) {
            check_limit(name, &parsed, limits)?;
        }
        set(&mut config, name, &parsed);
    }
    check_lags(&written)?;
    config.written = written;
    Ok(config)
}

/// What holds where nothing is written. A default above the cluster's maximum becomes the maximum.
fn defaults(limits: &Limits) -> TopicConfig {
    let config = TopicConfig::default();
    let retention_ms = config.retention_ms.into_iter();
    TopicConfig {
        retention_bytes: limits.retention_bytes_default,
        retention_ms: retention_ms.chain(limits.retention_ms_max).min(),
        ..config
    }
}

fn known(name: &str) -> Result<&'static TopicProperty, TopicError> {
    TopicProperty::named(name).ok_or_else(|| TopicError::InvalidConfig {
        reason: format!("Unknown topic config name: {name}"),
    })
}

/// The value has passed its property's check, which is what the expectations below rest on.
fn set(config: &mut TopicConfig, name: &str, value: &str) {
    const CHECKED: &str = "the value's type and range were checked";
    let number = || value.parse::<i64>().expect(CHECKED);
    let unless_negative = || u64::try_from(number()).ok();
    match name {
        CLEANUP_POLICY => {
            let does = |what| value.split(',').any(|word| word == what);
            config.cleanup_policy = CleanupPolicy::of(does("compact"), does("delete"));
        }
        "compression.type" => value.clone_into(&mut config.compression_type),
        "max.message.bytes" => {
            config.max_message_bytes = ByteCount(unless_negative().expect(CHECKED));
        }
        "message.timestamp.difference.max.ms" => {
            config.message_timestamp_difference_max_ms = number();
        }
        "message.timestamp.before.max.ms" => config.message_timestamp_before_max_ms = number(),
        "message.timestamp.after.max.ms" => config.message_timestamp_after_max_ms = number(),
        "message.timestamp.type" => {
            config.message_timestamp_type = if value == "LogAppendTime" {
                TimestampType::LogAppendTime
            } else {
                TimestampType::CreateTime
            };
        }
        "retention.bytes" => config.retention_bytes = unless_negative().map(ByteCount),
        "retention.ms" => config.retention_ms = unless_negative(),
        // Kept without effect.
        _ => {}
    }
}

fn check_limit(name: &str, value: &str, limits: &Limits) -> Result<(), TopicError> {
    if name == CLEANUP_POLICY {
        return check_policy(value, limits);
    }
    let number = value.parse::<i64>().ok();
    let most = match name {
        "max.message.bytes" => limits.message_bytes_max.0,
        "retention.ms" => limits.retention_ms_max.unwrap_or(u64::MAX),
        _ => return Ok(()),
    };
    // A negative number stands for no bound.
    let asked = number.and_then(|number| u64::try_from(number).ok());
    if asked.unwrap_or(u64::MAX) <= most {
        return Ok(());
    }
    let reason =
        format!("Invalid value {value} for configuration {name}: the cluster's limit is {most}");
    Err(TopicError::InvalidConfig { reason })
}

/// What nothing cleans up is kept for longer than any maximum.
fn check_policy(value: &str, limits: &Limits) -> Result<(), TopicError> {
    match limits.retention_ms_max {
        Some(most) if value.is_empty() => {
            let reason = format!(
                "Invalid value for configuration {CLEANUP_POLICY}: without a policy all is kept, \
                 and the cluster's limit is {most} ms"
            );
            Err(TopicError::InvalidConfig { reason })
        }
        Some(_) | None => Ok(()),
    }
}

/// See [`WRITTEN_BYTES_MAX`].
fn check_size(written: &Written) -> Result<(), TopicError> {
    let bytes = written.iter().map(|(name, value)| name.len() + value.len());
    let bytes: usize = bytes.sum();
    if bytes <= WRITTEN_BYTES_MAX {
        return Ok(());
    }
    let reason = format!(
        "The topic's configuration would have {bytes} bytes; it has at most {WRITTEN_BYTES_MAX}."
    );
    Err(TopicError::InvalidConfig { reason })
}

/// Kafka's only rule that is about two properties.
fn check_lags(written: &Written) -> Result<(), TopicError> {
    let value = |name: &str| {
        let property = TopicProperty::named(name)?;
        let value = written.get(name).map_or(property.default, String::as_str);
        property.parse(value).ok()?.parse::<i64>().ok()
    };
    let (least, most) = (
        value("min.compaction.lag.ms"),
        value("max.compaction.lag.ms"),
    );
    match (least, most) {
        (Some(least), Some(most)) if least > most => Err(TopicError::InvalidConfig {
            reason: format!(
                "conflict topic config setting min.compaction.lag.ms ({least}) > \
                 max.compaction.lag.ms ({most})"
            ),
        }),
        _ => Ok(()),
    }
}

fn invalid(why: InvalidValue) -> TopicError {
    let reason = why.to_string();
    TopicError::InvalidConfig { reason }
}

/// In the words of MSK Serverless.
fn fixed(name: &str) -> TopicError {
    TopicError::InvalidConfig {
        reason: format!(
            "The topic configuration {name} can't be altered: it is fixed when the topic is \
             created. The following topic configurations are alterable: [compression.type, \
             max.message.bytes, message.timestamp.after.max.ms, message.timestamp.before.max.ms, \
             message.timestamp.difference.max.ms, message.timestamp.type, retention.bytes, \
             retention.ms], and, without effect, Kafka's others."
        ),
    }
}

#[cfg(test)]
mod tests;
