//! A storage node: recovers its log, runs its shards, and is spoken to through `node_api`.
//!
//! Owns: start, stop, and how partitions are divided among shards. Does not own: partitions.
//! Invariant: nothing is served before recovery has made it durable.

use std::path::PathBuf;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use control_api::ControlPlane;
use futures_util::future::join_all;
use model::{Clock, IdMap, LaneId, NodeEpoch, NodeId, TopicPartition, VirtualClusterId};
use node_api::{Append, NodeTransport};
use quota::{Meters, OpenUsage, UsageSource, UsedInAll};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};
use wal::{FileDisk, Opened, Recovered, Running, ShardEvents, WalConfig, WalError, WalHandle};

use crate::coordinators::lag::LagRefresh;
use crate::coordinators::{Around, Coordinators, FillRandom, GroupCalls, Rules, loads, mailbox};
use crate::file_reads::FileReads;
use crate::janitor::ask;
use crate::limits::{APPENDS_MAX, CALLS_MAX, TRAFFIC_WAIT_MAX};
use crate::local::LocalNode;
use crate::partition::Partition;
use crate::recovery::{Circumstances, RecoveryError, freed_meanwhile, rebuild};
use crate::shard::{Inboxes, Shard, ShardCall, Surroundings};
use crate::traffic::{TopicTraffic, Traffic};
use crate::usage::UsageSealer;

/// What is set about a node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its id.
    pub node: NodeId,
    /// Folder of its write-ahead log.
    pub folder: PathBuf,
    /// Tasks that partitions are divided among: a power of two up to the number of lanes.
    pub shards: u16,
    /// Size of one segment's file.
    pub segment_bytes: u64,
    /// Memory for batches just appended, over all shards.
    pub tail_cache_bytes: usize,
    /// How often retention is applied.
    pub retention_check_interval: Duration,
    /// The name that the log gets if there is none yet: drawn by chance.
    pub new_wal_id: u64,
}

/// What a node is made of.
pub struct NodeParts {
    /// Settings.
    pub config: NodeConfig,
    /// The cluster map, and the node's epoch.
    pub control: Arc<dyn ControlPlane>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for the names of group members and of what writes for them.
    pub random: Arc<FillRandom>,
}

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The control plane gave no epoch.
    #[error(transparent)]
    Control(#[from] control_api::Unavailable),
    /// The folder of the log cannot be used.
    #[error("{}: {why}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        why: std::io::Error,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// A partition cannot be rebuilt.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
}

/// A running node; clones are handles to the same.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
    groups: GroupCalls,
    lags: watch::Receiver<Arc<str>>,
}

pub(crate) struct Inner {
    pub(crate) appends: Vec<mpsc::Sender<Append>>,
    pub(crate) calls: Arc<[mpsc::Sender<ShardCall>]>,
    node: NodeId,
    /// Taken when the node stops: the log ends with its last handle.
    wal: std::sync::Mutex<Option<WalHandle>>,
    clock: Arc<dyn Clock>,
    /// Set once a shard has ended without being told to.
    failed: watch::Receiver<bool>,
    tasks: Mutex<Option<Tasks>>,
}

/// What runs until the node is stopped.
struct Tasks {
    shards: Vec<JoinHandle<()>>,
    coordinators: JoinHandle<()>,
    janitor: JoinHandle<()>,
    usage: JoinHandle<()>,
    /// Ends the janitor and the usage sealer; they end as well when it is dropped.
    stop: watch::Sender<bool>,
    wal: std::thread::JoinHandle<()>,
}

/// Makes a transport of a transport.
pub(crate) type Between =
    dyn FnOnce(Arc<dyn NodeTransport>) -> Arc<dyn NodeTransport> + Send + Sync;

/// What tests do to the coordinators of a node.
pub(crate) struct Coordination {
    pub(crate) rules: Rules,
    /// Puts something between the coordinators and the node that they write to.
    pub(crate) between: Box<Between>,
}

impl Default for Coordination {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            between: Box::new(|node| node),
        }
    }
}

