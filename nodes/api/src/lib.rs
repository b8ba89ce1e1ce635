//! The boundary between gateways and nodes: messages, the lane that makes a lost reply harmless,
//! and the transport they travel by.
//!
//! Owns: the messages and their meaning, the gateway's end of a lane ([`lane::Lane`], a pure core).
//! Does not own: where a partition lives (`model::ClusterMap`), what a node does with a message.

pub mod answers;
pub mod append;
pub mod lane;
pub mod read;
pub mod transport;

pub use coordinator::{
    self as group, GroupCall, GroupError, GroupReply, GroupRequest, ListedGroup,
};

pub use answers::{ReadAnswer, ReadAnswers, read_one};
pub use append::{Append, AppendOutcome, AppendRefusal, AppendReply, Appended};
pub use read::{
    FindOffset, FoundOffset, LogBounds, OffsetQuery, Read, ReadError, ReadReply, Watermark,
};
pub use transport::{BoxFuture, LaneChannel, NodeTransport, UsageTotal};
