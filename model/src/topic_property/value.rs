//! Whether a value that a client wrote is one of a property.
//!
//! Owns: Kafka's rules (`ConfigDef`): spaces around a value do not count, numbers have their type's
//! range, words are told apart by capitals. Does not own: the ranges of single properties (`table`).

use std::collections::HashSet;

use super::{PROPERTY_VALUE_BYTES_MAX, PropertyType, Range, TopicProperty};

/// Why a value is none of a property; the text is for the tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid value {value} for configuration {name}: {why}")]
pub struct InvalidValue {
    name: &'static str,
    value: String,
    why: String,
}

/// Most characters of a wrong value that its refusal repeats.
const SHOWN_CHARS_MAX: usize = 100;

impl TopicProperty {
    /// What `written` means: the same without what does not count.
    ///
    /// # Errors
    /// If the property cannot have this value.
    pub fn parse(&self, written: &str) -> Result<String, InvalidValue> {
        let invalid = |why: String| InvalidValue {
            name: self.name,
            value: written.chars().take(SHOWN_CHARS_MAX).collect(),
            why,
        };
        if written.len() > PROPERTY_VALUE_BYTES_MAX {
            let why = format!("it is longer than {PROPERTY_VALUE_BYTES_MAX} bytes");
            return Err(invalid(why));
        }
        let value = trimmed(written);
        match self.kind {
            PropertyType::Boolean => boolean(value),
            PropertyType::String => Ok(value.to_owned()),
            PropertyType::Int => integer::<i32>(value, "INT"),
            PropertyType::Long => integer::<i64>(value, "LONG"),
            PropertyType::Double => double(value),
            PropertyType::List => list(value),
        }
        .and_then(|value| self.range.check(&value).map(|()| value))
        .map_err(invalid)
    }
}

/// As Java trims: everything up to the blank is blank.
fn trimmed(written: &str) -> &str {
    written.trim_matches(|character| character <= ' ')
}

fn boolean(value: &str) -> Result<String, String> {
    let lower = value.to_ascii_lowercase();
    if matches!(&*lower, "true" | "false") {
        Ok(lower)
    } else {
        Err("Expected value to be either true or false".to_owned())
    }
}

fn integer<T: std::str::FromStr + ToString>(value: &str, kind: &str) -> Result<String, String> {
    let number = value.parse::<T>().map(|number| number.to_string());
    number.map_err(|_| format!("Not a number of type {kind}"))
}

fn double(value: &str) -> Result<String, String> {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(format!("{number:?}")),
        Ok(_) | Err(_) => Err("Not a number of type DOUBLE".to_owned()),
    }
}

/// The words without the spaces around them, each once.
fn list(value: &str) -> Result<String, String> {
    let mut words = Vec::new();
    let mut seen = HashSet::new();
    if !value.is_empty() {
        for word in value.split(',').map(trimmed) {
            if word.is_empty() {
                return Err("Values must not be empty".to_owned());
            }
            if seen.insert(word) {
                words.push(word);
            }
        }
    }
    Ok(words.join(","))
}

impl Range {
    /// Whether a value of the right type lies in the range.
    fn check(self, value: &str) -> Result<(), String> {
        let words = || value.split(',').filter(|word| !word.is_empty());
        match self {
            Self::Any => Ok(()),
            Self::AtLeast(least) => Self::Between(least, i64::MAX).check(value),
            Self::Between(least, most) => within(value, least, most),
            Self::GzipLevel if value == "-1" => Ok(()),
            Self::GzipLevel => within(value, 1, 9)
                .map_err(|_| "Value must be between 1 and 9 or equal to -1".to_owned()),
            Self::Ratio => match value.parse() {
                Ok(0.0..=1.0) => Ok(()),
                _ => Err("Value must be between 0 and 1".to_owned()),
            },
            Self::OneOf(known) if known.contains(&value) => Ok(()),
            Self::SomeOf(known) if words().all(|word| known.contains(&word)) => Ok(()),
            Self::OneOf(known) | Self::SomeOf(known) => {
                Err(format!("String must be one of: {}", known.join(", ")))
            }
            Self::Replicas if value == "*" || words().all(is_replica) => Ok(()),
            Self::Replicas => Err(
                "must be the literal '*' or a list of replicas in the format \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],..."
                    .to_owned(),
            ),
            Self::Off if value == "false" => Ok(()),
            Self::Off => Err("Tiered storage cannot be turned on for a topic".to_owned()),
        }
    }
}