impl Node {
    /// Recovers the log and starts to serve.
    pub async fn start(parts: NodeParts) -> Result<Self, NodeError> {
        Self::start_with(parts, Coordination::default()).await
    }

    pub(crate) async fn start_with(
        parts: NodeParts,
        coordination: Coordination,
    ) -> Result<Self, NodeError> {
        let NodeParts {
            config,
            control,
            clock,
            ..
        } = &parts;
        let epoch = control.register_node(config.node).await?;
        let (opened, recovered) = open_log(config, epoch, clock)?;
        let circumstances = Circumstances {
            node: config.node,
            map: &control.watch().borrow().clone(),
            now: clock.now(),
            wall: clock.wall(),
        };
        let partitions = rebuild(&recovered.segments, &circumstances)?;
        tell(&recovered, partitions.len());
        let running = wal::start(opened, config.shards);
        Ok(Self::serve(parts, coordination, (recovered, partitions), running).await)
    }

    /// Starts the tasks of a node that has recovered.
    async fn serve(
        parts: NodeParts,
        coordination: Coordination,
        (recovered, partitions): (Recovered, IdMap<TopicPartition, Partition>),
        running: Running,
    ) -> Self {
        let config = &parts.config;
        let segments = recovered.segments.iter();
        let sealed = segments.map(|summary| summary.segment).collect();
        let Running {
            handle,
            events,
            reader,
            thread,
        } = running;
        let around = Arc::new(Surroundings {
            node: config.node,
            clock: Arc::clone(&parts.clock),
            wal: handle.clone(),
            files: FileReads::new(reader),
            map: parts.control.watch(),
            retention_check_interval: config.retention_check_interval,
        });
        let interval = config.retention_check_interval;
        let freed = freed_meanwhile(&recovered.meters, &partitions, parts.clock.wall());
        let started = start_shards(config, around, partitions, events);
        // Before anything else, so that it is durable before a segment can go.
        let _ = started.calls[0].send(ShardCall::Free(freed)).await;
        let usage = UsageSealer {
            source: UsageSource::Node(config.node),
            wal: handle.clone(),
            shard: started.calls[0].clone(),
            control: Arc::clone(&parts.control),
            clock: Arc::clone(&parts.clock),
        };
        let usage = usage.run();
        let batch_bytes_max = handle.frame_bytes_max() / 2;
        let janitor =
            crate::janitor::run(handle.clone(), Arc::clone(&started.calls), sealed, interval);
        let inner = Arc::new(Inner {
            appends: started.appends,
            calls: started.calls,
            node: config.node,
            wal: std::sync::Mutex::new(Some(handle)),
            clock: Arc::clone(&parts.clock),
            failed: started.failed,
            tasks: Mutex::new(None),
        });
        let (stop, stopping) = watch::channel(false);
        let usage = FailAtEnd::new(started.fail.clone()).watch(until_told(usage, stopping.clone()));
        let janitor = FailAtEnd::new(started.fail.clone()).watch(until_told(janitor, stopping));
        let guard = FailAtEnd::new(started.fail);
        let (groups, lags, coordinators) =
            start_coordinators(&parts, coordination, batch_bytes_max, &inner);
        let tasks = Tasks {
            shards: started.tasks,
            coordinators: tokio::spawn(guard.watch(coordinators)),
            janitor: tokio::spawn(janitor),
            usage: tokio::spawn(usage),
            stop,
            wal: thread,
        };
        *inner.tasks.lock().await = Some(tasks);
        Self {
            inner,
            groups,
            lags,
        }
    }

    /// The lags of consumer groups as of some seconds ago, as Prometheus reads them.
    pub fn lag_metrics(&self) -> Arc<str> {
        Arc::clone(&self.lags.borrow())
    }

    /// How a gateway in the same process speaks to this node.
    pub fn transport(&self) -> LocalNode {
        LocalNode {
            inner: Arc::clone(&self.inner),
            groups: Some(self.groups.clone()),
        }
    }

    /// Waits until the node can serve no more: its log has stopped, or a shard has.
    pub async fn failed(&self) {
        let mut failed = self.inner.failed.clone();
        if failed.wait_for(|failed| *failed).await.is_err() {
            // All shards have ended as they were told to.
            std::future::pending().await
        }
    }

