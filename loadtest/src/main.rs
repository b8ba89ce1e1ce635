//! `loadtest`: puts load on Kafka servers as games and pipelines do, holds every message against what was sent, and
//! compares servers that take turns on one machine. See `docs/loadtest.md`.
//!
//! Owns: the order of a run and the exit status: 0 for well, 1 for a failure, 2 for wrong flags, 3 for bars that are
//! not met when `--judge` asks for them.

mod args;
mod bars;
mod bulk;
mod client;
mod comparison;
mod consume;
mod events;
mod figures;
mod floors;
mod open;
mod pace;
mod patience;
mod payload;
mod process;
mod produce;
mod progress;
mod report;
mod scenario;
mod series;
mod session;
mod spread;
mod stage;
mod target;
mod topics;
mod verify;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result};
use clap::Parser;

use crate::args::{Cli, Command, FloorArgs, RunArgs};
use crate::floors::Floors;
use crate::report::Report;

/// Set by the first Ctrl-C; the run then ends and deletes its topics. A second one ends the process.
static STOP: AtomicBool = AtomicBool::new(false);

/// Exit status of bars that are not met.
const NOT_MET: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = stop_on_signal().and_then(|()| match &cli.command {
        Command::Run(args) => run(args),
        Command::Floors(args) => floors(args),
    });
    done.unwrap_or_else(|error| {
        eprintln!("FAILED: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(args: &RunArgs) -> Result<ExitCode> {
    let session = args.session()?;
    let floors = if args.no_floors {
        None
    } else {
        Some(measure_floors(&args.floors)?)
    };
    let measured = session.run(&STOP);
    let report = Report::new(&session, &measured, floors);
    print!("{}", report.text());
    if let Some(file) = &args.floors.json {
        write(file, &report.json())?;
    }
    if let Some(file) = &args.html {
        write(file, &report.html())?;
    }
    if let Some(failure) = measured.failure {
        return Err(failure);
    }
    println!("ok");
    let unmet = args.judge && report.verdicts().any(|verdict| !verdict.met);
    Ok(if unmet {
        ExitCode::from(NOT_MET)
    } else {
        ExitCode::SUCCESS
    })
}

fn floors(args: &FloorArgs) -> Result<ExitCode> {
    let floors = measure_floors(args)?;
    print!("{}", report::floors_text(&floors));
    if let Some(file) = &args.json {
        write(file, &report::floors_json(&floors))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure_floors(args: &FloorArgs) -> Result<Floors> {
    let temporary = std::env::temp_dir();
    let folder = args.floor_dir.as_ref().unwrap_or(&temporary);
    Floors::measure(folder, &STOP).with_context(|| format!("the floors, in {}", folder.display()))
}

fn write(file: &std::path::Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// Listens for Ctrl-C and SIGTERM on a thread of its own.
fn stop_on_signal() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let enter = runtime.enter();
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut int = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    drop(enter);
    std::thread::spawn(move || {
        runtime.block_on(async {
            for asked_before in [false, true] {
                tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
                STOP.store(true, Relaxed);
                if asked_before {
                    std::process::exit(1);
                }
            }
        });
    });
    Ok(())
}
