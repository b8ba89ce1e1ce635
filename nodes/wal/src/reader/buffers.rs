//! Memory for long reads, used again and again.
//!
//! Owns: which buffers wait for the next read, and how many. Does not own: what is read into them.
//!
//! A buffer comes back when the last slice of it is dropped. It is not made zeros again, which would cost as
//! much as a copy: whoever reads must fill all that he has asked for before he shows it to anybody.
//!
//! Invariants: no buffer has two owners; those that wait take at most [`KEPT_BYTES_MAX`].

use std::collections::VecDeque;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use super::{AROUND_CACHE_BYTES_MIN, READ_RUN_BYTES_MAX};
use crate::disk::memory::{BlockMemory, HUGE_PAGE_BYTES};
use crate::format::BLOCK_BYTES;

/// Most bytes of buffers that wait. At the bound those that have waited longest are given back to the
/// system.
pub(super) const KEPT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The blocks in which a run begins and ends.
const ENDS_BYTES: usize = 2 * BLOCK_BYTES;

/// Sizes of buffers. A read gets the smallest that will do, about twice what it needs at most. Where it would
/// nearly fill half of a huge page it gets a whole one: consumers ask for a MiB of a partition by
/// default.
const SIZES: [usize; 7] = [
    AROUND_CACHE_BYTES_MIN + ENDS_BYTES,
    2 * AROUND_CACHE_BYTES_MIN + ENDS_BYTES,
    4 * AROUND_CACHE_BYTES_MIN + ENDS_BYTES,
    8 * AROUND_CACHE_BYTES_MIN + ENDS_BYTES,
    15 * AROUND_CACHE_BYTES_MIN,
    HUGE_PAGE_BYTES,
    READ_RUN_BYTES_MAX as usize + ENDS_BYTES,
];

/// The buffers that wait.
#[derive(Debug, Default)]
pub(super) struct ReadBuffers {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    /// Those that have waited longest come first.
    buffers: VecDeque<BlockMemory>,
}

impl ReadBuffers {
    /// A buffer of `bytes` for whoever fills them all: what is in it belongs to somebody else. One that is larger
    /// than all sizes is made for this one read.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> io::Result<ReadBuffer> {
        let size = SIZES.into_iter().find(|&size| size >= bytes);
        let kept = size.and_then(|size| self.lock().take(size));
        let memory = match kept {
            Some(memory) => memory,
            None => BlockMemory::new(size.unwrap_or(bytes))?,
        };
        Ok(ReadBuffer {
            memory: Some(memory),
            bytes,
            home: Arc::clone(self),
        })
    }

    fn keep(&self, memory: BlockMemory) {
        if !SIZES.contains(&memory.len()) {
            return;
        }
        let given_back = self.lock().keep(memory);
        // Not under the lock: the system takes its time for large ones.
        drop(given_back);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        // A panic between two steps could only be one of allocation, which ends the process.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The one that came back last: the processor's cache may still have some of it.
    fn take(&mut self, size: usize) -> Option<BlockMemory> {
        let fits = |memory: &BlockMemory| memory.len() == size;
        let index = self.buffers.iter().rposition(fits)?;
        self.bytes -= size;
        self.buffers.remove(index)
    }

    /// Keeps one more, and says what it keeps no longer.
    fn keep(&mut self, memory: BlockMemory) -> Vec<BlockMemory> {
        self.bytes += memory.len();
        self.buffers.push_back(memory);
        let mut given_back = Vec::new();
        while self.bytes > KEPT_BYTES_MAX {
            let oldest = self.buffers.pop_front();
            let oldest = oldest.expect("no single buffer is larger than the bound");
            self.bytes -= oldest.len();
            given_back.push(oldest);
        }
        given_back
    }
}

/// Memory for one read.
#[derive(Debug)]
pub(super) struct ReadBuffer {
    /// There until it is dropped.
    memory: Option<BlockMemory>,
    bytes: usize,
    home: Arc<ReadBuffers>,
}

impl Deref for ReadBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let memory = self.memory.as_deref();
        &memory.expect("it is there until the drop")[..self.bytes]
    }
}

impl DerefMut for ReadBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let memory = self.memory.as_deref_mut();
        &mut memory.expect("it is there until the drop")[..self.bytes]
    }
}

impl AsRef<[u8]> for ReadBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.home.keep(memory);
        }
    }
}

#[cfg(test)]
mod tests;
