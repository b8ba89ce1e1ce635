//! Whether memory stays what it is under constant load.
//!
//! Owns: the minutes. What is under way at one moment is no growth, so each minute counts by the middle of its looks.
//! Does not own: the load (`load`).

use std::fs::read_dir;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::load::{self, PAIRS, Pace};
use super::report::Weight;
use super::{Bar, Gauge, stop};

/// How far memory may go apart from minute to minute.
const SPREAD_MAX: f64 = 0.05;

/// The load, in and out each.
const BYTES_PER_S: f64 = 20e6;

/// What the log may take: what topics keep, a minute of load that internal records hold, spares, and what fills up
/// between two looks of retention.
const LOG_BYTES_MAX: u64 = 4_000_000_000;

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks of a minute.
const LOOKS: usize = 60;

pub(super) async fn measure(bar: &mut Bar) -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = bar.launch(data.path());
    // So that the disk does not fill, and segments go round.
    let server = launch.set("RETENTION_CHECK_INTERVAL_MS", "5000").start()?;
    let access = server.access()?;
    load::create_topics(&access).await?;
    let each = BYTES_PER_S / PAIRS as f64;
    // A minute more, at the beginning, in which memory becomes what this load needs.
    let seconds = f64::from((bar.extent.minutes + 1) * 60) + 5.0;
    let pace = Pace {
        bytes: (each * seconds) as u64,
        bytes_per_s: Some(each),
    };
    let running = tokio::spawn(async move { load::run(&access, pace).await });
    let mut minutes = Vec::new();
    for _ in 0..=bar.extent.minutes {
        minutes.push(minute(Gauge::of(&server)).await?);
    }
    running.await??;
    minutes.remove(0);
    let most = minutes.iter().copied().max().unwrap_or_default() as f64;
    let least = minutes.iter().copied().min().unwrap_or_default() as f64;
    let name = "spread of resident memory at 20 MB/s, of its least";
    bar.report
        .ratio(name, most / least - 1.0, SPREAD_MAX, Weight::LongOnly);
    let megabytes: Vec<u64> = minutes.iter().map(|bytes| bytes / 1_000_000).collect();
    bar.report.note(&format!("MB by minute: {megabytes:?}"));
    bar.report.at_most(
        "log on disk after that, of topics that keep 0.8 GB",
        log_bytes(data.path())?,
        LOG_BYTES_MAX,
        Weight::Always,
    );
    stop(server)
}

/// Size of the write-ahead log's files.
fn log_bytes(data: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in read_dir(data.join("wal"))? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}

/// Resident memory in the middle of the looks of a minute.
async fn minute(gauge: Gauge) -> Result<u64> {
    let mut looks = Vec::new();
    while looks.len() < LOOKS {
        tokio::time::sleep(LOOK_EVERY).await;
        looks.push(gauge.memory()?.resident);
    }
    looks.sort_unstable();
    Ok(looks[LOOKS / 2])
}
