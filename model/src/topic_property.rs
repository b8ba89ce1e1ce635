//! Kafka's topic properties: the name, type, default, range and meaning of each.
//!
//! Owns: the list (that of Apache Kafka 4.3, and MSK Serverless's one more), and whether a value is
//! of a property's type and range. Does not own: which of them have an effect, or may be changed
//! when (`catalog`), nor who is shown them (`gateway`).

mod table;
mod value;

use std::borrow::Cow;

use crate::limits::Limits;

pub use table::TOPIC_PROPERTIES;
pub use value::InvalidValue;

/// Longest value of a property, in bytes, spaces and all; a longer one is refused, so that no record
/// of the catalog is larger than a few of these. Kafka's is `Short.MAX_VALUE`.
pub const PROPERTY_VALUE_BYTES_MAX: usize = 8 * 1024;

/// `message.timestamp.difference.max.ms`: gone from Apache Kafka since 4.0, one of MSK Serverless's.
pub const DIFFERENCE_MAX_MS: &str = "message.timestamp.difference.max.ms";

/// The properties whose defaults depend on the virtual cluster.
const RETENTION_BYTES: &str = "retention.bytes";
const RETENTION_MS: &str = "retention.ms";

/// The type of a property's value (`ConfigDef.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyType {
    /// `true` or `false`, in capitals or not.
    Boolean,
    /// Text.
    String,
    /// A number of 32 bits.
    Int,
    /// A number of 64 bits.
    Long,
    /// A number with a fraction.
    Double,
    /// Words with commas between them.
    List,
}

/// What values a property may have, beside its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Range {
    /// Any.
    Any,
    /// A number, not below this.
    AtLeast(i64),
    /// A number in these bounds.
    Between(i64, i64),
    /// 1 to 9, or -1.
    GzipLevel,
    /// 0 to 1.
    Ratio,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, or none.
    SomeOf(&'static [&'static str]),
    /// `*`, or some of `partition:broker`.
    Replicas,
    /// Only `false`: there is no tiered storage in Kafka's sense.
    Off,
}

/// One property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopicProperty {
    /// Kafka's name.
    pub name: &'static str,
    /// The type of its value.
    pub kind: PropertyType,
    /// What holds where its owner has set nothing, in the `serverless` plan.
    pub default: &'static str,
    /// The broker's property that Kafka takes the default from, if it tells one.
    pub broker_name: Option<&'static str>,
    /// What it means.
    pub documentation: &'static str,
    pub(crate) range: Range,
}

impl TopicProperty {
    /// The property of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TOPIC_PROPERTIES
            .iter()
            .find(|property| property.name == name)
    }

    /// What holds where its owner has set nothing, in a virtual cluster with these limits.
    pub fn default_in(&self, limits: &Limits) -> Cow<'static, str> {
        let most = limits.retention_ms_max;
        match (self.name, limits.retention_bytes_default, most) {
            (RETENTION_BYTES, Some(bytes), _) => bytes.to_string().into(),
            (RETENTION_BYTES, None, _) => "-1".into(),
            (RETENTION_MS, _, Some(most))
                if self.default.parse().is_ok_and(|ms: u64| ms > most) =>
            {
                most.to_string().into()
            }
            _ => self.default.into(),
        }
    }
}
