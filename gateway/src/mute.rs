//! Until when a connection is not read.
//!
//! Owns: one instant a connection, which only moves forward. Does not own: reading; the connection
//! looks here before each frame. A frame that is already being read is read to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Set by whoever finds that a partition is above its rate, read by the connection.
#[derive(Debug)]
pub(crate) struct Mute {
    opened_at: Instant,
    /// Nanoseconds after `opened_at`.
    until: AtomicU64,
}

impl Mute {
    /// For what begins at `opened_at`.
    pub(crate) fn new(opened_at: Instant) -> Self {
        Self {
            opened_at,
            until: AtomicU64::new(0),
        }
    }

    /// The connection is not to be read for `pause` from now on.
    pub(crate) fn extend(&self, pause: Duration) {
        if !pause.is_zero() {
            let until = (Instant::now() + pause).saturating_duration_since(self.opened_at);
            let until = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
            self.until.fetch_max(until, Ordering::Relaxed);
        }
    }

    /// When the connection may be read again; none where it may be now.
    pub(crate) fn until(&self) -> Option<Instant> {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            // It never was muted, as most are not: nobody need look at the clock.
            return None;
        }
        let until = self.opened_at + Duration::from_nanos(until);
        (until > Instant::now()).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_pause_counts() {
        let mute = Mute::new(Instant::now());
        assert_eq!(mute.until(), None);
        mute.extend(Duration::from_millis(300));
        mute.extend(Duration::from_millis(100));
        assert_eq!(
            mute.until(),
            Some(Instant::now() + Duration::from_millis(300))
        );
        tokio::time::advance(Duration::from_millis(300)).await;
        assert_eq!(mute.until(), None);
    }
}
