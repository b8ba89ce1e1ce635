//! How much of groups one answer may tell: a request may name one large group many times.
//!
//! Owns: the count of what was told. Does not own: the bound (`limits`).

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Fault;
use crate::limits::GROUPS_TOLD_BYTES_MAX;

/// See the file's header.
#[derive(Default)]
pub(crate) struct AnswerRoom {
    told: AtomicUsize,
}

impl AnswerRoom {
    /// Whether anything more may be told.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.told.load(Ordering::Relaxed) < GROUPS_TOLD_BYTES_MAX {
            return Ok(());
        }
        Err(Fault::Invalid(
            "Too much for one answer; ask for fewer groups.",
        ))
    }

    /// So much is told.
    pub(crate) fn take(&self, bytes: usize) {
        self.told.fetch_add(bytes, Ordering::Relaxed);
    }
}
