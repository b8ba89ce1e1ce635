//! What one coordinator writes, and the answers that wait for it.
//!
//! Owns: the records on their way to the log, in order; the answers that are held until every record
//! before them is durable; when a snapshot is due and where it begins. Does not own: what records
//! say (`coordinator`), how a batch is written (`writer`).
//!
//! ```text
//!            durable          sent          queued
//!  ------------|  one batch    |  the next    |      records, counted since the load
//!        answers go          answers are held
//! ```
//!
//! A snapshot is the whole state once more, as ordinary records behind those that made it. Replaying
//! it over what made it changes nothing, so half a snapshot does no harm; once all of it is durable,
//! the log may begin with it. It is queued part by part, as the log takes it, each part as of then;
//! what changes meanwhile is queued between the parts, behind the snapshot's first record, so that
//! nothing of the log before that is needed either way.
//!
//! Invariants: durable <= sent <= queued; one batch is under way at a time; answers leave in order.

use std::collections::VecDeque;
use std::time::Duration;

use coordinator::{CallId, StoredRecord};
use model::{Instant, Offset};

use crate::coordinators::calls::Answer;
use crate::limits::GROUP_BACKLOG_BYTES_MAX;

/// What a record costs in a batch beside its key and value, about.
const RECORD_OVERHEAD: usize = 16;

/// When a snapshot is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SnapshotRule {
    /// After so many bytes, or as many as the last snapshot had, if those are more.
    pub(crate) bytes: u64,
    /// So long after the first record that no snapshot holds.
    pub(crate) age: Duration,
}

/// See the file's header.
pub(super) struct Journal {
    rule: SnapshotRule,
    queue: VecDeque<Queued>,
    /// Bytes in the queue that are not of a snapshot.
    backlog_bytes: usize,
    queued: u64,
    sent: u64,
    durable: u64,
    /// End of what is durable.
    end_offset: Offset,
    held: VecDeque<Held>,
    snapshot: Option<Snapshot>,
    /// Bytes written since the last snapshot was begun, without it.
    written_bytes: u64,
    /// Size of the last snapshot.
    snapshot_bytes: u64,
    dirty_since: Option<Instant>,
}

/// A record that waits to be sent.
struct Queued {
    record: StoredRecord,
    is_of_snapshot: bool,
}

/// An answer that waits.
struct Held {
    after: u64,
    call: CallId,
    answer: Answer,
}

/// A snapshot that is not durable yet.
struct Snapshot {
    /// The first record that was queued since it began, by its count.
    first: u64,
    /// Behind its last record; none until all of it is queued.
    end: Option<u64>,
    first_offset: Option<Offset>,
    /// Bytes of it that are in the queue.
    queued_bytes: usize,
}

/// What a load has found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// End of the log.
    pub(super) end_offset: Offset,
    /// Bytes of the records that were read.
    pub(super) read_bytes: u64,
    /// Bytes that the state takes as a snapshot.
    pub(super) state_bytes: u64,
}

impl Journal {
    pub(super) fn new(rule: SnapshotRule, found: Found, now: Instant) -> Self {
        let written_bytes = found.read_bytes.saturating_sub(found.state_bytes);
        Self {
            rule,
            queue: VecDeque::new(),
            backlog_bytes: 0,
            queued: 0,
            sent: 0,
            durable: 0,
            end_offset: found.end_offset,
            held: VecDeque::new(),
            snapshot: None,
            written_bytes,
            snapshot_bytes: found.state_bytes,
            dirty_since: (written_bytes > 0).then_some(now),
        }
    }

    /// Queues records to be written.
    pub(super) fn write(&mut self, now: Instant, records: Vec<StoredRecord>) {
        let bytes: usize = records.iter().map(record_bytes).sum();
        self.backlog_bytes += bytes;
        self.written_bytes += bytes as u64;
        self.queued += records.len() as u64;
        let records = records.into_iter().map(|record| Queued {
            record,
            is_of_snapshot: false,
        });
        self.queue.extend(records);
        self.dirty_since.get_or_insert(now);
    }

    /// Holds an answer until all that was queued so far is durable.
    pub(super) fn hold(&mut self, call: CallId, answer: Answer) {
        let after = self.queued;
        self.held.push_back(Held {
            after,
            call,
            answer,
        });
    }

    /// The next answer that may leave.
    pub(super) fn next_answer(&mut self) -> Option<(CallId, Answer)> {
        let held = self.held.pop_front_if(|held| held.after <= self.durable)?;
        Some((held.call, held.answer))
    }

