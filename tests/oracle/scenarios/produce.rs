//! Produce (0) without producer ids.
//!
//! Owns: the batches, right ones and wrong ones, and the topics whose rules they meet or break. Does not own: sequences
//! (`idempotence`).

use anyhow::Result;
use bytes::Bytes;
use records::Codec;
use wire::ApiKey;
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use super::{TIMEOUT_MS, UNKNOWN_ID, make, topic, versions};
use crate::batches::{
    ATTRIBUTES_AT, COUNT_AT, LAST_OFFSET_DELTA_AT, LENGTH_AT, MAGIC_AT, at_times, batch, broken,
    large, partly_keyless, resealed, transactional,
};
use crate::side::{Side, TopicId};

/// The first version that names topics by id.
const BY_ID: i16 = 13;

/// An hour.
const HOUR_MS: i64 = 3_600_000;

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::Produce) {
        let plain = format!("produce-{version}");
        make(side, topic(&plain, 2, &[])).await?;
        good(side, version, &plain).await?;
        wrong(side, version, &plain).await?;
        broken_batches(side, version).await?;
        addressed(side, version, &plain).await?;
        rules(side, version).await?;
        unanswered(side, version, &plain).await?;
    }
    Ok(())
}

/// One batch for partition 0 of a topic that was made.
pub fn request(side: &Side, topic: &str, records: Bytes) -> ProduceRequest {
    let topics = vec![data(topic, side.topic_id(topic), &[(0, Some(records))])];
    sent(topics)
}

/// Sends each batch to a partition of its own, so that one which only one server takes does not move the offsets of
/// the others.
async fn apart(
    side: &mut Side,
    version: i16,
    name: &str,
    cases: &[(&str, Bytes)],
    configs: &[(&str, &str)],
) -> Result<()> {
    let count = i32::try_from(cases.len()).expect("there are few cases");
    make(side, topic(name, count, configs)).await?;
    let id = side.topic_id(name);
    for (index, (case, records)) in (0..).zip(cases) {
        let topics = vec![data(name, id, &[(index, Some(records.clone()))])];
        side.ask(case, version, sent(topics)).await?;
    }
    Ok(())
}

fn sent(topic_data: Vec<TopicProduceData>) -> ProduceRequest {
    ProduceRequest {
        transactional_id: None,
        acks: -1,
        timeout_ms: TIMEOUT_MS,
        topic_data,
    }
}

fn data(name: &str, topic_id: TopicId, batches: &[(i32, Option<Bytes>)]) -> TopicProduceData {
    let partition = |(index, records): &(i32, Option<Bytes>)| PartitionProduceData {
        index: *index,
        records: records.clone(),
    };
    TopicProduceData {
        name: name.to_owned(),
        topic_id,
        partition_data: batches.iter().map(partition).collect(),
    }
}

async fn one(
    side: &mut Side,
    version: i16,
    (case, topic): (&str, &str),
    records: Bytes,
) -> Result<()> {
    let request = request(side, topic, records);
    side.ask(case, version, request).await?;
    Ok(())
}

async fn good(side: &mut Side, version: i16, topic: &str) -> Result<()> {
    let start = side.start_ms();
    for codec in Codec::ALL {
        let case = format!("{codec:?}");
        one(side, version, (&case, topic), batch(codec, start, 3)).await?;
    }
    for acks in [1, -1, 2, -2] {
        let request = request(side, topic, batch(Codec::Uncompressed, start, 2));
        let request = ProduceRequest { acks, ..request };
        side.ask(&format!("acks={acks}"), version, request).await?;
    }
    let request = ProduceRequest {
        timeout_ms: -1,
        ..request(side, topic, batch(Codec::Uncompressed, start, 1))
    };
    side.ask("negative timeout", version, request).await?;
    Ok(())
}

