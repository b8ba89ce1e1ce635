//! What a coordinator is asked, and what it answers: Kafka's group APIs without their versions.
//!
//! Owns: the shapes. Does not own: rules (the coordinator), versions and error codes (the gateway).

use bytes::Bytes;
use model::{LeaderEpoch, Offset, TopicName, TopicPartition, VirtualClusterId};

/// A request to the coordinator of one group.
#[derive(Clone, Debug)]
pub struct GroupCall {
    /// Whose group it is.
    pub cluster: VirtualClusterId,
    /// The group's id, as the client wrote it.
    pub group: String,
    /// What is asked.
    pub request: GroupRequest,
}

/// What is asked of a group's coordinator.
#[derive(Clone, Debug)]
pub enum GroupRequest {
    /// JoinGroup (11). The answer comes when the rebalance is over.
    Join(JoinGroup),
    /// SyncGroup (14). The answer comes when the leader has sent the assignment.
    Sync(SyncGroup),
    /// Heartbeat (12).
    Heartbeat(Membership),
    /// LeaveGroup (13).
    Leave(LeaveGroup),
    /// OffsetCommit (8).
    CommitOffsets(CommitOffsets),
    /// OffsetFetch (9).
    FetchOffsets(FetchOffsets),
    /// OffsetDelete (47).
    DeleteOffsets(DeleteOffsets),
    /// DescribeGroups (15).
    Describe,
    /// DeleteGroups (42).
    Delete,
}

/// The answer; each is that of the request of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupReply {
    /// To [`GroupRequest::Join`].
    Join(Result<Joined, JoinRefused>),
    /// To [`GroupRequest::Sync`].
    Sync(Result<Synced, GroupError>),
    /// To [`GroupRequest::Heartbeat`].
    Heartbeat(Result<(), GroupError>),
    /// To [`GroupRequest::Leave`]: one result for each member named, in their order.
    Leave(Result<Vec<Result<(), GroupError>>, GroupError>),
    /// To [`GroupRequest::CommitOffsets`]: one result for each offset, in their order. Of a partition
    /// that is named several times the last offset counts, and each mention has its result.
    CommitOffsets(Result<Vec<Result<(), GroupError>>, GroupError>),
    /// To [`GroupRequest::FetchOffsets`]: what was asked in its order, each partition once
    /// however often it is named, or all that there is.
    FetchOffsets(Result<Vec<FetchedOffset>, GroupError>),
    /// To [`GroupRequest::DeleteOffsets`]: one result for each partition, in their order.
    DeleteOffsets(Result<Vec<Result<(), GroupError>>, GroupError>),
    /// To [`GroupRequest::Describe`].
    Describe(Result<DescribedGroup, GroupError>),
    /// To [`GroupRequest::Delete`].
    Delete(Result<(), GroupError>),
}

/// Who a request comes from, within a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The member's id; empty for who is no member.
    pub member_id: String,
    /// The name of a static member (KIP-345).
    pub instance_id: Option<String>,
    /// The generation that the sender believes in; -1 for who is no member.
    pub generation: i32,
}

/// JoinGroup.
#[derive(Clone, Debug)]
pub struct JoinGroup {
    /// The member's id; empty for a new member.
    pub member_id: String,
    /// The name of a static member (KIP-345).
    pub instance_id: Option<String>,
    /// The client's name for itself.
    pub client_id: String,
    /// Where it comes from, as Kafka prints it: `/127.0.0.1`.
    pub client_host: String,
    /// Silence after which the member is taken for dead, in milliseconds.
    pub session_timeout_ms: i32,
    /// How long the member may take to rejoin, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, ...
    pub protocol_type: String,
    /// What the member can do, the most wanted first: name and metadata.
    pub protocols: Vec<(String, Bytes)>,
    /// Whether a new dynamic member must come again under the id it is given (version 4, KIP-394).
    pub requires_known_member_id: bool,
    /// Whether a static leader understands that it need not assign (version 9, KIP-814).
    pub can_skip_assignment: bool,
}

/// The answer to who may go on to SyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The member's id.
    pub member_id: String,
    /// The group's generation.
    pub generation: i32,
    /// The group's protocol type.
    pub protocol_type: String,
    /// The protocol that was chosen.
    pub protocol: String,
    /// The leader's member id.
    pub leader: String,
    /// All members, for the leader; else none.
    pub members: Vec<JoinedMember>,
    /// Whether the leader is not to assign (KIP-814).
    pub skip_assignment: bool,
}

/// A member, as the leader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub member_id: String,
    /// The name of a static member.
    pub instance_id: Option<String>,
    /// Its metadata for the chosen protocol.
    pub metadata: Bytes,
}

/// A join that was refused; some refusals name the id to come again with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRefused {
    /// Why.
    pub error: GroupError,
    /// The id to join with, with [`GroupError::MemberIdRequired`]; else the one that was sent, or
    /// nothing where the group does not know it any more (as in Kafka).
    pub member_id: String,
}

