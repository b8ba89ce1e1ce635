//! What the tests of a whole node share: a control plane and a clock that the test moves, a node on
//! a temporary folder, and a gateway's end by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use control_api::{
    ControlPlane, CreatedTopic, NewTopic, ProducerIdBlock, RecordUsageError, TopicError, TopicRef,
    Unavailable,
};
use model::{
    AppendId, CatalogVersion, Clock, ClusterMap, GROUPS_TOPIC, GatewayIncarnation, Instant, LaneId,
    LeaderEpoch, Limits, NodeEpoch, NodeId, Offset, Placement, TenantId, Timestamp, Topic,
    TopicConfig, TopicId, TopicName, TopicPartition, VirtualCluster, VirtualClusterId,
};
use node_api::{Append, AppendOutcome, LaneChannel, NodeTransport, Read, ReadReply, read_one};
use quota::{SealedUsage, UsageSource};
use records::{
    BatchBuilder, BatchRules, Codec, NewRecord, ProducerFields, ValidBatch, batches, validate,
};
use tokio::sync::watch;

use crate::local::LocalNode;
use crate::node::Coordination;
use crate::tests::usage::TestBill;
use crate::{FillRandom, Node, NodeConfig, NodeParts};

pub(super) const GATEWAY: GatewayIncarnation = GatewayIncarnation(5);
pub(super) const DEMO: VirtualClusterId = VirtualClusterId(1);
pub(super) const TOPIC: TopicId = TopicId([1; 16]);
pub(super) const USAGE: TopicId = TopicId([9; 16]);
pub(super) const GROUPS: TopicId = TopicId([8; 16]);
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// Time that moves when it is told to, so that retention needs no waiting.
pub(super) struct TestClock {
    pub(super) start: std::time::Instant,
    pub(super) wall: AtomicI64,
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant(self.start.elapsed().as_nanos() as u64)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::Relaxed))
    }
}

/// A control plane whose map the test sets.
pub(super) struct TestControl {
    pub(super) map: watch::Sender<Arc<ClusterMap>>,
    pub(super) epoch: AtomicU64,
    pub(super) bill: TestBill,
}

#[async_trait]
impl ControlPlane for TestControl {
    fn watch(&self) -> watch::Receiver<Arc<ClusterMap>> {
        self.map.subscribe()
    }

    async fn create_topics(
        &self,
        _: VirtualClusterId,
        _: Vec<NewTopic>,
        _: bool,
    ) -> Vec<Result<CreatedTopic, TopicError>> {
        Vec::new()
    }

    async fn delete_topics(
        &self,
        _: VirtualClusterId,
        _: Vec<TopicRef>,
    ) -> Vec<Result<(TopicId, TopicName), TopicError>> {
        Vec::new()
    }

    async fn create_partitions(
        &self,
        _: VirtualClusterId,
        _: Vec<control_api::MorePartitions>,
        _: bool,
    ) -> Vec<Result<(), TopicError>> {
        Vec::new()
    }

    async fn alter_topics(
        &self,
        _: VirtualClusterId,
        _: Vec<control_api::TopicChange>,
        _: bool,
    ) -> Vec<Result<(), TopicError>> {
        Vec::new()
    }

    async fn allocate_producer_ids(&self) -> Result<ProducerIdBlock, Unavailable> {
        Err(Unavailable)
    }

    async fn register_node(&self, _: NodeId) -> Result<NodeEpoch, Unavailable> {
        Ok(NodeEpoch(self.epoch.fetch_add(1, Ordering::Relaxed)))
    }

    async fn record_usage(
        &self,
        source: UsageSource,
        usage: SealedUsage,
    ) -> Result<(), RecordUsageError> {
        self.bill.record(source, usage)
    }
}

/// Not random, but never twice the same.
pub(super) fn random() -> Arc<FillRandom> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Arc::new(|bytes: &mut [u8]| {
        for part in bytes.chunks_mut(8) {
            let next = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            part.copy_from_slice(&next[..part.len()]);
        }
    })
}

