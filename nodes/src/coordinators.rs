//! The coordinators of consumer groups that live on this node: one task owns them all.
//!
//! Owns: which coordinators are here (the partitions of [`model::GROUPS_TOPIC`] that are placed here), their
//! timers, who waits for them, when each is loaded. Does not own: what a group does with a call
//! (`coordinator`), the log (it is written and read through the node's transport, as by a gateway).
//!
//! ```text
//!   calls ──▶ coordinator ──▶ journal ──▶ writer ──▶ lane ──▶ the shard of `__groups/n`
//!               ▲  timers       │ answers are held              │
//!               │               ◀────────── durable ────────────┘
//!             loader ◀── the partition, from its log start: at the start, and after a write was refused
//! ```
//!
//! Invariants: an answer leaves once all that was written before it is durable; a coordinator that
//! could not write is forgotten and loaded again, so that it never knows more than its log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coordinator::{CallId, GroupError, GroupRules, ListedGroup, Moment, shard_of};
use model::{Clock, ClusterMap, Instant, NodeId, TopicId, VirtualClusterId};
use node_api::lane::LaneError;
use node_api::{Appended, NodeTransport};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::limits::{
    GROUP_BATCH_BYTES_MAX, GROUP_CALLS_PER_TURN, GROUP_CALLS_UNANSWERED_MAX, GROUP_SNAPSHOT_AGE,
    GROUP_SNAPSHOT_BYTES, GROUPS_STOP_MAX, LAG_REFRESH_EVERY, LOADING_PATIENCE, LOADS_AT_ONCE,
    UNSUBSCRIBED_CHECK_EVERY,
};
use crate::local::LocalNode;

pub(crate) mod calls;
mod group_shard;
mod journal;
pub(crate) mod lag;
mod loader;
mod placing;
pub(crate) mod writer;

pub(crate) use calls::{GroupCalls, mailbox};
pub(crate) use journal::SnapshotRule;

use calls::{Call, Callers, Coordinate, Inbox};
use group_shard::GroupShard;
use lag::LagRefresh;
use loader::{LoadError, Loaded};

/// Fills the bytes with chance, from a source fit for secrets.
pub type FillRandom = dyn Fn(&mut [u8]) + Send + Sync;

/// Reports of tasks that may wait; at the bound the tasks do.
const REPORTS_MAX: usize = 256;

/// The task looks at its timers at least this often, however far they are.
const LOOK_UP_MAX: Duration = Duration::from_secs(3600);

/// ... and not more often than this.
const LOOK_UP_MIN: Duration = Duration::from_millis(1);

/// What coordinators are made of.
pub(crate) struct Around {
    pub(crate) node: NodeId,
    pub(crate) transport: Arc<dyn NodeTransport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<FillRandom>,
    pub(crate) rules: Rules,
    /// Where partitions of this node end, for lags.
    pub(crate) local: LocalNode,
    pub(crate) loads: Semaphore,
}

/// How much and how often; tests set it lower.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) batch_bytes_max: usize,
    pub(crate) snapshot: SnapshotRule,
    pub(crate) lag_refresh_every: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            batch_bytes_max: GROUP_BATCH_BYTES_MAX,
            snapshot: SnapshotRule {
                bytes: GROUP_SNAPSHOT_BYTES,
                age: GROUP_SNAPSHOT_AGE,
            },
            lag_refresh_every: LAG_REFRESH_EVERY,
        }
    }
}

/// A semaphore for [`Around`].
pub(crate) fn loads() -> Semaphore {
    Semaphore::new(LOADS_AT_ONCE)
}

/// What a task of a shard has to say; it counts only in the tenure that the task was started in.
struct Report {
    shard: u32,
    tenure: u64,
    what: Done,
}

enum Done {
    Loaded(Box<Result<Loaded, LoadError>>),
    Landed(Result<Appended, LaneError>),
}

/// Who wants a list while a shard is loaded.
struct PendingList {
    cluster: VirtualClusterId,
    since: Instant,
    reply: oneshot::Sender<Result<Vec<ListedGroup>, GroupError>>,
}

/// See the file's header.
pub(crate) struct Coordinators {
    around: Arc<Around>,
    maps: watch::Receiver<Arc<ClusterMap>>,
    map: Arc<ClusterMap>,
    topic: Option<TopicId>,
    shards: BTreeMap<u32, GroupShard>,
    callers: Callers,
    lists: Vec<PendingList>,
    tasks: JoinSet<()>,
    reports: mpsc::Sender<Report>,
    next_tenure: u64,
    lag: LagRefresh,
    lag_at: Instant,
    unsubscribed_at: Instant,
}

