//! A storage node: recovers its log, runs its shards, and is spoken to through `node_api`.
//!
//! Owns: start, stop, and how partitions are divided among shards. Does not own: partitions.
//! Invariant: nothing is served before recovery has made it durable.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use control_api::ControlPlane;
use model::{Clock, GatewayIncarnation, LaneId, NodeId, Offset, TopicPartition, VirtualClusterId};
use node_api::transport::{LANE_REPLIES_MAX, NEWS_MAX};
use node_api::{
    Append, BoxFuture, FindOffset, FoundOffset, GroupCall, GroupError, GroupReply, LaneChannel,
    ListedGroup, NodeTransport, Read, ReadError, ReadReply, UsageTotal, Watermark,
};
use quota::{Meters, OpenUsage, UsageSource, UsedInAll};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};
use wal::{FileDisk, Recovered, Running, ShardEvents, WalConfig, WalError, WalHandle};

use crate::file_reads::FileReads;
use crate::limits::{APPENDS_MAX, CALLS_MAX};
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
}

struct Inner {
    appends: Vec<mpsc::Sender<Append>>,
    calls: Arc<[mpsc::Sender<ShardCall>]>,
    node: NodeId,
    /// Taken when the node stops: the log ends with its last handle.
    wal: std::sync::Mutex<Option<WalHandle>>,
    clock: Arc<dyn Clock>,
    traffic: Arc<Traffic>,
    /// Set once a shard has ended without being told to.
    failed: watch::Receiver<bool>,
    tasks: Mutex<Option<Tasks>>,
}

/// What runs until the node is stopped.
struct Tasks {
    shards: Vec<JoinHandle<()>>,
    janitor: JoinHandle<()>,
    usage: JoinHandle<()>,
    wal: std::thread::JoinHandle<()>,
}

