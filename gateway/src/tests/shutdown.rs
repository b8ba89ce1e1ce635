//! A whole gateway: it starts, meters, drains and ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::{ByteCount, TopicConfig, USAGE_TOPIC, VirtualClusterId};
use quota::EgressReport;
use tokio::net::{TcpListener, TcpStream};
use wire::{ApiKey, Response};

use super::fake_control::FakeControl;
use super::fake_node::FakeNode;
use super::peer::{Peer, fetch_of, fetched, outcome, produce_to};
use super::world::{CLUSTER, World, batch, cluster, partition, parts};
use crate::FakeSaltSecret;
use crate::config::GatewayConfig;
use crate::egress::Reporter;
use crate::gateway::{Gateway, GatewayParts, StartError};
use crate::listener::{Listener, ListenerKind};

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_answered_before_the_end() {
    let world = World::new();
    world.topic("t", 1);
    let (mut producer, mut consumer) = (world.connect(), world.connect());
    world.node.set_open(false);
    producer.send(9, produce_to("t", 0, batch(b"a"))).await;
    consumer.send(12, fetch_of("t", &[(0, 0)])).await;
    assert!(producer.is_quiet_for(Duration::from_millis(100)).await);
    let start = tokio::time::Instant::now();
    world.drain.send_replace(true);
    assert_eq!(fetched(&consumer.receive_fetch().await), [(0, 0, 0)]);
    consumer.closed().await;
    assert!(
        start.elapsed() < Duration::from_millis(10),
        "a long poll does not hold it up"
    );
    producer
        .send(9, produce_to("t", 0, batch(b"not read any more")))
        .await;
    world.node.set_open(true);
    let (_, Response::Produce(response)) = producer.receive(ApiKey::Produce, 9).await else {
        panic!("a produce answer");
    };
    assert_eq!(outcome(&response), (0, 0));
    producer.closed().await;
}

/// A gateway with one plaintext listener on a real socket.
async fn gateway(node: &FakeNode, control: &Arc<FakeControl>) -> Gateway {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = Listener {
        socket,
        kind: ListenerKind::Plaintext(CLUSTER),
    };
    let parts = GatewayParts {
        listeners: vec![listener],
        ..parts(GatewayConfig::default(), node, control)
    };
    Gateway::start(parts).unwrap()
}

async fn connect(gateway: &Gateway) -> Peer {
    let stream = TcpStream::connect(gateway.local_addrs()[0]).await.unwrap();
    Peer::new(stream, tokio::spawn(async {}))
}

#[tokio::test]
async fn delivered_bytes_are_written_down_before_the_end() {
    let node = FakeNode::new();
    let control = Arc::new(FakeControl::new());
    control.put_cluster(cluster(CLUSTER));
    let topic = control.put_topic(CLUSTER, "t", 1, TopicConfig::default());
    let usage = control.put_topic(
        VirtualClusterId::SYSTEM,
        USAGE_TOPIC,
        1,
        TopicConfig::default(),
    );
    let gateway = gateway(&node, &control).await;
    let mut peer = connect(&gateway).await;
    let records = batch(&[7; 1000]);
    let expected = records.len() as u64 * 3;
    peer.produce(produce_to("t", 0, records)).await;
    for _ in 0..3 {
        assert_eq!(
            fetched(&peer.fetch(fetch_of("t", &[(0, 0)])).await),
            [(0, 1, 1)]
        );
    }
    assert_eq!(node.records(partition(topic, 0)), 1);
    gateway.shutdown();
    peer.closed().await;
    gateway.join().await;
    let reported: u64 = node
        .bodies(partition(usage, 0))
        .into_iter()
        .flat_map(|body| report(body).entries().collect::<Vec<_>>())
        .map(|(cluster, bytes)| {
            assert_eq!(cluster, CLUSTER);
            bytes.0
        })
        .sum();
    assert_eq!(reported, expected);
}

/// Delivered bytes wait for their partition, and are then written down once.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_down_is_tried_again() {
    let world = World::new();
    let services = &world.services;
    services.egress.add(CLUSTER, 70);
    let reporter = Reporter {
        meter: Arc::clone(&services.egress),
        lanes: Arc::clone(&services.lanes),
        router: Arc::clone(&services.router),
        clock: Arc::clone(&services.clock),
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(reporter.run(stopped));
    tokio::time::sleep(Duration::from_secs(3)).await;
    services.egress.add(CLUSTER, 7);
    let system = VirtualClusterId::SYSTEM;
    let usage = world
        .control
        .put_topic(system, USAGE_TOPIC, 1, TopicConfig::default());
    tokio::time::sleep(Duration::from_secs(5)).await;
    stop.send_replace(true);
    running.await.unwrap();
    let bodies = world.node.bodies(partition(usage, 0));
    assert_eq!(
        bodies.len(),
        1,
        "nothing is written down where nothing was delivered"
    );
    let entries: Vec<_> = report(bodies[0].clone()).entries().collect();
    assert_eq!(entries, [(CLUSTER, ByteCount(77))]);
}

/// The report in the only record of a batch, without its header.
fn report(body: Bytes) -> EgressReport {
    // Attributes, timestamp and offset deltas and the null key are a byte each, as is each length:
    // a report of one cluster is short.
    let value = usize::from(body[5]) / 2;
    EgressReport::decode(&body[6..6 + value]).unwrap()
}

#[tokio::test]
async fn a_drained_gateway_does_not_accept() {
    let node = FakeNode::new();
    let control = Arc::new(FakeControl::new());
    control.put_cluster(cluster(CLUSTER));
    let gateway = gateway(&node, &control).await;
    let address = gateway.local_addrs()[0];
    gateway.shutdown();
    gateway.join().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn parts_that_do_not_fit_are_refused() {
    let node = FakeNode::new();
    let control = Arc::new(FakeControl::new());
    let socket = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let open_to_all = GatewayParts {
        listeners: vec![Listener {
            socket,
            kind: ListenerKind::Plaintext(CLUSTER),
        }],
        fake_salt: FakeSaltSecret::new([0; 32]),
        ..parts(GatewayConfig::default(), &node, &control)
    };
    let refused = Gateway::start(open_to_all).err();
    assert!(matches!(refused, Some(StartError::PlaintextNotLoopback(_))));
    let config = GatewayConfig {
        request_memory_bytes: 1 << 20,
        ..GatewayConfig::default()
    };
    let refused = Gateway::start(parts(config, &node, &control)).err();
    assert!(matches!(refused, Some(StartError::Memory { .. })));
}

#[tokio::test]
async fn one_connection_too_many_is_closed() {
    let node = FakeNode::new();
    let control = Arc::new(FakeControl::new());
    control.put_cluster(cluster(CLUSTER));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = GatewayConfig {
        connections_max: 1,
        ..GatewayConfig::default()
    };
    let parts = GatewayParts {
        listeners: vec![Listener {
            socket,
            kind: ListenerKind::Plaintext(CLUSTER),
        }],
        ..parts(config, &node, &control)
    };
    let gateway = Gateway::start(parts).unwrap();
    let mut first = connect(&gateway).await;
    first.fetch(fetch_of("t", &[])).await;
    let mut second = connect(&gateway).await;
    second.closed().await;
    first.fetch(fetch_of("t", &[])).await;
}
