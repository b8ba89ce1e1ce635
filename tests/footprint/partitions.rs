//! What ten thousand partitions cost while nobody uses them, and a start with them.
//!
//! Owns: the partitions, with one record in each. Does not own: the starts (`start`).

use anyhow::{Result, ensure};
use wire::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};

use super::report::Weight;
use super::start::{End, median_start};
use super::{Bar, Gauge, SETTLE, stop};
use crate::client::Client;
use crate::ledger::{Tag, batch};

/// Topics.
const TOPICS: i32 = 10;

/// Partitions of each.
const PARTITIONS: i32 = 1_000;

/// Memory with all of them.
const RESIDENT_MAX: u64 = 80_000_000;

/// Open files; fewer than 200.
const FILES_MAX: u64 = 199;

/// The part of a core that an idle server takes.
const CORE_MAX: f64 = 0.01;

/// Partitions of one request.
const REQUEST_PARTITIONS: usize = 500;

/// Bytes of a record.
const VALUE_BYTES: usize = 100;

pub(super) async fn measure(bar: &mut Bar) -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = bar.launch(data.path());
    let server = launch.start()?;
    let gauge = Gauge::of(&server);
    let access = server.access()?;
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    for topic in 0..TOPICS {
        let created = client.create_topic(&name(topic), PARTITIONS).await?;
        ensure!(created.error_code == 0, "error {}", created.error_code);
    }
    tokio::time::sleep(SETTLE).await;
    let empty = gauge.memory()?;
    for topic in 0..TOPICS {
        fill(&mut client, &name(topic), PARTITIONS).await?;
    }
    tokio::time::sleep(SETTLE).await;
    judge(bar, gauge, "10,000 partitions").await?;
    let empty = empty.resident as f64 / 1e6;
    bar.report.note(&format!(
        "resident before a record was in them: {empty:.1} MB"
    ));
    let (took, server) = median_start(bar, (&launch, data.path()), server, End::Clean).await?;
    bar.report.note(&format!(
        "start with 10,000 partitions after a clean stop: {took:.0?}"
    ));
    let (took, server) = median_start(bar, (&launch, data.path()), server, End::Kill9).await?;
    bar.report.note(&format!(
        "start with 10,000 partitions after kill -9: {took:.0?}"
    ));
    tokio::time::sleep(SETTLE).await;
    judge(bar, Gauge::of(&server), "10,000 partitions, after a start").await?;
    stop(server)
}

async fn judge(bar: &mut Bar, gauge: Gauge, name: &str) -> Result<()> {
    let before = gauge.on_core()?;
    tokio::time::sleep(bar.extent.idle_watch).await;
    let work = gauge.on_core()?.saturating_sub(before);
    let part = work.as_secs_f64() / bar.extent.idle_watch.as_secs_f64();
    let memory = gauge.memory()?;
    let report = &mut bar.report;
    report.at_most(
        &format!("{name}: resident"),
        memory.resident,
        RESIDENT_MAX,
        Weight::Always,
    );
    report.note(&memory.to_string());
    report.ratio(
        &format!("{name}: part of a core, idle"),
        part,
        CORE_MAX,
        Weight::LongOnly,
    );
    let files = gauge.open_files()?;
    report.at_most(
        &format!("{name}: open files"),
        files,
        FILES_MAX,
        Weight::Always,
    );
    Ok(())
}

fn name(topic: i32) -> String {
    format!("many-{topic}")
}

/// Puts a record into each partition.
pub(super) async fn fill(client: &mut Client, topic: &str, partitions: i32) -> Result<()> {
    let tag = Tag {
        producer: 1,
        number: 1,
    };
    let record = batch(tag, None, 1, VALUE_BYTES);
    let all: Vec<i32> = (0..partitions).collect();
    for some in all.chunks(REQUEST_PARTITIONS) {
        let data = |index: &i32| PartitionProduceData {
            index: *index,
            records: Some(record.clone()),
        };
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 30_000,
            topic_data: vec![TopicProduceData {
                name: topic.to_owned(),
                partition_data: some.iter().map(data).collect(),
                ..TopicProduceData::default()
            }],
            ..ProduceRequest::default()
        };
        check(client.call(request).await?)?;
    }
    Ok(())
}

fn check(answer: ProduceResponse) -> Result<()> {
    let topics = answer.responses.into_iter();
    for partition in topics.flat_map(|topic| topic.partition_responses) {
        let (index, code) = (partition.index, partition.error_code);
        ensure!(code == 0, "partition {index}: error {code}");
    }
    Ok(())
}
