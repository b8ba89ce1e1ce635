//! Bugs that the tests plant, to see that the crash simulation catches them.
//!
//! Owns: the list of bugs, and the switch, which exists in tests only. Elsewhere nothing is ever
//! planted, and the questions are constants.

/// What may be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A group is acknowledged before it is synced.
    AckBeforeSync,
    /// A folder's entries are never synced.
    SkipFolderSync,
    /// Checksums are not looked at.
    TrustTornFrame,
    /// A segment's reach stays what it was at the beginning.
    StaleReach,
}

#[cfg(not(test))]
pub(crate) const fn is_planted(_bug: Bug) -> bool {
    false
}

#[cfg(test)]
pub(crate) use switch::{is_planted, plant};

#[cfg(test)]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether `bug` is planted in this thread.
    pub(crate) fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Plants a bug in this thread, or none.
    pub(crate) fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }
}
