//! The actions of the `kafka-cluster` service that a policy can allow or deny.
//!
//! Owns: their names and sets of them. Does not own: which Kafka request needs which action; the
//! gateway's handlers say that. Source: AWS, "Semantics of IAM authorization policy actions and
//! resources", and the Service Authorization Reference.

use std::fmt;

/// An action, as in `kafka-cluster:WriteData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are AWS's, and their meaning is")]
pub enum Action {
    Connect,
    DescribeCluster,
    AlterCluster,
    DescribeClusterDynamicConfiguration,
    AlterClusterDynamicConfiguration,
    WriteDataIdempotently,
    CreateTopic,
    DescribeTopic,
    AlterTopic,
    DeleteTopic,
    DescribeTopicDynamicConfiguration,
    AlterTopicDynamicConfiguration,
    ReadData,
    WriteData,
    DescribeGroup,
    AlterGroup,
    DeleteGroup,
    DescribeTransactionalId,
    AlterTransactionalId,
}

impl Action {
    /// Every action, in the order of the type, so that an action's number is its index.
    pub const ALL: [Self; 19] = [
        Self::Connect,
        Self::DescribeCluster,
        Self::AlterCluster,
        Self::DescribeClusterDynamicConfiguration,
        Self::AlterClusterDynamicConfiguration,
        Self::WriteDataIdempotently,
        Self::CreateTopic,
        Self::DescribeTopic,
        Self::AlterTopic,
        Self::DeleteTopic,
        Self::DescribeTopicDynamicConfiguration,
        Self::AlterTopicDynamicConfiguration,
        Self::ReadData,
        Self::WriteData,
        Self::DescribeGroup,
        Self::AlterGroup,
        Self::DeleteGroup,
        Self::DescribeTransactionalId,
        Self::AlterTransactionalId,
    ];

    /// The full name, with the service's prefix.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "kafka-cluster:Connect",
            Self::DescribeCluster => "kafka-cluster:DescribeCluster",
            Self::AlterCluster => "kafka-cluster:AlterCluster",
            Self::DescribeClusterDynamicConfiguration => {
                "kafka-cluster:DescribeClusterDynamicConfiguration"
            }
            Self::AlterClusterDynamicConfiguration => {
                "kafka-cluster:AlterClusterDynamicConfiguration"
            }
            Self::WriteDataIdempotently => "kafka-cluster:WriteDataIdempotently",
            Self::CreateTopic => "kafka-cluster:CreateTopic",
            Self::DescribeTopic => "kafka-cluster:DescribeTopic",
            Self::AlterTopic => "kafka-cluster:AlterTopic",
            Self::DeleteTopic => "kafka-cluster:DeleteTopic",
            Self::DescribeTopicDynamicConfiguration => {
                "kafka-cluster:DescribeTopicDynamicConfiguration"
            }
            Self::AlterTopicDynamicConfiguration => "kafka-cluster:AlterTopicDynamicConfiguration",
            Self::ReadData => "kafka-cluster:ReadData",
            Self::WriteData => "kafka-cluster:WriteData",
            Self::DescribeGroup => "kafka-cluster:DescribeGroup",
            Self::AlterGroup => "kafka-cluster:AlterGroup",
            Self::DeleteGroup => "kafka-cluster:DeleteGroup",
            Self::DescribeTransactionalId => "kafka-cluster:DescribeTransactionalId",
            Self::AlterTransactionalId => "kafka-cluster:AlterTransactionalId",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of actions, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActionSet(u32);

impl ActionSet {
    pub(crate) const fn contains(self, action: Action) -> bool {
        self.0 & (1 << action as u8) != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn complement(self) -> Self {
        Self(!self.0)
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, a| bits | 1 << a as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actions_number_is_its_index() {
        for (i, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(action as usize, i);
            assert_eq!(action.name(), format!("kafka-cluster:{action:?}"));
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_its_complement_the_rest() {
        let set: ActionSet = [Action::Connect, Action::AlterTransactionalId]
            .into_iter()
            .collect();
        for action in Action::ALL {
            let inside = matches!(action, Action::Connect | Action::AlterTransactionalId);
            assert_eq!(set.contains(action), inside);
            assert_eq!(set.complement().contains(action), !inside);
        }
    }
}