async fn wrong(side: &mut Side, version: i16, topic: &str) -> Result<()> {
    let start = side.start_ms();
    let good = batch(Codec::Uncompressed, start, 2);
    let two = Bytes::from([&good[..], &good[..]].concat());
    let odd = Bytes::from([&good[..], &[0; 5]].concat());
    let name = format!("produce-{version}-wrong");
    let cases = [
        ("empty records", Bytes::new()),
        ("two batches", two),
        ("bytes after the batch", odd),
        ("half a batch", good.slice(..good.len() - 4)),
        ("half a header", good.slice(..30)),
        ("a length without bytes", good.slice(..12)),
        ("transactional batch", transactional(77, start)),
    ];
    apart(side, version, &name, &cases, &[]).await?;
    // Kafka never answers this, so it is asked once.
    let id = side.topic_id(topic);
    let null = sent(vec![data(topic, id, &[(0, None)])]);
    if version == BY_ID {
        side.ask("null records", version, null).await?;
    }
    let request = ProduceRequest {
        transactional_id: Some("tests".to_owned()),
        ..request(side, topic, transactional(77, start))
    };
    side.ask("transactional id", version, request).await?;
    Ok(())
}

async fn broken_batches(side: &mut Side, version: i16) -> Result<()> {
    let start = side.start_ms();
    let good = batch(Codec::Uncompressed, start, 2);
    let gzip = batch(Codec::Gzip, start, 2);
    let cases = [
        miscounted(&good, &gzip),
        mismarked(&good, start),
        misplaced(&good),
        garbled(&good, &gzip),
    ];
    let name = format!("produce-{version}-broken");
    apart(side, version, &name, &cases.concat(), &[]).await
}

