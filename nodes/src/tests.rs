//! A whole node on real files: appends, reads, restarts, retention, deletion, usage.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use control_api::{
    ControlPlane, CreatedTopic, NewTopic, ProducerIdBlock, TopicError, TopicRef, Unavailable,
};
use model::{
    AppendId, ByteCount, CatalogVersion, Clock, ClusterMap, GatewayIncarnation, Instant, LaneId,
    LeaderEpoch, Limits, NodeEpoch, NodeId, Offset, Placement, TenantId, Timestamp, Topic,
    TopicConfig, TopicId, TopicName, TopicPartition, VirtualCluster, VirtualClusterId,
};
use node_api::{
    Append, AppendOutcome, AppendRefusal, FindOffset, LaneChannel, NodeTransport, OffsetQuery,
    Read, ReadError, ReadReply,
};
use quota::EgressReport;
use records::{
    BatchBuilder, BatchRules, Codec, NewRecord, ProducerFields, ValidBatch, batches, validate,
};
use tokio::sync::watch;

use crate::{LocalNode, Node, NodeConfig, NodeParts};

const GATEWAY: GatewayIncarnation = GatewayIncarnation(5);
const DEMO: VirtualClusterId = VirtualClusterId(1);
const TOPIC: TopicId = TopicId([1; 16]);
const USAGE: TopicId = TopicId([9; 16]);
const DEADLINE: Duration = Duration::from_secs(20);

/// Time that moves when it is told to, so that retention needs no waiting.
struct TestClock {
    start: std::time::Instant,
    wall: AtomicI64,
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
struct TestControl {
    map: watch::Sender<Arc<ClusterMap>>,
    epoch: AtomicU64,
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

    async fn allocate_producer_ids(&self) -> Result<ProducerIdBlock, Unavailable> {
        Err(Unavailable)
    }

    async fn register_node(&self, _: NodeId) -> Result<NodeEpoch, Unavailable> {
        Ok(NodeEpoch(self.epoch.fetch_add(1, Ordering::Relaxed)))
    }
}

fn cluster(id: VirtualClusterId) -> VirtualCluster {
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
        access_keys: BTreeMap::new(),
        scram_users: BTreeMap::new(),
    }
}

fn topic(id: TopicId, name: &str, virtual_cluster: VirtualClusterId, config: TopicConfig) -> Topic {
    let placement = Placement {
        node: NodeId(0),
        leader_epoch: LeaderEpoch(0),
    };
    Topic {
        id,
        name: TopicName::parse(name).expect("is a name"),
        virtual_cluster,
        config,
        placements: vec![placement; 4],
        created_at: Timestamp(0),
    }
}

