//! The footer of a full segment: one digest for each partition, readable without the others, and
//! the segment's meters.
//!
//! Owns: the layout. Does not own: the encoding of digests and meters.
//!
//! ```text
//! directory entry (40), in the order of partitions:
//!  0 topic (16)  16 partition (4)  20 virtual cluster (4)  24 digest: position (8) length (4) crc (4)
//! footer = entry entry ...  digest digest ...  sums  totals  since totals  zeros up to the next block
//! ```

use std::ops::Range;

use bytes::{Buf, BufMut};
use model::{TopicId, TopicPartition, VirtualClusterId};

use super::block::Block;
use super::trailer::{Part, Trailer, put_part, take_part};
use super::{Chain, Identity, to_blocks};
use crate::digest::SegmentDigest;

/// Size of one entry of the directory.
pub const DIRECTORY_ENTRY_BYTES: usize = 40;

/// Where one partition's digest lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The partition.
    pub partition: TopicPartition,
    /// Whose it is.
    pub virtual_cluster: VirtualClusterId,
    /// Its digest.
    pub digest: Part,
}

/// The partitions of a full segment, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    entries: Vec<DirectoryEntry>,
}

impl Directory {
    /// Reads the directory; none where the entries are not whole or not in order.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        if !bytes.len().is_multiple_of(DIRECTORY_ENTRY_BYTES) {
            return None;
        }
        let mut entries = Vec::with_capacity(bytes.len() / DIRECTORY_ENTRY_BYTES);
        while !bytes.is_empty() {
            entries.push(take_entry(&mut bytes));
        }
        entries
            .is_sorted_by(|a, b| a.partition < b.partition)
            .then_some(Self { entries })
    }

    /// Where the digest of `partition` lies, if it has one.
    pub fn find(&self, partition: TopicPartition) -> Option<&DirectoryEntry> {
        let found = self
            .entries
            .binary_search_by_key(&partition, |entry| entry.partition);
        found.ok().map(|index| &self.entries[index])
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[DirectoryEntry] {
        &self.entries
    }
}

fn take_entry(bytes: &mut &[u8]) -> DirectoryEntry {
    let mut topic = [0; 16];
    bytes.copy_to_slice(&mut topic);
    let partition = TopicPartition {
        topic: TopicId(topic),
        partition: bytes.get_u32_le(),
    };
    let virtual_cluster = VirtualClusterId(bytes.get_u32_le());
    DirectoryEntry {
        partition,
        virtual_cluster,
        digest: take_part(bytes),
    }
}

fn put_entry(out: &mut Vec<u8>, entry: &DirectoryEntry) {
    out.put_slice(&entry.partition.topic.0);
    out.put_u32_le(entry.partition.partition);
    out.put_u32_le(entry.virtual_cluster.0);
    put_part(out, entry.digest);
}

/// A footer and the trailer that points at its parts.
pub struct EncodedFooter {
    /// The footer, whole blocks.
    pub bytes: Vec<u8>,
    /// The trailer.
    pub trailer: Block,
}

/// Makes the footer that begins at `groups_end`, after groups that leave the chain at `chain`.
pub fn encode(
    digest: &SegmentDigest,
    identity: Identity,
    chain: Chain,
    groups_end: u64,
) -> EncodedFooter {
    let mut footer = Writer {
        base: groups_end,
        bytes: Vec::new(),
    };
    let directory_bytes = digest.partitions.len() * DIRECTORY_ENTRY_BYTES;
    footer.bytes.resize(directory_bytes, 0);
    let mut directory = Vec::with_capacity(directory_bytes);
    for (&partition, digest) in &digest.partitions {
        let virtual_cluster = digest.virtual_cluster();
        let digest = footer.put(|out| digest.encode(out));
        put_entry(
            &mut directory,
            &DirectoryEntry {
                partition,
                virtual_cluster,
                digest,
            },
        );
    }
    footer.bytes[..directory_bytes].copy_from_slice(&directory);
    let meters = &digest.meters;
    let trailer = Trailer {
        identity,
        chain,
        groups_end,
        commit_time_min: digest.commit_time_min.unwrap_or(chain.commit_time),
        directory: footer.part(0..directory_bytes),
        sums: footer.put(|out| meters.sums.encode(out)),
        totals: match &meters.totals {
            Some(totals) => footer.put(|out| totals.encode(out)),
            None => Part::default(),
        },
        since_totals: footer.put(|out| meters.since_totals.encode(out)),
    };
    let mut bytes = footer.bytes;
    let whole = usize::try_from(to_blocks(bytes.len() as u64)).expect("it is in memory");
    bytes.resize(whole, 0);
    EncodedFooter {
        bytes,
        trailer: trailer.encode(),
    }
}

struct Writer {
    base: u64,
    bytes: Vec<u8>,
}

impl Writer {
    fn put(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Part {
        let start = self.bytes.len();
        encode(&mut self.bytes);
        self.part(start..self.bytes.len())
    }

    fn part(&self, range: Range<usize>) -> Part {
        let bytes = &self.bytes[range.clone()];
        Part {
            position: self.base + range.start as u64,
            length: u32::try_from(bytes.len()).expect("a footer is smaller than 4 GiB"),
            crc: crc32c::crc32c(bytes),
        }
    }
}

#[cfg(test)]
mod tests;
