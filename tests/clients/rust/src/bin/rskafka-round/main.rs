//! The round by rskafka, a client in Rust alone.
//!
//! It has neither groups nor idempotent producers nor KIP-368. And `throttle` is left out: rskafka
//! 0.6 takes every answer with a throttle time for a refusal. It waits, and sends again what was
//! written; as that is past the limit again, a batch is written over and over.

mod message;
mod sign_in;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rskafka::client::Client;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rust_clients::cluster::{Cluster, SignIn};
use rust_clients::records::{PARTITIONS, Reading, Record, Written};
use rust_clients::round::{self, CODECS, SESSIONS, WAIT};

use crate::message::{from_kafka, possible, to_kafka};
use crate::sign_in::connect;

const COMPRESSIONS: [Compression; CODECS.len()] = [
    Compression::NoCompression,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];
const FETCH_BYTES_MAX: i32 = 1_000_000;
const FETCH_WAIT_MS: i32 = 500;

#[tokio::main]
async fn main() -> ExitCode {
    round::run("rskafka", round).await
}

async fn round(cluster: Cluster, sign_in: SignIn) -> Result<String> {
    let client = connect(&cluster, &cluster.owner, sign_in).await?;
    let topic = round::topic("rskafka");
    create(&client, &topic).await?;
    let partitions = partitions(&client, &topic).await?;
    let written = produce(&partitions).await?;
    read(&partitions, &written).await?;
    refused(&cluster, sign_in, &topic, &written).await?;
    wrong_secret(&cluster, sign_in).await?;
    re_authenticated(&partitions[0], written.end(0)).await?;
    let controller = client.controller_client()?;
    controller.delete_topic(&topic, millis(WAIT)).await?;
    let codecs = CODECS.join(" ");
    Ok(format!(
        "create produce({codecs}) read refused wrong-secret re-authenticated(reconnects)"
    ))
}

async fn create(client: &Client, topic: &str) -> Result<()> {
    let controller = client.controller_client()?;
    controller
        .create_topic(topic, PARTITIONS, 1, millis(WAIT))
        .await?;
    let topics = client.list_topics().await?;
    let found = topics.iter().find(|found| found.name == topic);
    let partitions = found.map(|topic| topic.partitions.len());
    ensure!(
        partitions == Some(3),
        "created {topic}, and found {found:?}"
    );
    Ok(())
}

async fn partitions(client: &Client, topic: &str) -> Result<Vec<PartitionClient>> {
    let mut partitions = Vec::new();
    for partition in 0..PARTITIONS {
        let unknown = UnknownTopicHandling::Retry;
        partitions.push(client.partition_client(topic, partition, unknown).await?);
    }
    Ok(partitions)
}

/// One batch of each compression into each partition.
async fn produce(partitions: &[PartitionClient]) -> Result<Written> {
    let mut written = Written::default();
    for partition in partitions {
        for (codec, compression) in CODECS.into_iter().zip(COMPRESSIONS) {
            let records: Vec<_> = Record::batch(codec).into_iter().map(possible).collect();
            let batch = records.iter().map(to_kafka).collect();
            let offsets = partition.produce(batch, compression).await?;
            for (offset, record) in offsets.into_iter().zip(records) {
                written.acknowledged(partition.partition(), offset, record)?;
            }
        }
    }
    Ok(written)
}

async fn read(partitions: &[PartitionClient], written: &Written) -> Result<()> {
    let mut reading = Reading::of(written);
    for partition in partitions {
        let end = partition.get_offset(OffsetAt::Latest).await?;
        ensure!(
            end == written.end(partition.partition()),
            "{partition:?} ends at {end}"
        );
        let mut next = 0;
        while next < end {
            for (offset, record) in fetch(partition, next).await? {
                let first = reading.read(partition.partition(), offset, &record)?;
                ensure!(first, "offset {offset} of {partition:?} came twice");
                next = offset + 1;
            }
        }
        ensure!(
            fetch(partition, end).await?.is_empty(),
            "more than was written"
        );
    }
    ensure!(reading.is_complete(), "some records never came");
    Ok(())
}

/// Who may only read reads everything, and may not write.
async fn refused(cluster: &Cluster, sign_in: SignIn, topic: &str, written: &Written) -> Result<()> {
    let client = connect(cluster, &cluster.users.reader, sign_in).await?;
    let partitions = partitions(&client, topic).await?;
    read(&partitions, written).await?;
    let record = to_kafka(&Record::of_bytes(1));
    match partitions[0]
        .produce(vec![record], Compression::NoCompression)
        .await
    {
        Err(Error::ServerError {
            protocol_error: ProtocolError::TopicAuthorizationFailed,
            ..
        }) => Ok(()),
        other => bail!("who may only read wrote, and got {other:?}"),
    }
}

async fn wrong_secret(cluster: &Cluster, sign_in: SignIn) -> Result<()> {
    let wrong = cluster.owner.with_wrong_secret();
    let Err(error) = connect(cluster, &wrong, sign_in).await else {
        bail!("a wrong secret signed in");
    };
    // The reason is within what the client says of the brokers it tried.
    let text = format!("{error:#}");
    ensure!(
        text.contains("Sasl handshake failed"),
        "a wrong secret got {text}"
    );
    Ok(())
}

/// Writes and reads back one record after the other until sessions have ended.
async fn re_authenticated(partition: &PartitionClient, mut next: i64) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < SESSIONS {
        let record = possible(Record::nth(5, &next.to_string()));
        let batch = vec![to_kafka(&record)];
        let offsets = partition.produce(batch, Compression::NoCompression).await?;
        ensure!(offsets == [next], "acknowledged at {offsets:?}, not {next}");
        let read = fetch(partition, next).await?;
        ensure!(read == [(next, record)], "read {read:?} at {next}");
        next += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn fetch(partition: &PartitionClient, offset: i64) -> Result<Vec<(i64, Record)>> {
    let (read, _) = partition
        .fetch_records(offset, 1..FETCH_BYTES_MAX, FETCH_WAIT_MS)
        .await?;
    Ok(read
        .into_iter()
        .map(|read| (read.offset, from_kafka(read.record)))
        .collect())
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