/// SyncGroup.
#[derive(Clone, Debug)]
pub struct SyncGroup {
    /// Who asks.
    pub membership: Membership,
    /// What the member believes the group's type to be (version 5).
    pub protocol_type: Option<String>,
    /// What the member believes was chosen (version 5).
    pub protocol: Option<String>,
    /// From the leader: each member's assignment.
    pub assignments: Vec<(String, Bytes)>,
}

/// The member's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// The group's protocol type.
    pub protocol_type: String,
    /// The protocol that was chosen.
    pub protocol: String,
    /// Its assignment, empty where the leader gave it none.
    pub assignment: Bytes,
}

/// LeaveGroup.
#[derive(Clone, Debug)]
pub struct LeaveGroup {
    /// Who leaves.
    pub members: Vec<Leaver>,
}

/// A member that leaves, or is removed by an administrator.
#[derive(Clone, Debug)]
pub struct Leaver {
    /// Its id; may be empty where the instance id tells.
    pub member_id: String,
    /// The name of a static member.
    pub instance_id: Option<String>,
}

/// OffsetCommit.
#[derive(Clone, Debug)]
pub struct CommitOffsets {
    /// Who commits.
    pub membership: Membership,
    /// What is committed.
    pub offsets: Vec<CommitOffset>,
    /// How long the offsets are to be kept (versions 2 to 4); none for the cluster's setting.
    pub retention_ms: Option<u64>,
}

/// One offset to commit. It is kept by its topic's id, so that a topic that is created again begins without offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitOffset {
    /// Of which partition.
    pub key: TopicPartition,
    /// The next offset that the group will read.
    pub offset: Offset,
    /// The epoch of the last record read, if the client says.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Whatever the client wants to keep.
    pub metadata: String,
}

/// OffsetFetch.
#[derive(Clone, Debug)]
pub struct FetchOffsets {
    /// Of which partitions; none for all that the group has committed.
    pub partitions: Option<Vec<TopicPartition>>,
}

/// One offset, as committed; without one, `offset` is none and the rest is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedOffset {
    /// Of which partition.
    pub key: TopicPartition,
    /// The next offset that the group will read; none where it has committed none.
    pub offset: Option<Offset>,
    /// The epoch of the last record read, if the client said.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Whatever the client kept.
    pub metadata: String,
}

/// OffsetDelete. The names are for the check whether a member reads the topic.
#[derive(Clone, Debug)]
pub struct DeleteOffsets {
    /// Of which partitions.
    pub partitions: Vec<(TopicPartition, TopicName)>,
}

/// The states of a classic group, by Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// It has no members, maybe offsets.
    Empty,
    /// Members are joining.
    PreparingRebalance,
    /// The leader has yet to send the assignment.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
    /// There is no such group.
    Dead,
}

impl GroupState {
    /// Kafka's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// A group, described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedGroup {
    /// Its state.
    pub state: GroupState,
    /// Its protocol type; empty where it has none.
    pub protocol_type: String,
    /// The protocol that was chosen, in state Stable; else empty.
    pub protocol: String,
    /// Its members.
    pub members: Vec<DescribedMember>,
}

/// A member, described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedMember {
    /// Its id.
    pub member_id: String,
    /// The name of a static member.
    pub instance_id: Option<String>,
    /// The client's name for itself.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// Its metadata for the chosen protocol, in state Stable; else empty.
    pub metadata: Bytes,
    /// Its assignment, in state Stable; else empty.
    pub assignment: Bytes,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its id.
    pub group: String,
    /// Its protocol type; empty where it has none.
    pub protocol_type: String,
    /// Its state.
    pub state: GroupState,
}

/// Why a coordinator refuses. The number beside each is Kafka's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// 16: the group's state lives elsewhere now; the gateway asks the new owner.
    #[error("this is not the group's coordinator")]
    NotCoordinator,
    /// 24.
    #[error("the group id is invalid")]
    InvalidGroupId,
    /// 25.
    #[error("the coordinator does not know the member")]
    UnknownMemberId,
    /// 22.
    #[error("the member's generation is not the group's")]
    IllegalGeneration,
    /// 23.
    #[error("the member has no protocol in common with the group's members")]
    InconsistentGroupProtocol,
    /// 26.
    #[error("the session time-out is not within the allowed range")]
    InvalidSessionTimeout,
    /// 27.
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    /// 79: join again under the id that is given.
    #[error("a member id is needed to join")]
    MemberIdRequired,
    /// 82.
    #[error("a newer member has the same instance id")]
    FencedInstanceId,
    /// 81: a group has its largest number of members, or the cluster of groups. Clients take it for fatal.
    #[error("no more members, or no more groups, are allowed")]
    GroupMaxSizeReached,
    /// 12.
    #[error("the metadata of a committed offset is too large")]
    OffsetMetadataTooLarge,
    /// 69.
    #[error("there is no such group")]
    GroupIdNotFound,
    /// 68.
    #[error("the group is not empty")]
    NonEmptyGroup,
    /// 86.
    #[error("a member of the group is subscribed to the topic")]
    GroupSubscribedToTopic,
    /// 15: what was asked could not be written.
    #[error("the coordinator is not available")]
    NotAvailable,
}
