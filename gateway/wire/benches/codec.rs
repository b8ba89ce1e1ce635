//! How long the codec takes for the requests and responses that carry data, and for a large answer to
//! Metadata. Payloads are slices, so what is measured is the fields around them, by partition: records
//! are never read or copied here.

use std::hint::black_box;

use bytes::{Buf, Bytes};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use wire::messages::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use wire::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{ApiKey, Records, Request, RequestHeader, Response};

/// Partitions of one request, and bytes of records for each.
#[derive(Clone, Copy)]
struct Load {
    name: &'static str,
    partitions: i32,
    bytes: usize,
}

/// Few large batches, and many small ones.
const LOADS: [Load; 2] = [
    Load {
        name: "5 x 15 KB",
        partitions: 5,
        bytes: 15_000,
    },
    Load {
        name: "50 x 1 KB",
        partitions: 50,
        bytes: 1_000,
    },
];

const TOPIC_ID: [u8; 16] = [7; 16];
/// Partitions that the answer to Metadata lists.
const METADATA_PARTITIONS: i32 = 1_000;

fn newest(key: ApiKey) -> i16 {
    key.versions().max
}

/// A Produce request as it lies in a frame, without the length before it.
fn produce_frame(load: Load) -> Bytes {
    let partition_data = (0..load.partitions).map(|index| PartitionProduceData {
        index,
        records: Some(Bytes::from(vec![7; load.bytes])),
    });
    let topic = TopicProduceData {
        topic_id: TOPIC_ID,
        partition_data: partition_data.collect(),
        ..TopicProduceData::default()
    };
    let request = Request::Produce(ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![topic],
        ..ProduceRequest::default()
    });
    let header = RequestHeader {
        api_key: ApiKey::Produce,
        api_version: newest(ApiKey::Produce),
        correlation_id: 1,
        client_id: Some("producer-1".to_owned()),
    };
    let mut frame = request.encode(&header).to_bytes();
    frame.advance(size_of::<i32>());
    frame
}

fn decode_produce(frame: Bytes) -> ProduceRequest {
    let (header, body) = RequestHeader::decode(frame).expect("the frame was encoded here");
    match Request::decode(&header, body) {
        Ok(Request::Produce(request)) => request,
        other => panic!("{other:?} is no Produce request"),
    }
}

/// Each partition's records are one batch, in a header and a body as nodes hand them over.
fn fetch_response(load: Load) -> Response {
    let partitions = (0..load.partitions).map(|partition_index| PartitionData {
        partition_index,
        high_watermark: 1_000_000,
        last_stable_offset: 1_000_000,
        log_start_offset: 0,
        aborted_transactions: None,
        records: Some(Records::new(vec![
            Bytes::from(vec![7; 61]),
            Bytes::from(vec![7; load.bytes - 61]),
        ])),
        ..PartitionData::default()
    });
    Response::Fetch(FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic_id: TOPIC_ID,
            partitions: partitions.collect(),
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    })
}

/// Ten topics, three brokers, three replicas of each partition.
fn metadata_response() -> Response {
    const TOPICS: i32 = 10;
    let brokers = (0..3).map(|node_id| MetadataResponseBroker {
        node_id,
        host: format!("b-{node_id}.kafka.example.com"),
        port: 9098,
        rack: None,
    });
    let partition = |partition_index| MetadataResponsePartition {
        partition_index,
        replica_nodes: vec![0, 1, 2],
        isr_nodes: vec![0, 1, 2],
        ..MetadataResponsePartition::default()
    };
    let topics = (0..TOPICS).map(|topic| MetadataResponseTopic {
        name: Some(format!("orders-{topic}")),
        topic_id: TOPIC_ID,
        partitions: (0..METADATA_PARTITIONS / TOPICS).map(partition).collect(),
        ..MetadataResponseTopic::default()
    });
    Response::Metadata(MetadataResponse {
        brokers: brokers.collect(),
        topics: topics.collect(),
        ..MetadataResponse::default()
    })
}

fn bench_produce(group: &mut BenchmarkGroup<'_, WallTime>, load: Load) {
    let frame = produce_frame(load);
    let decoded = decode_produce(frame.clone());
    let partitions = &decoded.topic_data[0].partition_data;
    assert_eq!(partitions.len(), load.partitions as usize);
    group.throughput(Throughput::Elements(load.partitions as u64));
    group.bench_function(BenchmarkId::new("decode Produce", load.name), |bencher| {
        bencher.iter(|| decode_produce(black_box(frame.clone())));
    });
}

fn bench_fetch(group: &mut BenchmarkGroup<'_, WallTime>, load: Load) {
    let (response, version) = (fetch_response(load), newest(ApiKey::Fetch));
    let encoded = response.encode(1, version);
    assert!(encoded.len() > load.partitions as usize * load.bytes);
    group.throughput(Throughput::Elements(load.partitions as u64));
    group.bench_function(BenchmarkId::new("encode Fetch", load.name), |bencher| {
        bencher.iter(|| black_box(&response).encode(1, version));
    });
}

fn bench_metadata(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (response, version) = (metadata_response(), newest(ApiKey::Metadata));
    assert!(response.encode(1, version).len() > 30 * METADATA_PARTITIONS as usize);
    group.throughput(Throughput::Elements(METADATA_PARTITIONS as u64));
    group.bench_function("encode Metadata/1000 partitions", |bencher| {
        bencher.iter(|| black_box(&response).encode(1, version));
    });
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut group = criterion.benchmark_group("codec");
    for load in LOADS {
        bench_produce(&mut group, load);
        bench_fetch(&mut group, load);
    }
    bench_metadata(&mut group);
    group.finish();
    criterion.final_summary();
}
