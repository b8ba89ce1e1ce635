//! One node's end of one lane: opens the channel, keeps its backlog, opens it again when it breaks.
//!
//! Owns: appends that the channel has no room for yet. Does not own: sending again what is lost;
//! the lane's timers do that, so a backlog may be dropped at any time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use model::{GatewayIncarnation, LaneId, NodeId};
use node_api::transport::send_what_fits;
use node_api::{Append, AppendReply, LaneChannel};
use tokio::sync::mpsc::{OwnedPermit, error::SendError};

use crate::limits::{LANE_BACKLOG_MAX, REOPEN_AFTER};
use crate::router::Router;

type Reserving = BoxFuture<'static, Result<OwnedPermit<Append>, SendError<()>>>;

/// See the file's header.
pub(super) struct Link {
    state: State,
    backlog: VecDeque<Append>,
    opening: Opening,
}

enum State {
    Opening(BoxFuture<'static, LaneChannel>),
    Open {
        channel: LaneChannel,
        reserving: Option<Reserving>,
    },
}

/// What is needed to open the channel.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) router: Arc<Router>,
    pub(super) node: NodeId,
    pub(super) gateway: GatewayIncarnation,
    pub(super) lane: LaneId,
}

impl Opening {
    /// Opens the channel, as soon as it is known how the node is reached.
    async fn open(self) -> LaneChannel {
        loop {
            if let Some(transport) = self.router.transport(self.node) {
                return transport.open_lane(self.gateway, self.lane).await;
            }
            tokio::time::sleep(REOPEN_AFTER).await;
        }
    }

    async fn reopen(self) -> LaneChannel {
        tokio::time::sleep(REOPEN_AFTER).await;
        self.open().await
    }
}

impl Link {
    pub(super) fn new(opening: Opening) -> Self {
        Self {
            state: State::Opening(Box::pin(opening.clone().open())),
            backlog: VecDeque::new(),
            opening,
        }
    }

    /// Adds an append to the backlog, or drops it at its bound.
    pub(super) fn push(&mut self, append: Append) {
        if self.backlog.len() < LANE_BACKLOG_MAX {
            self.backlog.push_back(append);
        }
    }

    /// Sends what the channel has room for, and appends the next replies to `replies`: at least one
    /// when it is ready, and `count_max` at most.
    pub(super) fn poll_replies(
        &mut self,
        replies: &mut Vec<AppendReply>,
        count_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match &mut self.state {
                State::Opening(opening) => {
                    let channel = ready!(opening.as_mut().poll(context));
                    self.state = State::Open {
                        channel,
                        reserving: None,
                    };
                }
                State::Open { channel, reserving } => {
                    let intact = poll_send(channel, reserving, &mut self.backlog, context);
                    match channel.replies.poll_recv_many(context, replies, count_max) {
                        Poll::Ready(1..) => return Poll::Ready(()),
                        Poll::Pending if intact => return Poll::Pending,
                        Poll::Ready(0) | Poll::Pending => self.break_off(),
                    }
                }
            }
        }
    }

    /// The channel is of no use any more: what was in it is lost, as a reply may be at any time.
    fn break_off(&mut self) {
        self.backlog.clear();
        self.state = State::Opening(Box::pin(self.opening.clone().reopen()));
    }
}

/// Moves the backlog into the channel as far as there is room. Says whether the channel is intact.
fn poll_send(
    channel: &LaneChannel,
    reserving: &mut Option<Reserving>,
    backlog: &mut VecDeque<Append>,
    context: &mut Context<'_>,
) -> bool {
    while !backlog.is_empty() {
        if reserving.is_none() && send_what_fits(&channel.appends, backlog) > 0 {
            continue;
        }
        let reserved =
            reserving.get_or_insert_with(|| Box::pin(channel.appends.clone().reserve_owned()));
        match Pin::new(reserved).poll(context) {
            Poll::Pending => return true,
            Poll::Ready(Err(SendError(()))) => return false,
            Poll::Ready(Ok(permit)) => {
                *reserving = None;
                let append = backlog.pop_front().expect("the backlog is not empty");
                permit.send(append);
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use model::{
        AppendId, CatalogVersion, LeaderEpoch, Limits, Timestamp, TopicConfig, TopicId,
        TopicPartition, VirtualClusterId,
    };
    use records::{BatchBuilder, BatchRules, Codec, NewRecord, validate};
    use tokio::sync::watch;

    use super::*;

    fn append(sequence: u64) -> Append {
        let mut builder = BatchBuilder::new(Codec::Uncompressed);
        builder.push(&NewRecord {
            timestamp: Timestamp(1),
            key: None,
            value: None,
            headers: &[],
        });
        let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::default());
        Append {
            id: AppendId {
                gateway: GatewayIncarnation(1),
                lane: LaneId(0),
                sequence,
            },
            answered_below: 0,
            virtual_cluster: VirtualClusterId(1),
            partition: TopicPartition {
                topic: TopicId([1; 16]),
                partition: 0,
            },
            leader_epoch: LeaderEpoch(0),
            map_version: CatalogVersion(0),
            batch: validate(builder.build(), &rules, Timestamp(1)).unwrap(),
        }
    }

    #[tokio::test]
    async fn the_backlog_of_a_node_that_is_away_is_bounded() {
        let map = watch::Sender::default();
        let router = Arc::new(Router::new(map.subscribe(), Arc::default()));
        let mut link = Link::new(Opening {
            router,
            node: NodeId(0),
            gateway: GatewayIncarnation(1),
            lane: LaneId(0),
        });
        let append = append(0);
        for _ in 0..LANE_BACKLOG_MAX + 10 {
            link.push(append.clone());
        }
        assert_eq!(link.backlog.len(), LANE_BACKLOG_MAX);
    }
}
