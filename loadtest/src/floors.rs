//! What this machine gives at the moment, measured in the same run, to hold a server's figures against.
//!
//! Owns: the list. Does not own: the single measurements (see below). Each takes about a second.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::process::Process;

mod cipher;
mod disk;
mod network;

/// A rate over a connection, and what each end paid for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Flow {
    /// Payload.
    pub mb_per_s: f64,
    /// CPU seconds per GB of who sends, the kernel's part included.
    pub send_cpu_s_per_gb: f64,
    /// The same of who receives.
    pub receive_cpu_s_per_gb: f64,
}

/// All floors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floors {
    /// How a write was made durable: `O_DIRECT|O_DSYNC` or `fdatasync`.
    pub sync_by: &'static str,
    /// Overwriting 16 KiB of a prewritten file, durably.
    pub sync_p50_ms: f64,
    /// The same.
    pub sync_p99_ms: f64,
    /// Overwriting a prewritten file in order, 1 MiB durably at a time.
    pub synced_mb_per_s: f64,
    /// TCP over loopback.
    pub tcp: Flow,
    /// TLS 1.3 over loopback, by the buffered interface of the library that Tidegate uses.
    pub tls: Flow,
    /// AES-256-GCM of 16 KiB at a time, on one core.
    pub aes_256_gcm_mb_per_s: f64,
}

impl Floors {
    /// Measures all; disk in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written, or the machine lacks loopback.
    pub fn measure(folder: &Path, stop: &AtomicBool) -> Result<Self> {
        let go_on = || -> Result<()> {
            ensure!(!stop.load(Relaxed), "interrupted");
            Ok(())
        };
        let disk = disk::measure(folder)?;
        go_on()?;
        let tcp = network::tcp()?;
        go_on()?;
        let tls = network::tls()?;
        go_on()?;
        Ok(Self {
            sync_by: disk.sync_by,
            sync_p50_ms: disk.sync_p50_ms,
            sync_p99_ms: disk.sync_p99_ms,
            synced_mb_per_s: disk.synced_mb_per_s,
            tcp,
            tls,
            aes_256_gcm_mb_per_s: cipher::aes_256_gcm()?,
        })
    }
}

/// CPU seconds that this thread has used.
fn thread_cpu_s() -> f64 {
    Process::OwnThread
        .cpu()
        .map_or(f64::NAN, |cpu| cpu.as_secs_f64())
}
