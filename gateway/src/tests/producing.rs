//! Produce: what is refused and how, and what becomes of batches when nodes fail.

use std::time::Duration;

use model::{ByteCount, CleanupPolicy, ProducerEpoch, ProducerId, Timestamp, TopicConfig};
use node_api::AppendRefusal;
use node_api::lane::LANE_UNANSWERED_MAX;
use records::{BatchBuilder, Codec, NewRecord, ProducerFields};
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use wire::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use wire::{ApiKey, Response};

use super::fake_node::FakeNode;
use super::peer::{Peer, outcome, produce_to};
use super::world::{READER, WALL_START, World, batch, batch_at, partition};

pub(super) fn codes(response: &ProduceResponse) -> Vec<i16> {
    let topics = response.responses.iter();
    let partitions = topics.flat_map(|topic| &topic.partition_responses);
    partitions.map(|partition| partition.error_code).collect()
}

#[tokio::test(start_paused = true)]
async fn each_partition_has_its_own_answer() {
    let world = World::new();
    let topic = world.topic("t", 2);
    let mut peer = world.connect();
    let mut broken = batch(b"a").to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let data = |index, records| PartitionProduceData { index, records };
    let mut request = produce_to("t", 0, batch(b"a"));
    request.topic_data[0].partition_data.extend([
        data(1, Some(broken.into())),
        data(1, Some(batch(b"b"))),
        data(2, Some(batch(b"c"))),
        data(-1, Some(batch(b"c"))),
        data(0, None),
    ]);
    request.topic_data.push(TopicProduceData {
        name: "unknown".to_owned(),
        partition_data: vec![data(0, Some(batch(b"a")))],
        ..TopicProduceData::default()
    });
    let response = peer.produce(request).await;
    assert_eq!(codes(&response), [0, 2, 0, 3, 3, 87, 3]);
    assert_eq!(world.node.records(partition(topic, 0)), 1);
    assert_eq!(world.node.records(partition(topic, 1)), 1);
}

