//! Names that clients choose, checked once.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A topic's name: 1 to 249 characters of `[a-zA-Z0-9._-]`, neither `.` nor `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicName(Arc<str>);

/// Longest topic name, in characters (`Topic.java`, `MAX_NAME_LENGTH`).
pub const TOPIC_NAME_LENGTH_MAX: usize = 249;

/// Why a string is no topic name; the texts are Apache Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopicName {
    /// No character at all.
    #[error("Topic name is invalid: the empty string is not allowed")]
    Empty,
    /// `.` or `..`.
    #[error("Topic name is invalid: '.' or '..' is not allowed")]
    Dots,
    /// More than [`TOPIC_NAME_LENGTH_MAX`] characters.
    #[error(
        "Topic name is invalid: the length of the name is longer than the max allowed length 249"
    )]
    TooLong,
    /// A character outside the set.
    #[error(
        "Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    )]
    Character {
        /// The name, which is not too long.
        name: String,
    },
}

impl TopicName {
    /// Checks `name` as Kafka's `Topic.validate` does.
    pub fn parse(name: &str) -> Result<Self, InvalidTopicName> {
        if name.is_empty() {
            return Err(InvalidTopicName::Empty);
        }
        if name == "." || name == ".." {
            return Err(InvalidTopicName::Dots);
        }
        if name.len() > TOPIC_NAME_LENGTH_MAX {
            return Err(InvalidTopicName::TooLong);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if !name.bytes().all(allowed) {
            let name = name.to_owned();
            return Err(InvalidTopicName::Character { name });
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with `.` and `_` made equal: Kafka refuses two topics that differ only in these.
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TopicName {
    type Error = InvalidTopicName;

    fn try_from(name: String) -> Result<Self, InvalidTopicName> {
        Self::parse(&name)
    }
}

impl From<TopicName> for String {
    fn from(name: TopicName) -> Self {
        name.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        assert!(TopicName::parse("orders.eu-1_x").is_ok());
        assert!(TopicName::parse(&"a".repeat(249)).is_ok());
        assert_eq!(TopicName::parse(""), Err(InvalidTopicName::Empty));
        assert_eq!(TopicName::parse(".."), Err(InvalidTopicName::Dots));
        assert_eq!(
            TopicName::parse(&"a".repeat(250)),
            Err(InvalidTopicName::TooLong)
        );
        for name in ["naïve", "a b"] {
            let refused = TopicName::parse(name).expect_err("a character is not allowed");
            assert_eq!(
                refused.to_string(),
                format!(
                    "Topic name is invalid: '{name}' contains one or more characters other than \
                     ASCII alphanumerics, '.', '_' and '-'"
                )
            );
        }
    }
}
