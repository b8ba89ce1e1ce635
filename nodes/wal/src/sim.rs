//! A disk that forgets: at a crash, whatever was not synced survives in part or not at all.
//!
//! Owns: the model of a disk, its faults, and the chance that decides (from a seed, so that a run can
//! be repeated). Does not own: when crashes come; whoever simulates arms them.
//!
//! The model:
//! * A write reaches the page cache. A sync makes the file durable. At a power failure each sector of
//!   512 bytes that was written since survives or not; a process that dies loses nothing, and makes
//!   nothing durable.
//! * A sync that fails has made some sectors durable, and forgets that the others were not: a second
//!   sync succeeds and does nothing for them, although they can still be read until the power fails.
//! * A creation, rename or removal survives a power failure if the folder was synced since; otherwise
//!   each survives or not, by itself. A rename is never half done.

mod file;
mod world;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, DiskLock, PIECE_BYTES};
use crate::sim::world::World;

pub use world::Crash;

/// Chance from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The same seed gives the same numbers.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A simulated folder; clones are the same folder.
#[derive(Clone)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
}

impl SimDisk {
    /// An empty folder.
    pub fn new(seed: u64) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(seed))),
        }
    }

    /// Lets the machine stop in the middle of a change, after `changes` more have been made; never
    /// if none is given. From then on every call fails until [`Self::restart`].
    pub fn crash_after(&self, changes: Option<u64>) {
        self.world().crash_after(changes);
    }

    /// Lets a sync fail after `syncs` more have succeeded; never if none is given.
    pub fn fail_sync_after(&self, syncs: Option<u64>) {
        self.world().fail_sync_after(syncs);
    }

    /// Crashes now, if that has not happened, and starts again: open files and locks are gone, and
    /// so is what did not survive. No fault is armed any more.
    pub fn restart(&self, crash: Crash) {
        self.world().restart(crash);
    }

    /// Flips a bit, durably: `bit` counts from the start of the file.
    ///
    /// # Panics
    /// If there is no such file or bit.
    pub fn flip_bit(&self, name: &str, bit: u64) {
        self.world().flip_bit(name, bit);
    }

    /// A checksum over everything that was ever changed: equal for two equal runs.
    pub fn trace(&self) -> u32 {
        self.world().trace()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimDisk {
    fn place(&self) -> String {
        "the simulated disk".to_owned()
    }

    fn lock(&self) -> io::Result<Option<DiskLock>> {
        let taken = self.world().lock()?;
        Ok(taken.then(|| {
            DiskLock::new(Unlock {
                boot: self.world().boot(),
                disk: self.clone(),
            })
        }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.world().list()
    }

    fn create(
        &self,
        name: &str,
        bytes: u64,
        rest: &mut dyn FnMut(),
    ) -> io::Result<Arc<dyn DiskFile>> {
        let pieces = bytes.div_ceil(PIECE_BYTES as u64);
        (1..pieces).for_each(|_| rest());
        let inode = self.world().create(name, bytes)?;
        Ok(self.file(inode))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.world().open(name)?;
        Ok(self.file(inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.world().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.world().remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.world().sync_folder()
    }
}

impl SimDisk {
    fn file(&self, inode: u64) -> Arc<dyn DiskFile> {
        Arc::new(OpenFile {
            disk: self.clone(),
            inode,
            boot: self.world().boot(),
        })
    }
}

/// Gives the lock up, unless the machine was restarted since.
struct Unlock {
    disk: SimDisk,
    boot: u64,
}

impl Drop for Unlock {
    fn drop(&mut self) {
        self.disk.world().unlock(self.boot);
    }
}

struct OpenFile {
    disk: SimDisk,
    inode: u64,
    boot: u64,
}

impl OpenFile {
    fn world(&self) -> io::Result<MutexGuard<'_, World>> {
        let world = self.disk.world();
        if world.boot() == self.boot {
            Ok(world)
        } else {
            Err(io::Error::other("opened before the restart"))
        }
    }
}

impl DiskFile for OpenFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.world()?.read_at(self.inode, buffer, position)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.world()?.write_at(self.inode, bytes, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.world()?.sync(self.inode)
    }

    fn length(&self) -> io::Result<u64> {
        self.world()?.length(self.inode)
    }

    fn set_length(&self, bytes: u64) -> io::Result<()> {
        self.world()?.set_length(self.inode, bytes)
    }
}

#[cfg(test)]
mod tests;