impl Coordinators {
    /// Runs until it is told to stop (then true), or nobody can call any more.
    pub(crate) async fn run(
        around: Arc<Around>,
        maps: watch::Receiver<Arc<ClusterMap>>,
        lag: LagRefresh,
        inbox: Inbox,
    ) -> bool {
        let (sender, reports) = mpsc::channel(REPORTS_MAX);
        let now = around.clock.now();
        let coordinators = Self {
            lag_at: now + around.rules.lag_refresh_every,
            around,
            maps,
            map: Arc::default(),
            topic: None,
            shards: BTreeMap::new(),
            callers: Callers::default(),
            lists: Vec::new(),
            tasks: JoinSet::new(),
            reports: sender,
            next_tenure: 0,
            lag,
            unsubscribed_at: now + UNSUBSCRIBED_CHECK_EVERY,
        };
        coordinators.serve(inbox, reports).await
    }

    async fn serve(mut self, mut inbox: Inbox, mut reports: mpsc::Receiver<Report>) -> bool {
        let mut maps = self.maps.clone();
        self.follow_map();
        loop {
            let pause = self.pause();
            tokio::select! {
                biased;
                Some(report) = reports.recv() => self.handle_report(report),
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    // A task that was aborted has nothing to say; a bug in one is a bug here.
                    if let Err(why) = ended && why.is_panic() {
                        std::panic::resume_unwind(why.into_panic());
                    }
                }
                Ok(()) = maps.changed() => self.follow_map(),
                Some(call) = inbox.abandoned.recv() => self.abandon(call),
                call = inbox.calls.recv() => match call {
                    Some(Call::Stop(done)) => return self.stop(reports, done).await,
                    Some(call) => self.handle_call(call),
                    None => return true,
                },
                () = tokio::time::sleep(pause) => {}
            }
            for _ in 0..GROUP_CALLS_PER_TURN {
                match inbox.calls.try_recv() {
                    Ok(Call::Stop(done)) => return self.stop(reports, done).await,
                    Ok(call) => self.handle_call(call),
                    Err(_) => break,
                }
            }
            self.handle_timeouts();
            self.pump();
        }
    }

    fn handle_call(&mut self, call: Call) {
        match call {
            Call::Coordinate(coordinate) => self.coordinate(*coordinate),
            Call::List(cluster, reply) => {
                let since = self.around.clock.now();
                self.lists.push(PendingList {
                    cluster,
                    since,
                    reply,
                });
            }
            Call::Stop(_) => unreachable!("the loop handles it"),
        }
    }

    fn coordinate(&mut self, coordinate: Coordinate) {
        let Coordinate {
            id,
            shard,
            call,
            reply,
        } = coordinate;
        // Whoever went away while the call was in the mailbox is not named by `abandoned` later.
        if reply.is_closed() {
            return;
        }
        if self.topic != Some(shard.topic) || !self.map.virtual_clusters.contains_key(&call.cluster)
        {
            self.follow_map();
        }
        let number = shard.partition;
        let is_of_shard = shard_of(call.cluster, &call.group) == number;
        let rules = self.rules(call.cluster, number);
        let at = self.moment();
        let is_full = self.callers.len() >= GROUP_CALLS_UNANSWERED_MAX;
        let here = self.shards.get_mut(&number);
        let here = here.filter(|here| here.partition == shard && is_of_shard);
        let taken = match (here, rules) {
            (None, _) => Err(GroupError::NotCoordinator),
            (Some(_), None) => Err(GroupError::NotAvailable),
            (Some(_), _) if is_full => Err(GroupError::NotAvailable),
            (Some(here), Some(rules)) => {
                let mut chance = [0; 16];
                (self.around.random)(&mut chance);
                here.take(at, (id, call), &rules, chance)
            }
        };
        match taken {
            Ok(()) => self.callers.wait(id, number, reply),
            // Whoever asked may have gone meanwhile.
            Err(why) => drop(reply.send(Err(why))),
        }
    }

    /// What a virtual cluster allows its groups in one shard; none where it does not exist.
    fn rules(&self, cluster: VirtualClusterId, shard: u32) -> Option<GroupRules> {
        let settings = self.map.virtual_clusters.get(&cluster)?;
        let others = self.shards.iter().filter(|(number, _)| **number != shard);
        Some(GroupRules {
            settings: settings.groups,
            groups_max: settings.limits.consumer_groups_max,
            groups_elsewhere: others.map(|(_, other)| other.group_count(cluster)).sum(),
        })
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.around.clock.now(),
            wall: self.around.clock.wall(),
        }
    }

    fn abandon(&mut self, call: CallId) {
        let at = self.moment();
        if let Some(number) = self.callers.forget(call)
            && let Some(shard) = self.shards.get_mut(&number)
        {
            shard.abandon(at, call);
        }
    }

    fn handle_report(&mut self, report: Report) {
        let Report {
            shard,
            tenure,
            what,
        } = report;
        let is_current = |here: &GroupShard| here.tenure == tenure;
        if !self.shards.get(&shard).is_some_and(is_current) {
            return;
        }
        match what {
            Done::Loaded(loaded) => self.loaded(shard, *loaded),
            Done::Landed(outcome) => self.landed(shard, outcome),
        }
    }

    fn handle_timeouts(&mut self) {
        let at = self.moment();
        let mut again = Vec::new();
        for (number, shard) in &mut self.shards {
            for call in shard.handle_timeout(at) {
                self.callers.answer(call, Err(GroupError::NotAvailable));
            }
            if shard.is_to_be_loaded_again(at.now) {
                again.push(*number);
            }
        }
        again.into_iter().for_each(|number| self.load_again(number));
        if self.unsubscribed_at <= at.now {
            self.unsubscribed_at = at.now + UNSUBSCRIBED_CHECK_EVERY;
            self.expire_unsubscribed(at);
        }
        if self.lag_at <= at.now {
            self.lag_at = at.now + self.around.rules.lag_refresh_every;
            let serving = self.shards.values().filter_map(GroupShard::core);
            self.lag.start(serving, &self.map, &self.around);
        }
    }

    fn expire_unsubscribed(&mut self, at: Moment) {
        let topics = &self.map.topics;
        let name_of = |topic: TopicId| topics.get(&topic).map(|topic| topic.name.clone());
        for shard in self.shards.values_mut() {
            if let Some(core) = shard.core_mut() {
                core.expire_unsubscribed(at, &name_of);
            }
        }
    }

    /// Takes out what coordinators have to be done, and does it.
    fn pump(&mut self) {
        let at = self.moment();
        for shard in self.shards.values_mut() {
            let log_start = shard.pump(at, self.map.version, &mut self.callers);
            if let Some(log_start) = log_start {
                let (partition, transport) = (shard.partition, &self.around.transport);
                let deleting = transport.delete_records(partition, Some(log_start));
                self.tasks.spawn(async move {
                    if let Err(why) = deleting.await {
                        tracing::warn!(%partition, %why, "what a snapshot replaces is kept until the next");
                    }
                });
            }
        }
        self.answer_lists(at.now);
    }

    /// Answers whoever wants a list, once all shards are loaded; refuses where that takes too long, or
    /// one cannot be loaded: a list that leaves out groups would be taken for all that there are.
    fn answer_lists(&mut self, now: Instant) {
        let is_loading = self.shards.values().any(GroupShard::is_loading);
        let waits = |list: &PendingList| is_loading && list.since + LOADING_PATIENCE > now;
        for list in std::mem::take(&mut self.lists) {
            if waits(&list) {
                self.lists.push(list);
                continue;
            }
            let cores = self.shards.values().map(GroupShard::core);
            let cores = cores.collect::<Option<Vec<_>>>();
            let groups = cores.map(|cores| {
                let groups = cores.into_iter().flat_map(|core| core.list(list.cluster));
                groups.collect()
            });
            let groups = groups.ok_or(GroupError::NotAvailable);
            // Whoever asked may have gone.
            let _ = list.reply.send(groups);
        }
    }

    /// How long nothing has to be done.
    fn pause(&self) -> Duration {
        let shards = self.shards.values().filter_map(GroupShard::poll_timeout);
        let lists = self.lists.iter().map(|list| list.since + LOADING_PATIENCE);
        let own = [self.lag_at, self.unsubscribed_at];
        let next = shards.chain(lists).chain(own).min();
        let now = self.around.clock.now();
        let pause = next.map_or(LOOK_UP_MAX, |next| next.saturating_since(now));
        pause.clamp(LOOK_UP_MIN, LOOK_UP_MAX)
    }

    /// Lets the answers leave whose writes are under way, and ends.
    async fn stop(
        mut self,
        mut reports: mpsc::Receiver<Report>,
        done: oneshot::Sender<()>,
    ) -> bool {
        let patience = tokio::time::sleep(GROUPS_STOP_MAX);
        tokio::pin!(patience);
        self.pump();
        while self.shards.values().any(GroupShard::owes_answers) {
            tokio::select! {
                Some(report) = reports.recv() => self.handle_report(report),
                () = &mut patience => break,
            }
            self.pump();
        }
        drop(self);
        // Whoever asked may have given up.
        let _ = done.send(());
        true
    }
}
