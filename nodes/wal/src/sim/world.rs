//! The simulated folder, its files and its faults.
//!
//! Owns: names, pending changes of names, the countdowns to a crash and to a failing sync. Does not
//! own: the content of files.
//! Invariant: nothing changes while the machine is down.

use std::collections::BTreeMap;
use std::io;

use super::Chance;
use super::file::{SHARE_ALL, SimFile, surviving_share};

/// How a machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process dies: nothing is lost that it has written.
    Process,
    /// The power fails: what was not synced survives in part or not at all.
    Power,
}

/// A change of the folder that is not durable yet.
#[derive(Clone, Debug)]
enum Change {
    Link {
        name: String,
        inode: u64,
    },
    Move {
        from: String,
        to: String,
        inode: u64,
    },
    Unlink {
        name: String,
    },
}

pub(super) struct World {
    chance: Chance,
    files: BTreeMap<u64, SimFile>,
    next_inode: u64,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending: Vec<Change>,
    changes_left: Option<u64>,
    syncs_left: Option<u64>,
    is_down: bool,
    is_locked: bool,
    boot: u64,
    trace: u32,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            files: BTreeMap::new(),
            next_inode: 0,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            changes_left: None,
            syncs_left: None,
            is_down: false,
            is_locked: false,
            boot: 0,
            trace: 0,
        }
    }

    pub(super) fn crash_after(&mut self, changes: Option<u64>) {
        self.changes_left = changes;
    }

    pub(super) fn fail_sync_after(&mut self, syncs: Option<u64>) {
        self.syncs_left = syncs;
    }

    pub(super) fn trace(&self) -> u32 {
        self.trace
    }

    pub(super) fn boot(&self) -> u64 {
        self.boot
    }

    pub(super) fn restart(&mut self, crash: Crash) {
        self.is_down = false;
        self.is_locked = false;
        self.boot += 1;
        (self.changes_left, self.syncs_left) = (None, None);
        if crash == Crash::Power {
            self.lose_power();
        }
        self.note(&format!("{crash:?}"), &[]);
    }

    fn lose_power(&mut self) {
        let surviving = surviving_share(&mut self.chance);
        for change in std::mem::take(&mut self.pending) {
            if self.chance.below(SHARE_ALL) < surviving {
                apply(&mut self.durable_names, change);
            }
        }
        self.names.clone_from(&self.durable_names);
        let named: Vec<u64> = self.names.values().copied().collect();
        self.files.retain(|inode, _| named.contains(inode));
        for file in self.files.values_mut() {
            file.lose_power(&mut self.chance);
        }
    }

    pub(super) fn flip_bit(&mut self, name: &str, bit: u64) {
        let inode = self.names.get(name).expect("the file is there");
        let file = self.files.get_mut(inode).expect("a name leads to a file");
        file.flip_bit(usize::try_from(bit).expect("the file is in memory"));
    }

    /// Whether the lock was free, and is taken now.
    pub(super) fn lock(&mut self) -> io::Result<bool> {
        self.check_up()?;
        Ok(!std::mem::replace(&mut self.is_locked, true))
    }

    pub(super) fn unlock(&mut self, boot: u64) {
        self.is_locked &= self.boot != boot;
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        self.check_up()?;
        Ok(self.names.keys().cloned().collect())
    }

    pub(super) fn open(&self, name: &str) -> io::Result<u64> {
        self.check_up()?;
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, name: &str, bytes: u64) -> io::Result<u64> {
        self.note(name, &bytes.to_le_bytes());
        let dies = self.begin_change()?;
        assert!(!self.names.contains_key(name), "{name} exists");
        let bytes = usize::try_from(bytes).expect("a file fits into memory");
        let file = if dies {
            SimFile::unsynced_zeros(self.chance.below(bytes as u64 + 1) as usize)
        } else {
            SimFile::zeros(bytes)
        };
        let inode = self.next_inode;
        self.next_inode += 1;
        self.files.insert(inode, file);
        self.change_names(Change::Link {
            name: name.to_owned(),
            inode,
        });
        self.end_change(dies)?;
        Ok(inode)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.note(from, to.as_bytes());
        let dies = self.begin_change()?;
        assert!(!self.names.contains_key(to), "{to} exists");
        let inode = self.open_any(from)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        self.change_names(Change::Move { from, to, inode });
        self.end_change(dies)
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.note(name, b"remove");
        let dies = self.begin_change()?;
        self.open_any(name)?;
        self.change_names(Change::Unlink {
            name: name.to_owned(),
        });
        self.end_change(dies)
    }

    pub(super) fn sync_folder(&mut self) -> io::Result<()> {
        self.note("folder", b"sync");
        let dies = self.begin_change()?;
        self.end_change(dies)?;
        self.begin_sync()?;
        self.pending.clear();
        self.durable_names.clone_from(&self.names);
        Ok(())
    }

    pub(super) fn read_at(&self, inode: u64, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.check_up()?;
        let content = usize::try_from(position)
            .ok()
            .and_then(|at| self.file(inode).bytes().get(at..)?.get(..buffer.len()))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(content);
        Ok(())
    }

    pub(super) fn write_at(&mut self, inode: u64, bytes: &[u8], position: u64) -> io::Result<()> {
        self.note(&format!("{inode} {position}"), bytes);
        let dies = self.begin_change()?;
        let written = if dies {
            self.chance.below(bytes.len() as u64 + 1) as usize
        } else {
            bytes.len()
        };
        let at = usize::try_from(position).expect("a file fits into memory");
        self.file_mut(inode).write(&bytes[..written], at);
        self.end_change(dies)
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        self.note(&inode.to_string(), b"sync");
        let dies = self.begin_change()?;
        self.end_change(dies)?;
        if let Err(error) = self.begin_sync() {
            let file = self.files.get_mut(&inode).expect("an open file is there");
            file.fail_sync(&mut self.chance);
            return Err(error);
        }
        self.file_mut(inode).sync();
        Ok(())
    }

    pub(super) fn length(&self, inode: u64) -> io::Result<u64> {
        self.check_up()?;
        Ok(self.file(inode).bytes().len() as u64)
    }

    pub(super) fn set_length(&mut self, inode: u64, bytes: u64) -> io::Result<()> {
        self.note(&format!("{inode} length"), &bytes.to_le_bytes());
        let dies = self.begin_change()?;
        let bytes = usize::try_from(bytes).expect("a file fits into memory");
        self.file_mut(inode).set_length(bytes);
        self.end_change(dies)
    }

    fn file(&self, inode: u64) -> &SimFile {
        self.files.get(&inode).expect("an open file is there")
    }

    fn file_mut(&mut self, inode: u64) -> &mut SimFile {
        self.files.get_mut(&inode).expect("an open file is there")
    }

    fn open_any(&self, name: &str) -> io::Result<u64> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_names(&mut self, change: Change) {
        apply(&mut self.names, change.clone());
        self.pending.push(change);
    }

    fn check_up(&self) -> io::Result<()> {
        if self.is_down {
            Err(io::Error::other("the machine is down"))
        } else {
            Ok(())
        }
    }

    /// Whether the machine stops in the middle of the change that begins.
    fn begin_change(&mut self) -> io::Result<bool> {
        self.check_up()?;
        match &mut self.changes_left {
            None => Ok(false),
            Some(0) => Ok(true),
            Some(left) => {
                *left -= 1;
                Ok(false)
            }
        }
    }

    fn end_change(&mut self, dies: bool) -> io::Result<()> {
        self.is_down = dies;
        self.check_up()
    }

    fn begin_sync(&mut self) -> io::Result<()> {
        match &mut self.syncs_left {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the sync failed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn note(&mut self, what: &str, bytes: &[u8]) {
        self.trace = crc32c::crc32c_append(self.trace, what.as_bytes());
        self.trace = crc32c::crc32c_append(self.trace, bytes);
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: Change) {
    match change {
        Change::Link { name, inode } => {
            names.insert(name, inode);
        }
        Change::Move { from, to, inode } => {
            names.remove(&from);
            names.insert(to, inode);
        }
        Change::Unlink { name } => {
            names.remove(&name);
        }
    }
}
