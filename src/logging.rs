//! Structured logs on standard error; standard output is for what a person or script asked for.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging for the whole process.
pub fn start(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log).with_context(|| format!("log: {}", config.log))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
