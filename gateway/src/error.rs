//! The edge: every way in which a request, or a part of it, fails, and two tables that say what the
//! client is told and whose fault it is.
//!
//! Owns: the two tables. Does not own: the errors of the parts, which know nothing of Kafka's codes
//! (but those of a batch, which are Kafka's own rules). Invariant: both tables are exhaustive, so a
//! new error cannot be forgotten; no text names what is not the tenant's.

use auth::{Action, Denied};
use control_api::{TopicError, Unavailable};
use model::InvalidTopicName;
use node_api::lane::LaneError;
use node_api::{AppendRefusal, GroupError, ReadError};
use quota::LimitName;
use records::Rejected;
use wire::ErrorCode;

/// Longest text of an error that a client is sent, in bytes: names in it are the client's own, and
/// may be as long as a frame allows.
const TEXT_BYTES_MAX: usize = 1024;

/// Why a request, or a part of it, is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No policy allows it, or one denies it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The client has not signed in.
    #[error("The client has not signed in.")]
    NotSignedIn,
    /// A request that makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// A version that does not have what is asked for.
    #[error("{0}")]
    UnsupportedVersion(&'static str),
    /// No such topic or partition in the virtual cluster.
    #[error("This server does not host this topic-partition.")]
    UnknownTopicOrPartition,
    /// No topic of the virtual cluster has this id.
    #[error("This server does not host this topic ID.")]
    UnknownTopicId,
    /// A string that is no topic name.
    #[error(transparent)]
    TopicName(#[from] InvalidTopicName),
    /// A replica assignment that the virtual brokers cannot have.
    #[error("{0}")]
    ReplicaAssignment(&'static str),
    /// A policy of the topic forbids it.
    #[error("{0}")]
    Policy(&'static str),
    /// The client believes in another leader epoch than the one that is shown.
    #[error("The leader epoch is {}, not {known}.", crate::leader_epoch::SHOWN)]
    LeaderEpoch {
        /// The client's.
        known: i32,
    },
    /// The topic's batches are of a codec that the version cannot carry.
    #[error("The topic's compression.type is not known to this version.")]
    CompressionType,
    /// An endpoint type that clients cannot reach: 2 is controllers, others are none.
    #[error("Endpoints of type {0} are not served; 1 is brokers.")]
    EndpointType(i8),
    /// The control plane refused to create, change or delete a topic.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// `acks` other than -1, 0 and 1.
    #[error("acks must be -1, 0 or 1, not {0}")]
    RequiredAcks(i16),
    /// Transactions are not served yet.
    #[error("Transactional ids are not served yet.")]
    TransactionalId,
    /// The batch breaks a rule.
    #[error(transparent)]
    Batch(#[from] Rejected),
    /// The batch was not appended, or not acknowledged in time.
    #[error(transparent)]
    Append(#[from] LaneError),
    /// Nothing could be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The group's coordinator refused it, or there was none in time.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Fetch sessions are declined, so none can be continued.
    #[error("There are no fetch sessions here.")]
    FetchSession,
    /// The fetch asks for more than it may, where that is refused rather than cut.
    #[error("The cluster's limit is {limit} bytes for a fetch, not {asked}.")]
    FetchTooLarge {
        /// The limit.
        limit: u64,
        /// What was asked for.
        asked: u64,
    },
    /// Topics are managed faster than the virtual cluster may.
    #[error("The cluster's limit on requests that manage topics is exceeded; try again later.")]
    TopicRate {
        /// Whether the request's version knows the error.
        is_known: bool,
    },
    /// No answer in time; it may or may not have been done.
    #[error("The request timed out.")]
    TimedOut,
    /// The control plane could not be reached.
    #[error("The control plane is not available; try again.")]
    ControlPlane(#[from] Unavailable),
}

/// Whose fault it is: the label that errors are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The client's.
    Client,
    /// The tenant has reached a limit.
    TenantQuota,
    /// Ours, on the data path.
    Service,
    /// The control plane's.
    ControlPlane,
}

impl ErrorKind {
    pub(crate) const ALL: [Self; 4] = [
        Self::Client,
        Self::TenantQuota,
        Self::Service,
        Self::ControlPlane,
    ];

    /// The label's value.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::TenantQuota => "tenant_quota",
            Self::Service => "service",
            Self::ControlPlane => "control_plane",
        }
    }
}

impl Fault {
    /// The first table: what the client is told.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denied) => denied_code(denied.action()),
            Self::NotSignedIn => ErrorCode::IllegalSaslState,
            Self::Invalid(_) => ErrorCode::InvalidRequest,
            Self::UnsupportedVersion(_) => ErrorCode::UnsupportedVersion,
            Self::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
            Self::UnknownTopicId => ErrorCode::UnknownTopicId,
            Self::TopicName(_) => ErrorCode::InvalidTopicException,
            Self::ReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
            Self::Policy(_) => ErrorCode::PolicyViolation,
            Self::LeaderEpoch { known } if *known < crate::leader_epoch::SHOWN => {
                ErrorCode::FencedLeaderEpoch
            }
            Self::LeaderEpoch { .. } => ErrorCode::UnknownLeaderEpoch,
            Self::CompressionType => ErrorCode::UnsupportedCompressionType,
            Self::EndpointType(2) => ErrorCode::MismatchedEndpointType,
            Self::EndpointType(_) => ErrorCode::UnsupportedEndpointType,
            Self::Topic(error) => topic_code(error),
            Self::RequiredAcks(_) => ErrorCode::InvalidRequiredAcks,
            Self::TransactionalId => ErrorCode::TransactionalIdAuthorizationFailed,
            Self::Batch(rejected) => {
                ErrorCode::from_code(rejected.kafka_code()).expect("it is one of Kafka's codes")
            }
            Self::Append(LaneError::TimedOut) | Self::TimedOut => ErrorCode::RequestTimedOut,
            Self::Append(LaneError::Refused(refusal)) => append_code(*refusal),
            Self::Read(error) => read_code(error),
            Self::Group(error) => group_code(*error),
            Self::FetchSession => ErrorCode::FetchSessionIdNotFound,
            Self::FetchTooLarge { .. } => ErrorCode::InvalidRequest,
            Self::TopicRate { is_known: true } => ErrorCode::ThrottlingQuotaExceeded,
            Self::TopicRate { is_known: false } => ErrorCode::RequestTimedOut,
            // Every client tries again on this one, without looking for another coordinator.
            Self::ControlPlane(_) => ErrorCode::CoordinatorLoadInProgress,
        }
    }

    /// The second table: whose fault it is.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(_)
            | Self::NotSignedIn
            | Self::Invalid(_)
            | Self::UnsupportedVersion(_)
            | Self::UnknownTopicOrPartition
            | Self::UnknownTopicId
            | Self::TopicName(_)
            | Self::ReplicaAssignment(_)
            | Self::Policy(_)
            | Self::LeaderEpoch { .. }
            | Self::CompressionType
            | Self::EndpointType(_)
            | Self::RequiredAcks(_)
            | Self::TransactionalId
            | Self::Batch(_)
            | Self::FetchSession => ErrorKind::Client,
            Self::FetchTooLarge { .. } | Self::TopicRate { .. } => ErrorKind::TenantQuota,
            Self::Topic(error) => topic_kind(error),
            Self::Append(LaneError::TimedOut) | Self::TimedOut => ErrorKind::Service,
            Self::Append(LaneError::Refused(refusal)) => append_kind(*refusal),
            Self::Read(error) => read_kind(error),
            Self::Group(error) => group_kind(*error),
            Self::ControlPlane(_) => ErrorKind::ControlPlane,
        }
    }

    /// The limit of the virtual cluster that it is refused for, if any.
    pub(crate) fn limit(&self) -> Option<LimitName> {
        match self {
            Self::FetchTooLarge { .. } => Some(LimitName::FetchBytes),
            Self::Topic(TopicError::TooManyChanges { .. }) => Some(LimitName::PartitionChanges),
            Self::Topic(TopicError::LimitExceeded { compacted, .. }) => Some(if *compacted {
                LimitName::CompactedPartitions
            } else {
                LimitName::Partitions
            }),
            Self::Batch(Rejected::BeyondCluster { .. }) => Some(LimitName::MessageBytes),
            Self::Append(LaneError::Refused(AppendRefusal::PartitionFull)) => {
                Some(LimitName::CompactedPartitionBytes)
            }
            _ => None,
        }
    }

    /// What the client is told in words.
    pub(crate) fn text(&self) -> String {
        short(self.to_string())
    }
}

