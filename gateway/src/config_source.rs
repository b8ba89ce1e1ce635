//! Where the value of a property comes from, and of what type it is, by Kafka's numbers.

use model::PropertyType;

/// Where a value comes from (`ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub(crate) enum ConfigSource {
    /// Its owner has set it for the topic.
    Topic = 1,
    /// It is set for all brokers.
    AllBrokers = 3,
    /// It is set for the broker.
    Broker = 4,
    /// It is the default.
    Default = 5,
}

impl ConfigSource {
    pub(crate) const fn code(self) -> i8 {
        self as i8
    }

    /// Where a property comes from that nobody has set for a topic. Kafka sets this one for all
    /// brokers when a cluster is made.
    pub(crate) fn of_default(name: &str) -> Self {
        if name == MIN_INSYNC_REPLICAS {
            Self::AllBrokers
        } else {
            Self::Default
        }
    }
}

/// The one property that is set for all brokers.
pub(crate) const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// The type of a value (`ConfigType`).
pub(crate) const fn type_code(kind: PropertyType) -> i8 {
    match kind {
        PropertyType::Boolean => 1,
        PropertyType::String => 2,
        PropertyType::Int => 3,
        PropertyType::Long => 5,
        PropertyType::Double => 6,
        PropertyType::List => 7,
    }
}