pub(super) fn cluster(id: VirtualClusterId) -> VirtualCluster {
    VirtualCluster {
        id,
        tenant: TenantId(id.0),
        name: format!("c{}", id.0),
        cluster_id: String::new(),
        account: String::new(),
        region: String::new(),
        advertised_names: vec![],
        limits: Limits::provisioned(),
        auto_create_topics: true,
        default_partitions: 1,
        replication_factors: vec![],
        virtual_brokers: 1,
        groups: model::GroupSettings {
            initial_rebalance_delay_ms: 0,
            ..model::GroupSettings::default()
        },
        access_keys: BTreeMap::new(),
        scram_users: BTreeMap::new(),
    }
}

pub(super) fn topic(
    id: TopicId,
    name: &str,
    virtual_cluster: VirtualClusterId,
    config: TopicConfig,
) -> Topic {
    let placement = Placement {
        node: NodeId(0),
        leader_epoch: LeaderEpoch(0),
    };
    let partitions = if id == GROUPS { 64 } else { 4 };
    Topic {
        id,
        name: TopicName::parse(name).expect("is a name"),
        virtual_cluster,
        config,
        placements: vec![placement; partitions],
        created_at: Timestamp(0),
    }
}

pub(super) fn map(version: u64, config: Option<TopicConfig>) -> ClusterMap {
    let mut map = ClusterMap {
        version: CatalogVersion(version),
        ..ClusterMap::default()
    };
    let usage = topic(
        USAGE,
        "__usage",
        VirtualClusterId::SYSTEM,
        TopicConfig::default(),
    );
    let groups = topic(
        GROUPS,
        GROUPS_TOPIC,
        VirtualClusterId::SYSTEM,
        TopicConfig {
            retention_ms: None,
            ..TopicConfig::default()
        },
    );
    let demo = config.map(|config| topic(TOPIC, "t", DEMO, config));
    for topic in demo.into_iter().chain([usage, groups]) {
        let topic = Arc::new(topic);
        let names = map.topics_by_name.entry(topic.virtual_cluster).or_default();
        Arc::make_mut(names).insert(topic.name.clone(), Arc::clone(&topic));
        map.topics.insert(topic.id, topic);
    }
    for id in [VirtualClusterId::SYSTEM, DEMO] {
        map.virtual_clusters.insert(id, Arc::new(cluster(id)));
    }
    map
}

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) control: Arc<TestControl>,
    pub(super) clock: Arc<TestClock>,
}

impl World {
    pub(super) fn new() -> Self {
        let (map, _) = watch::channel(Arc::new(map(1, Some(TopicConfig::default()))));
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            control: Arc::new(TestControl {
                map,
                epoch: AtomicU64::new(1),
                bill: TestBill::default(),
            }),
            clock: Arc::new(TestClock {
                start: std::time::Instant::now(),
                wall: AtomicI64::new(1_000_000),
            }),
        }
    }

    pub(super) async fn start(&self) -> Node {
        self.start_with(Coordination::default()).await
    }

    pub(super) async fn start_with(&self, coordination: Coordination) -> Node {
        let config = NodeConfig {
            node: NodeId(0),
            folder: self.folder.path().join("wal"),
            shards: 2,
            segment_bytes: 1 << 20,
            tail_cache_bytes: 64 << 10,
            retention_check_interval: Duration::from_millis(20),
            new_wal_id: 77,
        };
        let control = Arc::clone(&self.control) as Arc<dyn ControlPlane>;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let parts = NodeParts {
            config,
            control,
            clock,
            random: random(),
        };
        let started = Node::start_with(parts, coordination).await;
        started.expect("the folder is whole")
    }

    /// The world as a crash at this moment would leave it: a node can be started in it while the
    /// other one goes on.
    pub(super) fn crash_copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = folder.path().join("wal");
        std::fs::create_dir(&copy).expect("the folder is empty");
        let files = std::fs::read_dir(self.folder.path().join("wal")).expect("is there");
        for file in files {
            let (name, path) = (name_of(&file), file.expect("is readable").path());
            // A spare may be on its way to become a segment; what it holds does not matter.
            if !name.ends_with(".spare") {
                std::fs::copy(path, copy.join(name)).expect("is readable");
            }
        }
        Self {
            folder,
            control: Arc::clone(&self.control),
            clock: Arc::clone(&self.clock),
        }
    }

    pub(super) fn segments(&self) -> usize {
        let files = std::fs::read_dir(self.folder.path().join("wal")).expect("is there");
        files
            .filter(|file| name_of(file).ends_with(".segment"))
            .count()
    }
}