/// The lanes take in what is more than they have room for as answers come.
#[tokio::test(start_paused = true)]
async fn a_request_of_many_batches_is_appended_in_order_in_every_partition() {
    const PARTITIONS: i32 = 40;
    let world = World::new();
    world.topic("t", PARTITIONS as u32);
    let mut peer = world.connect();
    let mut request = produce_to("t", 0, batch(b"a"));
    let batches = &mut request.topic_data[0].partition_data;
    batches.clear();
    let crowded = std::iter::repeat_n(0, LANE_UNANSWERED_MAX + 100);
    for index in (0..PARTITIONS).chain(crowded).chain(0..PARTITIONS) {
        let records = Some(batch(b"a"));
        batches.push(PartitionProduceData { index, records });
    }
    let response = peer.produce(request).await;
    let mut next = vec![0; PARTITIONS as usize];
    for answer in &response.responses[0].partition_responses {
        let next = &mut next[answer.index as usize];
        assert_eq!((answer.error_code, answer.base_offset), (0, *next));
        *next += 1;
    }
    assert_eq!(next[0], LANE_UNANSWERED_MAX as i64 + 102);
    assert!(next[1..].iter().all(|&batches| batches == 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wrong_as_a_whole_appends_nothing() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    let wrong_acks = ProduceRequest {
        acks: 2,
        ..produce_to("t", 0, batch(b"a"))
    };
    assert_eq!(codes(&peer.produce(wrong_acks).await), [21]);
    let transactional = ProduceRequest {
        transactional_id: Some("tx".to_owned()),
        ..produce_to("t", 0, batch(b"a"))
    };
    assert_eq!(codes(&peer.produce(transactional).await), [53]);
    let mut builder = BatchBuilder::new(Codec::Uncompressed)
        .producer(ProducerFields {
            producer_id: ProducerId(1),
            producer_epoch: ProducerEpoch(0),
            base_sequence: 0,
        })
        .transactional();
    builder.push(&NewRecord {
        timestamp: Timestamp(WALL_START),
        key: None,
        value: None,
        headers: &[],
    });
    let response = peer.produce(produce_to("t", 0, builder.build())).await;
    assert_eq!(codes(&response), [53]);
    assert_eq!(world.node.records(partition(topic, 0)), 0);
}

#[tokio::test(start_paused = true)]
async fn limits_of_topic_and_cluster_are_told_apart() {
    let world = World::new();
    let config = TopicConfig {
        max_message_bytes: ByteCount(1000),
        ..TopicConfig::default()
    };
    world.topic_with("small", 1, config);
    world.change_cluster(|cluster| cluster.limits.message_bytes_max = ByteCount(5000));
    let mut peer = world.connect();
    let large = peer
        .produce(produce_to("small", 0, batch(&[0; 2000])))
        .await;
    assert_eq!(codes(&large), [10]);
    let larger = peer
        .produce(produce_to("small", 0, batch(&[0; 6000])))
        .await;
    assert_eq!(codes(&larger), [42]);
}

#[tokio::test(start_paused = true)]
async fn records_that_break_a_rule_are_named() {
    let world = World::new();
    let compacted = TopicConfig {
        cleanup_policy: CleanupPolicy::Compact,
        ..TopicConfig::default()
    };
    world.topic_with("compacted", 1, compacted);
    let timed = TopicConfig {
        message_timestamp_difference_max_ms: 1000,
        ..TopicConfig::default()
    };
    world.topic_with("timed", 1, timed);
    let mut peer = world.connect();
    let response = peer
        .produce(produce_to("compacted", 0, batch(b"no key")))
        .await;
    let refused = &response.responses[0].partition_responses[0];
    assert_eq!((refused.error_code, refused.record_errors.len()), (87, 1));
    assert_eq!(refused.record_errors[0].batch_index, 0);
    let response = peer
        .produce(produce_to("timed", 0, batch_at(1, b"old")))
        .await;
    assert_eq!(codes(&response), [32]);
}

#[tokio::test(start_paused = true)]
async fn topics_are_written_by_id() {
    let world = World::new();
    let id = world.topic("t", 1);
    let mut peer = world.connect();
    for (topic_id, expected) in [(id.0, 0), ([9; 16], 100)] {
        let mut request = produce_to("", 0, batch(b"a"));
        request.topic_data[0].topic_id = topic_id;
        let Response::Produce(response) = peer.call(13, request).await else {
            panic!("a produce answer");
        };
        assert_eq!(codes(&response), [expected]);
        assert_eq!(response.responses[0].topic_id, topic_id);
    }
}

#[tokio::test(start_paused = true)]
async fn another_tenants_topic_does_not_exist() {
    let world = World::new();
    let id = world.foreign_topic("theirs");
    let mut peer = world.connect();
    let by_name = peer.produce(produce_to("theirs", 0, batch(b"a"))).await;
    assert_eq!(codes(&by_name), [3]);
    let mut request = produce_to("", 0, batch(b"a"));
    request.topic_data[0].topic_id = id.0;
    let Response::Produce(by_id) = peer.call(13, request).await else {
        panic!("a produce answer");
    };
    assert_eq!(codes(&by_id), [100]);
}

#[tokio::test(start_paused = true)]
async fn what_the_node_refuses_for_good_is_told() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let out_of_order = AppendRefusal::OutOfOrderSequence {
        expected: 3,
        found: 5,
    };
    for (refusal, code) in [
        (out_of_order, 45),
        (AppendRefusal::DuplicateSequence, 45),
        (AppendRefusal::InvalidProducerEpoch, 47),
        (AppendRefusal::Closed, 56),
    ] {
        world.node.behave(|manners| manners.refusal = Some(refusal));
        let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
        assert_eq!(outcome(&response), (code, -1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_waits_for_an_owner_and_is_given_up_in_time() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    let disown = |disowned: bool| {
        world.node.behave(|manners| {
            manners.disowned = disowned.then(|| partition(topic, 0)).into_iter().collect();
        });
    };
    disown(true);
    peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    assert!(peer.is_quiet_for(Duration::from_secs(20)).await);
    disown(false);
    let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
        panic!("a produce answer");
    };
    assert_eq!(outcome(&response), (0, 0));

    disown(true);
    let start = tokio::time::Instant::now();
    let response = peer.produce(produce_to("t", 0, batch(b"b"))).await;
    assert_eq!(outcome(&response), (7, -1));
    assert_eq!(start.elapsed().as_secs(), 25);
    let hasty = ProduceRequest {
        timeout_ms: 3000,
        ..produce_to("t", 0, batch(b"c"))
    };
    let start = tokio::time::Instant::now();
    assert_eq!(outcome(&peer.produce(hasty).await), (7, -1));
    assert_eq!(start.elapsed().as_secs(), 3);
}

/// A move while an append is under way: it goes to the new owner, once.
#[tokio::test(start_paused = true)]
async fn an_append_follows_its_partition() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let second = FakeNode::new();
    second.behave(|manners| manners.leader_epoch = Some(model::LeaderEpoch(1)));
    let nodes = &world.services.router;
    nodes
        .nodes()
        .insert(model::NodeId(1), std::sync::Arc::new(second.clone()));
    let mut peer = world.connect();
    world.node.behave(|manners| {
        manners.disowned.insert(partition(topic, 0));
    });
    peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    assert!(peer.is_quiet_for(Duration::from_secs(2)).await);
    world.control.move_topic(topic, model::NodeId(1));
    let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
        panic!("a produce answer");
    };
    assert_eq!(outcome(&response), (0, 0));
    assert_eq!(second.records(partition(topic, 0)), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_breaks_is_opened_again() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    for base_offset in 0..3 {
        let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
        assert_eq!(outcome(&response), (0, base_offset));
        world.node.break_off();
    }
}

/// A topic that is deleted while an append waits.
#[tokio::test(start_paused = true)]
async fn an_append_to_a_topic_that_is_deleted_is_refused() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    world.node.behave(|manners| {
        manners.disowned.insert(partition(topic, 0));
    });
    peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    assert!(peer.is_quiet_for(Duration::from_secs(2)).await);
    world.control.change(|map| {
        map.topics.remove(&topic);
        map.topics_by_name.clear();
    });
    let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
        panic!("a produce answer");
    };
    assert_eq!(outcome(&response), (3, -1));
}

