//! The bars that need the raw client, as commands: `bars kill9`, `bars windows`, `bars lanes`, `bars mutate`,
//! `bars footprint`. Each prints its figures and fails with what it found.
//!
//! Owns: the flags. Does not own: the bars (`tests::kill9`, `tests::lanes`, `tests::mutate`, `tests::footprint`).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tests::footprint::Extent;
use tests::process::find_binary;
use tests::{footprint, kill9, lanes, mutate};

/// Proves what is promised about crashes and hostile input, against the real binary.
#[derive(Parser)]
struct Cli {
    /// The server [default: TIDEGATE_BIN, or tidegate beside this program].
    #[arg(long, global = true)]
    binary: Option<PathBuf>,
    /// Where the choices come from; the same seed makes the same ones [default: the time].
    #[arg(long, global = true)]
    seed: Option<u64>,
    #[command(subcommand)]
    bar: Bar,
}

#[derive(Subcommand)]
enum Bar {
    /// Kills the server under load, again and again: nothing acknowledged is lost, nothing is twice, the bill fits.
    Kill9 {
        /// How often.
        #[arg(long, default_value_t = 10)]
        rounds: u32,
    },
    /// Kills the server under load while its clock steps: sealed usage stays as it is, and all of it adds up.
    Windows {
        /// How often.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Loses, repeats and delays replies between gateway and node: order is kept and each batch is there once.
    Lanes {
        /// How many voyages, each told by its seed.
        #[arg(long, default_value_t = 30)]
        seeds: u64,
        /// Voyages at one time; each mostly waits.
        #[arg(long, default_value_t = 16)]
        at_once: usize,
    },
    /// Sends bombs and mutated frames: the server lives, answers or closes in time, and stays within its memory.
    Mutate {
        /// How many frames.
        #[arg(long, default_value_t = 5_000)]
        frames: u32,
        /// Memory that the server may have used at most, in MiB.
        #[arg(long, default_value_t = 512)]
        resident_mib_max: u64,
    },
    /// Measures what the server takes: memory, open files, idle work, starts, what many partitions cost in latency.
    Footprint {
        /// All of it, and figures in seconds are judged: a quarter of an hour.
        #[arg(long)]
        long: bool,
        /// Only these of idle, connections, bulk, flat, partitions, latency.
        only: Vec<String>,
    },
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

async fn run(cli: Cli) -> anyhow::Result<()> {
    let binary = || cli.binary.clone().map_or_else(find_binary, Ok);
    let seed = cli.seed.map_or_else(seed_of_now, Ok)?;
    println!("seed {seed}");
    match cli.bar {
        Bar::Kill9 { rounds } => kill9::run(&binary()?, rounds, seed).await,
        Bar::Windows { rounds } => kill9::windows::run(&binary()?, rounds, seed).await,
        Bar::Lanes { seeds, at_once } => lanes::run(seeds, at_once, seed).await,
        Bar::Mutate {
            frames,
            resident_mib_max,
        } => mutate::run(&binary()?, frames, resident_mib_max, seed).await,
        Bar::Footprint { long, only } => {
            let extent = if long {
                Extent::long()
            } else {
                Extent::short()
            };
            footprint::run(&binary()?, extent, &only).await
        }
    }
}

fn seed_of_now() -> anyhow::Result<u64> {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
    Ok(now.as_secs())
}
