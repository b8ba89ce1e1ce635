//! What may be asked of the catalog about topics, and the answers. The gateway turns them from and
//! into Kafka's messages; the catalog decides.

use crate::{TopicConfig, TopicId, TopicName};

/// A topic to be created; numbers are already resolved, or none for the cluster's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name, as the client wrote it: names are checked with all else.
    pub name: String,
    /// Partitions; none for the virtual cluster's default.
    pub partitions: Option<u32>,
    /// Replication factor; none for the virtual cluster's default.
    pub replication_factor: Option<i16>,
    /// Properties by Kafka's names, as the client wrote them.
    pub configs: Vec<(String, Option<String>)>,
}

/// A topic that was created, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id; [`TopicId::ZERO`] where it was only validated.
    pub id: TopicId,
    /// Its name.
    pub name: TopicName,
    /// Its partitions.
    pub partitions: u32,
    /// The replication factor it reports.
    pub replication_factor: i16,
    /// Its effective properties.
    pub config: TopicConfig,
}

/// Which topic to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id (DeleteTopics v6).
    Id(TopicId),
}

/// A topic that is to have more partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MorePartitions {
    /// Its name.
    pub name: String,
    /// How many partitions it is to have in all, as the client wrote it.
    pub count: i32,
    /// For each new partition the brokers that a client wants it on. Checked against the virtual
    /// brokers; otherwise without effect, since placement is not the client's.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// A change of a topic's properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicChange {
    /// Its name.
    pub name: String,
    /// What is to change.
    pub change: ConfigChange,
}

/// How properties change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// Those named are set, all others go back to their defaults (AlterConfigs), but for
    /// `cleanup.policy`, which stays.
    Replace(Vec<(String, String)>),
    /// Those named change, all others stay (IncrementalAlterConfigs).
    Each(Vec<(String, PropertyChange)>),
}

/// A change of one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyChange {
    /// It has this value from now on.
    Set(String),
    /// It goes back to its default.
    Delete,
    /// These elements are added to a list.
    Append(String),
    /// These elements are taken from a list.
    Subtract(String),
}

/// Why a topic was not created, changed or deleted. The texts are for the tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Kafka error 36.
    #[error("Topic '{name}' already exists.")]
    AlreadyExists {
        /// The name.
        name: String,
    },
    /// Kafka error 17.
    #[error("{reason}")]
    InvalidName {
        /// What is wrong with it.
        reason: String,
    },
    /// Kafka error 37.
    #[error("{reason}")]
    InvalidPartitions {
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Kafka error 38.
    #[error("{reason}")]
    InvalidReplicationFactor {
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Kafka error 39.
    #[error("{reason}")]
    InvalidReplicaAssignment {
        /// What is wrong with it.
        reason: String,
    },
    /// Kafka error 40.
    #[error("{reason}")]
    InvalidConfig {
        /// The property and what is wrong with it.
        reason: String,
    },
    /// Kafka error 42: a limit of the virtual cluster (MSK Serverless answers so).
    #[error("{reason}")]
    LimitExceeded {
        /// Whether it is the limit of compacted partitions, or that of all others.
        compacted: bool,
        /// The limit, its ceiling and what was asked for.
        reason: String,
    },
    /// Kafka error 89: more partitions are created and deleted than the virtual cluster may (KIP-599).
    #[error(
        "The cluster's limit is {ceiling} partitions created and deleted in 5 minutes; {used} were, and \
         {asked} more were asked for. Try again in {} s.",
        retry_after_ms.div_ceil(1000)
    )]
    TooManyChanges {
        /// The limit.
        ceiling: u32,
        /// What was used of it.
        used: u32,
        /// What was asked for.
        asked: u32,
        /// When there is room for it, if nothing else comes; the whole span where there never is.
        retry_after_ms: u64,
    },
    /// Kafka error 3.
    #[error("This server does not host this topic-partition.")]
    UnknownTopic,
    /// Kafka error 100.
    #[error("This server does not host this topic ID.")]
    UnknownTopicId,
    /// The catalog could not be written; nothing has changed, or it will be seen that it has.
    #[error("The catalog could not be written; try again.")]
    Unavailable,
}