/// A text that may be sent: cut at [`TEXT_BYTES_MAX`].
pub(crate) fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

/// Kafka names what the caller lacks by the kind of resource.
fn denied_code(action: Action) -> ErrorCode {
    match action {
        Action::Connect
        | Action::DescribeCluster
        | Action::AlterCluster
        | Action::DescribeClusterDynamicConfiguration
        | Action::AlterClusterDynamicConfiguration
        | Action::WriteDataIdempotently => ErrorCode::ClusterAuthorizationFailed,
        Action::CreateTopic
        | Action::DescribeTopic
        | Action::AlterTopic
        | Action::DeleteTopic
        | Action::DescribeTopicDynamicConfiguration
        | Action::AlterTopicDynamicConfiguration
        | Action::ReadData
        | Action::WriteData => ErrorCode::TopicAuthorizationFailed,
        Action::DescribeGroup | Action::AlterGroup | Action::DeleteGroup => {
            ErrorCode::GroupAuthorizationFailed
        }
        Action::DescribeTransactionalId | Action::AlterTransactionalId => {
            ErrorCode::TransactionalIdAuthorizationFailed
        }
    }
}

fn topic_code(error: &TopicError) -> ErrorCode {
    match error {
        TopicError::AlreadyExists { .. } => ErrorCode::TopicAlreadyExists,
        TopicError::InvalidName { .. } => ErrorCode::InvalidTopicException,
        TopicError::InvalidPartitions { .. } => ErrorCode::InvalidPartitions,
        TopicError::InvalidReplicationFactor { .. } => ErrorCode::InvalidReplicationFactor,
        TopicError::InvalidReplicaAssignment { .. } => ErrorCode::InvalidReplicaAssignment,
        TopicError::InvalidConfig { .. } => ErrorCode::InvalidConfig,
        TopicError::LimitExceeded { .. } => ErrorCode::InvalidRequest,
        TopicError::TooManyChanges { .. } => ErrorCode::ThrottlingQuotaExceeded,
        TopicError::UnknownTopic => ErrorCode::UnknownTopicOrPartition,
        TopicError::UnknownTopicId => ErrorCode::UnknownTopicId,
        TopicError::Unavailable => ErrorCode::RequestTimedOut,
    }
}

