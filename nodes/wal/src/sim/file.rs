//! One simulated file: what can be read, and what is durable.
//!
//! Owns: the two contents, and which sectors wait to become durable. Does not own: its name.

use std::collections::BTreeSet;

use super::Chance;

/// What survives or not as one.
const SECTOR_BYTES: usize = 512;

/// A file.
#[derive(Clone, Debug, Default)]
pub(super) struct SimFile {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that the next sync makes durable.
    dirty: BTreeSet<usize>,
}

impl SimFile {
    /// Zeros, all durable.
    pub(super) fn zeros(bytes: usize) -> Self {
        Self {
            now: vec![0; bytes],
            durable: vec![0; bytes],
            dirty: BTreeSet::new(),
        }
    }

    /// Zeros, none durable.
    pub(super) fn unsynced_zeros(bytes: usize) -> Self {
        Self {
            now: vec![0; bytes],
            ..Self::default()
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.now
    }

    pub(super) fn write(&mut self, bytes: &[u8], at: usize) {
        let end = at + bytes.len();
        if end > self.now.len() {
            self.now.resize(end, 0);
        }
        self.now[at..end].copy_from_slice(bytes);
        self.dirty
            .extend(at / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
    }

    pub(super) fn set_length(&mut self, bytes: usize) {
        self.now.resize(bytes, 0);
    }

    pub(super) fn flip_bit(&mut self, bit: usize) {
        for content in [&mut self.now, &mut self.durable] {
            content[bit / 8] ^= 1 << (bit % 8);
        }
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.now.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            self.keep(sector);
        }
    }

    /// Makes some of it durable, and forgets that the rest is not.
    pub(super) fn fail_sync(&mut self, chance: &mut Chance) {
        self.sync_some(chance);
        self.dirty.clear();
    }

    /// What is there after a power failure.
    pub(super) fn lose_power(&mut self, chance: &mut Chance) {
        self.sync_some(chance);
        self.dirty.clear();
        self.now.clone_from(&self.durable);
    }

    fn sync_some(&mut self, chance: &mut Chance) {
        if self.now.len() != self.durable.len() && chance.once_in(2) {
            self.durable.resize(self.now.len(), 0);
        }
        let surviving = surviving_share(chance);
        for sector in self.dirty.clone() {
            if chance.below(SHARE_ALL) < surviving {
                self.keep(sector);
            }
        }
    }

    /// Makes a sector durable, as far as the file's durable length reaches.
    fn keep(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = (start + SECTOR_BYTES)
            .min(self.now.len())
            .min(self.durable.len());
        if start < end {
            self.durable[start..end].copy_from_slice(&self.now[start..end]);
        }
    }
}

/// Everything, in the unit of [`surviving_share`].
pub(super) const SHARE_ALL: u64 = 16;

/// How much survives this time: nothing, everything, little, half, or most.
pub(super) fn surviving_share(chance: &mut Chance) -> u64 {
    [0, SHARE_ALL, 1, 8, 15][chance.below(5) as usize]
}