    /// What has been counted here and not handed over to the balancer; none where the node has stopped.
    pub async fn open_usage(&self) -> Option<OpenUsage> {
        let meters = self.inner.meters().await?;
        Some(OpenUsage {
            source: UsageSource::Node(self.inner.node),
            epoch: meters.epoch(),
            next_sequence: meters.next_sequence(),
            sealed: meters.sealed().cloned(),
            runs: meters.open(self.inner.clock.wall()),
        })
    }

    /// What each virtual cluster has used since it began, with what it stores now.
    pub async fn used_in_all(&self) -> Vec<(VirtualClusterId, UsedInAll)> {
        self.inner.used_in_all().await
    }

    /// What was committed by topic since the start, but for shards that do not answer in time.
    pub async fn topic_traffic(&self) -> Vec<TopicTraffic> {
        let shards = self.inner.calls.iter();
        let counted = shards.map(|calls| {
            let asked = ask(calls, ShardCall::Traffic);
            tokio::time::timeout(TRAFFIC_WAIT_MAX, asked)
        });
        let mut traffic = Traffic::default();
        for counted in join_all(counted).await {
            let counted = counted.ok().flatten();
            counted.iter().flatten().for_each(|more| traffic.add(more));
        }
        traffic.all()
    }

    /// Makes everything durable that was taken, answers it, and stops. The folder is free then.
    pub async fn shutdown(&self) {
        let Some(tasks) = self.inner.tasks.lock().await.take() else {
            return;
        };
        // Before the shards: without them these two would end as if the node had failed.
        tasks.stop.send_replace(true);
        self.groups.stop().await;
        for calls in self.inner.calls.iter() {
            let (done, finished) = oneshot::channel();
            if calls.send(ShardCall::Stop(done)).await.is_ok() && finished.await.is_err() {
                warn!("a shard has stopped before everything was durable");
            }
        }
        self.inner.wal_slot().take();
        let others = [tasks.coordinators, tasks.janitor, tasks.usage];
        for task in tasks.shards.into_iter().chain(others) {
            // An aborted or failed task has ended, and that is what is waited for.
            let _ = task.await;
        }
        // With the last handle gone the log ends by itself.
        let joined = tokio::task::spawn_blocking(move || tasks.wal.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            warn!("the write-ahead log has ended by a panic");
        }
    }
}

impl Inner {
    fn wal_slot(&self) -> MutexGuard<'_, Option<WalHandle>> {
        self.wal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the log has metered; none where the node has stopped.
    async fn meters(&self) -> Option<Meters> {
        let wal = self.wal_slot().clone();
        wal?.meters().await.ok()
    }

    /// See [`Node::used_in_all`].
    pub(crate) async fn used_in_all(&self) -> Vec<(VirtualClusterId, UsedInAll)> {
        let Some(meters) = self.meters().await else {
            return Vec::new();
        };
        let totals = meters.totals(self.clock.wall());
        totals
            .filter(|(cluster, _)| *cluster != VirtualClusterId::SYSTEM)
            .collect()
    }
}

fn open_log(
    config: &NodeConfig,
    epoch: NodeEpoch,
    clock: &Arc<dyn Clock>,
) -> Result<(Opened, Recovered), NodeError> {
    let disk = FileDisk::open(&config.folder).map_err(|why| NodeError::Folder {
        folder: config.folder.clone(),
        why,
    })?;
    let wal_config = WalConfig {
        segment_bytes: config.segment_bytes,
        ..WalConfig::new(wal::WalId(config.new_wal_id))
    };
    Ok(wal::open(
        Arc::new(disk),
        wal_config,
        epoch,
        Arc::clone(clock),
    )?)
}

fn tell(recovered: &Recovered, partitions: usize) {
    let segments = recovered.segments.len();
    info!(segments, partitions, "the write-ahead log was recovered");
    if let Some(torn) = &recovered.torn {
        info!(
            ?torn,
            "an unfinished group was cut off; nothing in it was acknowledged"
        );
    }
}

