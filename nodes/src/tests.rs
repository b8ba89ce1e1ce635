//! A whole node on real files: appends, reads, restarts, retention, deletion, usage.

mod deletions;
mod faulty;
mod groups;
mod lags;
mod reads;
mod usage;
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use control_api::ControlPlane;
use model::{
    ByteCount, CatalogVersion, CleanupPolicy, Clock, GatewayIncarnation, NodeId, Offset, Timestamp,
    TopicConfig, TopicPartition,
};
use node_api::{AppendRefusal, FindOffset, NodeTransport, OffsetQuery, ReadError, read_one};
use quota::EgressReport;
use records::ProducerFields;

use crate::{Node, NodeConfig, NodeParts};
use world::{
    DEADLINE, DEMO, GATEWAY, USAGE, World, Writer, batch, map, partition, random, read, read_all,
    wait_until,
};

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
    let beyond = read_one(&transport, read(0, 61, 1000)).await;
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
    let gone = read_one(&transport, read(0, 0, 1000)).await;
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
            read_one(&transport, read(0, 0, 1000)).await,
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
        random: random(),
    })
    .await;
    let refusal = second.err().map(|why| why.to_string()).unwrap_or_default();
    assert!(refusal.contains("wal"), "{refusal}");
    node.shutdown().await;
}

/// A repeat of what is in the log is answered, full or not; a raised limit has effect at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_partition_takes_no_more_than_its_limit() {
    let world = World::new();
    let limited = |version, bytes| {
        let config = TopicConfig {
            cleanup_policy: CleanupPolicy::Compact,
            ..TopicConfig::default()
        };
        let mut map = map(version, Some(config));
        let mut cluster = world::cluster(DEMO);
        cluster.limits.compacted_partition_bytes_max = ByteCount(bytes);
        map.virtual_clusters.insert(DEMO, Arc::new(cluster));
        Arc::new(map)
    };
    world.control.map.send_replace(limited(1, 100_000));
    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    let large = || batch(&[7; 40_000], 1, None);
    assert_eq!(writer.append(large()).await, 0);
    assert_eq!(writer.append(large()).await, 1);
    writer.send(large()).await;
    assert_eq!(writer.outcome().await, Err(AppendRefusal::PartitionFull));
    writer.send_as(1, 0, large()).await;
    let repeat = writer.outcome().await.map(|ack| ack.base_offset.value());
    assert_eq!(repeat, Ok(1));
    node.shutdown().await;

    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(0), GatewayIncarnation(6)).await;
    writer.send(large()).await;
    assert_eq!(writer.outcome().await, Err(AppendRefusal::PartitionFull));
    world.control.map.send_replace(limited(2, 200_000));
    wait_until(async || {
        writer.send(large()).await;
        writer.outcome().await.is_ok()
    })
    .await;
    node.shutdown().await;
}
