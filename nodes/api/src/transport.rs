//! The seam between gateway and node: a channel within one process, QUIC between processes.
//!
//! What a transport promises: appends of one lane arrive in the order in which they were sent, or
//! not at all. What it does not promise: that a reply comes, comes once, or comes soon. The
//! [`crate::lane::Lane`] makes up for that.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use coordinator::{GroupCall, GroupError, GroupReply, ListedGroup};
use model::{GatewayIncarnation, LaneId, Offset, TopicPartition, VirtualClusterId};
use tokio::sync::mpsc;

use crate::answers::ReadAnswers;
use crate::append::{Append, AppendReply};
use crate::read::{FindOffset, FoundOffset, Read, ReadError, Watermark};

/// A boxed future, so that a transport can be chosen while running.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The two directions of one lane. Both are bounded: a full `appends` makes the gateway wait, a
/// full `replies` loses replies, which the lane asks for again.
pub struct LaneChannel {
    /// Towards the node, in order.
    pub appends: mpsc::Sender<Append>,
    /// Back from the node.
    pub replies: mpsc::Receiver<AppendReply>,
}

/// Sends the first of `queue`, as many as the channel has room for now, in one go, so that who receives
/// is woken once. Says how many; none where the channel is full or closed.
pub fn send_what_fits<T>(channel: &mpsc::Sender<T>, queue: &mut VecDeque<T>) -> usize {
    let count = queue.len().min(channel.capacity());
    let Ok(room) = channel.try_reserve_many(count) else {
        return 0;
    };
    for (place, message) in room.zip(queue.drain(..count)) {
        place.send(message);
    }
    count
}

/// Replies that may wait in a lane before further ones are lost.
pub const LANE_REPLIES_MAX: usize = 4096;

/// Batches of news that may wait for a gateway; the node merges further news until there is room.
pub const NEWS_MAX: usize = 64;

/// Cumulative use of one virtual cluster, from the committed log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageTotal {
    /// Whose use.
    pub virtual_cluster: VirtualClusterId,
    /// Bytes of committed record batches, as received.
    pub bytes_in: u64,
    /// Bytes of record batches that were fully written to clients' sockets.
    pub bytes_out: u64,
}

/// One node, as a gateway sees it.
pub trait NodeTransport: Send + Sync + 'static {
    /// Opens a lane; a second call for the same lane replaces the first.
    fn open_lane(
        &self,
        gateway: GatewayIncarnation,
        lane: LaneId,
    ) -> BoxFuture<'static, LaneChannel>;

    /// Reads batches of several partitions by one call; the answers come in any order, as many at a
    /// time as are ready together. Each answer has room on its way, so that no node waits for a
    /// gateway that does not listen. Between processes a call is a stream of its own: the reads go one
    /// way in one message, the answers the other way, and giving up ends it.
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'static, ReadAnswers>;

    /// Finds an offset.
    fn find_offset(&self, query: FindOffset) -> BoxFuture<'static, Result<FoundOffset, ReadError>>;

    /// The stream of news for this gateway; a second call replaces the first.
    fn news(
        &self,
        gateway: GatewayIncarnation,
    ) -> BoxFuture<'static, mpsc::Receiver<Vec<Watermark>>>;

    /// Says for which partitions this gateway wants news from now on (true), or no more (false).
    /// The node answers each new interest with the present state.
    fn interest(
        &self,
        gateway: GatewayIncarnation,
        partitions: Vec<(TopicPartition, bool)>,
    ) -> BoxFuture<'static, ()>;

    /// Asks the coordinator of a group; `shard` is the partition that holds the group's state. The
    /// answer may take as long as a rebalance.
    fn coordinate(
        &self,
        shard: TopicPartition,
        call: GroupCall,
    ) -> BoxFuture<'static, Result<GroupReply, GroupError>>;

    /// The groups of `cluster` that this node coordinates: all of them, or an error.
    fn list_groups(
        &self,
        cluster: VirtualClusterId,
    ) -> BoxFuture<'static, Result<Vec<ListedGroup>, GroupError>>;

    /// Moves the start of a partition's log up to `offset` (none: to its high watermark), durably;
    /// gives back the new start.
    fn delete_records(
        &self,
        partition: TopicPartition,
        offset: Option<Offset>,
    ) -> BoxFuture<'static, Result<Offset, ReadError>>;

    /// What each virtual cluster has used since it began, by the committed log.
    fn usage(&self) -> BoxFuture<'static, Vec<UsageTotal>>;
}
