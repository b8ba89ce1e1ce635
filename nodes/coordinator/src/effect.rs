//! What goes into a coordinator besides requests, and what comes out of it.
//!
//! Owns: the shapes. Does not own: how records are written (the shell), what they hold (`codec`).

use bytes::Bytes;
use model::{GroupSettings, Instant, Offset, Timestamp, TopicPartition};

use crate::message::{GroupError, GroupReply, GroupState};

/// The time of an input, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// To wait by: sessions and rebalances.
    pub now: Instant,
    /// To stamp by: commits, and how long offsets are kept.
    pub wall: Timestamp,
}

/// The shell's name for a call that it handed in; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What a virtual cluster allows its groups, as of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRules {
    /// How groups are run.
    pub settings: GroupSettings,
    /// Groups that the virtual cluster may have, in all shards together.
    pub groups_max: u32,
    /// Groups that it has in other shards.
    pub groups_elsewhere: u32,
}

/// What a coordinator wants to be written: the last record of a key counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// What the record is about.
    pub key: Bytes,
    /// What is true of it; none where it is gone.
    pub value: Option<Bytes>,
}

/// What the shell has to do, in this order: a reply must not leave before every write that came
/// before it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// To write: at least one record, at most [`crate::limits::WRITE_RECORDS_MAX`].
    Write(Vec<StoredRecord>),
    /// To answer.
    Reply {
        /// Which call.
        call: CallId,
        /// The answer.
        reply: Result<GroupReply, GroupError>,
    },
}

/// One committed offset, as metrics want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedOffset<'a> {
    /// The group.
    pub group: &'a str,
    /// Its state.
    pub state: GroupState,
    /// The partition.
    pub key: TopicPartition,
    /// The next offset that the group will read.
    pub offset: Offset,
    /// When it was committed.
    pub committed_at: Timestamp,
}

/// Why a stored record cannot be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The bytes end in the middle of something.
    #[error("the stored record is cut off")]
    Truncated,
    /// There is something behind the end.
    #[error("{0} bytes follow the stored record")]
    Trailing(usize),
    /// It was written by another release.
    #[error("the stored record has version {found}, this release reads {expected}")]
    Version {
        /// The version that was written.
        found: u8,
        /// The version that is understood.
        expected: u8,
    },
    /// The key names something that is unknown.
    #[error("the stored record is of the unknown kind {0}")]
    Kind(u8),
    /// A value is out of its range, or breaks a rule.
    #[error("the stored record is damaged: {0}")]
    Invalid(&'static str),
}
