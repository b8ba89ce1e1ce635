//! Memory after much was produced and consumed; then starts on what was left.
//!
//! Owns: the order. Does not own: the load (`load`), the starts (`start`).

use std::time::Duration;

use anyhow::Result;

use super::load::{self, PAIRS, Pace};
use super::report::Weight;
use super::start::{End, median_start};
use super::{Bar, Gauge, SETTLE, stop};

/// Memory after bulk.
const RESIDENT_MAX: u64 = 200_000_000;

/// A start on an existing folder.
const START_MAX: Duration = Duration::from_millis(100);

pub(super) async fn measure(bar: &mut Bar) -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = bar.launch(data.path());
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
    let (took, server) = median_start(bar, (&launch, data.path()), server, End::Clean).await?;
    let name = "start on this folder, after a clean stop (median)";
    bar.report.within(name, took, START_MAX, Weight::LongOnly);
    let (took, server) = median_start(bar, (&launch, data.path()), server, End::Kill9).await?;
    let name = "start on this folder, after kill -9 (median)";
    bar.report.within(name, took, START_MAX, Weight::LongOnly);
    stop(server)
}
