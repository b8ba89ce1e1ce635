//! Sizes and rates, in whole bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

/// Bytes per second. [`ByteRate::UNLIMITED`] is never exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteRate(pub u64);

impl ByteRate {
    /// No limit.
    pub const UNLIMITED: Self = Self(u64::MAX);

    /// `mb` decimal megabytes per second, the "MBps" of AWS's tables.
    pub const fn mb_per_s(mb: u64) -> Self {
        Self(mb * 1_000_000)
    }

    /// Whether nothing is ever held back.
    pub const fn is_unlimited(self) -> bool {
        self.0 == u64::MAX
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
