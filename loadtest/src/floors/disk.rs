//! The disk's floors: how long a durable write takes, and how many bytes go through durably.
//!
//! Owns: a temporary file, written once before it is measured, since an overwrite changes no metadata.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::figures::{histogram, record};

/// Bytes of the file.
const FILE_BYTES: usize = 256 << 20;
/// Alignment that O_DIRECT wants of memory and offsets, on every common file system.
const ALIGN: usize = 4_096;
const SMALL: usize = 16 << 10;
const LARGE: usize = 1 << 20;
/// How long small writes are repeated.
const SMALL_TIME: Duration = Duration::from_millis(1_500);

/// What was found.
pub struct Disk {
    pub sync_by: &'static str,
    pub sync_p50_ms: f64,
    pub sync_p99_ms: f64,
    pub synced_mb_per_s: f64,
}

/// A file that is written durably, and how.
struct Durable {
    file: File,
    direct: bool,
}

/// Measures in a folder.
///
/// # Errors
/// The folder cannot be written.
pub fn measure(folder: &Path) -> Result<Disk> {
    let prewritten = tempfile::NamedTempFile::new_in(folder)?;
    let buffer = AlignedBuffer::new(LARGE);
    let mut file = prewritten.as_file();
    for _ in 0..FILE_BYTES / LARGE {
        file.write_all(buffer.bytes(LARGE))?;
    }
    file.sync_all()?;
    let durable = Durable::open(prewritten.path(), &buffer)?;
    let mut times = histogram();
    let start = Instant::now();
    for place in (0..FILE_BYTES as u64).step_by(SMALL) {
        let from = Instant::now();
        durable.write(buffer.bytes(SMALL), place)?;
        record(&mut times, from.elapsed().as_nanos() as u64);
        if start.elapsed() > SMALL_TIME {
            break;
        }
    }
    let start = Instant::now();
    for place in (0..FILE_BYTES as u64).step_by(LARGE) {
        durable.write(buffer.bytes(LARGE), place)?;
    }
    let at = |percent| times.value_at_percentile(percent) as f64 / 1e3;
    Ok(Disk {
        sync_by: if durable.direct {
            "O_DIRECT|O_DSYNC"
        } else {
            "fdatasync"
        },
        sync_p50_ms: at(50.0),
        sync_p99_ms: at(99.0),
        synced_mb_per_s: FILE_BYTES as f64 / 1e6 / start.elapsed().as_secs_f64(),
    })
}

impl Durable {
    /// Past the page cache if the file system can do that.
    fn open(path: &Path, buffer: &AlignedBuffer) -> Result<Self> {
        let flags = libc::O_DIRECT | libc::O_DSYNC;
        let direct = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(path);
        let direct =
            direct.and_then(|file| file.write_all_at(buffer.bytes(SMALL), 0).map(|()| file));
        Ok(match direct {
            Ok(file) => Self { file, direct: true },
            Err(_) => Self {
                file: OpenOptions::new().write(true).open(path)?,
                direct: false,
            },
        })
    }

    fn write(&self, bytes: &[u8], place: u64) -> Result<()> {
        self.file.write_all_at(bytes, place)?;
        if !self.direct {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// Memory that begins at a multiple of [`ALIGN`].
struct AlignedBuffer {
    memory: Vec<u8>,
    from: usize,
}

impl AlignedBuffer {
    fn new(bytes: usize) -> Self {
        let memory: Vec<u8> = (0..bytes + ALIGN).map(|n| (n * 31 / 8) as u8).collect();
        let from = memory.as_ptr().align_offset(ALIGN);
        Self { memory, from }
    }

    fn bytes(&self, bytes: usize) -> &[u8] {
        &self.memory[self.from..self.from + bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned() {
        let buffer = AlignedBuffer::new(LARGE);
        assert_eq!(buffer.bytes(LARGE).as_ptr().align_offset(ALIGN), 0);
        assert_eq!(buffer.bytes(LARGE).len(), LARGE);
    }
}
