//! A large buffer of each thread, in which a socket's bytes lie while their records are opened.
//!
//! Owns: the buffer between uses. Does not own: what is in it, which nobody may rely on.
//!
//! Invariant: it is lent for a call that does not wait, so that one a thread is enough, and idle
//! connections hold none.

use std::cell::Cell;

/// What is read from a socket at most in one go. More would leave the cache before it is opened.
pub(crate) const GULP_BYTES_MAX: usize = 256 << 10;

thread_local! {
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Lends the thread's buffer, of [`GULP_BYTES_MAX`] bytes.
pub(crate) fn with<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut scratch = SCRATCH
        .take()
        .unwrap_or_else(|| vec![0; GULP_BYTES_MAX].into_boxed_slice());
    let result = use_it(&mut scratch);
    SCRATCH.set(Some(scratch));
    result
}