/// A batch and what is wrong with it.
type Case = (&'static str, Bytes);

fn miscounted(good: &Bytes, gzip: &Bytes) -> Vec<Case> {
    vec![
        (
            "count too low",
            resealed(good, COUNT_AT, &1_i32.to_be_bytes()),
        ),
        (
            "count too high",
            resealed(good, COUNT_AT, &3_i32.to_be_bytes()),
        ),
        ("count 0", resealed(good, COUNT_AT, &0_i32.to_be_bytes())),
        (
            "count negative",
            resealed(good, COUNT_AT, &(-1_i32).to_be_bytes()),
        ),
        (
            "last offset delta too high",
            resealed(good, LAST_OFFSET_DELTA_AT, &5_i32.to_be_bytes()),
        ),
        (
            "last offset delta negative",
            resealed(good, LAST_OFFSET_DELTA_AT, &(-1_i32).to_be_bytes()),
        ),
        (
            "gzip, count too high",
            resealed(gzip, COUNT_AT, &3_i32.to_be_bytes()),
        ),
        (
            "gzip, count too low",
            resealed(gzip, COUNT_AT, &1_i32.to_be_bytes()),
        ),
    ]
}

fn mismarked(good: &Bytes, start: i64) -> Vec<Case> {
    vec![
        ("magic 1", broken(good, MAGIC_AT, &[1])),
        ("magic 0", broken(good, MAGIC_AT, &[0])),
        ("magic 3", broken(good, MAGIC_AT, &[3])),
        (
            "control bit",
            resealed(good, ATTRIBUTES_AT, &0x20_u16.to_be_bytes()),
        ),
        (
            "unknown codec",
            resealed(good, ATTRIBUTES_AT, &5_u16.to_be_bytes()),
        ),
        (
            "append time bit",
            resealed(good, ATTRIBUTES_AT, &8_u16.to_be_bytes()),
        ),
        (
            "unused bit",
            resealed(good, ATTRIBUTES_AT, &0x100_u16.to_be_bytes()),
        ),
        ("an epoch", broken(good, 12, &7_i32.to_be_bytes())),
        (
            "max timestamp too low",
            resealed(good, 35, &start.to_be_bytes()),
        ),
    ]
}

fn misplaced(good: &Bytes) -> Vec<Case> {
    vec![
        ("base offset", broken(good, 0, &9_i64.to_be_bytes())),
        (
            "negative base offset",
            broken(good, 0, &(-9_i64).to_be_bytes()),
        ),
        (
            "length too low",
            broken(good, LENGTH_AT, &20_i32.to_be_bytes()),
        ),
        (
            "length negative",
            broken(good, LENGTH_AT, &(-1_i32).to_be_bytes()),
        ),
        (
            "length too high",
            broken(good, LENGTH_AT, &i32::MAX.to_be_bytes()),
        ),
    ]
}

fn garbled(good: &Bytes, gzip: &Bytes) -> Vec<Case> {
    vec![
        ("wrong checksum", broken(good, good.len() - 2, b"X")),
        ("garbled records", resealed(good, 61, &[0xff; 12])),
        ("not gzip", resealed(gzip, 61, &[0; 10])),
    ]
}

async fn addressed(side: &mut Side, version: i16, topic: &str) -> Result<()> {
    let good = batch(Codec::Uncompressed, side.start_ms(), 1);
    let id = side.topic_id(topic);
    let here = |index| (index, Some(good.clone()));
    let unknown = data("unknown", UNKNOWN_ID, &[here(0)]);
    for (case, topics) in [
        ("unknown topic", vec![unknown.clone()]),
        ("unknown partition", vec![data(topic, id, &[here(9)])]),
        ("negative partition", vec![data(topic, id, &[here(-1)])]),
        ("no partition", vec![data(topic, id, &[])]),
        ("two partitions", vec![data(topic, id, &[here(1), here(0)])]),
        (
            "known and unknown",
            vec![data(topic, id, &[here(0), here(9)]), unknown],
        ),
        ("no topic", vec![]),
        ("bad name", vec![data("a b", [0; 16], &[here(0)])]),
    ] {
        side.ask(case, version, sent(topics)).await?;
    }
    if version < BY_ID {
        let twice = vec![data(topic, id, &[here(0)]), data(topic, id, &[here(1)])];
        side.ask("topic twice", version, sent(twice)).await?;
    }
    Ok(())
}

/// Topics with rules of their own.
async fn rules(side: &mut Side, version: i16) -> Result<()> {
    let start = side.start_ms();
    let name = |what: &str| format!("produce-{version}-{what}");
    let (compacted, stamped) = (name("compacted"), name("stamped"));
    let (small, strict, packed) = (name("small"), name("strict"), name("packed"));
    make(side, topic(&compacted, 1, &[("cleanup.policy", "compact")])).await?;
    make(
        side,
        topic(&stamped, 1, &[("message.timestamp.type", "LogAppendTime")]),
    )
    .await?;
    make(side, topic(&small, 1, &[("max.message.bytes", "1000")])).await?;
    let window = [
        ("message.timestamp.before.max.ms", "1000000"),
        ("message.timestamp.after.max.ms", "1000000"),
    ];
    make(side, topic(&packed, 1, &[("compression.type", "gzip")])).await?;
    for codec in [Codec::Uncompressed, Codec::Gzip] {
        let records = partly_keyless(codec, start, 4);
        one(
            side,
            version,
            (&format!("no keys, {codec:?}"), &compacted),
            records,
        )
        .await?;
        let records = batch(codec, start, 2);
        one(
            side,
            version,
            (&format!("keys, {codec:?}"), &compacted),
            records,
        )
        .await?;
        let records = batch(codec, start, 2);
        one(
            side,
            version,
            (&format!("append time, {codec:?}"), &stamped),
            records,
        )
        .await?;
    }
    for bytes in [800, 1000, 2000] {
        one(
            side,
            version,
            (&format!("{bytes} of 1000 bytes"), &small),
            large(start, bytes),
        )
        .await?;
    }
    let cases = [
        ("too old", at_times(&[start, start - HOUR_MS])),
        ("in time", at_times(&[start, start])),
        ("too new", at_times(&[start, start + HOUR_MS])),
        ("no timestamp", at_times(&[-1])),
    ];
    apart(side, version, &strict, &cases, &window).await?;
    one(
        side,
        version,
        ("recompressed", &packed),
        batch(Codec::Uncompressed, start, 3),
    )
    .await
}

/// Batches without an answer: what the next answer on the connection is.
async fn unanswered(side: &mut Side, version: i16, topic: &str) -> Result<()> {
    let good = request(side, topic, batch(Codec::Uncompressed, side.start_ms(), 2));
    let good = ProduceRequest { acks: 0, ..good };
    let client = side.connected().await?;
    client.send_unanswered(version, good.clone()).await?;
    let last = ProduceRequest { acks: -1, ..good };
    side.ask("after acks=0", version, last.clone()).await?;
    let bad = ProduceRequest {
        acks: 0,
        topic_data: vec![data("unknown", UNKNOWN_ID, &[(0, Some(Bytes::new()))])],
        ..last.clone()
    };
    let client = side.connected().await?;
    client.send_unanswered(version, bad).await?;
    side.ask("after a refused acks=0", version, last).await?;
    Ok(())
}
