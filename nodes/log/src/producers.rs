//! What a partition remembers of idempotent producers (KIP-98), by Kafka's rules for producers
//! without transactions (`ProducerStateManager`, `ProducerAppendInfo` of Apache Kafka 4.3).
//!
//! Owns: per producer its epoch, its last five batches, how far back its sequences are known.
//! Does not own: which append a batch came by (`sessions`), who gives out producer ids.
//!
//! ```text
//!  one producer's run:  |<------------ run_records ------------>|
//!    accepted without    surely in the log,   the last five      next
//!    knowing before      where is forgotten   batches            sequence
//!                        DuplicateSequence    original offset    appended
//! ```
//!
//! Invariants: the batches of a window follow one another in sequence, and rise in offset; a run is
//! at least as long as its window.

use std::collections::BTreeMap;

use model::{Offset, ProducerEpoch, ProducerId, Timestamp};

use crate::facts::{AppendFacts, ProducerStamp, sequence_after, sequence_distance};
use crate::limits::PRODUCERS_MAX;

/// Batches that are remembered of each producer: as many as a client may have in flight.
pub const PRODUCER_BATCHES: usize = 5;

/// Records further back than this are not told from records ahead, because sequences wrap.
const RUN_RECORDS_MAX: u32 = 1 << 30;

/// Why a producer's batch is refused. It stays refused however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerRefusal {
    /// It does not follow the producer's last batch, or a new epoch does not start at 0
    /// (Kafka error 45).
    #[error("out of order sequence {found}, expected {expected}")]
    OutOfOrderSequence {
        /// The base sequence that would have been right.
        expected: i32,
        /// The one that came.
        found: i32,
    },
    /// It is in the log for certain, but before the producer's last five batches, so its offset is
    /// not known any more (Kafka error 46, which clients take for success).
    ///
    /// Apache Kafka 4.3 answers 45 here, which is fatal for a librdkafka producer although its
    /// records are safe. Where the log cannot be certain of them, it is 45 here too.
    #[error("duplicate sequence")]
    DuplicateSequence,
    /// The producer has appended under a higher epoch (Kafka error 47).
    #[error("the producer's epoch is fenced, {current} is its last", current = current.0)]
    InvalidProducerEpoch {
        /// The producer's epoch.
        current: ProducerEpoch,
    },
}

/// What becomes of a producer's batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new and follows.
    Follows,
    /// It is one of the last five.
    Duplicate(ProducerBatch),
    /// It must not be appended.
    Refused(ProducerRefusal),
}

/// Where a producer's batch lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProducerBatch {
    pub base_offset: Offset,
    pub base_sequence: i32,
    pub record_count: u32,
}

impl ProducerBatch {
    pub(crate) fn of(stamp: &ProducerStamp, facts: &AppendFacts) -> Self {
        Self {
            base_offset: facts.base_offset,
            base_sequence: stamp.base_sequence,
            record_count: facts.record_count,
        }
    }

    pub(crate) fn next_sequence(&self) -> i32 {
        sequence_after(self.base_sequence, self.record_count)
    }
}

/// The last batches of a producer, oldest first; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    batches: [ProducerBatch; PRODUCER_BATCHES],
    len: u8,
}

impl Window {
    pub(crate) fn new(first: ProducerBatch) -> Self {
        let mut batches = [ProducerBatch::default(); PRODUCER_BATCHES];
        batches[0] = first;
        Self { batches, len: 1 }
    }

    pub(crate) fn batches(&self) -> &[ProducerBatch] {
        &self.batches[..usize::from(self.len)]
    }

    pub(crate) fn last(&self) -> &ProducerBatch {
        &self.batches[usize::from(self.len) - 1]
    }

    pub(crate) fn push(&mut self, batch: ProducerBatch) {
        if usize::from(self.len) == PRODUCER_BATCHES {
            self.batches.rotate_left(1);
        } else {
            self.len += 1;
        }
        self.batches[usize::from(self.len) - 1] = batch;
    }

    fn records(&self) -> u32 {
        self.batches()
            .iter()
            .fold(0, |sum, batch| sum.saturating_add(batch.record_count))
    }
}

/// What is remembered of one producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub epoch: ProducerEpoch,
    /// Records up to the last one whose sequences follow one another and are in the log.
    pub run_records: u32,
    pub last_append_at: Timestamp,
    pub window: Window,
}

impl Producer {
    pub(crate) fn new(stamp: &ProducerStamp, facts: &AppendFacts, at: Timestamp) -> Self {
        Self {
            epoch: stamp.epoch,
            run_records: facts.record_count.min(RUN_RECORDS_MAX),
            last_append_at: at,
            window: Window::new(ProducerBatch::of(stamp, facts)),
        }
    }

    /// Takes in a batch that is in the log, and says whether it continued the run. One that does
    /// not (another epoch, or accepted when the producer was forgotten) begins a new run.
    pub(crate) fn apply(
        &mut self,
        stamp: &ProducerStamp,
        facts: &AppendFacts,
        at: Timestamp,
    ) -> bool {
        let continues = self.is_continued_by(stamp.epoch, stamp.base_sequence);
        if continues {
            self.extend_run(facts.record_count);
            self.window.push(ProducerBatch::of(stamp, facts));
            self.last_append_at = at;
        } else {
            *self = Self::new(stamp, facts, at);
        }
        continues
    }

    /// Takes in a later run that continues this one.
    pub(crate) fn append_run(&mut self, later: &Self) {
        self.extend_run(later.run_records);
        for batch in later.window.batches() {
            self.window.push(*batch);
        }
        self.last_append_at = later.last_append_at;
    }

