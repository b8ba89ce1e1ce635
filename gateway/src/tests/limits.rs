//! The limits of a whole virtual cluster: what a client that drives past one is told, and what not.

use std::time::Duration;

use model::{ByteCount, ByteRate, FetchOverLimit, Limits};
use node_api::AppendRefusal;
use quota::{Figures, LimitName};
use tokio::time::Instant;
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::fetch::FetchRequest;
use wire::messages::metadata::MetadataRequest;
use wire::messages::produce::PartitionProduceData;
use wire::{ApiKey, Response};

use super::peer::{Peer, fetch_of, fetched, outcome, produce_to};
use super::world::{CLUSTER, OTHER_CLUSTER, World, batch, partition};
use crate::client::Door;
use crate::config::GatewayConfig;
use crate::gates::LimitsView;

mod connections;
mod topics;

fn world(change: impl FnOnce(&mut Limits)) -> World {
    let world = World::new();
    world.change_cluster(|cluster| change(&mut cluster.limits));
    world
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn figures(world: &World, limit: LimitName) -> Figures {
    let view = LimitsView {
        gates: world.services.gates.clone(),
        router: world.services.router.clone(),
        clock: world.services.clock.clone(),
    };
    let mut rows = view.rows().into_iter();
    let row = rows.find(|row| row.cluster == "cluster-1" && row.limit == limit);
    row.expect("every cluster has every limit").figures
}

async fn metadata(peer: &mut Peer) -> i32 {
    match peer.call(9, MetadataRequest::default()).await {
        Response::Metadata(response) => response.throttle_time_ms,
        other => panic!("{other:?}"),
    }
}

/// The answer comes at once and tells the debt; the connection is not read until that is paid, whatever
/// the client does; answers leave all the same.
#[tokio::test(start_paused = true)]
async fn above_the_ingress_rate_a_client_is_told_and_not_read() {
    let world = world(|limits| limits.ingress_bytes_per_s = ByteRate(10_000));
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    let start = Instant::now();
    let large = batch(&vec![0; 8_000]);
    let response = peer.produce(produce_to("t", 0, large.clone())).await;
    assert_eq!(
        (outcome(&response), start.elapsed().as_millis()),
        ((0, 0), 0)
    );
    let told = response.throttle_time_ms;
    assert!((540..570).contains(&told), "{told}");
    peer.send(9, produce_to("t", 0, large.clone())).await;
    tokio::time::sleep(ms(told as u64 - 10)).await;
    assert_eq!(world.node.records(partition(topic, 0)), 1, "not read yet");
    let (_, Response::Produce(second)) = peer.receive(ApiKey::Produce, 9).await else {
        panic!("a produce answer");
    };
    assert_eq!(outcome(&second), (0, 1));
    assert!((i128::from(told) - start.elapsed().as_millis() as i128).abs() <= 2);
    let seen = figures(&world, LimitName::Ingress);
    assert_eq!((seen.ceiling, seen.refused), (10_000, 0));
    assert!(
        (1_300..1_500).contains(&seen.throttled.as_millis()),
        "{seen:?}"
    );
}

/// However far it is driven, no more is appended than the rate gives, and nobody is told more than a
/// second or waits for longer than clients do. What is refused is told to hold back, too.
#[tokio::test(start_paused = true)]
async fn many_connections_together_keep_to_the_rate() {
    let world = world(|limits| limits.ingress_bytes_per_s = ByteRate(10_000));
    let topic = world.topic("t", 1);
    let start = Instant::now();
    let mut peers: Vec<_> = (0..20).map(|_| world.connect()).collect();
    let large = batch(&vec![0; 9_900]);
    for peer in &mut peers {
        peer.send(9, produce_to("t", 0, large.clone())).await;
    }
    let mut served = 0;
    let mut refused = peers.pop().expect("there are twenty");
    let (_, last) = refused.receive(ApiKey::Produce, 9).await;
    assert!(matches!(last, Response::Produce(last) if outcome(&last).0 == 7));
    refused.send(9, MetadataRequest::default()).await;
    assert!(refused.is_quiet_for(ms(900)).await, "it is not read");
    for peer in &mut peers {
        let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
            panic!("a produce answer");
        };
        assert!(response.throttle_time_ms <= 1_000);
        assert!(start.elapsed() <= ms(2_000));
        match outcome(&response) {
            (0, _) => served += 1,
            // What would wait too long is to be tried again, and not at once.
            refused => assert_eq!((refused.0, response.throttle_time_ms), (7, 1_000)),
        }
    }
    assert_eq!(world.node.records(partition(topic, 0)), served);
    assert_eq!(served, 5);
}

