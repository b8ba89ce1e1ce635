//! Keeps the streams of news open, one a node, and tells nodes what to send.
//!
//! Owns: one task a node, what that node was told. Does not own: the table.
//!
//! Invariant: a node is told of one change after the other, so that a later wish is not overtaken
//! by an earlier one; a stream that was opened anew is told everything.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::OptionFuture;
use model::{GatewayIncarnation, NodeId, TopicPartition};
use node_api::{BoxFuture, NodeTransport};
use tokio::task::JoinSet;

use super::{News, Wishes};
use crate::limits::REOPEN_AFTER;

/// Follows the cluster map: a task for each node that owns a partition.
pub(crate) async fn run(news: Arc<News>, gateway: GatewayIncarnation) {
    let mut changes = news.router.changes();
    let mut followed = HashSet::new();
    let mut tasks = JoinSet::new();
    while changes.changed().await.is_ok() {
        let map = Arc::clone(&changes.borrow_and_update());
        news.router.refresh();
        news.reroute();
        let placements = map.topics.values().flat_map(|topic| &topic.placements);
        for node in placements.map(|placement| placement.node) {
            if followed.insert(node) {
                let stream = Stream {
                    wishes: news.wishes_of(node),
                    news: Arc::clone(&news),
                    node,
                    gateway,
                };
                tasks.spawn(stream.run());
            }
        }
    }
    // The control plane is gone; what is known of nodes stays true.
    while tasks.join_next().await.is_some() {}
}

/// One node's stream.
struct Stream {
    news: Arc<News>,
    wishes: Arc<Wishes>,
    node: NodeId,
    gateway: GatewayIncarnation,
}

impl Stream {
    async fn run(self) {
        loop {
            if let Some(transport) = self.news.router.transport(self.node) {
                self.follow(&*transport).await;
            }
            tokio::time::sleep(REOPEN_AFTER).await;
        }
    }

    /// Reads the stream until it breaks.
    async fn follow(&self, transport: &dyn NodeTransport) {
        let mut stream = transport.news(self.gateway).await;
        self.wishes.add(self.news.wanted_of(self.node));
        let mut told = HashSet::new();
        let mut telling = OptionFuture::<BoxFuture<'static, ()>>::default();
        let mut is_telling = false;
        loop {
            tokio::select! {
                batch = stream.recv() => match batch {
                    Some(watermarks) => self.news.publish(watermarks),
                    None => return,
                },
                _ = &mut telling, if is_telling => is_telling = false,
                () = self.wishes.wake.notified(), if !is_telling => {
                    let news = self.differences(&mut told);
                    if !news.is_empty() {
                        telling = Some(transport.interest(self.gateway, news)).into();
                        is_telling = true;
                    }
                }
            }
        }
    }

    /// What the node does not know yet.
    fn differences(&self, told: &mut HashSet<TopicPartition>) -> Vec<(TopicPartition, bool)> {
        let mut differences = Vec::new();
        for partition in self.wishes.take() {
            let wanted = self.news.is_wanted(partition, self.node);
            let changed = if wanted {
                told.insert(partition)
            } else {
                told.remove(&partition)
            };
            if changed {
                differences.push((partition, wanted));
            }
        }
        differences
    }
}
