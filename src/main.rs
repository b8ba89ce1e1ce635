//! The binary: reads the configuration, composes the parts, runs until told to stop.

mod bill;
mod bootstrap;
mod clock;
mod config;
mod credentials;
mod development_ca;
mod limits;
mod logging;
mod moment;
mod ready;
mod serve;
mod standard_output;
mod topic_metrics;
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Flags;

/// Serverless Kafka for many tenants, in one binary.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything in one process, with everything under one folder (the default).
    Serve(Flags),
    /// Shows what each virtual cluster has used: all five meters, sealed by minute, and what is open.
    Usage(usage::UsageFlags),
    /// Shows the limits of each virtual cluster, and how far they are used.
    Limits(usage::UsageArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => serve::serve(&cli.flags),
        Some(Command::Serve(flags)) => serve::serve(&flags),
        Some(Command::Usage(args)) => usage::usage(&args),
        Some(Command::Limits(args)) => limits::limits(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate: {error:#}");
            ExitCode::FAILURE
        }
    }
}
