//! Compares Tidegate with Apache Kafka: the same requests to both, their answers field by field.
//!
//! Owns: the flags, the order, what is printed. Does not own: starting the two servers (`bars/oracle.sh`).
//!
//! ```text
//! scenarios ──▶ side: Apache Kafka ──▶ answers ──▶ fields ─┐
//!         └───▶ side: Tidegate ──────▶ answers ──▶ fields ─┴──▶ compare ──▶ differences that are not on the list
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use clap::Parser;

// The names of files follow from the names of modules, so the folder is one.
mod oracle {
    pub(crate) mod allowed;
    pub(crate) mod batches;
    pub(crate) mod compare;
    pub(crate) mod fields;
    pub(crate) mod scenarios;
    pub(crate) mod side;
}

use oracle::compare::{Report, compare};
use oracle::side::{Answer, Side};
use oracle::{allowed, batches, fields, scenarios, side};

/// Records are as old as this, so that the servers' own time is told apart from theirs.
const RECORDS_AGE_MS: i64 = 600_000;

/// Sends the same requests to Apache Kafka and to Tidegate and compares the answers field by field.
#[derive(Parser)]
struct Cli {
    /// How to reach Apache Kafka: a file like Tidegate's ready file.
    #[arg(long)]
    kafka: PathBuf,
    /// Tidegate's ready file.
    #[arg(long)]
    tidegate: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed()?;
    let start_ms = i64::try_from(since_1970.as_millis())? - RECORDS_AGE_MS;
    let (kafka, ours) = tokio::try_join!(
        ask_everything(&cli.kafka, start_ms),
        ask_everything(&cli.tidegate, start_ms),
    )?;
    judge(&compare(&kafka, &ours))
}

async fn ask_everything(ready: &Path, start_ms: i64) -> Result<Vec<Answer>> {
    let told = || format!("the server of {}", ready.display());
    let text = std::fs::read(ready).with_context(told)?;
    let access = serde_json::from_slice(&text).with_context(told)?;
    let mut side = Side::new(access, start_ms).await.with_context(told)?;
    scenarios::run(&mut side).await.with_context(told)?;
    Ok(side.into_answers())
}

fn judge(report: &Report) -> Result<()> {
    for difference in &report.differences {
        println!("{difference}");
    }
    for (reason, field) in &report.unused {
        println!("allowed, but does not occur: {reason}: {field:?}");
    }
    let told = include_str!("../docs/protocol.md");
    let untold = [allowed::ON_PURPOSE, allowed::NOT_YET]
        .into_iter()
        .flatten()
        .find(|allowed| !told.contains(&format!("\n* {}\n", allowed.reason)));
    println!(
        "{} answers with {} fields compared: {} differ as allowed, {} otherwise",
        report.answers,
        report.fields,
        report.allowed,
        report.differences.len()
    );
    ensure!(report.answers > 0, "nothing was compared");
    ensure!(
        report.differences.is_empty(),
        "differences that are not on the list"
    );
    ensure!(
        untold.is_none(),
        "docs/protocol.md does not tell it: {:?}",
        untold.map(|allowed| allowed.reason)
    );
    ensure!(
        report.unused.is_empty(),
        "the list allows what does not occur"
    );
    Ok(())
}
