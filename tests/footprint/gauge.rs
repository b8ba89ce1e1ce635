//! What the system says of a process.
//!
//! Owns: reading `/proc`. Does not own: what the figures should be.

use std::fmt::{Display, Formatter};
use std::fs::{read_dir, read_to_string};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::Server;

/// Looks at one process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge {
    pid: u32,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// All pages that are in memory.
    pub(super) resident: u64,
    /// The same, shared ones by their part.
    pub(super) proportional: u64,
    /// Those that belong to no file: heap and stacks.
    pub(super) anonymous: u64,
}

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (proportional, anonymous) = (megabytes(self.proportional), megabytes(self.anonymous));
        write!(
            f,
            "{proportional:.1} MB (Pss), heap and stacks {anonymous:.1} MB"
        )
    }
}

impl Gauge {
    /// Of a server that was waited for.
    pub(super) fn of(server: &Server) -> Self {
        Self {
            pid: server.ready().pid,
        }
    }

    /// Memory now.
    pub(super) fn memory(self) -> Result<Memory> {
        let text = read_to_string(format!("/proc/{}/smaps_rollup", self.pid))?;
        let field = |name: &str| -> Result<u64> {
            let line = text.lines().find(|line| line.starts_with(name));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
            Ok(kib.with_context(|| format!("no {name}"))? * 1024)
        };
        Ok(Memory {
            resident: field("Rss:")?,
            proportional: field("Pss:")?,
            anonymous: field("Anonymous:")?,
        })
    }

    /// Time that its threads have had on a core; those that have ended count no more.
    pub(super) fn on_core(self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end between the two.
            let Ok(text) = read_to_string(thread?.path().join("schedstat")) else {
                continue;
            };
            let first = text.split_whitespace().next();
            nanoseconds += first.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// How many files and sockets it has open.
    pub(super) fn open_files(self) -> Result<u64> {
        Ok(read_dir(format!("/proc/{}/fd", self.pid))?.count() as u64)
    }
}
