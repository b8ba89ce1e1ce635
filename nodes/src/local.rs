//! A node in the same process, as gateways and its own coordinators speak to it.
//!
//! Owns: which shard a call goes to. Does not own: what the shards do with it.

use std::sync::Arc;

use model::{GatewayIncarnation, LaneId, Offset, TopicPartition, VirtualClusterId};
use node_api::transport::{LANE_REPLIES_MAX, NEWS_MAX};
use node_api::{
    BoxFuture, FindOffset, FoundOffset, GroupCall, GroupError, GroupReply, LaneChannel,
    ListedGroup, NodeTransport, Read, ReadAnswers, ReadError, UsageTotal, Watermark,
};
use quota::UsedInAll;
use tokio::sync::{mpsc, oneshot};

use crate::coordinators::GroupCalls;
use crate::coordinators::lag::Position;
use crate::janitor::ask;
use crate::node::{Inner, shard_of};
use crate::shard::ShardCall;

/// A node in the same process.
#[derive(Clone)]
pub struct LocalNode {
    pub(crate) inner: Arc<Inner>,
    /// None for the coordinators' own use.
    pub(crate) groups: Option<GroupCalls>,
}

impl LocalNode {
    fn calls(&self, partition: TopicPartition) -> mpsc::Sender<ShardCall> {
        self.inner.calls[shard_of(partition, self.shards())].clone()
    }

    fn shards(&self) -> u16 {
        u16::try_from(self.inner.calls.len()).expect("there are few shards")
    }

    /// How far readers at these offsets are behind; none for what is not here.
    pub(crate) async fn positions(
        &self,
        asked: Vec<(TopicPartition, Offset)>,
    ) -> Vec<Option<Position>> {
        let mut positions = vec![None; asked.len()];
        let mut divided = vec![(Vec::new(), Vec::new()); self.inner.calls.len()];
        for (index, (partition, offset)) in asked.into_iter().enumerate() {
            let (indices, part) = &mut divided[shard_of(partition, self.shards())];
            indices.push(index);
            part.push((partition, offset));
        }
        for (calls, (indices, part)) in self.inner.calls.iter().zip(divided) {
            let found = ask(calls, |reply| ShardCall::Positions(part, reply)).await;
            for (index, position) in indices.into_iter().zip(found.into_iter().flatten()) {
                positions[index] = position;
            }
        }
        positions
    }
}

impl NodeTransport for LocalNode {
    fn open_lane(
        &self,
        gateway: GatewayIncarnation,
        lane: LaneId,
    ) -> BoxFuture<'static, LaneChannel> {
        let shard = usize::from(lane.0) % self.inner.calls.len();
        let (appends, calls) = (
            self.inner.appends[shard].clone(),
            self.inner.calls[shard].clone(),
        );
        Box::pin(async move {
            let (sender, replies) = mpsc::channel(LANE_REPLIES_MAX);
            let (done, opened) = oneshot::channel();
            // A node that has stopped drops the sender, and the lane sees its replies end.
            if calls
                .send(ShardCall::OpenLane(gateway, lane, sender, done))
                .await
                .is_ok()
            {
                let _ = opened.await;
            }
            LaneChannel { appends, replies }
        })
    }

    fn read(&self, reads: Vec<Read>) -> BoxFuture<'static, ReadAnswers> {
        let shards = Arc::clone(&self.inner.calls);
        let shard_count = self.shards();
        Box::pin(async move {
            let count = reads.len();
            // Every message has an answer at least.
            let (answers, incoming) = mpsc::channel(count.max(1));
            let mut divided = vec![Vec::new(); shards.len()];
            for (index, read) in reads.into_iter().enumerate() {
                divided[shard_of(read.partition, shard_count)].push((index, read));
            }
            for (calls, reads) in shards.iter().zip(divided) {
                if !reads.is_empty() {
                    // Where the shard has ended, its end of the answers is dropped, which says so.
                    let _ = calls.send(ShardCall::Read(reads, answers.clone())).await;
                }
            }
            ReadAnswers::new(count, incoming)
        })
    }

    fn find_offset(&self, query: FindOffset) -> BoxFuture<'static, Result<FoundOffset, ReadError>> {
        let calls = self.calls(query.partition);
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let sent = calls.send(ShardCall::FindOffset(query, reply)).await;
            sent.map_err(|_| ReadError::NotOwner)?;
            answer.await.unwrap_or(Err(ReadError::NotOwner))
        })
    }

    fn news(
        &self,
        gateway: GatewayIncarnation,
    ) -> BoxFuture<'static, mpsc::Receiver<Vec<Watermark>>> {
        let shards = Arc::clone(&self.inner.calls);
        Box::pin(async move {
            let (sender, news) = mpsc::channel(NEWS_MAX);
            for calls in shards.iter() {
                let _ = calls
                    .send(ShardCall::OpenNews(gateway, sender.clone()))
                    .await;
            }
            news
        })
    }

    fn interest(
        &self,
        gateway: GatewayIncarnation,
        partitions: Vec<(TopicPartition, bool)>,
    ) -> BoxFuture<'static, ()> {
        let shards = Arc::clone(&self.inner.calls);
        let count = self.shards();
        Box::pin(async move {
            let mut divided = vec![Vec::new(); shards.len()];
            for wish in partitions {
                divided[shard_of(wish.0, count)].push(wish);
            }
            for (calls, wishes) in shards.iter().zip(divided) {
                if !wishes.is_empty() {
                    let _ = calls.send(ShardCall::Interest(gateway, wishes)).await;
                }
            }
        })
    }

    fn coordinate(
        &self,
        shard: TopicPartition,
        call: GroupCall,
    ) -> BoxFuture<'static, Result<GroupReply, GroupError>> {
        let groups = self.groups.clone();
        Box::pin(async move {
            let groups = groups.ok_or(GroupError::NotCoordinator)?;
            groups.coordinate(shard, call).await
        })
    }

    fn list_groups(
        &self,
        cluster: VirtualClusterId,
    ) -> BoxFuture<'static, Result<Vec<ListedGroup>, GroupError>> {
        let groups = self.groups.clone();
        Box::pin(async move {
            match groups {
                Some(groups) => groups.list(cluster).await,
                None => Err(GroupError::NotCoordinator),
            }
        })
    }

    fn delete_records(
        &self,
        partition: TopicPartition,
        offset: Option<Offset>,
    ) -> BoxFuture<'static, Result<Offset, ReadError>> {
        let calls = self.calls(partition);
        Box::pin(async move {
            let delete = |reply| ShardCall::DeleteRecords(partition, offset, reply);
            let deleted = ask(&calls, delete).await;
            deleted.unwrap_or(Err(ReadError::NotOwner))
        })
    }

    fn usage(&self) -> BoxFuture<'static, Vec<UsageTotal>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.used_in_all().await.into_iter().map(usage).collect() })
    }
}

fn usage((virtual_cluster, used): (VirtualClusterId, UsedInAll)) -> UsageTotal {
    UsageTotal {
        virtual_cluster,
        bytes_in: used.bytes_in.0,
        bytes_out: used.bytes_out.0,
    }
}
