//! Drives the eight lanes: one task each, which takes appends in, sends them to the nodes that own
//! their partitions, and tells what became of them.
//!
//! Owns: the tasks, their mailboxes, who waits for which append. Does not own: order, repeats and
//! timers (`node_api::lane::Lane`), the way to a node (`link`).
//!
//! ```text
//!   handler --mailbox--> lane task --link--> node
//!      ^--- slots ----------/  ^----replies----/
//! ```
//!
//! What one request has for one lane is one message of its mailbox.
//!
//! Invariant: each append that is taken is answered once, unless its lane is stopped.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use model::{
    Clock, ClusterMap, GatewayIncarnation, IdMap, Instant, LANES, LaneId, NodeId, Placement,
    TopicPartition,
};
use node_api::lane::{Completion, Lane, LaneError, Submission, Ticket};
use node_api::{AppendRefusal, AppendReply};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::admission::Admitted;
use crate::alarm::Alarm;
use crate::limits::LANE_MAILBOX_MAX;
use crate::router::{Route, Router};

mod link;
mod outcomes;

use link::{Link, Opening};
use outcomes::Slot;
pub(crate) use outcomes::{Arriving, Landed, LaneOutcome, Slots, slots};

/// Messages, and replies of one node, that a lane's task takes before it looks elsewhere.
const AT_ONCE_MAX: usize = 64;

/// A lane's task looks at its timers at least this often, however far they are.
const LOOK_UP_MAX: Duration = Duration::from_secs(3600);

/// A batch on its way into a lane, and where its outcome is told.
pub(crate) struct Deposit {
    pub(crate) admitted: Admitted,
    pub(crate) slot: Slot,
}

/// What one request has for one lane, in its order. Bounded by the request.
type Deposits = Vec<Deposit>;

/// The mailboxes of the eight lanes.
pub(crate) struct Lanes {
    mailboxes: Vec<mpsc::Sender<Deposits>>,
}

impl Lanes {
    /// Starts the lanes' tasks within `tasks`.
    pub(crate) fn start(
        gateway: GatewayIncarnation,
        router: &Arc<Router>,
        clock: &Arc<dyn Clock>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let mailboxes = (0..LANES)
            .map(|lane| {
                let (sender, mailbox) = mpsc::channel(LANE_MAILBOX_MAX);
                let driver = Driver::new(gateway, LaneId(lane), router, clock);
                tasks.spawn(driver.run(mailbox));
                sender
            })
            .collect();
        Self { mailboxes }
    }

    /// Hands appends to their partitions' lanes. Appends to a partition are sent in the order in
    /// which they stand here and these calls were made; a call waits while a lane is at its bounds.
    pub(crate) async fn submit(&self, deposits: Deposits) {
        if let [only] = &deposits[..] {
            let lane = LaneId::of(only.admitted.partition);
            return self.hand_over(lane, deposits).await;
        }
        let mut divided = [const { Deposits::new() }; LANES as usize];
        for deposit in deposits {
            let lane = LaneId::of(deposit.admitted.partition);
            divided[usize::from(lane.0)].push(deposit);
        }
        for (lane, deposits) in (0..LANES).zip(divided) {
            if !deposits.is_empty() {
                self.hand_over(LaneId(lane), deposits).await;
            }
        }
    }

    /// Hands over a single append of our own, and waits for its outcome.
    pub(crate) async fn append(&self, admitted: Admitted) -> LaneOutcome {
        let (slots, arriving) = slots(1, (None, None));
        let slot = slots.slot(0);
        drop(slots);
        self.submit(vec![Deposit { admitted, slot }]).await;
        arriving.all().await.of(0)
    }

    async fn hand_over(&self, lane: LaneId, deposits: Deposits) {
        // A lane that is stopped drops what it is given, and the slots tell that.
        let _ = self.mailboxes[usize::from(lane.0)].send(deposits).await;
    }
}

/// One lane's task.
struct Driver {
    gateway: GatewayIncarnation,
    id: LaneId,
    lane: Lane,
    router: Arc<Router>,
    clock: Arc<dyn Clock>,
    alarm: Alarm,
    /// What is left of the message that was taken last: there is no room for it yet.
    arriving: vec::IntoIter<Deposit>,
    waiting: IdMap<Ticket, Slot>,
    /// Where each partition that has used this lane lives, as the lane knows it.
    placements: IdMap<TopicPartition, Placement>,
    links: IdMap<NodeId, Link>,
    /// Replies that have come and are to be handled.
    replies: Vec<AppendReply>,
}

/// What a lane's task waits for.
enum Event {
    Replies,
    MapChanged,
    Deposits(Deposits),
    MailboxClosed,
    Timeout,
}

impl Driver {
    fn new(
        gateway: GatewayIncarnation,
        id: LaneId,
        router: &Arc<Router>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self {
            gateway,
            id,
            lane: Lane::new(gateway, id),
            router: Arc::clone(router),
            clock: Arc::clone(clock),
            alarm: Alarm::new(),
            arriving: Vec::new().into_iter(),
            waiting: IdMap::default(),
            placements: IdMap::default(),
            links: IdMap::default(),
            replies: Vec::new(),
        }
    }