/// All batches of a request together wait for no longer than one may, and stop their connection for no longer.
#[tokio::test(start_paused = true)]
async fn the_batches_of_a_request_share_one_wait() {
    let world = world(|limits| limits.ingress_bytes_per_s = ByteRate(10_000));
    world.topic("t", 20);
    let large = batch(&vec![0; 9_900]);
    let mut request = produce_to("t", 0, large.clone());
    for index in 1..20 {
        let one = PartitionProduceData {
            index,
            records: Some(large.clone()),
        };
        request.topic_data[0].partition_data.push(one);
    }
    let mut peer = world.connect();
    let start = Instant::now();
    let response = peer.produce(request.clone()).await;
    assert!(start.elapsed() <= ms(2_000), "{:?}", start.elapsed());
    let codes = super::producing::codes(&response);
    let served = codes.iter().filter(|code| **code == 0).count();
    assert!((3..=6).contains(&served), "{codes:?}");
    assert!(codes[served..].iter().all(|code| *code == 7), "{codes:?}");
    metadata(&mut peer).await;
    assert!(start.elapsed() <= ms(3_100), "{:?}", start.elapsed());
}

/// However small the rate is against it, a batch is appended when little is owed.
#[tokio::test(start_paused = true)]
async fn a_batch_larger_than_all_that_may_be_owed_is_appended() {
    let world = world(|limits| limits.ingress_bytes_per_s = ByteRate(10_000));
    world.topic("t", 1);
    let mut peer = world.connect();
    let response = peer
        .produce(produce_to("t", 0, batch(&vec![0; 200_000])))
        .await;
    assert_eq!(
        (outcome(&response), response.throttle_time_ms),
        ((0, 0), 1_000)
    );
    let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
    assert_eq!(outcome(&response).0, 7);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
    assert_eq!(outcome(&response), (0, 1));
}

/// The last of five requests in flight is answered well before its client gives up.
#[tokio::test(start_paused = true)]
async fn a_client_with_five_requests_in_flight_does_not_give_up() {
    let world = world(|limits| limits.ingress_bytes_per_s = ByteRate(10_000));
    world.topic("t", 1);
    let mut peers: Vec<_> = (0..10).map(|_| world.connect()).collect();
    let large = batch(&vec![0; 9_900]);
    let start = Instant::now();
    for peer in &mut peers {
        for _ in 0..5 {
            peer.send(9, produce_to("t", 0, large.clone())).await;
        }
    }
    for peer in &mut peers {
        for _ in 0..5 {
            peer.receive(ApiKey::Produce, 9).await;
        }
        assert!(start.elapsed() <= Duration::from_secs(15));
    }
}

#[tokio::test(start_paused = true)]
async fn another_tenant_and_a_raised_limit_are_not_slowed() {
    let world = world(|limits| limits.ingress_bytes_per_s = ByteRate(10_000));
    world.topic("t", 1);
    world.foreign_topic("t");
    let mut peer = world.connect();
    let large = batch(&vec![0; 30_000]);
    let response = peer.produce(produce_to("t", 0, large.clone())).await;
    assert_eq!(response.throttle_time_ms, 1_000);
    let mut other = world.connect_by(Door::Plaintext(OTHER_CLUSTER));
    for _ in 0..3 {
        let response = other.produce(produce_to("t", 0, large.clone())).await;
        assert_eq!(response.throttle_time_ms, 0);
    }
    world.change_cluster(|c| c.limits.ingress_bytes_per_s = ByteRate::mb_per_s(100));
    let mut fresh = world.connect();
    let response = fresh.produce(produce_to("t", 0, large)).await;
    assert_eq!(response.throttle_time_ms, 0);
}

/// A fetch is charged by what it was answered with; while a second or more is owed, there are no
/// records in it.
#[tokio::test(start_paused = true)]
async fn above_the_egress_rate_fetches_are_told_and_then_empty() {
    let world = world(|limits| limits.egress_bytes_per_s = ByteRate(10_000));
    world.topic("t", 1);
    let mut peer = world.connect();
    let large = batch(&vec![0; 30_000]);
    for _ in 0..2 {
        peer.produce(produce_to("t", 0, large.clone())).await;
    }
    let response = peer.fetch(fetch_of("t", &[(0, 0)])).await;
    assert_eq!(
        fetched(&response),
        [(0, 2, 1)],
        "the first batch comes, however large"
    );
    assert_eq!(response.throttle_time_ms, 1_000);
    let start = Instant::now();
    let response = peer.fetch(fetch_of("t", &[(0, 1)])).await;
    assert_eq!(fetched(&response)[0].2, 0, "a second of debt is left");
    assert_eq!(response.throttle_time_ms, 1_000);
    assert!((990..1_010).contains(&start.elapsed().as_millis()));
    tokio::time::sleep(ms(3_000)).await;
    let response = peer.fetch(fetch_of("t", &[(0, 1)])).await;
    assert_eq!(fetched(&response), [(0, 2, 1)]);
    assert!(figures(&world, LimitName::Egress).throttled.as_millis() > 5_000);
}

