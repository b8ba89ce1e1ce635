//! The one real clock of the process.
//!
//! For tests of what a stepping clock does, the wall clock can be moved: `clock_offset_file` names a
//! file with a number of milliseconds that is added to the system's time. It is read again and again by
//! a thread of its own. Without that setting there is neither file nor thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use model::{Clock, Instant, Timestamp};
use tracing::warn;

/// How often the offset is read.
const OFFSET_READ_EVERY: Duration = Duration::from_millis(5);

/// The operating system's clocks.
pub struct SystemClock {
    start: std::time::Instant,
    offset_ms: Arc<AtomicI64>,
}

impl SystemClock {
    /// With the wall clock moved by what stands in `offset_file`, if one is named.
    pub fn new(offset_file: Option<PathBuf>) -> Result<Self> {
        let offset_ms = Arc::new(AtomicI64::new(0));
        if let Some(file) = offset_file {
            warn!(file = %file.display(), "the clock is moved by a file: this is for tests");
            offset_ms.store(read_offset(&file).unwrap_or(0), Ordering::Relaxed);
            let shared = Arc::clone(&offset_ms);
            std::thread::Builder::new()
                .name("clock-offset".to_owned())
                .spawn(move || follow(&file, &shared))
                .context("starting the thread that moves the clock")?;
        }
        Ok(Self {
            start: std::time::Instant::now(),
            offset_ms,
        })
    }
}

/// Takes over the offset until the process ends. A file that is being replaced changes nothing.
fn follow(file: &Path, offset_ms: &AtomicI64) {
    loop {
        if let Some(offset) = read_offset(file) {
            offset_ms.store(offset, Ordering::Relaxed);
        }
        std::thread::sleep(OFFSET_READ_EVERY);
    }
}

fn read_offset(file: &Path) -> Option<i64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn wall(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let millis = since_1970.unwrap_or_default().as_millis();
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        Timestamp(millis.saturating_add(self.offset_ms.load(Ordering::Relaxed)))
    }
}
