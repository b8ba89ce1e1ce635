//! What is known of the ends of logs, and who waits to hear of them.
//!
//! Owns: the newest bounds of each partition that a client polls, the pollers to wake, and for
//! which partitions each node is to send news. Does not own: the streams (`driver`), what one connection
//! polls (`interest`), what a poller does when it is woken (`handlers/fetch`).
//!
//! ```text
//!   node --stream--> table of bounds --wakes--> pollers (one a connection)
//!     ^--- interest ---/  counted by pollers
//! ```
//!
//! Invariants: bounds never go back; a partition is in the table exactly while a poller wants it;
//! whoever registers an interest and then reads misses nothing, since a node answers each new
//! interest with the present state.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use model::{NodeId, TopicPartition};
use node_api::{LogBounds, Watermark};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::NEWS_BELIEVED_MAX;
use crate::router::Router;

mod driver;
mod interest;

pub(crate) use driver::run;
pub(crate) use interest::{Interest, Polled};

/// Wakes one connection's fetch.
#[derive(Debug, Default)]
pub(crate) struct Poller {
    woken: Notify,
}

impl Poller {
    /// Waits for news since the last call.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }
}

/// What is known of a partition: one for all who poll it, who look at it without asking for it by name.
#[derive(Debug)]
pub(crate) struct Known(Mutex<Heard>);

#[derive(Clone, Copy, Debug)]
struct Heard {
    bounds: Option<LogBounds>,
    /// When its node last said so.
    at: Instant,
}

impl Known {
    fn nothing() -> Self {
        Self(Mutex::new(Heard {
            bounds: None,
            at: Instant::now(),
        }))
    }

    /// The newest bounds, and whether the partition's node has confirmed them lately.
    pub(crate) fn bounds(&self, now: Instant) -> Option<(LogBounds, bool)> {
        let heard = *self.heard();
        let is_fresh = now.saturating_duration_since(heard.at) < NEWS_BELIEVED_MAX;
        heard.bounds.map(|bounds| (bounds, is_fresh))
    }

    /// Takes note of what a node has said.
    pub(crate) fn learn(&self, bounds: LogBounds, now: Instant) {
        let mut heard = self.heard();
        heard.at = heard.at.max(now);
        heard.bounds = Some(heard.bounds.map_or(bounds, |known| newest(known, bounds)));
    }

    fn forget(&self) {
        self.heard().bounds = None;
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

/// A partition that is polled.
struct Slot {
    known: Arc<Known>,
    /// The node that is to send news of it.
    node: Option<NodeId>,
    pollers: Vec<Arc<Poller>>,
}

/// What a node is yet to be told.
#[derive(Default)]
struct Wishes {
    /// Partitions whose interest may have changed.
    changed: Mutex<HashSet<TopicPartition>>,
    wake: Notify,
}

impl Wishes {
    fn add(&self, partitions: impl IntoIterator<Item = TopicPartition>) {
        self.changed().extend(partitions);
        self.wake.notify_one();
    }

    fn take(&self) -> HashSet<TopicPartition> {
        std::mem::take(&mut *self.changed())
    }

    fn changed(&self) -> std::sync::MutexGuard<'_, HashSet<TopicPartition>> {
        self.changed
            .lock()
            .expect("nothing panics while it is held")
    }
}

/// See the file's header.
pub(crate) struct News {
    router: Arc<Router>,
    table: DashMap<TopicPartition, Slot>,
    wishes: DashMap<NodeId, Arc<Wishes>>,
}

impl News {
    pub(crate) fn new(router: Arc<Router>) -> Self {
        Self {
            router,
            table: DashMap::new(),
            wishes: DashMap::new(),
        }
    }

    /// Takes what a node has sent, and wakes who waits for it.
    fn publish(&self, watermarks: Vec<Watermark>) {
        let now = Instant::now();
        for Watermark { partition, bounds } in watermarks {
            let Some(slot) = self.table.get(&partition) else {
                continue;
            };
            match bounds {
                Some(bounds) => slot.known.learn(bounds, now),
                None => slot.known.forget(),
            }
            for poller in &slot.pollers {
                poller.woken.notify_one();
            }
        }
    }

    fn join(&self, partition: TopicPartition, poller: &Arc<Poller>) -> Arc<Known> {
        match self.table.entry(partition) {
            Entry::Occupied(mut slot) => {
                slot.get_mut().pollers.push(Arc::clone(poller));
                Arc::clone(&slot.get().known)
            }
            Entry::Vacant(vacant) => {
                let node = self.router.route(partition).map(|route| route.node);
                let known = Arc::new(Known::nothing());
                vacant.insert(Slot {
                    known: Arc::clone(&known),
                    node,
                    pollers: vec![Arc::clone(poller)],
                });
                self.tell(node, partition);
                known
            }
        }
    }

    fn leave(&self, partition: TopicPartition, poller: &Arc<Poller>) {
        let Entry::Occupied(mut slot) = self.table.entry(partition) else {
            return;
        };
        let pollers = &mut slot.get_mut().pollers;
        pollers.retain(|other| !Arc::ptr_eq(other, poller));
        if pollers.is_empty() {
            let node = slot.remove().node;
            self.tell(node, partition);
        }
    }

    /// Has a node told anew what it is to send of `partition`.
    fn tell(&self, node: Option<NodeId>, partition: TopicPartition) {
        if let Some(node) = node {
            self.wishes_of(node).add([partition]);
        }
    }

    fn wishes_of(&self, node: NodeId) -> Arc<Wishes> {
        Arc::clone(&self.wishes.entry(node).or_default())
    }

    /// Whether `node` is to send news of `partition`.
    fn is_wanted(&self, partition: TopicPartition, node: NodeId) -> bool {
        self.table
            .get(&partition)
            .is_some_and(|slot| slot.node == Some(node))
    }

    /// Everything that `node` is to send news of.
    fn wanted_of(&self, node: NodeId) -> Vec<TopicPartition> {
        let wanted = self.table.iter().filter(|slot| slot.node == Some(node));
        wanted.map(|slot| *slot.key()).collect()
    }

    /// Follows a change of the cluster map: news comes from new owners.
    fn reroute(&self) {
        let mut moved = Vec::new();
        for mut slot in self.table.iter_mut() {
            let partition = *slot.key();
            let node = self.router.route(partition).map(|route| route.node);
            if slot.node != node {
                moved.push((slot.node, node, partition));
                slot.node = node;
            }
        }
        for (before, after, partition) in moved {
            self.tell(before, partition);
            self.tell(after, partition);
        }
    }
}

/// Logs only grow at their end and shrink at their start, so the larger of each is the newer.
pub(crate) fn newest(a: LogBounds, b: LogBounds) -> LogBounds {
    LogBounds {
        log_start_offset: a.log_start_offset.max(b.log_start_offset),
        high_watermark: a.high_watermark.max(b.high_watermark),
        last_stable_offset: a.last_stable_offset.max(b.last_stable_offset),
        start_position: a.start_position.max(b.start_position),
        end_position: a.end_position.max(b.end_position),
    }
}