/// A long poll that finds nothing is no throttle.
#[tokio::test(start_paused = true)]
async fn waiting_for_records_is_not_a_throttle() {
    let world = world(|limits| limits.egress_bytes_per_s = ByteRate(10_000));
    world.topic("t", 1);
    let mut peer = world.connect();
    peer.produce(produce_to("t", 0, batch(&vec![0; 10_000])))
        .await;
    let response = peer.fetch(fetch_of("t", &[(0, 0)])).await;
    assert!(response.throttle_time_ms > 700);
    let mut idle = world.connect();
    let waiting = idle.fetch(fetch_of("t", &[(0, 1)])).await;
    assert_eq!((fetched(&waiting)[0].2, waiting.throttle_time_ms), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_of_too_much_is_cut_or_refused_as_the_cluster_wants_it() {
    let world = world(|limits| limits.fetch_bytes_max = ByteCount(1_000));
    world.topic("t", 1);
    let mut peer = world.connect();
    for _ in 0..3 {
        peer.produce(produce_to("t", 0, batch(&[0; 600]))).await;
    }
    let asking = |max_bytes| FetchRequest {
        max_bytes,
        ..fetch_of("t", &[(0, 0)])
    };
    let response = peer.fetch(asking(1_001)).await;
    assert_eq!(fetched(&response), [(0, 3, 1)]);
    world.change_cluster(|c| c.limits.fetch_over_limit = FetchOverLimit::Refuse);
    let response = peer.fetch(asking(1_001)).await;
    assert_eq!((response.error_code, fetched(&response)[0].0), (42, 42));
    assert_eq!(fetched(&peer.fetch(asking(1_000)).await)[0].2, 1);
    assert_eq!(figures(&world, LimitName::FetchBytes).refused, 1);
}

/// A connection that does not hold back has a request in three seconds at the least.
#[tokio::test(start_paused = true)]
async fn above_the_rate_of_requests_a_connection_is_slowed_and_never_lost() {
    let world = world(|limits| limits.requests_per_s = 10);
    let mut peers: Vec<_> = (0..50).map(|_| world.connect()).collect();
    let mut told_most = 0;
    for peer in &mut peers {
        told_most = told_most.max(metadata(peer).await);
    }
    assert_eq!(told_most, 1_000);
    let start = Instant::now();
    for peer in &mut peers {
        metadata(peer).await;
        assert!(start.elapsed() <= ms(3_010));
    }
    assert!(figures(&world, LimitName::Requests).throttled > ms(2_500));
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_serves_by_itself_counts_as_requests() {
    let world = world(|limits| limits.requests_per_s = 10);
    let mut peer = world.connect();
    let start = Instant::now();
    for _ in 0..20 {
        peer.call(3, ApiVersionsRequest::default()).await;
    }
    assert!(start.elapsed() >= ms(900), "{:?}", start.elapsed());
    assert!(figures(&world, LimitName::Requests).throttled >= ms(1_000));
}

#[tokio::test(start_paused = true)]
async fn a_full_compacted_partition_is_refused_and_counted() {
    let world = World::new();
    world.topic("t", 1);
    world
        .node
        .behave(|manners| manners.refusal = Some(AppendRefusal::PartitionFull));
    let mut peer = world.connect();
    let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
    assert_eq!(outcome(&response).0, 89);
    let limit = LimitName::CompactedPartitionBytes;
    assert_eq!(figures(&world, limit).refused, 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_above_the_clusters_limit_is_counted() {
    let world = world(|limits| limits.message_bytes_max = ByteCount(1_000));
    world.topic("t", 1);
    let mut peer = world.connect();
    let response = peer.produce(produce_to("t", 0, batch(&[0; 1_000]))).await;
    assert_eq!(outcome(&response).0, 42);
    assert_eq!(figures(&world, LimitName::MessageBytes).refused, 1);
    assert_eq!(
        figures(&world, LimitName::Ingress).used,
        Some(0),
        "nothing is charged"
    );
    assert!(
        world
            .services
            .router
            .map()
            .virtual_clusters
            .contains_key(&CLUSTER)
    );
}

/// Requests that are under way take half of the memory at most; others are read meanwhile.
#[tokio::test(start_paused = true)]
async fn a_tenant_that_fills_its_memory_leaves_half_of_it_to_others() {
    let world = World::with(GatewayConfig {
        request_bytes_max: 64 << 10,
        request_memory_bytes: 256 << 10,
        ..GatewayConfig::default()
    });
    world.topic("t", 1);
    world.node.set_open(false);
    let mut peers: Vec<_> = (0..10).map(|_| world.connect()).collect();
    for peer in &mut peers {
        let large = batch(&vec![0; 40_000]);
        peer.send(9, produce_to("t", 0, large)).await;
    }
    assert!(peers[0].is_quiet_for(ms(1_000)).await);
    let free = world.services.request_memory.available_permits();
    assert!(((128 << 10)..(140 << 10)).contains(&free), "{free}");
    let mut other = world.connect_by(Door::Plaintext(OTHER_CLUSTER));
    let start = Instant::now();
    metadata(&mut other).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    world.node.set_open(true);
    for peer in &mut peers {
        peer.receive(ApiKey::Produce, 9).await;
    }
}
