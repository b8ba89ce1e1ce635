//! What many active partitions cost in latency: the same bytes over few and over many, in turns.
//!
//! Owns: the pace. A request that goes late because the one before it on its connection has no answer yet counts from
//! when it was due. Does not own: what the percentiles should be made of (`report`).

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use super::report::{Weight, p99};
use super::{Bar, load, partitions, stop};
use crate::client::Client;
use crate::process::Access;

/// Few active partitions.
const FEW: (&str, i32) = ("few", 24);

/// Many active partitions.
const MANY: (&str, i32) = ("active", 2_400);

/// Requests per second altogether, with a record of 15 KB each: 6 MB/s.
const REQUESTS_PER_S: f64 = 400.0;

/// Connections that share them.
const CONNECTIONS: u32 = 32;

/// What many may cost.
const RATIO_MAX: f64 = 1.2;

/// Coprime to both numbers of partitions, so that all have their turn and neighbours in time are none in number.
const STRIDE: u64 = 1_237;

pub(super) async fn measure(bar: &mut Bar) -> Result<()> {
    let data = tempfile::tempdir()?;
    let server = bar.launch(data.path()).start()?;
    let access = server.access()?;
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    for (topic, count) in [FEW, MANY] {
        let created = client.create_topic(topic, count).await?;
        ensure!(created.error_code == 0, "error {}", created.error_code);
        partitions::fill(&mut client, topic, count).await?;
    }
    let half_round = bar.extent.half_round;
    // What is done once is done before.
    round(&access, FEW, half_round / 4).await?;
    round(&access, MANY, half_round / 4).await?;
    let (mut few, mut many, mut rounds) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bar.extent.rounds {
        let some = [
            round(&access, FEW, half_round).await?,
            round(&access, MANY, half_round).await?,
        ];
        rounds.push(some.clone().map(p99));
        let [a, b] = some;
        few.extend(a);
        many.extend(b);
    }
    let (few, many) = (p99(few), p99(many));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    let name = "p99 of 2,400 active partitions, of that of 24";
    bar.report.ratio(name, ratio, RATIO_MAX, Weight::LongOnly);
    bar.report.note(&format!(
        "p99 {few:.2?} and {many:.2?}; by round {rounds:.1?}"
    ));
    stop(server)
}

async fn round(
    access: &Access,
    target: (&'static str, i32),
    lasts: Duration,
) -> Result<Vec<Duration>> {
    let mut tasks = JoinSet::new();
    let begin = Instant::now() + Duration::from_millis(500);
    for connection in 0..CONNECTIONS {
        let client = Client::open(&access.endpoint, &access.scram()).await?;
        tasks.spawn(produce(client, target, connection, (begin, lasts)));
    }
    let mut latencies = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        latencies.extend(joined??);
    }
    Ok(latencies)
}

async fn produce(
    mut client: Client,
    (topic, partitions): (&str, i32),
    connection: u32,
    (begin, lasts): (Instant, Duration),
) -> Result<Vec<Duration>> {
    let (batch, mut latencies) = (load::batch(1), Vec::new());
    for number in (u64::from(connection)..).step_by(CONNECTIONS as usize) {
        let after = Duration::from_secs_f64(number as f64 / REQUESTS_PER_S);
        if after >= lasts {
            break;
        }
        tokio::time::sleep_until((begin + after).into()).await;
        let partition = (number * STRIDE % partitions as u64) as i32;
        let answer = client.produce(topic, partition, batch.clone()).await?;
        ensure!(answer.error_code == 0, "error {}", answer.error_code);
        latencies.push((begin + after).elapsed());
    }
    Ok(latencies)
}
