//! Batches just appended, kept in memory: reads near the end of a log touch no disk.
//!
//! Owns: the bytes, shared with the frames they came in; a bound over all partitions of a shard.
//! Does not own: what may be read (`partition_log`). Invariants: a partition's batches are
//! contiguous, durable, and end at its high watermark.

use std::collections::VecDeque;

use bytes::Bytes;
use model::{Offset, TopicPartition};
use records::StampedBatch;

use crate::limits::TAIL_BATCH_OVERHEAD;
use crate::pieces::pieces;

/// The tail of one partition.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    batches: VecDeque<TailBatch>,
}

#[derive(Debug)]
struct TailBatch {
    base_offset: Offset,
    end_offset: Offset,
    /// Bytes ever appended before this batch.
    position: u64,
    batch: StampedBatch,
}

/// What was found in memory.
#[derive(Debug, Default)]
pub(crate) struct TailRead {
    pub(crate) segments: Vec<Bytes>,
    pub(crate) bytes: usize,
    pub(crate) next_offset: Offset,
    pub(crate) next_position: u64,
}

/// Which part of a tail is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailWish {
    pub(crate) offset: Offset,
    pub(crate) bytes_max: usize,
    /// The first batch may be larger than `bytes_max`, but not than this.
    pub(crate) first_bytes_max: usize,
}

impl Tail {
    /// Whole batches from the one that contains the wished offset on; none where that one is not
    /// in memory (any more).
    pub(crate) fn read(&self, wish: TailWish) -> Option<TailRead> {
        let first = self
            .batches
            .partition_point(|batch| batch.end_offset <= wish.offset);
        let batch = self
            .batches
            .get(first)
            .filter(|batch| batch.base_offset <= wish.offset)?;
        let mut read = TailRead {
            next_offset: wish.offset,
            next_position: batch.position,
            ..TailRead::default()
        };
        let mut end = first;
        for tail in self.batches.range(first..) {
            let fits = read.bytes + tail.batch.len() <= wish.bytes_max
                || (read.bytes == 0 && tail.batch.len() <= wish.first_bytes_max);
            if !fits {
                break;
            }
            read.bytes += tail.batch.len();
            end += 1;
            read.next_offset = tail.end_offset;
            read.next_position = tail.position + tail.batch.len() as u64;
        }
        let found = self.batches.range(first..end);
        read.segments = pieces(found.map(|tail| &tail.batch));
        Some(read)
    }
}

/// The order in which a shard's batches came, and how much memory they take.
#[derive(Debug)]
pub(crate) struct TailBudget {
    bytes: usize,
    bytes_max: usize,
    order: VecDeque<TopicPartition>,
}

impl TailBudget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: 0,
            bytes_max,
            order: VecDeque::new(),
        }
    }

    /// Puts a batch at the end of its partition's tail.
    pub(crate) fn push(
        &mut self,
        partition: TopicPartition,
        tail: &mut Tail,
        position: u64,
        batch: StampedBatch,
    ) {
        let base_offset = batch.base_offset();
        let end_offset = batch.last_offset().checked_add(1);
        let end_offset = end_offset.expect("a log ends before Kafka's offsets do");
        if let Some(last) = tail.batches.back() {
            assert_eq!(last.end_offset, base_offset, "a tail has no hole");
        }
        self.bytes += batch.len() + TAIL_BATCH_OVERHEAD;
        self.order.push_back(partition);
        tail.batches.push_back(TailBatch {
            base_offset,
            end_offset,
            position,
            batch,
        });
    }

    /// The partition whose oldest batch is to go, while there is too much.
    pub(crate) fn over_budget(&self) -> Option<TopicPartition> {
        (self.bytes > self.bytes_max)
            .then(|| self.order.front().copied())
            .flatten()
    }

    /// Lets the oldest batch of all go; it is the first of `tail`.
    pub(crate) fn evict(&mut self, tail: Option<&mut Tail>) {
        self.order.pop_front();
        if let Some(batch) = tail.and_then(|tail| tail.batches.pop_front()) {
            self.bytes -= batch.batch.len() + TAIL_BATCH_OVERHEAD;
        }
    }

    /// Takes a partition's tail out of the books when the partition goes.
    pub(crate) fn forget(&mut self, partition: TopicPartition, tail: &Tail) {
        let cost = |batch: &TailBatch| batch.batch.len() + TAIL_BATCH_OVERHEAD;
        self.bytes -= tail.batches.iter().map(cost).sum::<usize>();
        self.order.retain(|other| *other != partition);
    }
}

#[cfg(test)]
mod tests;
