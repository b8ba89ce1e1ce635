//! Counts what a piece of code allocates, on its own thread.

#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    // A thread that ends has no counters any more, and nobody asks for them.
    let _ = BYTES.try_with(|total| total.set(total.get() + bytes));
    let _ = CALLS.try_with(|total| total.set(total.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What was allocated, freed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// Bytes, a reallocation counted as a new allocation.
    pub bytes: usize,
    /// Calls of the allocator.
    pub calls: usize,
}

/// Runs `work` and counts.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    let before = (BYTES.get(), CALLS.get());
    let result = work();
    let allocated = Allocated {
        bytes: BYTES.get() - before.0,
        calls: CALLS.get() - before.1,
    };
    (result, allocated)
}

#[test]
fn an_allocation_is_counted() {
    let (_, allocated) = counted(|| Vec::<u8>::with_capacity(1000));
    assert_eq!(
        allocated,
        Allocated {
            bytes: 1000,
            calls: 1
        }
    );
}
