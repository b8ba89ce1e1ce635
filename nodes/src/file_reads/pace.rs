//! How fast files are read, and so how much one call may ask of them.
//!
//! Owns: the pace that was seen last. Does not own: reading, clocks (elapsed times come in).
//!
//! The answers to one call come together, and a gateway does not wait for them for ever: what takes too long
//! is read in vain, and would be again the next time. So a slow or busy disk is asked for less at a time.
//! Invariant: something is always read, so that every log is read to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What one call asks of the disk takes about so long at most: less than a gateway waits for stragglers.
const SWEEP_MAX: Duration = Duration::from_millis(50);

/// Asked for however slow the disk is.
const SWEEP_BYTES_MIN: u64 = 256 << 10;

/// Shorter reads tell of the way to the disk rather than of its pace.
const TELLING_BYTES_MIN: u64 = 64 << 10;

/// What is assumed of a disk that was never read.
const ASSUMED_BYTES_PER_S: u64 = 1 << 30;

/// See the file's header.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_s: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            bytes_per_s: AtomicU64::new(ASSUMED_BYTES_PER_S),
        }
    }
}

impl Pace {
    /// Learns from a read. Of two at the same time one may be lost.
    pub(super) fn saw(&self, bytes: u64, elapsed: Duration) {
        if bytes < TELLING_BYTES_MIN {
            return;
        }
        let micros = u64::try_from(elapsed.as_micros())
            .unwrap_or(u64::MAX)
            .max(1);
        let seen = bytes.saturating_mul(1_000_000) / micros;
        let before = self.bytes_per_s.load(Ordering::Relaxed);
        let now = before / 2 + seen / 2;
        self.bytes_per_s.store(now, Ordering::Relaxed);
    }

    /// Bytes that one call may ask for; the first batch may be larger.
    pub(super) fn sweep_bytes_max(&self) -> u64 {
        let bytes_per_s = self.bytes_per_s.load(Ordering::Relaxed);
        let sweep_ms = SWEEP_MAX.as_millis() as u64;
        (bytes_per_s.saturating_mul(sweep_ms) / 1000).max(SWEEP_BYTES_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_is_asked_for_less_and_a_quick_one_for_more_again() {
        let pace = Pace::default();
        assert!(pace.sweep_bytes_max() > 8 << 20, "a whole answer");
        for _ in 0..20 {
            pace.saw(1 << 20, Duration::from_millis(20));
        }
        let slow = pace.sweep_bytes_max();
        assert!((2 << 20..3 << 20).contains(&slow), "50 MiB/s: {slow}");
        pace.saw(1, Duration::from_secs(60));
        assert_eq!(pace.sweep_bytes_max(), slow, "that tells nothing");
        for _ in 0..20 {
            pace.saw(1 << 20, Duration::from_secs(60));
        }
        assert_eq!(pace.sweep_bytes_max(), SWEEP_BYTES_MIN);
        for _ in 0..20 {
            pace.saw(8 << 20, Duration::from_millis(4));
        }
        assert!(pace.sweep_bytes_max() > 8 << 20);
    }
}