fn map(version: u64, config: Option<TopicConfig>) -> ClusterMap {
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
    let demo = config.map(|config| topic(TOPIC, "t", DEMO, config));
    for topic in demo.into_iter().chain([usage]) {
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

struct World {
    folder: tempfile::TempDir,
    control: Arc<TestControl>,
    clock: Arc<TestClock>,
}

impl World {
    fn new() -> Self {
        let (map, _) = watch::channel(Arc::new(map(1, Some(TopicConfig::default()))));
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            control: Arc::new(TestControl {
                map,
                epoch: AtomicU64::new(1),
            }),
            clock: Arc::new(TestClock {
                start: std::time::Instant::now(),
                wall: AtomicI64::new(1_000_000),
            }),
        }
    }

    async fn start(&self) -> Node {
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
        Node::start(NodeParts {
            config,
            control,
            clock,
        })
        .await
        .expect("the folder is whole")
    }

    fn segments(&self) -> usize {
        let files = std::fs::read_dir(self.folder.path().join("wal")).expect("is there");
        files
            .filter(|file| name_of(file).ends_with(".segment"))
            .count()
    }
}

fn name_of(file: &std::io::Result<std::fs::DirEntry>) -> String {
    file.as_ref()
        .expect("is readable")
        .file_name()
        .to_string_lossy()
        .into_owned()
}

/// A gateway's side of one partition, by hand.
struct Writer {
    partition: TopicPartition,
    virtual_cluster: VirtualClusterId,
    lane: LaneChannel,
    gateway: GatewayIncarnation,
    sequence: u64,
}

impl Writer {
    async fn open(
        node: &LocalNode,
        partition: TopicPartition,
        gateway: GatewayIncarnation,
    ) -> Self {
        let lane = node.open_lane(gateway, LaneId::of(partition)).await;
        let is_usage = partition.topic == USAGE;
        let virtual_cluster = if is_usage {
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

    async fn send(&mut self, batch: ValidBatch) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.send_as(sequence, sequence, batch).await;
    }

    async fn send_as(&mut self, sequence: u64, answered_below: u64, batch: ValidBatch) {
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

    async fn outcome(&mut self) -> AppendOutcome {
        let reply = tokio::time::timeout(DEADLINE, self.lane.replies.recv()).await;
        reply
            .expect("an answer comes")
            .expect("the node is there")
            .outcome
    }

    async fn append(&mut self, batch: ValidBatch) -> u64 {
        self.send(batch).await;
        self.outcome()
            .await
            .expect("is in order")
            .base_offset
            .value()
    }
}

fn batch(value: &[u8], timestamp: i64, producer: Option<ProducerFields>) -> ValidBatch {
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

fn partition(index: u32) -> TopicPartition {
    TopicPartition {
        topic: TOPIC,
        partition: index,
    }
}

fn read(index: u32, offset: u64, bytes_max: u32) -> Read {
    Read {
        partition: partition(index),
        map_version: CatalogVersion(1),
        offset: Offset::new(offset).expect("is small"),
        bytes_max,
        at_least_one: true,
    }
}

/// Everything from `offset` to the end, by as many reads as it takes: base offsets and sizes.
async fn read_all(node: &LocalNode, index: u32, offset: u64) -> Vec<(u64, usize)> {
    let mut at = offset;
    let mut found = Vec::new();
    loop {
        let reply: ReadReply = node
            .read(read(index, at, 300_000))
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

async fn wait_until(mut done: impl AsyncFnMut() -> bool) {
    let started = std::time::Instant::now();
    while !done().await {
        assert!(
            started.elapsed() < DEADLINE,
            "what was waited for did not come"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_read_back_before_and_after_a_restart() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    let mut sizes = Vec::new();
    for number in 0..60_u64 {
        let batch = batch(&vec![number as u8; 40_000], 1000 + number as i64, None);
        sizes.push((number, batch.bytes().len()));
        assert_eq!(writer.append(batch).await, number);
    }
    // More than the tail cache and one segment hold: files are read, too.
    assert_eq!(read_all(&transport, 0, 0).await, sizes);
    assert!(world.segments() > 2);
    node.shutdown().await;

    let node = world.start().await;
    let transport = node.transport();
    assert_eq!(read_all(&transport, 0, 0).await, sizes);
    assert_eq!(read_all(&transport, 0, 57).await, sizes[57..]);
    let beyond = transport.read(read(0, 61, 1000)).await;
    assert!(matches!(beyond, Err(ReadError::OutOfRange { .. })));
    let mut writer = Writer::open(&transport, partition(0), GatewayIncarnation(6)).await;
    assert_eq!(writer.append(batch(b"next", 1, None)).await, 60);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_are_answered_with_the_first_offset_even_after_a_restart() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    let producer = |base_sequence| {
        let (producer_id, producer_epoch) = (model::ProducerId(4), model::ProducerEpoch(0));
        Some(ProducerFields {
            producer_id,
            producer_epoch,
            base_sequence,
        })
    };
    for number in 0..3 {
        writer.append(batch(b"x", 1, producer(number))).await;
    }
    node.shutdown().await;
    let node = world.start().await;
    let transport = node.transport();
    let mut again = Writer::open(&transport, partition(0), GATEWAY).await;
    again.send_as(1, 0, batch(b"x", 1, producer(1))).await;
    assert_eq!(
        again.outcome().await.map(|a| a.base_offset.value()),
        Ok(1),
        "by append id"
    );
    let mut other = Writer::open(&transport, partition(0), GatewayIncarnation(6)).await;
    assert_eq!(
        other.append(batch(b"x", 1, producer(2))).await,
        2,
        "by producer sequence"
    );
    other.send(batch(b"x", 1, producer(9))).await;
    let refused = AppendRefusal::OutOfOrderSequence {
        expected: 3,
        found: 9,
    };
    assert_eq!(other.outcome().await, Err(refused));
    other.send_as(7, 0, batch(b"x", 1, None)).await;
    assert_eq!(
        other.outcome().await,
        Err(AppendRefusal::Gap { expected: 2 })
    );
    assert_eq!(read_all(&transport, 0, 0).await.len(), 3);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_found_by_time() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(1), GATEWAY).await;
    for timestamp in [100, 300, 200, 400] {
        writer.append(batch(&[0; 200_000], timestamp, None)).await;
    }
    let find = async |query| {
        let (partition, map_version) = (partition(1), CatalogVersion(1));
        let query = FindOffset {
            partition,
            map_version,
            query,
        };
        let found = transport
            .find_offset(query)
            .await
            .expect("is readable")
            .found;
        found.map(|(offset, timestamp)| (offset.value(), timestamp.0))
    };
    let after = |ms| OffsetQuery::AtOrAfter(Timestamp(ms));
    assert_eq!(find(after(0)).await, Some((0, 100)));
    assert_eq!(find(after(101)).await, Some((1, 300)));
    assert_eq!(find(after(301)).await, Some((3, 400)));
    assert_eq!(find(after(401)).await, None);
    assert_eq!(find(OffsetQuery::MaxTimestamp).await, Some((3, 400)));
    assert_eq!(find(OffsetQuery::Earliest).await, Some((0, -1)));
    assert_eq!(find(OffsetQuery::Latest).await, Some((4, -1)));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_goes_and_its_segments_come_back_and_nothing_else_is_lost() {
    let world = World::new();
    let config = TopicConfig {
        retention_ms: Some(1000),
        ..TopicConfig::default()
    };
    world
        .control
        .map
        .send_replace(Arc::new(map(2, Some(config))));
    let node = world.start().await;
    let transport = node.transport();
    let now = world.clock.wall.load(Ordering::Relaxed);
    let mut idle = Writer::open(&transport, partition(3), GATEWAY).await;
    idle.append(batch(b"idle", now + 1_000_000, None)).await;
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    for _ in 0..80 {
        writer.append(batch(&[1; 50_000], now, None)).await;
    }
    let before = world.segments();
    let billed = transport.usage().await;
    world.clock.wall.fetch_add(5000, Ordering::Relaxed);
    // The idle partition's one batch keeps its segment; the others go.
    wait_until(async || world.segments() <= 3).await;
    assert!(before > 4);
    let gone = transport.read(read(0, 0, 1000)).await;
    assert!(matches!(gone, Err(ReadError::OutOfRange { .. })));
    assert_eq!(transport.usage().await, billed);
    node.shutdown().await;

    let node = world.start().await;
    let transport = node.transport();
    assert_eq!(
        transport.usage().await,
        billed,
        "the bill survives what it was for"
    );
    assert_eq!(read_all(&transport, 3, 0).await.len(), 1);
    let mut writer = Writer::open(&transport, partition(0), GatewayIncarnation(6)).await;
    assert_eq!(writer.append(batch(b"x", now + 1_000_000, None)).await, 80);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_topic_is_gone_and_stays_billed() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    let batch_bytes = {
        let batch = batch(&[1; 5000], 1, None);
        let bytes = batch.bytes().len() as u64;
        writer.append(batch).await;
        bytes
    };
    world.control.map.send_replace(Arc::new(map(2, None)));
    wait_until(async || {
        matches!(
            transport.read(read(0, 0, 1000)).await,
            Err(ReadError::NotOwner)
        )
    })
    .await;
    writer.send(batch(b"x", 1, None)).await;
    assert_eq!(writer.outcome().await, Err(AppendRefusal::NotOwner));
    node.shutdown().await;
    let node = world.start().await;
    let usage = node.transport().usage().await;
    assert_eq!(
        usage.iter().map(|total| total.bytes_in).sum::<u64>(),
        batch_bytes
    );
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn egress_that_gateways_report_is_counted_once_and_survives_a_restart() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let key = TopicPartition {
        topic: USAGE,
        partition: 0,
    };
    let mut writer = Writer::open(&transport, key, GATEWAY).await;
    for _ in 0..3 {
        let delivered = BTreeMap::from([(DEMO, ByteCount(1000))]);
        for report in EgressReport::split(&delivered) {
            let mut value = Vec::new();
            report.encode(&mut value);
            writer.append(batch(&value, 1, None)).await;
        }
    }
    let total = |usage: Vec<node_api::UsageTotal>| {
        usage
            .iter()
            .map(|total| (total.virtual_cluster, total.bytes_in, total.bytes_out))
            .collect()
    };
    let expected = vec![(DEMO, 0, 3000)];
    let counted: Vec<_> = total(transport.usage().await);
    assert_eq!(counted, expected);
    node.shutdown().await;
    let node = world.start().await;
    let counted: Vec<_> = total(node.transport().usage().await);
    assert_eq!(counted, expected);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_comes_for_what_is_wanted_and_only_for_that() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let mut news = transport.news(GATEWAY).await;
    transport
        .interest(GATEWAY, vec![(partition(0), true)])
        .await;
    let first = tokio::time::timeout(DEADLINE, news.recv())
        .await
        .expect("comes")
        .expect("is open");
    assert_eq!(
        first[0].bounds.map(|bounds| bounds.high_watermark),
        Some(Offset::ZERO)
    );
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    writer.append(batch(b"x", 1, None)).await;
    let second = tokio::time::timeout(DEADLINE, news.recv())
        .await
        .expect("comes")
        .expect("is open");
    let bounds = second[0].bounds.expect("is here");
    assert_eq!(
        (bounds.high_watermark.value(), second[0].partition),
        (1, partition(0))
    );
    assert!(bounds.end_position > 0);
    transport
        .interest(GATEWAY, vec![(partition(0), false)])
        .await;
    writer.append(batch(b"y", 1, None)).await;
    assert!(news.try_recv().is_err());
    node.shutdown().await;
}

#[tokio::test]
async fn a_second_node_on_the_same_folder_is_refused() {
    let world = World::new();
    let node = world.start().await;
    let config = NodeConfig {
        node: NodeId(0),
        folder: Path::join(world.folder.path(), "wal"),
        shards: 1,
        segment_bytes: 1 << 20,
        tail_cache_bytes: 0,
        retention_check_interval: DEADLINE,
        new_wal_id: 1,
    };
    let control = Arc::clone(&world.control) as Arc<dyn ControlPlane>;
    let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
    let second = Node::start(NodeParts {
        config,
        control,
        clock,
    })
    .await;
    let refusal = second.err().map(|why| why.to_string()).unwrap_or_default();
    assert!(refusal.contains("wal"), "{refusal}");
    node.shutdown().await;
}