pub(super) fn name_of(file: &std::io::Result<std::fs::DirEntry>) -> String {
    file.as_ref()
        .expect("is readable")
        .file_name()
        .to_string_lossy()
        .into_owned()
}

/// A gateway's side of one partition, by hand.
pub(super) struct Writer {
    pub(super) partition: TopicPartition,
    pub(super) virtual_cluster: VirtualClusterId,
    pub(super) lane: LaneChannel,
    pub(super) gateway: GatewayIncarnation,
    pub(super) sequence: u64,
}

impl Writer {
    pub(super) async fn open(
        node: &LocalNode,
        partition: TopicPartition,
        gateway: GatewayIncarnation,
    ) -> Self {
        let lane = node.open_lane(gateway, LaneId::of(partition)).await;
        let is_internal = [USAGE, GROUPS].contains(&partition.topic);
        let virtual_cluster = if is_internal {
            VirtualClusterId::SYSTEM
        } else {
            DEMO
        };
        Self {
            partition,
            virtual_cluster,
            lane,
            gateway,
            sequence: 0,
        }
    }

    pub(super) async fn send(&mut self, batch: ValidBatch) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.send_as(sequence, sequence, batch).await;
    }

    pub(super) async fn send_as(&mut self, sequence: u64, answered_below: u64, batch: ValidBatch) {
        let lane = LaneId::of(self.partition);
        let append = Append {
            id: AppendId {
                gateway: self.gateway,
                lane,
                sequence,
            },
            answered_below,
            virtual_cluster: self.virtual_cluster,
            partition: self.partition,
            leader_epoch: LeaderEpoch(0),
            map_version: CatalogVersion(1),
            batch,
        };
        self.lane
            .appends
            .send(append)
            .await
            .expect("the node is there");
    }

    pub(super) async fn outcome(&mut self) -> AppendOutcome {
        let reply = tokio::time::timeout(DEADLINE, self.lane.replies.recv()).await;
        reply
            .expect("an answer comes")
            .expect("the node is there")
            .outcome
    }

    pub(super) async fn append(&mut self, batch: ValidBatch) -> u64 {
        self.send(batch).await;
        self.outcome()
            .await
            .expect("is in order")
            .base_offset
            .value()
    }
}

pub(super) fn batch(value: &[u8], timestamp: i64, producer: Option<ProducerFields>) -> ValidBatch {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    if let Some(producer) = producer {
        builder = builder.producer(producer);
    }
    let timestamp = Timestamp(timestamp);
    builder.push(&NewRecord {
        timestamp,
        key: None,
        value: Some(value),
        headers: &[],
    });
    let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::provisioned());
    validate(builder.build(), &rules, timestamp).expect("is a batch")
}

pub(super) fn partition(index: u32) -> TopicPartition {
    TopicPartition {
        topic: TOPIC,
        partition: index,
    }
}

pub(super) fn read(index: u32, offset: u64, bytes_max: u32) -> Read {
    Read {
        partition: partition(index),
        map_version: CatalogVersion(1),
        offset: Offset::new(offset).expect("is small"),
        bytes_max,
        at_least_one: true,
    }
}

/// Everything from `offset` to the end, by as many reads as it takes: base offsets and sizes.
pub(super) async fn read_all(node: &LocalNode, index: u32, offset: u64) -> Vec<(u64, usize)> {
    let mut at = offset;
    let mut found = Vec::new();
    loop {
        let reply: ReadReply = read_one(node, read(index, at, 300_000))
            .await
            .expect("is readable");
        assert_eq!(
            reply.segments.iter().map(Bytes::len).sum::<usize>(),
            reply.bytes
        );
        if reply.bytes == 0 {
            assert_eq!(reply.next_offset, reply.bounds.high_watermark);
            return found;
        }
        for batch in batches(reply.segments.concat().into()) {
            let batch = batch.expect("is whole");
            batch.check_crc().expect("is as it was sent");
            found.push((batch.base_offset().value(), batch.len()));
        }
        at = reply.next_offset.value();
    }
}

pub(super) async fn wait_until(mut done: impl AsyncFnMut() -> bool) {
    let started = std::time::Instant::now();
    while !done().await {
        assert!(
            started.elapsed() < DEADLINE,
            "what was waited for did not come"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
