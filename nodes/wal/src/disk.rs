//! The seam between the log and the disk: one flat folder of files.
//!
//! Owns: what the log may rely on. Implementations: [`FileDisk`], and a simulated one that forgets
//! what was not synced (feature `sim`).
//!
//! What the log relies on:
//! * What was written before a sync that succeeded survives, unless it is overwritten.
//! * What was written since may survive in any part, in units of 512 bytes or more.
//! * A file's entry in the folder survives a crash once the folder was synced after the change;
//!   until then the change may or may not survive.
//! * After a sync that failed, nothing is known, and asking again proves nothing.

pub mod file;
pub(crate) mod memory;

use std::io;
use std::sync::Arc;

pub use file::FileDisk;

/// Zeros are written in pieces of this size: so much can stand before a sync of the log's own.
pub const PIECE_BYTES: usize = 1024 * 1024;

/// A folder of files.
pub trait Disk: Send + Sync + 'static {
    /// What to call the folder in messages.
    fn place(&self) -> String;

    /// Takes the folder for this process until the lock is dropped; none where somebody has it.
    fn lock(&self) -> io::Result<Option<DiskLock>>;

    /// The names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a file of `bytes` zeros, all written and synced, so that writing to it later changes
    /// nothing but its content. Its entry is not synced. If it fails, a shorter file may be left.
    /// Between any two pieces that it writes, of [`PIECE_BYTES`] at most, it calls `rest`.
    fn create(
        &self,
        name: &str,
        bytes: u64,
        rest: &mut dyn FnMut(),
    ) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file of which much is read or written in whole blocks that lie in memory as they do in
    /// the file: those need not pass through a cache.
    fn open_for_blocks(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    /// Renames a file; `to` must not exist.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; whoever has it open can still read it.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all creations, renames and removals durable.
    fn sync_folder(&self) -> io::Result<()>;
}

/// An open file. Positions and lengths are in bytes; methods may be called from many threads.
pub trait DiskFile: Send + Sync {
    /// Reads exactly as many bytes as `buffer` has, or fails with `UnexpectedEof`.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()>;

    /// Writes all of `bytes`.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;

    /// Makes everything written durable, the length included.
    fn sync(&self) -> io::Result<()>;

    /// The length.
    fn length(&self) -> io::Result<u64>;

    /// Cuts the file, or lengthens it with zeros. Durable after the next sync.
    fn set_length(&self, bytes: u64) -> io::Result<()>;
}

/// The folder is taken while this lives.
pub struct DiskLock {
    _guard: Box<dyn Send + Sync>,
}

impl DiskLock {
    /// A lock that is given up when `guard` is dropped.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self {
            _guard: Box::new(guard),
        }
    }
}
