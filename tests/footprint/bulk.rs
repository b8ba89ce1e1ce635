//! Memory after much was produced and consumed, and under constant load; then starts on what was left.
//!
//! Owns: the order. Does not own: the load (`load`), the starts (`start`).

use std::time::Duration;

use anyhow::Result;

use super::load::{self, PAIRS, Pace};
use super::report::Weight;
use super::start::{End, median_start};
use super::{Bar, Gauge, SETTLE, stop};
use crate::process::Server;

/// Memory after bulk.
const RESIDENT_MAX: u64 = 200_000_000;

/// How far memory may go apart from minute to minute under constant load.
const SPREAD_MAX: f64 = 0.05;

/// Constant load, in and out each.
const BYTES_PER_S: f64 = 20e6;

/// A start on an existing folder.
const START_MAX: Duration = Duration::from_millis(100);

/// How often memory is looked at under constant load.
const LOOK_EVERY: Duration = Duration::from_secs(60);

pub(super) async fn measure(bar: &mut Bar) -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = bar.launch(data.path());
    let launch = launch.set("RETENTION_CHECK_INTERVAL_MS", "5000");
    let server = launch.start()?;
    let access = server.access()?;
    load::create_topics(&access).await?;
    let pace = Pace {
        bytes: bar.extent.bulk_bytes / PAIRS as u64,
        bytes_per_s: None,
    };
    let (gauge, begin) = (Gauge::of(&server), std::time::Instant::now());
    let before = gauge.on_core()?;
    load::run(&access, pace).await?;
    let (took, work) = (begin.elapsed(), gauge.on_core()?.saturating_sub(before));
    let at_once = gauge.memory()?;
    tokio::time::sleep(SETTLE).await;
    let memory = gauge.memory()?;
    bar.report.at_most(
        "resident, after bulk",
        memory.resident.max(at_once.resident),
        RESIDENT_MAX,
        Weight::Always,
    );
    let settled = memory.resident as f64 / 1e6;
    bar.report.note(&format!(
        "{took:.1?}, on a core {work:.1?}; after {SETTLE:?} {settled:.1} MB, {memory}"
    ));
    if bar.extent.minutes > 0 {
        flat(bar, &server).await?;
    }
    let (took, server) = median_start(bar, &launch, server, End::Clean).await?;
    let name = "start on this folder, after a clean stop (median)";
    bar.report.within(name, took, START_MAX, Weight::LongOnly);
    let (took, server) = median_start(bar, &launch, server, End::Kill9).await?;
    let name = "start on this folder, after kill -9 (median)";
    bar.report.within(name, took, START_MAX, Weight::LongOnly);
    stop(server)
}

/// Constant load for some minutes.
async fn flat(bar: &mut Bar, server: &Server) -> Result<()> {
    let access = server.access()?;
    let each = BYTES_PER_S / PAIRS as f64;
    // A minute more, in which memory becomes what this load needs.
    let seconds = f64::from((bar.extent.minutes + 1) * 60) + 5.0;
    let pace = Pace {
        bytes: (each * seconds) as u64,
        bytes_per_s: Some(each),
    };
    let running = tokio::spawn(async move { load::run(&access, pace).await });
    let mut minutes = Vec::new();
    for _ in 0..=bar.extent.minutes {
        tokio::time::sleep(LOOK_EVERY).await;
        minutes.push(Gauge::of(server).memory()?.resident);
    }
    running.await??;
    let most = minutes.iter().copied().max().unwrap_or_default() as f64;
    let least = minutes.iter().copied().min().unwrap_or_default() as f64;
    let name = "spread of resident memory at 20 MB/s, of its least";
    bar.report
        .ratio(name, most / least - 1.0, SPREAD_MAX, Weight::LongOnly);
    let megabytes: Vec<u64> = minutes.iter().map(|bytes| bytes / 1_000_000).collect();
    bar.report.note(&format!("MB by minute: {megabytes:?}"));
    Ok(())
}
