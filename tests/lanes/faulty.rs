//! A transport that loses, repeats and delays replies, loses appends, and breaks lanes, at random for a while.
//!
//! Owns: the faults and how many there were. Does not own: the node behind it, to which reads pass unharmed.
//!
//! It keeps what a transport promises (`node_api::transport`): appends of a lane arrive in order, or not at all. A
//! planted bug breaks what a gateway promises instead, to see that the checks would notice.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use model::{AppendId, GatewayIncarnation, LaneId, Offset, TopicPartition, VirtualClusterId};
use node_api::{
    Append, AppendReply, BoxFuture, FindOffset, FoundOffset, GroupCall, GroupError, GroupReply,
    LaneChannel, ListedGroup, NodeTransport, Read, ReadAnswers, ReadError, UsageTotal, Watermark,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::sample::XorShift;

/// Appends and replies that may wait in a lane's new ends.
const WAITING_MAX: usize = 4096;

/// Longest delay of a reply.
const DELAY_MS_MAX: usize = 60;

/// Faults are drawn as so many in this many.
const OF: usize = 1000;

/// How often what goes wrong, in thousandths.
const LOSE_REPLY: usize = 40;
const REPEAT_REPLY: usize = 100;
const DELAY_REPLY: usize = 200;
const LOSE_APPEND: usize = 40;
const BREAK_LANE: usize = 5;

/// A bug of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// None.
    Nothing,
    /// An append that is sent again gets a fresh id.
    FreshIds,
}

/// How often what went wrong.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Faults {
    pub lost_replies: AtomicU32,
    pub repeated_replies: AtomicU32,
    pub delayed_replies: AtomicU32,
    pub lost_appends: AtomicU32,
    pub broken_lanes: AtomicU32,
}

/// See the file's header.
pub struct Faulty {
    inner: Arc<dyn NodeTransport>,
    faults: Arc<Faults>,
    planted: Planted,
    /// Nothing goes wrong any more from then on, so that every append gets through before it is given up.
    calm_at: Instant,
    seed: u64,
    /// Lanes that were opened so far, so that no two draw the same.
    opened: AtomicU32,
}

impl Faulty {
    /// Stands before `inner` and does harm until `calm_at`.
    #[must_use]
    pub fn new(
        inner: Arc<dyn NodeTransport>,
        planted: Planted,
        calm_at: Instant,
        seed: u64,
    ) -> Self {
        Self {
            inner,
            faults: Arc::default(),
            planted,
            calm_at,
            seed,
            opened: AtomicU32::new(0),
        }
    }

    /// How often what went wrong; goes on counting.
    #[must_use]
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }
}

impl NodeTransport for Faulty {
    fn open_lane(
        &self,
        gateway: GatewayIncarnation,
        lane: LaneId,
    ) -> BoxFuture<'static, LaneChannel> {
        let opening = self.inner.open_lane(gateway, lane);
        let number = u64::from(self.opened.fetch_add(1, Ordering::Relaxed));
        let (faults, planted, calm_at) = (self.faults(), self.planted, self.calm_at);
        let numbers = XorShift::new(self.seed ^ number << 32);
        Box::pin(async move {
            let inner = opening.await;
            let (appends, from_gateway) = mpsc::channel(WAITING_MAX);
            let (to_gateway, replies) = mpsc::channel(WAITING_MAX);
            let harm = Harm {
                inner,
                to_gateway,
                faults,
                calm_at,
                numbers,
                fresh_ids: (planted == Planted::FreshIds).then(FreshIds::default),
            };
            tokio::spawn(harm.run(from_gateway));
            LaneChannel { appends, replies }
        })
    }

    fn read(&self, reads: Vec<Read>) -> BoxFuture<'static, ReadAnswers> {
        self.inner.read(reads)
    }

    fn find_offset(&self, query: FindOffset) -> BoxFuture<'static, Result<FoundOffset, ReadError>> {
        self.inner.find_offset(query)
    }

    fn news(
        &self,
        gateway: GatewayIncarnation,
    ) -> BoxFuture<'static, mpsc::Receiver<Vec<Watermark>>> {
        self.inner.news(gateway)
    }

    fn interest(
        &self,
        gateway: GatewayIncarnation,
        partitions: Vec<(TopicPartition, bool)>,
    ) -> BoxFuture<'static, ()> {
        self.inner.interest(gateway, partitions)
    }

    fn coordinate(
        &self,
        shard: TopicPartition,
        call: GroupCall,
    ) -> BoxFuture<'static, Result<GroupReply, GroupError>> {
        self.inner.coordinate(shard, call)
    }

    fn list_groups(
        &self,
        cluster: VirtualClusterId,
    ) -> BoxFuture<'static, Result<Vec<ListedGroup>, GroupError>> {
        self.inner.list_groups(cluster)
    }

    fn delete_records(
        &self,
        partition: TopicPartition,
        offset: Option<Offset>,
    ) -> BoxFuture<'static, Result<Offset, ReadError>> {
        self.inner.delete_records(partition, offset)
    }

    fn usage(&self) -> BoxFuture<'static, Vec<UsageTotal>> {
        self.inner.usage()
    }
}