    /// Whether no answer waits.
    pub(super) fn owes_nothing(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether so much waits to be written that no more may be asked for.
    pub(super) fn is_full(&self) -> bool {
        self.backlog_bytes >= GROUP_BACKLOG_BYTES_MAX
    }

    /// The next batch; none where there is nothing, or one is under way.
    pub(super) fn next_batch(&mut self, bytes_max: usize) -> Option<Vec<StoredRecord>> {
        if self.sent > self.durable || self.queue.is_empty() {
            return None;
        }
        let mut bytes = 0;
        let fitting = self.queue.iter().take_while(|queued| {
            bytes += record_bytes(&queued.record);
            bytes <= bytes_max
        });
        let count = fitting.count().max(1);
        let mut batch = Vec::with_capacity(count);
        for queued in self.queue.drain(..count) {
            let bytes = record_bytes(&queued.record);
            match &mut self.snapshot {
                Some(snapshot) if queued.is_of_snapshot => snapshot.queued_bytes -= bytes,
                _ => self.backlog_bytes -= bytes,
            }
            batch.push(queued.record);
        }
        self.sent += batch.len() as u64;
        Some(batch)
    }

    /// The batch that was under way is durable and begins at `base_offset`.
    pub(super) fn landed(&mut self, base_offset: Offset) {
        assert!(self.durable < self.sent, "what landed was under way");
        let offset_of = |number: u64| {
            let offset = base_offset.checked_add(number - self.durable);
            offset.expect("a log ends before Kafka's offsets do")
        };
        if let Some(snapshot) = &mut self.snapshot
            && (self.durable..self.sent).contains(&snapshot.first)
        {
            snapshot.first_offset = Some(offset_of(snapshot.first));
        }
        self.end_offset = offset_of(self.sent);
        self.durable = self.sent;
    }

    /// Whether the whole state is to be written anew.
    pub(super) fn snapshot_due(&self, now: Instant) -> bool {
        let is_large = self.written_bytes >= self.rule.bytes.max(self.snapshot_bytes);
        let is_old = self.snapshot_at().is_some_and(|at| at <= now);
        self.snapshot.is_none() && (is_large || is_old)
    }

    /// When a snapshot is due by its age.
    pub(super) fn snapshot_at(&self) -> Option<Instant> {
        let dirty_since = self.dirty_since.filter(|_| self.snapshot.is_none());
        dirty_since.map(|since| since + self.rule.age)
    }

    /// Begins a snapshot: its parts follow.
    pub(super) fn begin_snapshot(&mut self) {
        assert!(self.snapshot.is_none(), "one snapshot is under way");
        self.snapshot_bytes = 0;
        self.snapshot = Some(Snapshot {
            first: self.queued,
            end: None,
            first_offset: None,
            queued_bytes: 0,
        });
        self.written_bytes = 0;
        self.dirty_since = None;
    }

    /// Whether the next part of a snapshot is to be queued: less than a batch of it waits.
    pub(super) fn wants_snapshot_part(&self, batch_bytes_max: usize) -> bool {
        let open = self.snapshot.as_ref().filter(|s| s.end.is_none());
        open.is_some_and(|snapshot| snapshot.queued_bytes < batch_bytes_max)
    }

    /// Queues a part of the snapshot that was begun, as of everything that was queued before; none
    /// where there is nothing more.
    pub(super) fn add_to_snapshot(&mut self, part: Option<Vec<StoredRecord>>) {
        let snapshot = self.snapshot.as_mut().expect("a snapshot was begun");
        assert!(snapshot.end.is_none(), "a snapshot ends once");
        let Some(part) = part else {
            snapshot.end = Some(self.queued);
            return;
        };
        for record in part {
            let bytes = record_bytes(&record);
            snapshot.queued_bytes += bytes;
            self.snapshot_bytes += bytes as u64;
            self.queued += 1;
            self.queue.push_back(Queued {
                record,
                is_of_snapshot: true,
            });
        }
    }

    /// Where the log may begin from now on, once a snapshot is durable.
    pub(super) fn finish_snapshot(&mut self) -> Option<Offset> {
        let snapshot = self
            .snapshot
            .take_if(|s| s.end.is_some_and(|end| end <= self.durable))?;
        // A state without a record begins with whatever comes next.
        Some(snapshot.first_offset.unwrap_or(self.end_offset))
    }
}

/// What a record counts for.
pub(super) fn record_bytes(record: &StoredRecord) -> usize {
    let value = record.value.as_ref().map_or(0, bytes::Bytes::len);
    RECORD_OVERHEAD + record.key.len() + value
}

#[cfg(test)]
mod tests;
