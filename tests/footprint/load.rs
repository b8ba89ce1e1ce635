//! Produces and consumes at full speed or at a rate, over several connections.
//!
//! Owns: batches, pace, how far each consumer has come. Does not own: what is measured meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tokio::task::JoinSet;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::produce::ProduceRequest;

use crate::client::{Client, partition_of, produce_request};
use crate::ledger::{self, Tag};
use crate::process::Access;

/// Size of a record.
pub(super) const RECORD_BYTES: usize = 15_000;

/// Records of a batch at full speed.
const BATCH_RECORDS: u32 = 4;

/// Connections that produce, and as many that consume; each has a topic of its own.
pub(super) const PAIRS: usize = 4;

/// Partitions of each topic.
const PARTITIONS: i32 = 10;

/// Requests without an answer.
const IN_FLIGHT_MAX: usize = 5;

/// Largest answer to a consumer.
const FETCH_BYTES_MAX: i32 = 8 << 20;

/// What a partition keeps where load is constant, so that the disk does not fill: segments go round.
const KEPT_BYTES: &str = "20000000";

/// How much, and how fast.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Bytes of each producer.
    pub(super) bytes: u64,
    /// Bytes per second of each producer; as fast as it goes where there is none.
    pub(super) bytes_per_s: Option<f64>,
}

/// A batch of some records.
pub(super) fn batch(records: u32) -> Bytes {
    let tag = Tag {
        producer: 1,
        number: 1,
    };
    ledger::batch(tag, None, records, RECORD_BYTES)
}

/// Creates the topics of all pairs.
pub(super) async fn create_topics(access: &Access) -> Result<()> {
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    let topic = |pair| CreatableTopic {
        name: topic(pair),
        num_partitions: PARTITIONS,
        replication_factor: -1,
        configs: vec![CreatableTopicConfig {
            name: "retention.bytes".to_owned(),
            value: Some(KEPT_BYTES.to_owned()),
        }],
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: (0..PAIRS).map(topic).collect(),
        ..CreateTopicsRequest::default()
    };
    for created in client.call(request).await?.topics {
        let code = created.error_code;
        ensure!(code == 0, "creating {}: error {code}", created.name);
    }
    Ok(())
}

fn topic(pair: usize) -> String {
    format!("load-{pair}")
}

/// Every pair produces, and consumes what it produces, until all has come back.
pub(super) async fn run(access: &Access, pace: Pace) -> Result<()> {
    let mut tasks = JoinSet::new();
    for pair in 0..PAIRS {
        let ends = ends(access, pair).await?;
        tasks.spawn(produce(access.clone(), pair, pace));
        tasks.spawn(consume(access.clone(), pair, pace, ends));
    }
    while let Some(joined) = tasks.join_next().await {
        joined??;
    }
    Ok(())
}

/// Where the partitions of a pair's topic end.
async fn ends(access: &Access, pair: usize) -> Result<Vec<i64>> {
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    let mut ends = Vec::new();
    for partition in 0..PARTITIONS {
        let answer = client.list_offset(&topic(pair), partition, -1).await?;
        ends.push(answer.offset);
    }
    Ok(ends)
}

async fn produce(access: Access, pair: usize, pace: Pace) -> Result<()> {
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    let (topic, batch) = (topic(pair), batch(BATCH_RECORDS));
    let (begin, mut sent) = (Instant::now(), 0);
    for partition in (0..PARTITIONS).cycle() {
        if sent >= pace.bytes {
            break;
        }
        if let Some(rate) = pace.bytes_per_s {
            let due = begin + Duration::from_secs_f64(sent as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        if client.unanswered() == IN_FLIGHT_MAX {
            acknowledged(&mut client).await?;
        }
        let request = produce_request(&topic, partition, batch.clone(), -1);
        client.send(request).await?;
        sent += batch.len() as u64;
    }
    while client.unanswered() > 0 {
        acknowledged(&mut client).await?;
    }
    Ok(())
}

async fn acknowledged(client: &mut Client) -> Result<()> {
    let answer = partition_of(client.receive::<ProduceRequest>().await?)?;
    ensure!(
        answer.error_code == 0,
        "produce: error {}",
        answer.error_code
    );
    Ok(())
}

async fn consume(access: Access, pair: usize, pace: Pace, mut next: Vec<i64>) -> Result<()> {
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    let topic = topic(pair);
    let mut received = 0;
    while received < pace.bytes {
        received += fetch(&mut client, &topic, &mut next).await?;
    }
    Ok(())
}

/// Fetches from all partitions of a topic and goes on there: how many bytes came.
async fn fetch(client: &mut Client, topic: &str, next: &mut [i64]) -> Result<u64> {
    let partition = |(index, fetch_offset): (usize, &i64)| FetchPartition {
        partition: index as i32,
        fetch_offset: *fetch_offset,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let request = FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: FETCH_BYTES_MAX,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: next.iter().enumerate().map(partition).collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let answer = client.call(request).await?;
    let mut received = 0;
    for partition in answer
        .responses
        .into_iter()
        .flat_map(|topic| topic.partitions)
    {
        let (index, code) = (partition.partition_index, partition.error_code);
        ensure!(code == 0, "fetching {topic}-{index}: error {code}");
        let records = partition.records.unwrap_or_default().into_bytes();
        received += records.len() as u64;
        let last = records::batches(records).last().transpose()?;
        let next = next
            .get_mut(index as usize)
            .context("a partition that was asked for")?;
        *next = last.map_or(*next, |batch| batch.last_offset().to_wire() + 1);
    }
    Ok(received)
}
