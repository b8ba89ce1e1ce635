//! Consumer groups and their offsets: the coordinator of one shard, as pure state.
//!
//! Owns: the classic group protocol, committed offsets, what is written of them and how that is read
//! back. Does not own: time, chance, the log it is written to, the wire.

mod admission;
mod codec;
pub mod coordinator;
pub mod effect;
mod group;
pub mod limits;
pub mod message;
pub mod shard;
mod subscription;
mod timers;
mod turn;

pub use coordinator::{Coordinator, SnapshotPlace};
pub use effect::{CallId, CommittedOffset, Effect, GroupRules, Moment, ReplayError, StoredRecord};
pub use message::{
    CommitOffset, CommitOffsets, DeleteOffsets, DescribedGroup, DescribedMember, FetchOffsets,
    FetchedOffset, GroupCall, GroupError, GroupReply, GroupRequest, GroupState, JoinGroup,
    JoinRefused, Joined, JoinedMember, LeaveGroup, Leaver, ListedGroup, Membership, SyncGroup,
    Synced,
};
pub use shard::{GROUP_SHARDS, shard_of};
