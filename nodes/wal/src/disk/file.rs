//! The real disk: a folder of the file system.
//!
//! Owns: the system calls. Does not own: when they are made.
//! Invariant: `create` leaves a file of its full length only if every byte of it was written, so
//! the length alone tells a finished file from one that a crash cut short.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile, DiskLock};

/// The file that is locked. It is never removed: a lock on a removed file excludes nobody.
const LOCK_NAME: &str = "lock";

/// Zeros are written in pieces of this size.
const ZEROS_BYTES: usize = 1024 * 1024;

/// A folder of the file system.
#[derive(Debug)]
pub struct FileDisk {
    folder: PathBuf,
}

impl FileDisk {
    /// The folder at `path`, which is made if it does not exist; its own entry is then synced.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            std::fs::create_dir_all(path)?;
            let parent = path.canonicalize()?.parent().map(Path::to_owned);
            if let Some(parent) = parent {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(Self {
            folder: path.to_owned(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
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

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(name))?;
        let zeros = vec![0; ZEROS_BYTES];
        let mut written = 0;
        while written < bytes {
            let piece = usize::try_from(bytes - written)
                .unwrap_or(usize::MAX)
                .min(zeros.len());
            file.write_all_at(&zeros[..piece], written)?;
            written += piece as u64;
        }
        file.sync_all()?;
        Ok(Arc::new(OpenFile { file }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(name))?;
        Ok(Arc::new(OpenFile { file }))
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

struct OpenFile {
    file: File,
}

impl DiskFile for OpenFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, position)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)
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
