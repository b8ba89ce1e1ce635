//! The error codes of Apache Kafka 4.3.
//!
//! Owns: the numbers and Kafka's words for them.
//! Does not own: which one answers which failure; that is decided once, at the gateway's edge.

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a response says about a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $($(#[$doc])* $name = $code,)*
        }

        impl ErrorCode {
            /// Every code, ascending.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

error_codes! {
    /// A failure that has no other code.
    UnknownServerError = -1,
    /// No failure.
    None = 0,
    /// The partition does not hold the offset asked for.
    OffsetOutOfRange = 1,
    /// A checksum does not match, or the batch is broken in another way. Retriable.
    CorruptMessage = 2,
    /// No such topic or partition. Retriable.
    UnknownTopicOrPartition = 3,
    /// A fetch size that cannot be.
    InvalidFetchSize = 4,
    /// The partition has no leader for the moment. Retriable.
    LeaderNotAvailable = 5,
    /// Another node leads the partition; the client looks for it. Retriable.
    NotLeaderOrFollower = 6,
    /// It took too long. Retriable.
    RequestTimedOut = 7,
    /// The node is down.
    BrokerNotAvailable = 8,
    /// The replica is not here. Retriable.
    ReplicaNotAvailable = 9,
    /// A batch above `max.message.bytes`; a Java client splits it.
    MessageTooLarge = 10,
    /// The controller moved.
    StaleControllerEpoch = 11,
    /// The text beside a committed offset is too long.
    OffsetMetadataTooLarge = 12,
    /// The connection broke before an answer came. Clients set it themselves. Retriable.
    NetworkException = 13,
    /// The coordinator is still reading its state. Retriable.
    CoordinatorLoadInProgress = 14,
    /// There is no coordinator for the moment. Retriable.
    CoordinatorNotAvailable = 15,
    /// Another node coordinates; the client looks for it. Retriable.
    NotCoordinator = 16,
    /// A topic name that cannot be, or a topic that must not be touched.
    InvalidTopicException = 17,
    /// Batches larger than a segment.
    RecordListTooLarge = 18,
    /// Too few replicas to append. Retriable.
    NotEnoughReplicas = 19,
    /// Appended, but on too few replicas. Retriable.
    NotEnoughReplicasAfterAppend = 20,
    /// `acks` is neither -1, 0 nor 1.
    InvalidRequiredAcks = 21,
    /// The group has another generation.
    IllegalGeneration = 22,
    /// The member's protocols do not fit those of the group.
    InconsistentGroupProtocol = 23,
    /// A group id that cannot be.
    InvalidGroupId = 24,
    /// The group has no such member.
    UnknownMemberId = 25,
    /// A session timeout outside the configured range.
    InvalidSessionTimeout = 26,
    /// The group rebalances; the member has to join again.
    RebalanceInProgress = 27,
    /// An offset commit too large to store.
    InvalidCommitOffsetSize = 28,
    /// Not allowed on the topic.
    TopicAuthorizationFailed = 29,
    /// Not allowed on the group.
    GroupAuthorizationFailed = 30,
    /// Not allowed on the cluster.
    ClusterAuthorizationFailed = 31,
    /// A record's timestamp is too far from now.
    InvalidTimestamp = 32,
    /// The SASL mechanism is not enabled.
    UnsupportedSaslMechanism = 33,
    /// The request does not fit the state of the sign-in.
    IllegalSaslState = 34,
    /// The key is not served in this version.
    UnsupportedVersion = 35,
    /// A topic of this name exists.
    TopicAlreadyExists = 36,
    /// A number of partitions that cannot be.
    InvalidPartitions = 37,
    /// A replication factor that cannot be.
    InvalidReplicationFactor = 38,
    /// An assignment of replicas that cannot be.
    InvalidReplicaAssignment = 39,
    /// A property or value that cannot be.
    InvalidConfig = 40,
    /// Another node is the controller. Retriable.
    NotController = 41,
    /// A request that makes no sense.
    InvalidRequest = 42,
    /// The stored message format cannot do this.
    UnsupportedForMessageFormat = 43,
    /// A policy of the server refuses it.
    PolicyViolation = 44,
    /// A batch came before one that precedes it.
    OutOfOrderSequenceNumber = 45,
    /// A batch that is already in the log.
    DuplicateSequenceNumber = 46,
    /// A producer of a later epoch exists.
    InvalidProducerEpoch = 47,
    /// The transaction is not in a state for this.
    InvalidTxnState = 48,
    /// The producer id does not belong to the transactional id.
    InvalidProducerIdMapping = 49,
    /// A transaction timeout above `transaction.max.timeout.ms`.
    InvalidTransactionTimeout = 50,
    /// The transaction is being changed by another request. Retriable.
    ConcurrentTransactions = 51,
    /// The transaction coordinator was replaced by another.
    TransactionCoordinatorFenced = 52,
    /// Not allowed on the transactional id.
    TransactionalIdAuthorizationFailed = 53,
    /// There is no authorization to administer.
    SecurityDisabled = 54,
    /// Not tried, because another part of the request failed.
    OperationNotAttempted = 55,
    /// The disk failed. Retriable.
    KafkaStorageError = 56,
    /// No such folder of logs.
    LogDirNotFound = 57,
    /// Bad credentials.
    SaslAuthenticationFailed = 58,
    /// Nothing is known of the producer any more.
    UnknownProducerId = 59,
    /// The partition is being reassigned.
    ReassignmentInProgress = 60,
    /// Delegation tokens are switched off.
    DelegationTokenAuthDisabled = 61,
    /// No such delegation token.
    DelegationTokenNotFound = 62,
    /// The delegation token belongs to someone else.
    DelegationTokenOwnerMismatch = 63,
    /// Delegation tokens cannot be asked for over this connection.
    DelegationTokenRequestNotAllowed = 64,
    /// Not allowed on the delegation token.
    DelegationTokenAuthorizationFailed = 65,
    /// The delegation token is past its time.
    DelegationTokenExpired = 66,
    /// No such type of principal.
    InvalidPrincipalType = 67,
    /// The group still has members.
    NonEmptyGroup = 68,
    /// No such group.
    GroupIdNotFound = 69,
    /// No such fetch session. Retriable.
    FetchSessionIdNotFound = 70,
    /// The fetch session is at another epoch. Retriable.
    InvalidFetchSessionEpoch = 71,
    /// The leader has no listener like the one that was asked. Retriable.
    ListenerNotFound = 72,
    /// Topics cannot be deleted here.
    TopicDeletionDisabled = 73,
    /// The client's leader epoch is old. Retriable.
    FencedLeaderEpoch = 74,
    /// The client's leader epoch is ahead of the server's. Retriable.
    UnknownLeaderEpoch = 75,
    /// The client's version cannot read, or may not send, this compression.
    UnsupportedCompressionType = 76,
    /// The node has another epoch.
    StaleBrokerEpoch = 77,
    /// A new leader does not know its high watermark yet. Retriable.
    OffsetNotAvailable = 78,
    /// The member has to join again with the id that it was given.
    MemberIdRequired = 79,
    /// The preferred leader is not up. Retriable.
    PreferredLeaderNotAvailable = 80,
    /// The group is full.
    GroupMaxSizeReached = 81,
    /// Another member took over the static member's instance id.
    FencedInstanceId = 82,
    /// No replica can be elected. Retriable.
    EligibleLeadersNotAvailable = 83,
    /// The partition has the leader it should have. Retriable.
    ElectionNotNeeded = 84,
    /// The partition is not being reassigned.
    NoReassignmentInProgress = 85,
    /// The group reads the topic, so its offsets stay.
    GroupSubscribedToTopic = 86,
    /// A record breaks a rule.
    InvalidRecord = 87,
    /// A transaction that commits offsets has not ended. Retriable.
    UnstableOffsetCommit = 88,
    /// Too many changes for the quota. Retriable.
    ThrottlingQuotaExceeded = 89,
    /// A newer producer has the same transactional id.
    ProducerFenced = 90,
    /// No such resource.
    ResourceNotFound = 91,
    /// A resource is named twice.
    DuplicateResource = 92,
    /// A credential that the rules do not accept.
    UnacceptableCredential = 93,
    /// Sender and receiver do not agree who votes.
    InconsistentVoterSet = 94,
    /// A level of a feature that cannot be.
    InvalidUpdateVersion = 95,
    /// The features could not be changed.
    FeatureUpdateFailed = 96,
    /// A forwarded request with a principal that cannot be read.
    PrincipalDeserializationFailure = 97,
    /// No such snapshot.
    SnapshotNotFound = 98,
    /// A position outside the snapshot.
    PositionOutOfRange = 99,
    /// No topic has this id. Retriable.
    UnknownTopicId = 100,
    /// A node of this id is already there.
    DuplicateBrokerRegistration = 101,
    /// No node of this id is there.
    BrokerIdNotRegistered = 102,
    /// The topic has another id. Retriable.
    InconsistentTopicId = 103,
    /// The client means another cluster.
    InconsistentClusterId = 104,
    /// No such transactional id.
    TransactionalIdNotFound = 105,
    /// The fetch session mixes names and ids of topics. Retriable.
    FetchSessionTopicIdError = 106,
    /// A replica that cannot be in sync is named as such.
    IneligibleReplica = 107,
    /// The change was made, and the leader is another now.
    NewLeaderElected = 108,
    /// The offset is in remote storage.
    OffsetMovedToTieredStorage = 109,
    /// The member's epoch is over; it has to give up its partitions and join again.
    FencedMemberEpoch = 110,
    /// Another member still holds the instance id.
    UnreleasedInstanceId = 111,
    /// The group does not have this assignor.
    UnsupportedAssignor = 112,
    /// The member does not know its current epoch yet.
    StaleMemberEpoch = 113,
    /// The request belongs to another kind of endpoint.
    MismatchedEndpointType = 114,
    /// A kind of endpoint that does not exist.
    UnsupportedEndpointType = 115,
    /// No such controller.
    UnknownControllerId = 116,
    /// No such telemetry subscription.
    UnknownSubscriptionId = 117,
    /// More telemetry than is accepted.
    TelemetryTooLarge = 118,
    /// The node's registration is not valid.
    InvalidRegistration = 119,
    /// The transaction failed; after an abort the producer can go on.
    TransactionAbortable = 120,
    /// The record is not in a state that can be acknowledged.
    InvalidRecordState = 121,
    /// No such share session. Retriable.
    ShareSessionNotFound = 122,
    /// The share session is at another epoch. Retriable.
    InvalidShareSessionEpoch = 123,
    /// The share group's state is at another epoch.
    FencedStateEpoch = 124,
    /// The voter's key is another.
    InvalidVoterKey = 125,
    /// The voter votes already.
    DuplicateVoter = 126,
    /// No such voter.
    VoterNotFound = 127,
    /// Not a regular expression.
    InvalidRegularExpression = 128,
    /// What the client knows of the cluster is useless; it has to start over (KIP-1102).
    RebootstrapRequired = 129,
    /// The streams topology cannot be.
    StreamsInvalidTopology = 130,
    /// The streams topology has an epoch that cannot be.
    StreamsInvalidTopologyEpoch = 131,
    /// The streams topology is old.
    StreamsTopologyFenced = 132,
    /// Too many share sessions. Retriable.
    ShareSessionLimitReached = 133,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The error of this number, if Kafka 4.3 has one.
    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        let index = Self::ALL
            .binary_search_by_key(&code, |error| error.code())
            .ok()?;
        Some(Self::ALL[index])
    }
}

impl From<ErrorCode> for i16 {
    fn from(error: ErrorCode) -> Self {
        error.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_have_no_gap() {
        let codes: Vec<i16> = ErrorCode::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes, (-1..=133).collect::<Vec<_>>());
        for error in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(error.code()), Some(*error));
        }
        assert_eq!(ErrorCode::from_code(134), None);
        assert_eq!(ErrorCode::from_code(-2), None);
    }
}
