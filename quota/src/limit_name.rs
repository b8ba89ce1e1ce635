//! The limits of a virtual cluster by name, for whoever shows or counts them.
//!
//! Owns: the list and the labels, which are the names of the fields of [`model::Limits`]. Does not
//! own: the values.

use model::Limits;

/// One limit of a virtual cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitName {
    /// Bytes per second that all producers together may write.
    Ingress,
    /// Bytes per second that all consumers together may read.
    Egress,
    /// Bytes per second into one partition.
    PartitionIngress,
    /// Bytes per second out of one partition.
    PartitionEgress,
    /// Connections at one time.
    Connections,
    /// New connections per second.
    ConnectionAttempts,
    /// Requests per second.
    Requests,
    /// Topic-management requests per second.
    TopicRequests,
    /// Size of a record batch.
    MessageBytes,
    /// `max_bytes` of a fetch.
    FetchBytes,
    /// Consumer groups.
    ConsumerGroups,
    /// Partitions of topics that are not compacted.
    Partitions,
    /// Partitions of compacted topics.
    CompactedPartitions,
    /// Partitions created and deleted within five minutes.
    PartitionChanges,
    /// Size of a compacted partition.
    CompactedPartitionBytes,
}

impl LimitName {
    /// Every limit, in the order of the enum.
    pub const ALL: [Self; 15] = [
        Self::Ingress,
        Self::Egress,
        Self::PartitionIngress,
        Self::PartitionEgress,
        Self::Connections,
        Self::ConnectionAttempts,
        Self::Requests,
        Self::TopicRequests,
        Self::MessageBytes,
        Self::FetchBytes,
        Self::ConsumerGroups,
        Self::Partitions,
        Self::CompactedPartitions,
        Self::PartitionChanges,
        Self::CompactedPartitionBytes,
    ];

    /// Its name in the configuration, in metrics and in JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ingress => "ingress_bytes_per_s",
            Self::Egress => "egress_bytes_per_s",
            Self::PartitionIngress => "partition_ingress_bytes_per_s",
            Self::PartitionEgress => "partition_egress_bytes_per_s",
            Self::Connections => "connections_max",
            Self::ConnectionAttempts => "connection_attempts_per_s",
            Self::Requests => "requests_per_s",
            Self::TopicRequests => "topic_requests_per_s",
            Self::MessageBytes => "message_bytes_max",
            Self::FetchBytes => "fetch_bytes_max",
            Self::ConsumerGroups => "consumer_groups_max",
            Self::Partitions => "partitions_max",
            Self::CompactedPartitions => "compacted_partitions_max",
            Self::PartitionChanges => "partition_changes_per_5_min",
            Self::CompactedPartitionBytes => "compacted_partition_bytes_max",
        }
    }

    /// Its value; the largest of its type where nothing is held back.
    pub fn ceiling(self, limits: &Limits) -> u64 {
        match self {
            Self::Ingress => limits.ingress_bytes_per_s.0,
            Self::Egress => limits.egress_bytes_per_s.0,
            Self::PartitionIngress => limits.partition_ingress_bytes_per_s.0,
            Self::PartitionEgress => limits.partition_egress_bytes_per_s.0,
            Self::Connections => limits.connections_max.into(),
            Self::ConnectionAttempts => limits.connection_attempts_per_s.into(),
            Self::Requests => limits.requests_per_s.into(),
            Self::TopicRequests => limits.topic_requests_per_s.into(),
            Self::MessageBytes => limits.message_bytes_max.0,
            Self::FetchBytes => limits.fetch_bytes_max.0,
            Self::ConsumerGroups => limits.consumer_groups_max.into(),
            Self::Partitions => limits.partitions_max.into(),
            Self::CompactedPartitions => limits.compacted_partitions_max.into(),
            Self::PartitionChanges => limits.partition_changes_per_5_min.into(),
            Self::CompactedPartitionBytes => limits.compacted_partition_bytes_max.0,
        }
    }

    /// Its place in [`Self::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_name_of_its_field() {
        let fields = format!("{:?}", Limits::serverless());
        for (index, name) in LimitName::ALL.into_iter().enumerate() {
            assert_eq!(name.index(), index);
            let field = format!("{}: ", name.label());
            let value = fields.split(&field).nth(1).expect("a field of this name");
            let value: String = value
                .chars()
                .skip_while(|c| !c.is_ascii_digit())
                .take_while(char::is_ascii_digit)
                .collect();
            let ceiling = name.ceiling(&Limits::serverless());
            assert_eq!(value, ceiling.to_string(), "{field}");
        }
    }
}
