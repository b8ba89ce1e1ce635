//! The ledger of one topic: what was acknowledged, against what is read back.
//!
//! Owns: the rules that a log must keep, and what it means to break each. Does not own: how batches are sent (`load`)
//! or read.
//!
//! Every batch carries a [`Tag`] in each of its records. Reading goes forward; [`Ledger::check_acknowledged`] then
//! compares everything acknowledged below what was read:
//!
//! ```text
//!   0 ........... next offset        read so far: dense, intact, and each acknowledged batch at its offset
//!   exactly once: a producer's numbers of a partition rise by one from batch to batch
//!   at least once: an unacknowledged batch that was sent again may stand there more than once
//! ```

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::{Buf, Bytes};
use model::Timestamp;
use records::{BatchBuilder, Codec, NewRecord, ProducerFields, StampedBatch, decode_records};

/// Bytes of a value before its filling: producer, number, index in the batch.
const TAG_BYTES: usize = 12;

/// Names a batch: the count of its producer's batches of this partition before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Who sent it.
    pub producer: u32,
    /// Which of its batches of the partition, from 0.
    pub number: u32,
}

/// What the producers of a topic may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Each batch once, in order: idempotent producers always, others as long as nobody sends again.
    ExactlyOnce,
    /// Each acknowledged batch at least once: producers that send again what was not answered.
    AtLeastOnce,
}

/// How a log breaks its promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum Violation {
    #[error("lost: {tag:?} was acknowledged at {partition}@{offset}, the log ends at {end}")]
    Lost {
        partition: i32,
        tag: Tag,
        offset: i64,
        end: i64,
    },
    #[error("misplaced: {tag:?} was acknowledged at {partition}@{offset}, where {found:?} begins")]
    Misplaced {
        partition: i32,
        tag: Tag,
        offset: i64,
        found: Option<Tag>,
    },
    #[error("acknowledged twice: {tag:?} and {other:?} at {partition}@{offset}")]
    SharedOffset {
        partition: i32,
        tag: Tag,
        other: Tag,
        offset: i64,
    },
    #[error("hole: {partition}@{found} follows where {expected} should")]
    Hole {
        partition: i32,
        expected: i64,
        found: i64,
    },
    #[error("duplicate: {tag:?} again at {partition}@{offset}, after number {last}")]
    Duplicate {
        partition: i32,
        tag: Tag,
        offset: i64,
        last: u32,
    },
    #[error("disorder: {tag:?} at {partition}@{offset}, where number {expected} should come")]
    Disorder {
        partition: i32,
        tag: Tag,
        offset: i64,
        expected: u32,
    },
    #[error("altered: {partition}@{offset} is not what was sent")]
    Altered { partition: i32, offset: i64 },
}

/// Bytes and batches, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Batches that were acknowledged.
    pub acknowledged_batches: u64,
    /// Their bytes.
    pub acknowledged_bytes: u64,
    /// Batches that were read back.
    pub read_batches: u64,
    /// Their bytes.
    pub read_bytes: u64,
}

/// A batch at its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: Tag,
    crc: u32,
}

#[derive(Debug, Default)]
struct Partition {
    acknowledged: BTreeMap<i64, Entry>,
    /// Offsets of acknowledged batches that were not compared yet with what is read.
    unchecked: Vec<i64>,
    read: BTreeMap<i64, Entry>,
    /// Where reading goes on.
    next_offset: i64,
    /// The last number of each producer, where each batch may come once.
    last: BTreeMap<u32, u32>,
}

/// See the file's header.
#[derive(Debug)]
pub struct Ledger {
    promise: Promise,
    partitions: BTreeMap<i32, Partition>,
    totals: Totals,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(promise: Promise) -> Self {
        Self {
            promise,
            partitions: BTreeMap::new(),
            totals: Totals::default(),
        }
    }

    /// Bytes and batches so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Where reading of a partition goes on.
    #[must_use]
    pub fn next_offset(&self, partition: i32) -> i64 {
        self.partitions.get(&partition).map_or(0, |p| p.next_offset)
    }

    /// Notes that a batch, as it was sent, was acknowledged with this offset.
    ///
    /// # Errors
    /// [`Violation::SharedOffset`].
    pub fn acknowledge(
        &mut self,
        partition: i32,
        tag: Tag,
        offset: i64,
        batch: &Bytes,
    ) -> Result<(), Violation> {
        let entry = Entry {
            tag,
            crc: crc_of(batch),
        };
        let log = self.partitions.entry(partition).or_default();
        if let Some(other) = log.acknowledged.insert(offset, entry) {
            let other = other.tag;
            return Err(Violation::SharedOffset {
                partition,
                tag,
                other,
                offset,
            });
        }
        log.unchecked.push(offset);
        self.totals.acknowledged_batches += 1;
        self.totals.acknowledged_bytes += batch.len() as u64;
        Ok(())
    }