fn topic_kind(error: &TopicError) -> ErrorKind {
    match error {
        TopicError::LimitExceeded { .. } | TopicError::TooManyChanges { .. } => {
            ErrorKind::TenantQuota
        }
        TopicError::Unavailable => ErrorKind::ControlPlane,
        TopicError::AlreadyExists { .. }
        | TopicError::InvalidName { .. }
        | TopicError::InvalidPartitions { .. }
        | TopicError::InvalidReplicationFactor { .. }
        | TopicError::InvalidReplicaAssignment { .. }
        | TopicError::InvalidConfig { .. }
        | TopicError::UnknownTopic
        | TopicError::UnknownTopicId => ErrorKind::Client,
    }
}

/// Passing refusals are tried again by the lane, so that they come here only by its timing out.
fn append_code(refusal: AppendRefusal) -> ErrorCode {
    match refusal {
        AppendRefusal::Gap { .. } | AppendRefusal::NotOwner | AppendRefusal::Busy => {
            ErrorCode::RequestTimedOut
        }
        // Kafka does not tell a batch that is too old to be found from one that does not follow.
        AppendRefusal::OutOfOrderSequence { .. } | AppendRefusal::DuplicateSequence => {
            ErrorCode::OutOfOrderSequenceNumber
        }
        AppendRefusal::InvalidProducerEpoch => ErrorCode::InvalidProducerEpoch,
        AppendRefusal::TooLarge => ErrorCode::MessageTooLarge,
        AppendRefusal::PartitionFull => ErrorCode::ThrottlingQuotaExceeded,
        AppendRefusal::Closed => ErrorCode::KafkaStorageError,
    }
}

