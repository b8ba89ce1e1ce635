//! Memory for whole blocks: what the disk writes from and reads into around the system's cache.
//!
//! Owns: how such memory is mapped. Does not own: what it is used for, or when it is used again
//! (`crate::reader`'s pool).
//!
//! The disk is told of memory in runs that lie together physically. In pages of 4 KiB each is a run of
//! its own, which the system looks up, counts and hands on one by one; in a huge page there is one
//! run for 2 MiB. So memory of that size and more is asked for in huge pages, which the system may
//! refuse: then all works as before.
//!
//! Invariants: it begins where a block does. It is zeros until it is written to, and takes no memory
//! of the machine until it is touched.

use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Size of a huge page, usually. Where it is another, the system does what it can with such a run.
pub(crate) const HUGE_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// See the file's header. Given back to the system when it is dropped.
#[derive(Debug)]
pub(crate) struct BlockMemory {
    map: MmapMut,
    /// Where in the map it begins.
    start: usize,
    bytes: usize,
}

impl BlockMemory {
    /// So much memory, at least one byte. As many of its first bytes as fill huge pages lie in such.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let huge = bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
        if huge == 0 {
            let map = MmapMut::map_anon(bytes)?;
            return Ok(Self {
                map,
                start: 0,
                bytes,
            });
        }
        // What a map has too much at its ends is never touched.
        let map = MmapMut::map_anon(bytes + HUGE_PAGE_BYTES)?;
        let start = map.as_ptr().align_offset(HUGE_PAGE_BYTES);
        ask_for_huge_pages(&map, start, huge);
        Ok(Self { map, start, bytes })
    }
}

/// The bytes behind the last whole huge page are left out: they would take one more for a few blocks.
fn ask_for_huge_pages(map: &MmapMut, start: usize, bytes: usize) {
    // Refused, it is memory still.
    #[cfg(target_os = "linux")]
    let _ = map.advise_range(memmap2::Advice::HugePage, start, bytes);
    #[cfg(not(target_os = "linux"))]
    let _ = (map, start, bytes);
}

impl Deref for BlockMemory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map[self.start..self.start + self.bytes]
    }
}

impl DerefMut for BlockMemory {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.map[self.start..self.start + self.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::BLOCK_BYTES;

    #[test]
    fn memory_begins_where_blocks_and_huge_pages_do() {
        let sizes = [
            (1, BLOCK_BYTES),
            (3 * BLOCK_BYTES, BLOCK_BYTES),
            (HUGE_PAGE_BYTES - 1, BLOCK_BYTES),
            (HUGE_PAGE_BYTES, HUGE_PAGE_BYTES),
            (2 * HUGE_PAGE_BYTES + 2 * BLOCK_BYTES, HUGE_PAGE_BYTES),
        ];
        for (bytes, unit) in sizes {
            let mut memory = BlockMemory::new(bytes).unwrap();
            assert_eq!(memory.len(), bytes);
            assert_eq!(memory.as_ptr().align_offset(unit), 0, "{bytes}");
            assert!(memory.iter().all(|&byte| byte == 0), "{bytes}");
            memory.fill(7);
            assert_eq!((memory[0], memory[bytes - 1]), (7, 7));
        }
    }

    #[test]
    fn memory_that_nobody_has_is_an_error() {
        assert!(BlockMemory::new(isize::MAX as usize / 2).is_err());
    }
}
