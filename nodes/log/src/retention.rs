//! Moving the log start: by age, by size, or because a client deletes records.
//!
//! Owns: Kafka's rules at the granularity of one partition's part of a segment (an extent).
//! Does not own: when to look, the segments' bytes.
//!
//! The log start moves in two steps, so that data goes only when the move is durable, and a snapshot
//! that is written in between does not take it back:
//!
//! ```text
//!  plan_retention ─▶ advance_log_start: reads below are refused; the record goes to the WAL
//!                    log_start_committed: extents wholly below are dropped
//! ```

use model::{Offset, Timestamp};

use crate::facts::{Freed, LogRecord};
use crate::index::Extent;
use crate::log::PartitionLog;

impl PartitionLog {
    /// The log start that retention asks for, if it is not the present one.
    ///
    /// As Kafka's `LogManager` does it: from the oldest extent on, one goes if its largest timestamp
    /// is older than `retention_ms` (where it has none, the time it was committed), or if without
    /// it at least `retention_bytes` remain; the first that stays ends it. Only what is durable can
    /// go. The newest extent, which may still grow, is no exception: it goes when its last record is
    /// too old, or when nothing at all is to be kept (`retention.bytes=0`), as Kafka rolls and
    /// deletes its active segment then.
    pub fn plan_retention(
        &self,
        now: Timestamp,
        retention_ms: Option<u64>,
        retention_bytes: Option<u64>,
    ) -> Option<Offset> {
        let mut retained = self.retained_bytes();
        let mut log_start = None;
        for extent in self.index.from(self.bounds().log_start_offset) {
            let left = retained - extent.bytes;
            let too_old = retention_ms.is_some_and(|max| age_ms(extent, now) > max);
            let too_much = retention_bytes.is_some_and(|min| left >= min);
            if !too_old && !too_much {
                break;
            }
            retained = left;
            log_start = Some(extent.end_offset);
        }
        log_start
    }

    /// Size of the durable extents that reach above the log start: what retention counts.
    pub fn retained_bytes(&self) -> u64 {
        let first = self.index.from(self.bounds().log_start_offset).next();
        first.map_or(0, |first| self.durable_position - first.start_position)
    }

    /// Moves the log start up to `offset`, and gives the record to write; none where it is there
    /// already. From now on reads below are refused.
    ///
    /// # Panics
    /// If `offset` is above the high watermark: what is not durable cannot be deleted.
    pub fn advance_log_start(&mut self, offset: Offset) -> Option<LogRecord> {
        assert!(
            offset <= self.high_watermark,
            "the log start stays within what is durable"
        );
        if offset <= self.state.log_start_offset {
            return None;
        }
        self.state.log_start_offset = offset;
        let first = self.index.from(offset).next();
        let freed = self.free_to(first.map_or(self.durable_position, |e| e.start_position));
        self.assert_invariants();
        Some(LogRecord::LogStart(offset, freed))
    }

    /// The partition is gone with its topic: frees all that it stores, also what is not durable yet,
    /// and gives the record to write behind that. Nothing may be appended any more.
    pub fn free_all(&mut self) -> LogRecord {
        LogRecord::Closed(self.free_to(self.state.end_position))
    }

    /// Size of the batches that are appended and not freed: what is billed as stored. Like retention
    /// it counts whole extents: the part of one that lies below the log start is still stored.
    pub fn stored_bytes(&self) -> u64 {
        self.state.end_position - self.state.freed_position
    }

    /// Frees what lies below `position`, where it is not free already. An extent of an open segment
    /// may be freed and grow again; so what was freed is kept as a position that never goes back.
    fn free_to(&mut self, position: u64) -> Freed {
        let before = self.state.freed_position;
        self.state.free_to(position);
        let position = self.state.freed_position;
        Freed {
            bytes: position - before,
            position,
        }
    }

    /// The move of the log start to `offset` is durable: what lies wholly below is not needed.
    pub fn log_start_committed(&mut self, offset: Offset) {
        assert!(
            offset <= self.state.log_start_offset,
            "what is committed was decided"
        );
        self.index.start_at(offset);
        self.assert_invariants();
    }
}

/// Age of an extent's newest record. Kafka, too, takes a record from the future for a young one.
fn age_ms(extent: &Extent, now: Timestamp) -> u64 {
    let newest = match extent.max_timestamp {
        Timestamp(..0) => extent.committed_at,
        timestamp => timestamp,
    };
    u64::try_from(now.0.saturating_sub(newest.0)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