    async fn run(mut self, mut mailbox: mpsc::Receiver<Deposits>) {
        let mut changes = self.router.changes();
        loop {
            let now = self.clock.now();
            self.lane.handle_timeout(now);
            self.submit_waiting(&mut mailbox);
            self.transmit(now);
            self.complete();
            match self.next_event(now, &mut mailbox, &mut changes).await {
                Event::Replies => self.handle_replies(),
                Event::Deposits(deposits) => self.arriving = deposits.into_iter(),
                Event::MapChanged => self.reroute(),
                Event::Timeout => {}
                Event::MailboxClosed => return,
            }
        }
    }

    /// The links come first: they are also what sends.
    async fn next_event(
        &mut self,
        now: Instant,
        mailbox: &mut mpsc::Receiver<Deposits>,
        changes: &mut watch::Receiver<Arc<ClusterMap>>,
    ) -> Event {
        let pause = self.lane.poll_timeout().map(|at| at.saturating_since(now));
        let wake_at = pause.map(|pause| tokio::time::Instant::now() + pause.min(LOOK_UP_MAX));
        let (links, replies) = (&mut self.links, &mut self.replies);
        tokio::select! {
            biased;
            () = poll_fn(|context| poll_replies(links, replies, context)) => Event::Replies,
            Ok(()) = changes.changed() => Event::MapChanged,
            deposits = mailbox.recv(), if self.lane.has_room() => {
                deposits.map_or(Event::MailboxClosed, Event::Deposits)
            }
            () = self.alarm.at(wake_at) => Event::Timeout,
        }
    }

    fn handle_replies(&mut self) {
        let now = self.clock.now();
        for reply in self.replies.drain(..) {
            self.lane.handle_reply(now, &reply);
        }
    }

    /// Takes in the message that has come, and what else is in the mailbox, so that it is sent
    /// together. Afterwards nothing has arrived that there is room for.
    fn submit_waiting(&mut self, mailbox: &mut mpsc::Receiver<Deposits>) {
        self.submit_arriving();
        for _ in 0..AT_ONCE_MAX {
            if !self.lane.has_room() {
                return;
            }
            let Ok(deposits) = mailbox.try_recv() else {
                return;
            };
            self.arriving = deposits.into_iter();
            self.submit_arriving();
        }
    }

    fn submit_arriving(&mut self) {
        while self.lane.has_room()
            && let Some(deposit) = self.arriving.next()
        {
            self.submit(deposit);
        }
    }

    fn submit(&mut self, deposit: Deposit) {
        let Deposit { admitted, slot } = deposit;
        let Some(route) = self.router.route(admitted.partition) else {
            let closed = Err(LaneError::Refused(AppendRefusal::Closed));
            return slot.fill(closed, tokio::time::Instant::now());
        };
        self.learn(admitted.partition, &route);
        let ticket = self.lane.submit(Submission {
            virtual_cluster: admitted.virtual_cluster,
            partition: admitted.partition,
            leader_epoch: route.leader_epoch,
            map_version: route.map_version,
            batch: admitted.batch,
            give_up_at: admitted.give_up_at,
        });
        self.waiting.insert(ticket, slot);
    }

    /// Takes note of where a partition lives; what was sent elsewhere is sent anew.
    fn learn(&mut self, partition: TopicPartition, route: &Route) {
        let placement = Placement {
            node: route.node,
            leader_epoch: route.leader_epoch,
        };
        let before = self.placements.insert(partition, placement);
        if before.is_some_and(|before| before != placement) {
            self.lane
                .reroute(partition, route.leader_epoch, route.map_version);
        }
    }

    fn reroute(&mut self) {
        // The snapshot must not be older than the map that was announced here: an append that
        // comes later would be routed back to the former owner.
        self.router.refresh();
        let partitions: Vec<_> = self.placements.keys().copied().collect();
        for partition in partitions {
            if let Some(route) = self.router.route(partition) {
                self.learn(partition, &route);
            } else {
                self.placements.remove(&partition);
                self.lane.forget(partition);
            }
        }
    }

    fn transmit(&mut self, now: Instant) {
        while let Some(append) = self.lane.poll_transmit(now) {
            let placement = self.placements.get(&append.partition);
            let node = placement.expect("what is in the lane has a place").node;
            let link = self.links.entry(node).or_insert_with(|| {
                Link::new(Opening {
                    router: Arc::clone(&self.router),
                    node,
                    gateway: self.gateway,
                    lane: self.id,
                })
            });
            link.push(append);
        }
    }

    fn complete(&mut self) {
        let mut completed_at = None;
        while let Some(Completion { ticket, outcome }) = self.lane.poll_completion() {
            let slot = self.waiting.remove(&ticket);
            let at = *completed_at.get_or_insert_with(tokio::time::Instant::now);
            slot.expect("a ticket completes once").fill(outcome, at);
        }
    }
}

/// Sends what the links have room for, and collects the replies that have come.
fn poll_replies(
    links: &mut IdMap<NodeId, Link>,
    replies: &mut Vec<AppendReply>,
    context: &mut Context<'_>,
) -> Poll<()> {
    for link in links.values_mut() {
        // Where it is ready there are replies, which are looked at below.
        let _ = link.poll_replies(replies, AT_ONCE_MAX, context);
    }
    if replies.is_empty() {
        Poll::Pending
    } else {
        Poll::Ready(())
    }
}
