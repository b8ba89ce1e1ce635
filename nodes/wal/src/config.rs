//! What an operator may set, and the bounds that are fixed.
//!
//! Owns: the numbers and what happens at each bound. Does not own: where they are configured.

use crate::error::WalError;
use crate::format::group::GROUP_HEADER_BYTES;
use crate::format::{BLOCK_BYTES, WalId};

/// Most bytes of frames in one group. At the bound the rest waits for the next group. A single
/// larger frame is a group of its own.
pub const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Smallest segment: some groups must fit beside header, footer and trailer.
pub const SEGMENT_BYTES_MIN: u64 = 16 * BLOCK_BYTES as u64;

/// Largest segment: recovery reads one of them whole.
pub const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Most spares that are kept. At the bound a recycled segment is removed.
pub const SPARES_MAX: usize = 8;

/// How the log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalConfig {
    /// Size of a segment's file, a multiple of 4096. May change between two starts: what exists
    /// stays as it is.
    pub segment_bytes: u64,
    /// Most bytes of frames in one group, up to [`GROUP_BYTES_MAX`].
    pub group_bytes_max: usize,
    /// Bytes that may be submitted and not yet taken back out as events. At the bound whoever
    /// submits waits.
    pub unsynced_bytes_max: usize,
    /// Spares that are prepared ahead of need, up to [`SPARES_MAX`].
    pub spares_ready: usize,
    /// The name that the log gets if there is none yet: drawn by chance.
    pub new_wal_id: WalId,
}

impl WalConfig {
    /// Segments of 64 MiB, groups of 8 MiB, 64 MiB in flight, two spares.
    pub const fn new(new_wal_id: WalId) -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            group_bytes_max: GROUP_BYTES_MAX,
            unsynced_bytes_max: 64 * 1024 * 1024,
            spares_ready: 2,
            new_wal_id,
        }
    }

    /// The largest frame, header included: a quarter of a segment, so that a segment holds a few
    /// and the bytes left unused at its end stay a small part.
    pub const fn frame_bytes_max(&self) -> usize {
        (self.segment_bytes / 4) as usize - GROUP_HEADER_BYTES
    }

    pub(crate) fn check(&self) -> Result<(), WalError> {
        let whole_blocks = self.segment_bytes.is_multiple_of(BLOCK_BYTES as u64);
        if !whole_blocks || !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes) {
            let reason = format!(
                "{} is not a multiple of {BLOCK_BYTES} from {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}",
                self.segment_bytes
            );
            return Err(WalError::Config {
                key: "segment_bytes",
                reason,
            });
        }
        if !(BLOCK_BYTES..=GROUP_BYTES_MAX).contains(&self.group_bytes_max) {
            let reason = format!(
                "{} is not from {BLOCK_BYTES} to {GROUP_BYTES_MAX}",
                self.group_bytes_max
            );
            return Err(WalError::Config {
                key: "group_bytes_max",
                reason,
            });
        }
        if self.unsynced_bytes_max < self.frame_bytes_max() {
            let reason = format!(
                "{} is less than the largest frame, {}",
                self.unsynced_bytes_max,
                self.frame_bytes_max()
            );
            return Err(WalError::Config {
                key: "unsynced_bytes_max",
                reason,
            });
        }
        if self.spares_ready > SPARES_MAX {
            let reason = format!("{} is more than {SPARES_MAX}", self.spares_ready);
            return Err(WalError::Config {
                key: "spares_ready",
                reason,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_is_refused_with_its_key() {
        let good = WalConfig::new(WalId(1));
        assert!(good.check().is_ok());
        let wrong = [
            (
                "segment_bytes",
                WalConfig {
                    segment_bytes: 100_000,
                    ..good.clone()
                },
            ),
            (
                "segment_bytes",
                WalConfig {
                    segment_bytes: 4096,
                    ..good.clone()
                },
            ),
            (
                "group_bytes_max",
                WalConfig {
                    group_bytes_max: GROUP_BYTES_MAX + 1,
                    ..good.clone()
                },
            ),
            (
                "unsynced_bytes_max",
                WalConfig {
                    unsynced_bytes_max: 1 << 20,
                    ..good.clone()
                },
            ),
            (
                "spares_ready",
                WalConfig {
                    spares_ready: SPARES_MAX + 1,
                    ..good
                },
            ),
        ];
        for (key, config) in wrong {
            let error = config.check().expect_err(key).to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