impl Node {
    /// Recovers the log and starts to serve.
    pub async fn start(parts: NodeParts) -> Result<Self, NodeError> {
        let NodeParts {
            config,
            control,
            clock,
        } = parts;
        assert!(
            config.shards.is_power_of_two(),
            "lanes divide evenly among shards"
        );
        let epoch = control.register_node(config.node).await?;
        let disk = FileDisk::open(&config.folder).map_err(|why| NodeError::Folder {
            folder: config.folder.clone(),
            why,
        })?;
        let wal_config = WalConfig {
            segment_bytes: config.segment_bytes,
            ..WalConfig::new(wal::WalId(config.new_wal_id))
        };
        let (opened, recovered) = wal::open(Arc::new(disk), wal_config, epoch, Arc::clone(&clock))?;
        let map = control.watch();
        let circumstances = Circumstances {
            node: config.node,
            map: &map.borrow().clone(),
            now: clock.now(),
            wall: clock.wall(),
        };
        let partitions = rebuild(&recovered.segments, &circumstances)?;
        let freed = freed_meanwhile(&recovered.meters, &partitions, circumstances.wall);
        tell(&recovered, partitions.len());

        let sealed = recovered
            .segments
            .iter()
            .map(|summary| summary.segment)
            .collect();
        let Running {
            handle,
            events,
            reader,
            thread,
        } = wal::start(opened, config.shards);
        let traffic = Arc::new(Traffic::default());
        let around = Arc::new(Surroundings {
            node: config.node,
            clock: Arc::clone(&clock),
            traffic: Arc::clone(&traffic),
            wal: handle.clone(),
            files: FileReads::new(reader),
            map,
            retention_check_interval: config.retention_check_interval,
        });
        let interval = config.retention_check_interval;
        let started = start_shards(&config, around, partitions, events);
        // Before anything else, so that it is durable before a segment can go.
        let _ = started.calls[0].send(ShardCall::Free(freed)).await;
        let sealer = UsageSealer {
            source: UsageSource::Node(config.node),
            wal: handle.clone(),
            shard: started.calls[0].clone(),
            control,
            clock: Arc::clone(&clock),
        };
        let usage = sealer.run(recovered.meters.sealed().cloned());
        let janitor =
            crate::janitor::run(handle.clone(), Arc::clone(&started.calls), sealed, interval);
        let tasks = Tasks {
            shards: started.tasks,
            janitor: tokio::spawn(janitor),
            usage: tokio::spawn(usage),
            wal: thread,
        };
        let inner = Inner {
            appends: started.appends,
            calls: started.calls,
            node: config.node,
            wal: std::sync::Mutex::new(Some(handle)),
            clock,
            traffic,
            failed: started.failed,
            tasks: Mutex::new(Some(tasks)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// How a gateway in the same process speaks to this node.
    pub fn transport(&self) -> LocalNode {
        LocalNode {
            inner: Arc::clone(&self.inner),
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
        let Some(meters) = self.inner.meters().await else {
            return Vec::new();
        };
        let totals = meters.totals(self.inner.clock.wall());
        totals
            .filter(|(cluster, _)| *cluster != VirtualClusterId::SYSTEM)
            .collect()
    }

    /// What was committed by topic since the start.
    pub fn topic_traffic(&self) -> Vec<TopicTraffic> {
        self.inner.traffic.all()
    }

    /// Makes everything durable that was taken, answers it, and stops. The folder is free then.
    pub async fn shutdown(&self) {
        let Some(tasks) = self.inner.tasks.lock().await.take() else {
            return;
        };
        for calls in self.inner.calls.iter() {
            let (done, finished) = oneshot::channel();
            if calls.send(ShardCall::Stop(done)).await.is_ok() && finished.await.is_err() {
                warn!("a shard has stopped before everything was durable");
            }
        }
        self.inner.wal_slot().take();
        tasks.janitor.abort();
        tasks.usage.abort();
        let others = [tasks.janitor, tasks.usage];
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
    failed: watch::Receiver<bool>,
}

fn start_shards(
    config: &NodeConfig,
    around: Arc<Surroundings>,
    partitions: HashMap<TopicPartition, Partition>,
    events: Vec<ShardEvents>,
) -> StartedShards {
    let mut divided: Vec<HashMap<TopicPartition, Partition>> =
        (0..config.shards).map(|_| HashMap::new()).collect();
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
        let guard = FailAtEnd {
            fail: fail.clone(),
            expected: false,
        };
        tasks.push(tokio::spawn(guard.watch(
            shard,
            Inboxes {
                appends,
                calls,
                events,
                charges,
            },
        )));
    }
    StartedShards {
        appends: appends_to,
        calls: calls_to.into(),
        tasks,
        failed,
    }
}

/// Says that the node has failed when a shard ends, unless it was told to; a panic counts too.
struct FailAtEnd {
    fail: watch::Sender<bool>,
    expected: bool,
}

impl FailAtEnd {
    async fn watch(mut self, shard: Shard, inboxes: Inboxes) {
        self.expected = shard.run(inboxes).await;
    }
}

impl Drop for FailAtEnd {
    fn drop(&mut self) {
        if !self.expected {
            self.fail.send_replace(true);
        }
    }
}

/// A partition's shard follows from its lane, so that a lane's appends reach one shard in order.
fn shard_of(partition: TopicPartition, shards: u16) -> usize {
    usize::from(LaneId::of(partition).0) % usize::from(shards)
}

/// A node in the same process.
#[derive(Clone)]
pub struct LocalNode {
    inner: Arc<Inner>,
}

impl LocalNode {
    fn calls(&self, partition: TopicPartition) -> mpsc::Sender<ShardCall> {
        self.inner.calls[shard_of(partition, self.shards())].clone()
    }

    fn shards(&self) -> u16 {
        u16::try_from(self.inner.calls.len()).expect("there are few shards")
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

    fn read(&self, read: Read) -> BoxFuture<'static, Result<ReadReply, ReadError>> {
        let calls = self.calls(read.partition);
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let sent = calls.send(ShardCall::Read(read, reply)).await;
            sent.map_err(|_| ReadError::NotOwner)?;
            answer.await.unwrap_or(Err(ReadError::NotOwner))
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
        _shard: TopicPartition,
        _call: GroupCall,
    ) -> BoxFuture<'static, Result<GroupReply, GroupError>> {
        Box::pin(async { Err(GroupError::NotAvailable) })
    }

    fn list_groups(&self, _cluster: VirtualClusterId) -> BoxFuture<'static, Vec<ListedGroup>> {
        Box::pin(async { Vec::new() })
    }

    fn delete_records(
        &self,
        _partition: TopicPartition,
        _offset: Option<Offset>,
    ) -> BoxFuture<'static, Result<Offset, ReadError>> {
        Box::pin(async { Err(ReadError::NotOwner) })
    }

    fn usage(&self) -> BoxFuture<'static, Vec<UsageTotal>> {
        let node = Node {
            inner: Arc::clone(&self.inner),
        };
        Box::pin(async move { node.used_in_all().await.into_iter().map(usage).collect() })
    }
}

fn usage((virtual_cluster, used): (VirtualClusterId, UsedInAll)) -> UsageTotal {
    UsageTotal {
        virtual_cluster,
        bytes_in: used.bytes_in.0,
        bytes_out: used.bytes_out.0,
    }
}
