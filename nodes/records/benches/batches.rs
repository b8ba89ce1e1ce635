//! How long a batch takes from a client's bytes to what is stored, and back into batches.
//!
//! Values are lines of JSON that differ in their numbers, so that codecs find what they find in logs.

use std::hint::black_box;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use model::{LeaderEpoch, Limits, Offset, Timestamp, TopicConfig};
use records::{
    BatchBuilder, BatchRules, Codec, NewRecord, StampedBatch, ValidBatch, batches, validate,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const PRODUCE_VERSION: i16 = 13;
/// How many batches lie one after the other where a run is taken apart.
const RUN_BATCHES: usize = 16;

/// A batch by its records.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    records: u64,
    value_bytes: usize,
}

const SHAPES: [Shape; 2] = [
    Shape {
        name: "1 x 15 KB",
        records: 1,
        value_bytes: 15_000,
    },
    Shape {
        name: "64 x 1 KB",
        records: 64,
        value_bytes: 1_000,
    },
];

fn value(seed: u64, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 100);
    let mut number = seed;
    while text.len() < bytes {
        // Knuth's multiplier of 64 bits: cheap, and the same in every run.
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let (order, cents) = (number >> 40, number >> 50);
        text += &format!(r#"{{"order":{order},"state":"shipped","amount_cents":{cents}}},"#);
    }
    text.truncate(bytes);
    text
}

fn batch(shape: Shape) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    for number in 0..shape.records {
        builder.push(&NewRecord {
            timestamp: NOW,
            key: Some(&number.to_be_bytes()),
            value: Some(value(number, shape.value_bytes).as_bytes()),
            headers: &[],
        });
    }
    builder.build()
}

fn rules() -> BatchRules {
    BatchRules::of_topic(PRODUCE_VERSION, &TopicConfig::default(), &Limits::default())
}

fn valid(bytes: Bytes, rules: &BatchRules) -> ValidBatch {
    validate(bytes, rules, NOW).expect("the batch was built here")
}

fn stamped(batch: ValidBatch) -> StampedBatch {
    batch.stamp(Offset::ZERO, LeaderEpoch(0), None)
}

fn bench_validate(group: &mut BenchmarkGroup<'_, WallTime>, shape: Shape) {
    let (bytes, rules) = (batch(shape), rules());
    let batch = valid(bytes.clone(), &rules);
    assert_eq!(u64::from(batch.record_count()), shape.records);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(BenchmarkId::new("validate", shape.name), |bencher| {
        bencher.iter(|| valid(black_box(bytes.clone()), &rules));
    });
    let checked = stamped(batch.clone());
    group.bench_function(BenchmarkId::new("crc alone", shape.name), |bencher| {
        bencher.iter(|| black_box(&checked).check_crc());
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new("stamp", shape.name), |bencher| {
        bencher.iter(|| stamped(black_box(&batch).clone()));
    });
}

fn bench_take_apart(group: &mut BenchmarkGroup<'_, WallTime>, shape: Shape) {
    let stored = stamped(valid(batch(shape), &rules())).segments().concat();
    let run = Bytes::from(stored.repeat(RUN_BATCHES));
    assert_eq!(batches(run.clone()).flatten().count(), RUN_BATCHES);
    group.throughput(Throughput::Elements(RUN_BATCHES as u64));
    group.bench_function(
        BenchmarkId::new("take a run apart", shape.name),
        |bencher| {
            // As a read does: each batch by itself, then as the pieces that are sent.
            bencher.iter(|| {
                let sound = batches(black_box(run.clone())).flatten();
                sound.map(|batch| batch.segments()).collect::<Vec<_>>()
            });
        },
    );
}

fn bench_recompress(group: &mut BenchmarkGroup<'_, WallTime>, codec: Codec) {
    let (rules, shape) = (rules(), SHAPES[1]);
    let batch = valid(batch(shape), &rules);
    let recompress = |batch: ValidBatch| {
        let made = batch.recompress(codec, &rules, NOW);
        made.expect("the batch is within the limits")
    };
    let made = recompress(batch.clone());
    assert!(
        made.bytes().len() < batch.bytes().len() / 2,
        "it compresses"
    );
    group.throughput(Throughput::Bytes(batch.bytes().len() as u64));
    let name = format!("{} as {codec:?}", shape.name);
    group.bench_function(BenchmarkId::new("recompress", name), |bencher| {
        bencher.iter_batched(|| batch.clone(), recompress, BatchSize::SmallInput);
    });
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut group = criterion.benchmark_group("batches");
    for shape in SHAPES {
        bench_validate(&mut group, shape);
        bench_take_apart(&mut group, shape);
    }
    for codec in [Codec::Lz4, Codec::Zstd, Codec::Snappy, Codec::Gzip] {
        bench_recompress(&mut group, codec);
    }
    group.finish();
    criterion.final_summary();
}
