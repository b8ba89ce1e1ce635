//! What a caller may do to a topic, group or cluster, as the bits of Metadata, DescribeGroups and
//! DescribeCluster (KIP-430).
//!
//! Owns: which of Kafka's operations stands for which action. Does not own: the decisions.

use auth::{Action, Resource};

use crate::permission::Caller;

/// Kafka's number of each operation that a topic has, and the action that it needs.
const ON_TOPICS: [(u8, Action); 8] = [
    (3, Action::ReadData),
    (4, Action::WriteData),
    (5, Action::CreateTopic),
    (6, Action::DeleteTopic),
    (7, Action::AlterTopic),
    (8, Action::DescribeTopic),
    (10, Action::DescribeTopicDynamicConfiguration),
    (11, Action::AlterTopicDynamicConfiguration),
];

/// The same for a group. No action stands for its dynamic configuration.
const ON_GROUPS: [(u8, Action); 3] = [
    (3, Action::AlterGroup),
    (6, Action::DeleteGroup),
    (8, Action::DescribeGroup),
];

/// The same for a cluster. Creating topics is a right on topics here.
const ON_CLUSTER: [(u8, Action); 5] = [
    (7, Action::AlterCluster),
    (8, Action::DescribeCluster),
    (10, Action::DescribeClusterDynamicConfiguration),
    (11, Action::AlterClusterDynamicConfiguration),
    (12, Action::WriteDataIdempotently),
];

/// A bit for each operation that the caller may do to the topic.
pub(crate) fn on_topic(caller: &Caller, name: &str) -> i32 {
    bits(caller, &ON_TOPICS, Resource::Topic(name))
}

/// A bit for each operation that the caller may do to the group.
pub(crate) fn on_group(caller: &Caller, group: &str) -> i32 {
    bits(caller, &ON_GROUPS, Resource::Group(group))
}

/// A bit for each operation that the caller may do to the cluster.
pub(crate) fn on_cluster(caller: &Caller) -> i32 {
    bits(caller, &ON_CLUSTER, Resource::Cluster)
}

fn bits(caller: &Caller, operations: &[(u8, Action)], resource: Resource<'_>) -> i32 {
    let allowed = operations
        .iter()
        .filter(|&&(_, action)| caller.may(action, resource));
    allowed.fold(0, |bits, &(operation, _)| bits | 1 << operation)
}

#[cfg(test)]
mod tests {
    use model::VirtualClusterId;

    use super::*;

    #[test]
    fn whoever_may_do_everything_has_every_bit() {
        let caller = Caller::Anonymous(VirtualClusterId(1));
        assert_eq!(on_topic(&caller, "t"), 0b1101_1111_1000);
        assert_eq!(on_group(&caller, "g"), 0b1_0100_1000);
        assert_eq!(on_cluster(&caller), 0b1_1101_1000_0000);
    }
}