/// One life of one lane.
struct Harm {
    inner: LaneChannel,
    to_gateway: mpsc::Sender<AppendReply>,
    faults: Arc<Faults>,
    calm_at: Instant,
    numbers: XorShift,
    fresh_ids: Option<FreshIds>,
}

impl Harm {
    /// Ends, and with it both directions, where the lane breaks or either side is gone.
    async fn run(mut self, mut from_gateway: mpsc::Receiver<Append>) {
        loop {
            tokio::select! {
                append = from_gateway.recv() => {
                    let Some(append) = append else { return };
                    if self.strikes(BREAK_LANE) {
                        self.faults.broken_lanes.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    if !self.pass_append(append).await {
                        return;
                    }
                }
                reply = self.inner.replies.recv() => {
                    let Some(reply) = reply else { return };
                    self.pass_reply(reply);
                }
            }
        }
    }

    fn strikes(&mut self, per_thousand: usize) -> bool {
        Instant::now() < self.calm_at && self.numbers.below(OF) < per_thousand
    }

    /// Whether the node is still there.
    async fn pass_append(&mut self, mut append: Append) -> bool {
        if self.strikes(LOSE_APPEND) {
            self.faults.lost_appends.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        if let Some(fresh_ids) = &mut self.fresh_ids {
            fresh_ids.rename(&mut append);
        }
        self.inner.appends.send(append).await.is_ok()
    }

    fn pass_reply(&mut self, mut reply: AppendReply) {
        if let Some(fresh_ids) = &self.fresh_ids {
            fresh_ids.restore(&mut reply);
        }
        if self.strikes(LOSE_REPLY) {
            self.faults.lost_replies.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.strikes(REPEAT_REPLY) {
            self.faults.repeated_replies.fetch_add(1, Ordering::Relaxed);
            self.pass_later(reply.clone());
        }
        if self.strikes(DELAY_REPLY) {
            self.faults.delayed_replies.fetch_add(1, Ordering::Relaxed);
            self.pass_later(reply);
        } else {
            // Where there is no room the reply is lost, as the transport may.
            let _ = self.to_gateway.try_send(reply);
        }
    }

    fn pass_later(&mut self, reply: AppendReply) {
        let delay = Duration::from_millis(self.numbers.below(DELAY_MS_MAX) as u64);
        let to_gateway = self.to_gateway.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = to_gateway.try_send(reply);
        });
    }
}

/// The planted bug: ids as a gateway would give them that forgets what it has sent.
#[derive(Default)]
struct FreshIds {
    next: HashMap<TopicPartition, u64>,
    given: HashMap<(TopicPartition, u64), AppendId>,
}

impl FreshIds {
    fn rename(&mut self, append: &mut Append) {
        // A lane that was opened anew must not start below what its former life has used.
        let next = self
            .next
            .entry(append.partition)
            .or_insert(append.id.sequence);
        self.given.insert((append.partition, *next), append.id);
        append.id.sequence = *next;
        append.answered_below = *next;
        *next += 1;
    }

    fn restore(&self, reply: &mut AppendReply) {
        if let Some(id) = self.given.get(&(reply.partition, reply.id.sequence)) {
            reply.id = *id;
        }
    }
}
