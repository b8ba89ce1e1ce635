//! The real disk: a folder of the file system.
//!
//! Owns: the system calls. Does not own: when they are made.
//! Invariant: `create` leaves a file of its full length only if every byte of it was written, so
//! the length alone tells a finished file from one that a crash cut short.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::memory::{BlockMemory, HUGE_PAGE_BYTES};
use super::{Disk, DiskFile, DiskLock, PIECE_BYTES};
use crate::format::BLOCK_BYTES;

/// The file that is locked. It is never removed: a lock on a removed file excludes nobody.
const LOCK_NAME: &str = "lock";

/// What is read at a stretch before other threads have their turn on the core: a read of what the system has in
/// memory never waits, many can be under way, and each keeps a core for as long as the system lets it.
const READ_TURN_BYTES: usize = 128 * 1024;

/// The flag of files that are written around the page cache.
#[cfg(target_os = "linux")]
const AROUND_CACHE: i32 = libc::O_DIRECT;
#[cfg(not(target_os = "linux"))]
const AROUND_CACHE: i32 = 0;

/// A folder of the file system.
#[derive(Debug)]
pub struct FileDisk {
    folder: PathBuf,
}

impl FileDisk {
    /// The folder at `path`. Folders that do not exist are made, and their entries synced.
    pub fn open(path: &Path) -> io::Result<Self> {
        make_folder(&std::path::absolute(path)?)?;
        Ok(Self {
            folder: path.to_owned(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let Some(parent) = path.parent() else {
        return Err(ErrorKind::NotFound.into());
    };
    make_folder(parent)?;
    match std::fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}

fn write_zeros(file: &File, bytes: u64, rest: &mut dyn FnMut()) -> io::Result<()> {
    // Around the page cache, memory must lie as blocks do. One huge page, so that a piece is one run of
    // memory; nothing is ever written to it, so that the system may lend the page of zeros that it has.
    let zeros = BlockMemory::new(HUGE_PAGE_BYTES)?;
    let mut written = 0;
    while written < bytes {
        let left = usize::try_from(bytes - written).unwrap_or(usize::MAX);
        let piece = left.min(PIECE_BYTES);
        file.write_all_at(&zeros[..piece], written)?;
        written += piece as u64;
        if written < bytes {
            rest();
        }
    }
    Ok(())
}

impl Disk for FileDisk {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn lock(&self) -> io::Result<Option<DiskLock>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path(LOCK_NAME))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DiskLock::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            // A name that is no text is not one of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create(
        &self,
        name: &str,
        bytes: u64,
        rest: &mut dyn FnMut(),
    ) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        // Nobody reads the zeros, and a sync that had to write them all would hold up every other.
        // Not every file system can do that, nor with every length.
        open_around_cache(&path)
            .and_then(|direct| write_zeros(&direct, bytes, rest))
            .or_else(|error| match error.kind() {
                ErrorKind::InvalidInput | ErrorKind::Unsupported => write_zeros(&file, bytes, rest),
                _ => Err(error),
            })?;
        file.sync_all()?;
        Ok(Arc::new(OpenFile { file, direct: None }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(name))?;
        Ok(Arc::new(OpenFile { file, direct: None }))
    }

    fn open_for_blocks(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        // Not every file system can do that.
        let direct = open_around_cache(&path).ok();
        Ok(Arc::new(OpenFile { file, direct }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

fn open_around_cache(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(AROUND_CACHE)
        .open(path)
}

struct OpenFile {
    file: File,
    /// The same file around the page cache, which takes a copy of each page: to write those out again,
    /// or to read them in first, costs more than all else that the log does.
    direct: Option<File>,
}

impl OpenFile {
    /// The same file around the page cache, where this memory can be read or written so.
    fn direct(&self, memory: &[u8], position: u64) -> Option<&File> {
        let is_whole = memory.len().is_multiple_of(BLOCK_BYTES)
            && position.is_multiple_of(BLOCK_BYTES as u64)
            && memory.as_ptr().align_offset(BLOCK_BYTES) == 0;
        self.direct.as_ref().filter(|_| is_whole)
    }
}

/// What became of something that was done around the page cache; none where this file system wants
/// other blocks.
fn if_possible(done: io::Result<()>) -> Option<io::Result<()>> {
    match done {
        Err(error) if error.kind() == ErrorKind::InvalidInput => None,
        done => Some(done),
    }
}

impl DiskFile for OpenFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        let direct = self.direct(buffer, position);
        let read = direct.and_then(|direct| if_possible(direct.read_exact_at(buffer, position)));
        if let Some(read) = read {
            return read;
        }
        let mut position = position;
        for (number, piece) in buffer.chunks_mut(READ_TURN_BYTES).enumerate() {
            if number > 0 {
                std::thread::yield_now();
            }
            self.file.read_exact_at(piece, position)?;
            position += piece.len() as u64;
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let direct = self.direct(bytes, position);
        direct
            .and_then(|direct| if_possible(direct.write_all_at(bytes, position)))
            .unwrap_or_else(|| self.file.write_all_at(bytes, position))
    }

    fn sync(&self) -> io::Result<()> {
        // Data, and the length if it changed: all that is needed to read it back.
        self.file.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    fn set_length(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)?;
        // A shorter length is not needed to read the data back, so syncing data may leave it.
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_and_files_do_what_they_are_asked() {
        let root = tempfile::tempdir().unwrap();
        let disk = FileDisk::open(&root.path().join("a/b")).unwrap();
        let mut rests = 0;
        let file = disk.create("x", 3 * 1024 * 1024, &mut || rests += 1);
        let file = file.unwrap();
        assert_eq!(file.length().unwrap(), 3 * 1024 * 1024);
        assert_eq!(rests, 2, "between three pieces");
        assert!(disk.create("x", 1, &mut || {}).is_err(), "it exists");
        let odd = disk.create("odd", 4099, &mut || {}).unwrap();
        assert_eq!(odd.length().unwrap(), 4099, "no number of blocks");
        disk.remove("odd").unwrap();
        file.write_at(b"hello", 4096).unwrap();
        file.sync().unwrap();
        file.set_length(4100).unwrap();
        disk.rename("x", "y").unwrap();
        disk.sync_folder().unwrap();

        // Two blocks that lie in memory as they do in the file, behind what was written through the cache.
        let filled = disk.open_for_blocks("y").unwrap();
        let memory = vec![7; 3 * BLOCK_BYTES];
        let blocks = &memory[memory.as_ptr().align_offset(BLOCK_BYTES)..][..2 * BLOCK_BYTES];
        filled.write_at(blocks, 8192).unwrap();
        filled.write_at(&[8; 10], 8192 + 5).unwrap();
        filled.sync().unwrap();
        let mut found = vec![0; 2 * BLOCK_BYTES];
        disk.open("y").unwrap().read_at(&mut found, 8192).unwrap();
        let mut blocks_found = vec![0; 3 * BLOCK_BYTES];
        let start = blocks_found.as_ptr().align_offset(BLOCK_BYTES);
        let blocks_found = &mut blocks_found[start..][..2 * BLOCK_BYTES];
        filled.read_at(blocks_found, 8192).unwrap();
        assert_eq!(blocks_found, found);
        let mut expected = blocks.to_vec();
        expected[5..15].fill(8);
        assert_eq!(found, expected);
        filled.set_length(4100).unwrap();

        let file = disk.open("y").unwrap();
        let mut bytes = [1; 4];
        file.read_at(&mut bytes, 4096).unwrap();
        assert_eq!(bytes, *b"hell");
        let error = file.read_at(&mut bytes, 4097).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(disk.open("x").err().unwrap().kind(), ErrorKind::NotFound);
        disk.remove("y").unwrap();
        assert!(disk.list().unwrap().is_empty());
    }

    #[test]
    fn a_lock_excludes_a_second_owner() {
        let root = tempfile::tempdir().unwrap();
        let disks = [(); 2].map(|()| FileDisk::open(root.path()).unwrap());
        let lock = disks[0].lock().unwrap();
        assert!(lock.is_some());
        assert!(disks[1].lock().unwrap().is_none());
        drop(lock);
        assert!(disks[1].lock().unwrap().is_some());
    }
}
