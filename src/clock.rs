//! The one real clock of the process.

use std::time::SystemTime;

use model::{Clock, Instant, Timestamp};

/// The operating system's clocks.
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    pub fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn wall(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let millis = since_1970.unwrap_or_default().as_millis();
        Timestamp(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}
