//! The minutes that metering is cut into.
//!
//! Owns: which minute a moment lies in. Does not own: sums. Windows are half-open: a moment that
//! falls on a boundary belongs to the later minute.

use std::fmt;

use model::Timestamp;
use serde::{Deserialize, Serialize};

/// A one-minute window, counted from 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minute(pub i64);

impl Minute {
    /// Before every other.
    pub const FIRST: Self = Self(i64::MIN);

    /// The window that `moment` lies in.
    pub const fn of(moment: Timestamp) -> Self {
        Self(moment.minute())
    }

    /// The first moment of the window.
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(60_000))
    }

    /// The first moment after the window.
    pub const fn end(self) -> Timestamp {
        Self(self.0.saturating_add(1)).start()
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_half_open() {
        assert_eq!(Minute::of(Timestamp(119_999)), Minute(1));
        assert_eq!(Minute::of(Timestamp(120_000)), Minute(2));
        assert_eq!(Minute::of(Timestamp(-1)), Minute(-1));
        assert_eq!(Minute(1).end(), Minute(2).start());
        assert_eq!(Minute::of(Minute(7).start()), Minute(7));
    }
}