#[tokio::test(start_paused = true)]
async fn producer_ids_are_never_given_twice() {
    let world = World::new();
    let (mut one, mut two) = (world.connect(), world.connect());
    let mut ids = Vec::new();
    for _ in 0..3 {
        let plain = InitProducerIdRequest::default;
        for response in [init(&mut one, plain()).await, init(&mut two, plain()).await] {
            assert_eq!((response.error_code, response.producer_epoch), (0, 0));
            ids.push(response.producer_id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    let transactional = |id: &str| InitProducerIdRequest {
        transactional_id: Some(id.to_owned()),
        ..InitProducerIdRequest::default()
    };
    assert_eq!(init(&mut one, transactional("tx")).await.error_code, 53);
    assert_eq!(init(&mut one, transactional("")).await.error_code, 42);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_producer_needs_a_right_to_write() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect_tls();
    super::sign_in::sign_in(&mut peer, READER, super::world::PASSWORD).await;
    let refused = init(&mut peer, InitProducerIdRequest::default()).await;
    assert_eq!((refused.error_code, refused.producer_id), (31, -1));
    world.change_cluster(|cluster| {
        let reader = cluster.scram_users.get_mut(READER).unwrap();
        reader.policies.push(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kafka-cluster:WriteData","Resource":"arn:aws:kafka:*:*:topic/*/*/t"}]}"#.to_owned(),
        );
    });
    let allowed = init(&mut peer, InitProducerIdRequest::default()).await;
    assert_eq!(allowed.error_code, 0);
}

async fn init(peer: &mut Peer, request: InitProducerIdRequest) -> InitProducerIdResponse {
    match peer.call(4, request).await {
        Response::InitProducerId(response) => response,
        other => panic!("{other:?}"),
    }
}
