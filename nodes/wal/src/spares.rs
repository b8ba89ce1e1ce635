//! Files that wait to become segments: written with zeros ahead of need, or taken back from
//! segments that nobody needs any more.
//!
//! Owns: making spares and taking segments back. Does not own: when that happens, or how many there
//! are ([`crate::committer`]), or the thread that it happens in (`crate::janitor`).
//!
//! ```text
//!  create: zeros, synced ─▶ N.spare ─(header synced, renamed, folder synced)─▶ M.segment
//!                              ▲                                                   │
//!                              ╰──────(renamed, folder synced)── recycle ──────────╯
//! ```
//! Invariant: nothing is written to a former segment before the folder is synced under which it is a
//! spare; else a crash could bring the segment back with other content.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use partition_log::SegmentId;

use crate::disk::Disk;
use crate::error::WalError;
use crate::names::{segment_name, spare_name};
use crate::plant::{Bug, is_planted};

/// A spare that is complete: of the size of a segment, and durable under its name or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spare(pub(crate) u64);

/// Makes spares; clones share the numbers.
#[derive(Clone)]
pub struct SpareFiles {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    next_number: Arc<AtomicU64>,
}

impl SpareFiles {
    /// Spares of `segment_bytes`, numbered from `next_number`.
    pub(crate) fn new(disk: Arc<dyn Disk>, segment_bytes: u64, next_number: u64) -> Self {
        Self {
            disk,
            segment_bytes,
            next_number: Arc::new(AtomicU64::new(next_number)),
        }
    }

    /// Makes a spare. Takes as long as it takes to write a whole segment, and what `rest` takes
    /// between its pieces.
    pub fn create(&self, rest: &mut dyn FnMut()) -> Result<Spare, WalError> {
        let spare = self.next();
        let name = spare_name(spare.0);
        match self.disk.create(&name, self.segment_bytes, rest) {
            Ok(_) => Ok(spare),
            Err(source) => {
                // What is left of it would be found by its length at the next start; the space it
                // takes may be needed before.
                let _ = self.disk.remove(&name);
                Err(WalError::Disk {
                    action: "create",
                    name,
                    source,
                })
            }
        }
    }

    /// Takes back a segment that nobody needs any more, as a spare if `keep` and if it has the right
    /// size. A segment that is gone already stays gone.
    pub fn recycle(&self, segment: SegmentId, keep: bool) -> Result<Option<Spare>, WalError> {
        let name = segment_name(segment);
        let length = match self.disk.open(&name).and_then(|file| file.length()) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(WalError::Disk {
                    action: "open",
                    name,
                    source,
                });
            }
        };
        let spare = (keep && length == self.segment_bytes).then(|| self.next());
        match spare {
            Some(spare) => {
                let to = spare_name(spare.0);
                self.disk
                    .rename(&name, &to)
                    .map_err(WalError::disk("rename", &name))?;
            }
            None => self
                .disk
                .remove(&name)
                .map_err(WalError::disk("remove", &name))?,
        }
        sync_folder(&*self.disk)?;
        Ok(spare)
    }

    fn next(&self) -> Spare {
        Spare(self.next_number.fetch_add(1, Ordering::Relaxed))
    }
}

/// Makes the folder's entries durable.
pub(crate) fn sync_folder(disk: &dyn Disk) -> Result<(), WalError> {
    if is_planted(Bug::SkipFolderSync) {
        return Ok(());
    }
    disk.sync_folder().map_err(|source| {
        let name = disk.place();
        WalError::Disk {
            action: "sync",
            name,
            source,
        }
    })
}
