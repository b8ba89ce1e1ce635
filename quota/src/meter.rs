//! What is counted: bytes, records and stored bytes of a virtual cluster, by minute of commit.
//!
//! Owns: one window's sum, and how much each kind of event adds to it. Does not own: collections of
//! windows ([`crate::tally`], [`crate::meters`]).
//!
//! Stored byte-time is the integral of the bytes stored over commit time. A window keeps of it what
//! does not depend on other windows: which bytes came and went, and the area that they add until the
//! window's end. So sums of windows add up in any order, and the level at a window's start, which is
//! what all earlier windows have left, is added where it is known:
//!
//! ```text
//!   bytes │        ┌────────────┐
//!         │   ┌────┘  area of   └────   byte-ms of a window = level at its start × 60,000
//!   level ├───┘    the window's                             + area
//!         └───┼───────────────────┼──▶  level at its end    = level at its start + in - freed
//!            start               end
//! ```

use model::{ByteCount, Timestamp, VirtualClusterId};

use crate::minute::Minute;

/// Milliseconds of a window.
pub const MINUTE_MS: u64 = 60_000;

/// What was counted, for one virtual cluster in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterSum {
    /// Size of the record batches committed, as received.
    pub bytes_in: ByteCount,
    /// Size of the record batches delivered.
    pub bytes_out: ByteCount,
    /// Records in the batches committed.
    pub records_in: u64,
    /// Size of the record batches that are stored no more.
    pub bytes_freed: ByteCount,
    /// Byte-ms that `bytes_in` adds until the window's end, less those that `bytes_freed` takes away.
    pub area_byte_ms: i128,
}

impl MeterSum {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let bytes = |a: ByteCount, b: ByteCount| ByteCount(a.0.saturating_add(b.0));
        Self {
            bytes_in: bytes(self.bytes_in, other.bytes_in),
            bytes_out: bytes(self.bytes_out, other.bytes_out),
            records_in: self.records_in.saturating_add(other.records_in),
            bytes_freed: bytes(self.bytes_freed, other.bytes_freed),
            area_byte_ms: self.area_byte_ms.saturating_add(other.area_byte_ms),
        }
    }

    /// Whether nothing was counted.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// How many bytes more are stored at the window's end than at its start.
    pub fn level_change(&self) -> i128 {
        i128::from(self.bytes_in.0) - i128::from(self.bytes_freed.0)
    }
}

/// The sum of one virtual cluster in one window, or what one frame adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The virtual cluster.
    pub virtual_cluster: VirtualClusterId,
    /// The window.
    pub minute: Minute,
    /// What was counted in it.
    pub sum: MeterSum,
}

impl Window {
    /// A committed batch of `records` records. From its commit on it is stored.
    pub fn appended(
        virtual_cluster: VirtualClusterId,
        commit_time: Timestamp,
        bytes_in: ByteCount,
        records_in: u64,
    ) -> Self {
        let minute = Minute::of(commit_time);
        let sum = MeterSum {
            bytes_in,
            records_in,
            area_byte_ms: area(bytes_in, minute, commit_time),
            ..MeterSum::default()
        };
        Self {
            virtual_cluster,
            minute,
            sum,
        }
    }

    /// Delivered bytes, under the commit time of the report that they came in.
    pub fn delivered(
        virtual_cluster: VirtualClusterId,
        commit_time: Timestamp,
        bytes_out: ByteCount,
    ) -> Self {
        let sum = MeterSum {
            bytes_out,
            ..MeterSum::default()
        };
        Self {
            virtual_cluster,
            minute: Minute::of(commit_time),
            sum,
        }
    }

    /// Batches that are stored no more.
    pub fn freed(
        virtual_cluster: VirtualClusterId,
        commit_time: Timestamp,
        bytes_freed: ByteCount,
    ) -> Self {
        let minute = Minute::of(commit_time);
        let sum = MeterSum {
            bytes_freed,
            area_byte_ms: -area(bytes_freed, minute, commit_time),
            ..MeterSum::default()
        };
        Self {
            virtual_cluster,
            minute,
            sum,
        }
    }
}

/// Byte-ms from `at` to the end of `minute`, which it lies in.
fn area(bytes: ByteCount, minute: Minute, at: Timestamp) -> i128 {
    let left_ms = i128::from(minute.end().0) - i128::from(at.0);
    i128::from(bytes.0) * left_ms.clamp(0, i128::from(MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_is_stored_from_then_on_until_it_goes() {
        let cluster = VirtualClusterId(1);
        let came = Window::appended(cluster, Timestamp(60_100), ByteCount(10), 1);
        assert_eq!((came.minute, came.sum.area_byte_ms), (Minute(1), 599_000));
        let went = Window::freed(cluster, Timestamp(60_300), ByteCount(10));
        let sum = came.sum.plus(went.sum);
        assert_eq!((sum.area_byte_ms, sum.level_change()), (2000, 0));
    }

    #[test]
    fn the_ends_of_time_are_counted_too() {
        for at in [i64::MIN, i64::MAX] {
            let window = Window::appended(VirtualClusterId(1), Timestamp(at), ByteCount(1), 1);
            assert!((0..=60_000).contains(&window.sum.area_byte_ms));
        }
    }
}