fn within(value: &str, least: i64, most: i64) -> Result<(), String> {
    let number: i64 = value.parse().expect("its type was checked");
    if number < least {
        Err(format!("Value must be at least {least}"))
    } else if number > most {
        Err(format!("Value must be no more than {most}"))
    } else {
        Ok(())
    }
}

fn is_replica(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    word.split_once(':')
        .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str, written: &str) -> Option<String> {
        let property = TopicProperty::named(name).expect("it is on the list");
        property.parse(written).ok()
    }

    #[test]
    fn every_default_is_a_value() {
        for property in &super::super::TOPIC_PROPERTIES {
            let default = property.parse(property.default);
            assert_eq!(default.as_deref(), Ok(property.default), "{property:?}");
        }
    }

    #[test]
    fn values_are_of_their_type() {
        for (name, written, value) in [
            ("retention.ms", " 1000 ", Some("1000")),
            ("retention.ms", "+5", Some("5")),
            ("retention.ms", "", None),
            ("retention.ms", "1e3", None),
            ("retention.ms", "9223372036854775808", None),
            ("max.message.bytes", "2147483648", None),
            ("preallocate", " TRUE ", Some("true")),
            ("preallocate", "1", None),
            ("min.cleanable.dirty.ratio", "1", Some("1.0")),
            ("min.cleanable.dirty.ratio", "x", None),
            ("min.cleanable.dirty.ratio", "NaN", None),
            ("compression.type", " gzip ", Some("gzip")),
            ("compression.type", "GZIP", None),
            (
                "cleanup.policy",
                " compact , delete ",
                Some("compact,delete"),
            ),
            ("cleanup.policy", "compact,compact", Some("compact")),
            ("cleanup.policy", " ", Some("")),
            ("cleanup.policy", "compact,", None),
            ("cleanup.policy", "shred", None),
        ] {
            assert_eq!(parsed(name, written).as_deref(), value, "{name}={written}");
        }
    }

    #[test]
    fn values_are_in_their_range() {
        for (name, good, bad) in [
            ("retention.ms", "-1", "-2"),
            ("segment.ms", "1", "0"),
            ("min.insync.replicas", "1", "0"),
            ("min.cleanable.dirty.ratio", "0.25", "1.01"),
            ("compression.gzip.level", "-1", "0"),
            ("compression.gzip.level", "9", "10"),
            ("compression.zstd.level", "-131072", "-131073"),
            ("message.timestamp.type", "LogAppendTime", "SomeTime"),
            ("remote.storage.enable", "false", "true"),
            ("follower.replication.throttled.replicas", "*", "*,1:2"),
            (
                "follower.replication.throttled.replicas",
                "0:1, 1:2",
                "0:1,x",
            ),
            ("leader.replication.throttled.replicas", "", "1:"),
        ] {
            assert!(parsed(name, good).is_some(), "{name}={good}");
            assert!(parsed(name, bad).is_none(), "{name}={bad}");
        }
        let long = "1:1,".repeat(PROPERTY_VALUE_BYTES_MAX / 4 + 1);
        assert!(parsed("leader.replication.throttled.replicas", &long).is_none());
    }

    #[test]
    fn a_refusal_says_what_was_wrong_with_what() {
        let property = TopicProperty::named("retention.ms").expect("it is on the list");
        let refusal = property.parse("soon").expect_err("it is no number");
        let text = "Invalid value soon for configuration retention.ms: Not a number of type LONG";
        assert_eq!(refusal.to_string(), text);
        let refusal = property.parse(&"9".repeat(20_000)).expect_err("too large");
        assert!(refusal.to_string().len() < 300);
    }
}
