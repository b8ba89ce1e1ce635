//! What the server takes of a machine: memory, open files, idle work, the time of a start, and what many partitions
//! cost in latency.
//!
//! Owns: the order of the measurements and their sizes. Does not own: how each is made (the modules below), what is
//! read of the process ([`gauge`]).
//!
//! Figures that do not depend on the machine's speed are judged always, those in seconds in the long form only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::process::{Launch, Server};

mod bulk;
mod connections;
mod flat;
mod gauge;
mod latency;
mod load;
mod partitions;
mod report;
mod start;

use gauge::Gauge;
use report::{Report, Weight};

/// Memory of a server that nobody uses.
const IDLE_RESIDENT_MAX: u64 = 40_000_000;

/// What is left under way ends within this time, before memory is looked at.
const SETTLE: Duration = Duration::from_secs(3);

/// How long the server may take to stop on request.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Whether figures in seconds are judged.
    pub is_long: bool,
    /// Bytes that are produced and consumed before memory is looked at.
    pub bulk_bytes: u64,
    /// Idle connections.
    pub connections: usize,
    /// Minutes of constant load.
    pub minutes: u32,
    /// Starts of each kind.
    pub starts: usize,
    /// For how long an idle server is watched.
    pub idle_watch: Duration,
    /// Rounds of few and of many partitions.
    pub rounds: usize,
    /// How long each half of such a round lasts.
    pub half_round: Duration,
}

impl Extent {
    /// For continuous integration.
    #[must_use]
    pub const fn short() -> Self {
        Self {
            is_long: false,
            bulk_bytes: 300_000_000,
            connections: 500,
            minutes: 0,
            starts: 2,
            idle_watch: Duration::from_secs(8),
            rounds: 1,
            half_round: Duration::from_secs(4),
        }
    }

    /// By hand.
    #[must_use]
    pub const fn long() -> Self {
        Self {
            is_long: true,
            bulk_bytes: 1_000_000_000,
            connections: 2_000,
            minutes: 10,
            starts: 9,
            idle_watch: Duration::from_secs(30),
            rounds: 5,
            half_round: Duration::from_secs(10),
        }
    }
}

/// What all measurements share.
struct Bar {
    binary: PathBuf,
    extent: Extent,
    report: Report,
}

impl Bar {
    /// A server without quotas on this folder.
    fn launch(&self, data: &Path) -> Launch {
        Launch::new(&self.binary, data)
            .set("CLUSTERS__DEMO__PLAN", "provisioned")
            .set("LOG", "warn")
    }
}

/// Runs the bar, or the measurements of it that are named.
///
/// # Errors
/// If a figure that is judged is not met; with what went wrong otherwise.
pub async fn run(binary: &Path, extent: Extent, only: &[String]) -> Result<()> {
    let mut bar = Bar {
        binary: binary.to_owned(),
        extent,
        report: Report::new(extent.is_long),
    };
    let wants = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    if wants("idle") {
        idle(&mut bar).await?;
    }
    if wants("connections") {
        connections::measure(&mut bar).await?;
    }
    if wants("bulk") {
        bulk::measure(&mut bar).await?;
    }
    if wants("flat") && bar.extent.minutes > 0 {
        flat::measure(&mut bar).await?;
    }
    if wants("partitions") {
        partitions::measure(&mut bar).await?;
    }
    if wants("latency") {
        latency::measure(&mut bar).await?;
    }
    bar.report.conclude()
}

/// A fresh server.
async fn idle(bar: &mut Bar) -> Result<()> {
    let data = tempfile::tempdir()?;
    let server = Launch::new(&bar.binary, data.path()).start()?;
    tokio::time::sleep(SETTLE).await;
    let gauge = Gauge::of(&server);
    let (memory, files) = (gauge.memory()?, gauge.open_files()?);
    bar.report.at_most(
        "resident, idle",
        memory.resident,
        IDLE_RESIDENT_MAX,
        Weight::Always,
    );
    bar.report
        .note(&format!("its own {memory}, {files} open files"));
    stop(server)
}

fn stop(server: Server) -> Result<()> {
    server.terminate(STOP_WITHIN).map(|_| ())
}