    pub(crate) fn is_continued_by(&self, epoch: ProducerEpoch, base_sequence: i32) -> bool {
        epoch == self.epoch && base_sequence == self.window.last().next_sequence()
    }

    /// Whether the run is as long as its window, at least, and within its bound.
    pub(crate) fn is_sound(&self) -> bool {
        let window_records = self.window.records().min(RUN_RECORDS_MAX);
        (window_records..=RUN_RECORDS_MAX).contains(&self.run_records)
    }

    fn extend_run(&mut self, records: u32) {
        self.run_records = self
            .run_records
            .saturating_add(records)
            .min(RUN_RECORDS_MAX);
    }

    fn check(&self, stamp: &ProducerStamp, record_count: u32) -> Verdict {
        let found = stamp.base_sequence;
        let refused =
            |expected| Verdict::Refused(ProducerRefusal::OutOfOrderSequence { expected, found });
        if stamp.epoch < self.epoch {
            let current = self.epoch;
            return Verdict::Refused(ProducerRefusal::InvalidProducerEpoch { current });
        }
        if stamp.epoch > self.epoch {
            return if found == 0 {
                Verdict::Follows
            } else {
                refused(0)
            };
        }
        if let Some(batch) = self.same_batch(found, record_count) {
            return Verdict::Duplicate(*batch);
        }
        if self.is_continued_by(stamp.epoch, found) {
            Verdict::Follows
        } else if self.is_before_window(found, record_count) {
            Verdict::Refused(ProducerRefusal::DuplicateSequence)
        } else {
            refused(self.window.last().next_sequence())
        }
    }

    fn same_batch(&self, base_sequence: i32, record_count: u32) -> Option<&ProducerBatch> {
        self.window.batches().iter().find(|batch| {
            batch.base_sequence == base_sequence && batch.record_count == record_count
        })
    }

    /// Whether these records are all in the log for certain, before the last batches.
    fn is_before_window(&self, base_sequence: i32, record_count: u32) -> bool {
        let back = sequence_distance(base_sequence, self.window.last().next_sequence());
        let in_run = back <= self.run_records;
        in_run
            && back
                .checked_sub(record_count)
                .is_some_and(|end| end >= self.window.records())
    }
}

/// What a partition remembers of its idempotent producers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    by_id: BTreeMap<ProducerId, Producer>,
}

impl Producers {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// What is to become of a batch. Of a producer that is not known any first sequence is taken:
    /// its state may have expired (Kafka's `ProducerAppendInfo.checkSequence`).
    pub(crate) fn check(&self, stamp: &ProducerStamp, record_count: u32) -> Verdict {
        match self.by_id.get(&stamp.id) {
            Some(producer) => producer.check(stamp, record_count),
            None => Verdict::Follows,
        }
    }

    /// Takes in a batch that is in the log.
    pub(crate) fn apply(&mut self, facts: &AppendFacts, at: Timestamp) {
        let Some(stamp) = &facts.producer else { return };
        if let Some(producer) = self.by_id.get_mut(&stamp.id) {
            producer.apply(stamp, facts, at);
        } else {
            self.by_id.insert(stamp.id, Producer::new(stamp, facts, at));
            self.make_room();
        }
    }

    /// Takes in what became of producers later on. [`Self::make_room`] has to follow.
    pub(crate) fn merge(&mut self, id: ProducerId, follows: Option<i32>, later: &Producer) {
        match self.by_id.get_mut(&id) {
            Some(known) if follows.is_some_and(|base| known.is_continued_by(later.epoch, base)) => {
                known.append_run(later);
            }
            _ => drop(self.by_id.insert(id, *later)),
        }
    }

    /// Forgets the longest silent above the bound.
    pub(crate) fn make_room(&mut self) {
        forget_longest_silent(&mut self.by_id, |producer| producer);
    }

    /// Forgets those that have not appended for `expiration_ms`.
    pub(crate) fn expire(&mut self, now: Timestamp, expiration_ms: u64) {
        let expired = |since: Timestamp| {
            u64::try_from(now.0.saturating_sub(since.0)).is_ok_and(|idle| idle >= expiration_ms)
        };
        self.by_id
            .retain(|_, producer| !expired(producer.last_append_at));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ProducerId, &Producer)> {
        self.by_id.iter().map(|(id, producer)| (*id, producer))
    }

    pub(crate) fn insert(&mut self, id: ProducerId, producer: Producer) {
        self.by_id.insert(id, producer);
    }
}

/// Forgets the producers whose last batches are the oldest, an eighth of the bound at once so that
/// the search for them costs little per append. Offsets order them without ties, and alike in every
/// replay.
pub(crate) fn forget_longest_silent<T>(
    by_id: &mut BTreeMap<ProducerId, T>,
    producer: impl Fn(&T) -> &Producer,
) {
    if by_id.len() <= PRODUCERS_MAX {
        return;
    }
    let last_offset = |entry: &T| producer(entry).window.last().base_offset;
    let mut offsets: Vec<Offset> = by_id.values().map(last_offset).collect();
    let forgotten = offsets.len() - (PRODUCERS_MAX - PRODUCERS_MAX / 8);
    let (_, first_kept, _) = offsets.select_nth_unstable(forgotten);
    let first_kept = *first_kept;
    by_id.retain(|_, entry| last_offset(entry) >= first_kept);
}

#[cfg(test)]
mod tests;
