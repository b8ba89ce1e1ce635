//! The binary: reads the configuration, composes the parts, runs until told to stop.

mod bootstrap;
mod clock;
mod config;
mod credentials;
mod development_ca;
mod limits;
mod logging;
mod ready;
mod serve;
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
    /// Shows what each tenant has used, as the running server counts it from the committed log.
    Usage(usage::UsageArgs),
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
