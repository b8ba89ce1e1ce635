//! The files that are kept open for reading.
//!
//! Owns: how many there are, and which one goes. Does not own: reading.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use partition_log::SegmentId;

use crate::disk::Disk;
use crate::format::footer::Directory;
use crate::segment_file::{PartError, SegmentFile};

/// Most files that are kept open. At the bound the one that was not used for longest is closed, once
/// nobody reads from it.
pub const OPEN_FILES_MAX: usize = 48;

/// An open segment and, once it has been read, its directory.
pub(super) struct OpenSegment {
    pub(super) file: SegmentFile,
    directory: OnceLock<Arc<Directory>>,
}

impl OpenSegment {
    /// The directory of a sealed segment; read once.
    pub(super) fn directory(&self) -> Result<Arc<Directory>, PartError> {
        if let Some(directory) = self.directory.get() {
            return Ok(Arc::clone(directory));
        }
        // A segment that was opened before it was sealed may have grown with its footer.
        let length = self.file.file.length().map_err(PartError::Disk)?;
        let file = SegmentFile {
            length,
            ..self.file.clone()
        };
        let directory = Arc::new(file.directory(&file.trailer()?)?);
        Ok(Arc::clone(self.directory.get_or_init(|| directory)))
    }
}

#[derive(Default)]
pub(super) struct OpenFiles {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counts uses.
    tick: u64,
    entries: Vec<Entry>,
}

struct Entry {
    segment: Arc<OpenSegment>,
    last_used: u64,
}

impl OpenFiles {
    /// The file of `segment`, opened if it is not.
    pub(super) fn open(&self, disk: &dyn Disk, segment: SegmentId) -> io::Result<Arc<OpenSegment>> {
        if let Some(open) = self.lock().find(segment) {
            return Ok(open);
        }
        // Opened without the lock: two threads may do it at once, and one of the files is closed.
        let file = SegmentFile::open(disk, segment)?;
        let open = Arc::new(OpenSegment {
            file,
            directory: OnceLock::new(),
        });
        Ok(self.lock().insert(open))
    }

    pub(super) fn forget(&self, segment: SegmentId) {
        self.lock()
            .entries
            .retain(|entry| entry.segment.file.segment != segment);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Each change of the state is a single step, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&mut self, segment: SegmentId) -> Option<Arc<OpenSegment>> {
        self.tick += 1;
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.segment.file.segment == segment)?;
        entry.last_used = self.tick;
        Some(Arc::clone(&entry.segment))
    }

    fn insert(&mut self, open: Arc<OpenSegment>) -> Arc<OpenSegment> {
        if let Some(other) = self.find(open.file.segment) {
            return other;
        }
        if self.entries.len() == OPEN_FILES_MAX {
            let oldest = self
                .entries
                .iter()
                .enumerate()
                .min_by_key(|(_, entry)| entry.last_used);
            let (index, _) = oldest.expect("the list is full");
            self.entries.swap_remove(index);
        }
        let last_used = self.tick;
        self.entries.push(Entry {
            segment: Arc::clone(&open),
            last_used,
        });
        open
    }
}

#[cfg(test)]
mod tests;