    /// Takes the next batch of a partition as it was read.
    ///
    /// # Errors
    /// [`Violation`] of density, content, or order.
    pub fn read(&mut self, partition: i32, batch: &StampedBatch) -> Result<(), Violation> {
        let offset = batch.base_offset().to_wire();
        let tag = tag_of(batch).ok_or(Violation::Altered { partition, offset })?;
        let log = self.partitions.entry(partition).or_default();
        let expected = log.next_offset;
        if offset != expected {
            return Err(Violation::Hole {
                partition,
                expected,
                found: offset,
            });
        }
        if self.promise == Promise::ExactlyOnce {
            let last = log.last.insert(tag.producer, tag.number);
            check_order(last, partition, tag, offset)?;
        }
        log.next_offset = batch.last_offset().to_wire() + 1;
        let crc = batch.header().crc;
        log.read.insert(offset, Entry { tag, crc });
        self.totals.read_batches += 1;
        self.totals.read_bytes += batch.len() as u64;
        Ok(())
    }

    /// Compares what was acknowledged since the last time with what was read. All partitions must have been read to
    /// their ends since.
    ///
    /// # Errors
    /// [`Violation::Lost`], [`Violation::Misplaced`], [`Violation::Altered`].
    pub fn check_acknowledged(&mut self) -> Result<(), Violation> {
        for (&partition, log) in &mut self.partitions {
            for offset in std::mem::take(&mut log.unchecked) {
                log.check(partition, offset)?;
            }
        }
        Ok(())
    }

    /// Goes back to the beginning, so that everything is read and compared once more.
    pub fn read_again(&mut self) {
        self.totals.read_batches = 0;
        self.totals.read_bytes = 0;
        for log in self.partitions.values_mut() {
            log.unchecked = log.acknowledged.keys().copied().collect();
            log.read.clear();
            log.next_offset = 0;
            log.last.clear();
        }
    }
}

impl Partition {
    fn check(&self, partition: i32, offset: i64) -> Result<(), Violation> {
        let Entry { tag, crc } = self.acknowledged[&offset];
        let end = self.next_offset;
        if offset >= end {
            return Err(Violation::Lost {
                partition,
                tag,
                offset,
                end,
            });
        }
        match self.read.get(&offset) {
            Some(read) if read.tag == tag && read.crc == crc => Ok(()),
            Some(read) if read.tag == tag => Err(Violation::Altered { partition, offset }),
            read => {
                let found = read.map(|read| read.tag);
                Err(Violation::Misplaced {
                    partition,
                    tag,
                    offset,
                    found,
                })
            }
        }
    }
}

/// A producer's numbers rise by one.
fn check_order(last: Option<u32>, partition: i32, tag: Tag, offset: i64) -> Result<(), Violation> {
    let expected = last.map_or(0, |last| last + 1);
    match last {
        Some(last) if tag.number <= last => Err(Violation::Duplicate {
            partition,
            tag,
            offset,
            last,
        }),
        _ if tag.number != expected => Err(Violation::Disorder {
            partition,
            tag,
            offset,
            expected,
        }),
        _ => Ok(()),
    }
}

/// A batch of now, of `values` records of `value_bytes` each, or as few bytes as a tag needs.
///
/// # Panics
/// If there is no value.
#[must_use]
pub fn batch(tag: Tag, producer: Option<ProducerFields>, values: u32, value_bytes: usize) -> Bytes {
    // Retention counts from the timestamp, so an old one would have the batch deleted.
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let now = Timestamp(since_1970.as_millis() as i64);
    batch_at(now, tag, producer, (values, value_bytes))
}

fn batch_at(
    now: Timestamp,
    tag: Tag,
    producer: Option<ProducerFields>,
    (values, value_bytes): (u32, usize),
) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    if let Some(producer) = producer {
        builder = builder.producer(producer);
    }
    for index in 0..values {
        let mut value = Vec::with_capacity(value_bytes.max(TAG_BYTES));
        for part in [tag.producer, tag.number, index] {
            value.extend(part.to_be_bytes());
        }
        let filling = tag.number as u8 ^ index as u8;
        value.resize(value_bytes.max(TAG_BYTES), filling);
        builder.push(&NewRecord {
            timestamp: now,
            key: None,
            value: Some(&value),
            headers: &[],
        });
    }
    builder.build()
}

/// The checksum as it stands in a batch.
fn crc_of(batch: &Bytes) -> u32 {
    const CRC_AT: usize = 17;
    batch.slice(CRC_AT..).get_u32()
}

/// The tag of a batch, or none where the batch is not what [`batch`] makes.
fn tag_of(batch: &StampedBatch) -> Option<Tag> {
    batch.check_crc().ok()?;
    let mut tag = None;
    let records = decode_records(batch, &records::DecompressLimits::default()).ok()?;
    for (expected, record) in (0..).zip(records) {
        let mut value = record.ok()?.value?;
        if value.len() < TAG_BYTES {
            return None;
        }
        let found = Tag {
            producer: value.get_u32(),
            number: value.get_u32(),
        };
        if value.get_u32() != expected || *tag.get_or_insert(found) != found {
            return None;
        }
    }
    tag
}

#[cfg(test)]
mod tests;
