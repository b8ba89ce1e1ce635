//! Positions of records in a partition.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Position of a record in its partition, from 0. On the wire it is an `i64`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Offset(u64);

impl Offset {
    /// The first offset of every partition.
    pub const ZERO: Self = Self(0);
    /// The largest offset that Kafka's `i64` can carry.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// The offset `value`, or none where it does not fit Kafka's `i64`.
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MAX.0 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The offset a client named, or none where it is negative.
    pub const fn from_wire(value: i64) -> Option<Self> {
        if value < 0 {
            None
        } else {
            Some(Self(value as u64))
        }
    }

    /// As Kafka writes it.
    pub const fn to_wire(self) -> i64 {
        self.0 as i64
    }

    /// The plain number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The offset `records` further on, or none past the end of Kafka's range.
    pub const fn checked_add(self, records: u64) -> Option<Self> {
        match self.0.checked_add(records) {
            Some(sum) => Self::new(sum),
            None => None,
        }
    }

    /// How many offsets lie in `[start, self)`; zero where `start` is not below.
    pub const fn since(self, start: Self) -> u64 {
        self.0.saturating_sub(start.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_stay_within_kafkas_range() {
        assert_eq!(Offset::from_wire(-1), None);
        assert_eq!(Offset::MAX.checked_add(1), None);
        assert_eq!(Offset::MAX.to_wire(), i64::MAX);
        assert_eq!(Offset::ZERO.checked_add(7).map(Offset::to_wire), Some(7));
    }
}