struct StartedShards {
    appends: Vec<mpsc::Sender<Append>>,
    calls: Arc<[mpsc::Sender<ShardCall>]>,
    tasks: Vec<JoinHandle<()>>,
    fail: watch::Sender<bool>,
    failed: watch::Receiver<bool>,
}

/// The coordinators' handle, what they show of lags, and their task, which is not started yet.
fn start_coordinators(
    parts: &NodeParts,
    Coordination { rules, between }: Coordination,
    batch_bytes_max: usize,
    inner: &Arc<Inner>,
) -> (
    GroupCalls,
    watch::Receiver<Arc<str>>,
    impl Future<Output = bool> + Send + 'static,
) {
    let (groups, inbox) = mailbox();
    let (lag, lags) = LagRefresh::new();
    let local = LocalNode {
        inner: Arc::clone(inner),
        groups: None,
    };
    let rules = Rules {
        batch_bytes_max: rules.batch_bytes_max.min(batch_bytes_max),
        ..rules
    };
    let around = Around {
        node: parts.config.node,
        transport: between(Arc::new(local.clone())),
        clock: Arc::clone(&parts.clock),
        random: Arc::clone(&parts.random),
        rules,
        local,
        loads: loads(),
    };
    let run = Coordinators::run(Arc::new(around), parts.control.watch(), lag, inbox);
    (groups, lags, run)
}

fn start_shards(
    config: &NodeConfig,
    around: Arc<Surroundings>,
    partitions: IdMap<TopicPartition, Partition>,
    events: Vec<ShardEvents>,
) -> StartedShards {
    assert!(
        config.shards.is_power_of_two(),
        "lanes divide evenly among shards"
    );
    let mut divided: Vec<IdMap<TopicPartition, Partition>> =
        (0..config.shards).map(|_| IdMap::default()).collect();
    for (key, partition) in partitions {
        divided[shard_of(key, config.shards)].insert(key, partition);
    }
    let (mut appends_to, mut calls_to, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    let (fail, failed) = watch::channel(false);
    let tail_bytes = config.tail_cache_bytes / usize::from(config.shards);
    for ((index, partitions), events) in (0..).zip(divided).zip(events) {
        let (appends_sender, appends) = mpsc::channel(APPENDS_MAX);
        let (calls_sender, calls) = mpsc::channel(CALLS_MAX);
        let (charge, charges) = mpsc::unbounded_channel();
        appends_to.push(appends_sender);
        calls_to.push(calls_sender);
        let around = Arc::clone(&around);
        let shard = Shard::new(index, around, partitions, (tail_bytes, charge));
        let guard = FailAtEnd::new(fail.clone());
        tasks.push(tokio::spawn(guard.watch(shard.run(Inboxes {
            appends,
            calls,
            events,
            charges,
        }))));
    }
    StartedShards {
        appends: appends_to,
        calls: calls_to.into(),
        tasks,
        fail,
        failed,
    }
}

/// Says that the node has failed when a task ends, unless it was told to; a panic counts too.
struct FailAtEnd {
    fail: watch::Sender<bool>,
    expected: bool,
}

impl FailAtEnd {
    fn new(fail: watch::Sender<bool>) -> Self {
        Self {
            fail,
            expected: false,
        }
    }

    /// Runs what tells at its end whether it was told to end.
    async fn watch(mut self, work: impl Future<Output = bool>) {
        self.expected = work.await;
    }
}

impl Drop for FailAtEnd {
    fn drop(&mut self) {
        if !self.expected {
            self.fail.send_replace(true);
        }
    }
}

/// Runs what has no end of its own until it is told to end; says whether it was.
async fn until_told(work: impl Future<Output = ()>, mut stopping: watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        // Without a sender the node is gone, which is as good.
        _ = stopping.changed() => true,
        () = work => false,
    }
}

/// A partition's shard follows from its lane, so that a lane's appends reach one shard in order.
pub(crate) fn shard_of(partition: TopicPartition, shards: u16) -> usize {
    usize::from(LaneId::of(partition).0) % usize::from(shards)
}

#[cfg(test)]
mod tests;