fn append_kind(refusal: AppendRefusal) -> ErrorKind {
    match refusal {
        AppendRefusal::Gap { .. }
        | AppendRefusal::NotOwner
        | AppendRefusal::Busy
        | AppendRefusal::Closed => ErrorKind::Service,
        AppendRefusal::PartitionFull => ErrorKind::TenantQuota,
        AppendRefusal::OutOfOrderSequence { .. }
        | AppendRefusal::DuplicateSequence
        | AppendRefusal::InvalidProducerEpoch
        | AppendRefusal::TooLarge => ErrorKind::Client,
    }
}

/// A partition without an owner is one without a leader for the moment: clients ask again.
fn read_code(error: &ReadError) -> ErrorCode {
    match error {
        ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::NotOwner | ReadError::Busy => ErrorCode::LeaderNotAvailable,
        ReadError::Storage => ErrorCode::KafkaStorageError,
    }
}

fn read_kind(error: &ReadError) -> ErrorKind {
    match error {
        ReadError::OutOfRange { .. } => ErrorKind::Client,
        ReadError::NotOwner | ReadError::Busy | ReadError::Storage => ErrorKind::Service,
    }
}

fn group_code(error: GroupError) -> ErrorCode {
    match error {
        GroupError::NotCoordinator => ErrorCode::NotCoordinator,
        GroupError::NotAvailable => ErrorCode::CoordinatorNotAvailable,
        GroupError::InvalidGroupId => ErrorCode::InvalidGroupId,
        GroupError::UnknownMemberId => ErrorCode::UnknownMemberId,
        GroupError::IllegalGeneration => ErrorCode::IllegalGeneration,
        GroupError::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
        GroupError::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
        GroupError::RebalanceInProgress => ErrorCode::RebalanceInProgress,
        GroupError::MemberIdRequired => ErrorCode::MemberIdRequired,
        GroupError::FencedInstanceId => ErrorCode::FencedInstanceId,
        GroupError::GroupMaxSizeReached => ErrorCode::GroupMaxSizeReached,
        GroupError::OffsetMetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
        GroupError::GroupIdNotFound => ErrorCode::GroupIdNotFound,
        GroupError::NonEmptyGroup => ErrorCode::NonEmptyGroup,
        GroupError::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
    }
}

fn group_kind(error: GroupError) -> ErrorKind {
    match error {
        GroupError::NotCoordinator | GroupError::NotAvailable => ErrorKind::Service,
        GroupError::GroupMaxSizeReached => ErrorKind::TenantQuota,
        GroupError::InvalidGroupId
        | GroupError::UnknownMemberId
        | GroupError::IllegalGeneration
        | GroupError::InconsistentGroupProtocol
        | GroupError::InvalidSessionTimeout
        | GroupError::RebalanceInProgress
        | GroupError::MemberIdRequired
        | GroupError::FencedInstanceId
        | GroupError::OffsetMetadataTooLarge
        | GroupError::GroupIdNotFound
        | GroupError::NonEmptyGroup
        | GroupError::GroupSubscribedToTopic => ErrorKind::Client,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_no_node_can_hold_is_too_large() {
        let fault = Fault::Append(LaneError::Refused(AppendRefusal::TooLarge));
        assert_eq!(fault.code(), ErrorCode::MessageTooLarge);
        assert_eq!(fault.kind(), ErrorKind::Client);
    }

    #[test]
    fn a_refusal_counts_for_its_own_limit() {
        for (compacted, limit) in [
            (false, LimitName::Partitions),
            (true, LimitName::CompactedPartitions),
        ] {
            let reason = String::new();
            let fault = Fault::Topic(TopicError::LimitExceeded { compacted, reason });
            assert_eq!(fault.limit(), Some(limit));
        }
    }

    #[test]
    fn a_text_is_short_enough_for_every_version() {
        let reason = "é".repeat(40_000);
        let fault = Fault::Topic(TopicError::InvalidConfig { reason });
        assert_eq!(fault.text().len(), TEXT_BYTES_MAX);
        assert_eq!(fault.code(), ErrorCode::InvalidConfig);
        assert_eq!(fault.kind(), ErrorKind::Client);
    }
}
