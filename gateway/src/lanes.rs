//! Drives the eight lanes: one task each, which takes appends in, sends them to the nodes that own
//! their partitions, and tells what became of them.
//!
//! Owns: the tasks, their mailboxes, who waits for which append. Does not own: order, repeats and
//! timers (`node_api::lane::Lane`), the way to a node (`link`).
//!
//! ```text
//!   handler --mailbox--> lane task --link--> node
//!      ^--- oneshot --------/  ^----replies----/
//! ```
//!
//! Invariant: each append that is taken is answered once, unless its lane is stopped.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use model::{
    Clock, ClusterMap, GatewayIncarnation, Instant, LANES, LaneId, NodeId, Placement,
    TopicPartition,
};
use node_api::lane::{Completion, Lane, LaneError, Submission, Ticket};
use node_api::{AppendRefusal, AppendReply, Appended};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::admission::Admitted;
use crate::alarm::Alarm;
use crate::limits::LANE_MAILBOX_MAX;
use crate::mute::Mute;
use crate::router::{Route, Router};

mod link;

use link::{Link, Opening};

/// Appends, and replies of one node, that a lane's task takes before it looks elsewhere.
const AT_ONCE_MAX: usize = 64;

/// A lane's task looks at its timers at least this often, however far they are.
const LOOK_UP_MAX: Duration = Duration::from_secs(3600);

/// An append that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Landed {
    pub(crate) appended: Appended,
    /// When the acknowledgement came; whoever waits for it may look later.
    pub(crate) at: tokio::time::Instant,
}

/// What became of an append.
pub(crate) type LaneOutcome = Result<Landed, LaneError>;

/// A batch on its way into a lane.
struct Deposit {
    admitted: Admitted,
    outcome: oneshot::Sender<LaneOutcome>,
}

/// The mailboxes of the eight lanes.
pub(crate) struct Lanes {
    mailboxes: Vec<mpsc::Sender<Deposit>>,
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

    /// Hands an append to its partition's lane, and gives back where its outcome will be told.
    /// Appends to a partition are sent in the order in which these calls were made; a call waits
    /// while the lane is at its bounds.
    pub(crate) async fn submit(&self, admitted: Admitted) -> oneshot::Receiver<LaneOutcome> {
        let lane = LaneId::of(admitted.partition);
        let mailbox = &self.mailboxes[usize::from(lane.0)];
        let (outcome, receiver) = oneshot::channel();
        // A lane that is stopped drops what it is given, which the receiver tells.
        let _ = mailbox.send(Deposit { admitted, outcome }).await;
        receiver
    }
}

/// Who waits for an append.
struct Waiting {
    mute: Option<Arc<Mute>>,
    outcome: oneshot::Sender<LaneOutcome>,
}

/// One lane's task.
struct Driver {
    gateway: GatewayIncarnation,
    id: LaneId,
    lane: Lane,
    router: Arc<Router>,
    clock: Arc<dyn Clock>,
    alarm: Alarm,
    waiting: HashMap<Ticket, Waiting>,
    /// Where each partition that has used this lane lives, as the lane knows it.
    placements: HashMap<TopicPartition, Placement>,
    links: HashMap<NodeId, Link>,
    /// Replies that have come and are to be handled.
    replies: Vec<AppendReply>,
}

/// What a lane's task waits for.
enum Event {
    Replies,
    MapChanged,
    Deposit(Deposit),
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
            waiting: HashMap::new(),
            placements: HashMap::new(),
            links: HashMap::new(),
            replies: Vec::new(),
        }
    }

    async fn run(mut self, mut mailbox: mpsc::Receiver<Deposit>) {
        let mut changes = self.router.changes();
        loop {
            let now = self.clock.now();
            self.lane.handle_timeout(now);
            self.transmit(now);
            self.complete();
            match self.next_event(now, &mut mailbox, &mut changes).await {
                Event::Replies => {
                    self.handle_replies();
                    self.submit_waiting(&mut mailbox);
                }
                Event::Deposit(deposit) => {
                    self.submit(deposit);
                    self.submit_waiting(&mut mailbox);
                }
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
        mailbox: &mut mpsc::Receiver<Deposit>,
        changes: &mut watch::Receiver<Arc<ClusterMap>>,
    ) -> Event {
        let pause = self.lane.poll_timeout().map(|at| at.saturating_since(now));
        let wake_at = pause.map(|pause| tokio::time::Instant::now() + pause.min(LOOK_UP_MAX));
        let (links, replies) = (&mut self.links, &mut self.replies);
        tokio::select! {
            biased;
            () = poll_fn(|context| poll_replies(links, replies, context)) => Event::Replies,
            Ok(()) = changes.changed() => Event::MapChanged,
            deposit = mailbox.recv(), if self.lane.has_room() => {
                deposit.map_or(Event::MailboxClosed, Event::Deposit)
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

    /// Takes what else is in the mailbox, so that it is sent together.
    fn submit_waiting(&mut self, mailbox: &mut mpsc::Receiver<Deposit>) {
        for _ in 0..AT_ONCE_MAX {
            if !self.lane.has_room() {
                return;
            }
            let Ok(deposit) = mailbox.try_recv() else {
                return;
            };
            self.submit(deposit);
        }
    }

    fn submit(&mut self, deposit: Deposit) {
        let Deposit { admitted, outcome } = deposit;
        let Some(route) = self.router.route(admitted.partition) else {
            // The handler may be gone with its connection.
            let _ = outcome.send(Err(LaneError::Refused(AppendRefusal::Closed)));
            return;
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
        let mute = admitted.mute;
        self.waiting.insert(ticket, Waiting { mute, outcome });
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
        while let Some(Completion { ticket, outcome }) = self.lane.poll_completion() {
            let waiting = self.waiting.remove(&ticket);
            let Waiting {
                mute,
                outcome: waiter,
            } = waiting.expect("a ticket completes once");
            if let (Ok(appended), Some(mute)) = (&outcome, mute) {
                mute.extend(appended.stop_reading);
            }
            // The handler may be gone with its connection.
            let _ = waiter.send(outcome.map(|appended| Landed {
                appended,
                at: tokio::time::Instant::now(),
            }));
        }
    }
}

/// Sends what the links have room for, and collects the replies that have come.
fn poll_replies(
    links: &mut HashMap<NodeId, Link>,
    replies: &mut Vec<AppendReply>,
    context: &mut Context<'_>,
) -> Poll<()> {
    for link in links.values_mut() {
        let enough = replies.len() + AT_ONCE_MAX;
        while replies.len() < enough
            && let Poll::Ready(reply) = link.poll_reply(context)
        {
            replies.push(reply);
        }
    }
    if replies.is_empty() {
        Poll::Pending
    } else {
        Poll::Ready(())
    }
}
