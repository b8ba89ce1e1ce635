//! Appending: what is asked, and what becomes of it, once and only once.
//!
//! Owns: the order in which an append is judged. Does not own: when it is durable (`log`).
//!
//! ```text
//!  leader epoch ─▶ append id ─▶ room ─▶ producer's sequence ─▶ room ─▶ offset
//!      │              │           │            │                 │
//!    Fenced      Repeat, Gap    Full   Repeat, ProducerRefusal  Full, OffsetsExhausted
//! ```
//!
//! Whatever the producer's sequence decides uses up the append's own sequence and is remembered, so
//! that a repeat hears the same; `Fenced`, `Gap` and `Full` pass, and leave everything as it was.

use model::{AppendId, LeaderEpoch, Offset, Timestamp};

use crate::facts::{AppendFacts, ProducerStamp};
use crate::limits::PENDING_APPENDS_MAX;
use crate::log::{PartitionLog, Pending};
use crate::producers::{ProducerRefusal, Verdict};
use crate::sessions::{Arrival, SessionOutcome};

/// A batch that has been checked, as the log sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendRequest {
    /// Names this append; a repeat carries the same.
    pub id: AppendId,
    /// Every append of this gateway to this partition below this sequence has been answered, or
    /// given up. Counts as `id.sequence` where it is above.
    pub answered_below: u64,
    /// The leadership the gateway believes in.
    pub leader_epoch: LeaderEpoch,
    /// Number of records, at least one.
    pub record_count: u32,
    /// Size of the batch, at least one byte.
    pub batch_bytes: u32,
    /// Size that is billed.
    pub metered_bytes: u32,
    /// The idempotent producer's mark, if it has one.
    pub producer: Option<ProducerStamp>,
    /// Largest timestamp of its records.
    pub max_timestamp: Timestamp,
}

/// What is to be done about an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is new: write it, and acknowledge it when the high watermark has reached
    /// [`AppendFacts::end_offset`].
    New(AppendFacts),
    /// It is in the log already, or one with the same producer's sequences is: acknowledge it with
    /// this base offset when the high watermark has reached the end offset.
    Repeat {
        /// Offset of the first record of what was appended then.
        base_offset: Offset,
        /// Offset after its last record.
        end_offset: Offset,
    },
}

/// Why a batch was not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The log is under another leadership. Passes.
    #[error("leader epoch {current} leads")]
    Fenced {
        /// The leadership it is under.
        current: LeaderEpoch,
    },
    /// An earlier append of this gateway has not arrived. Passes.
    #[error("append sequence gap: {expected} is expected next")]
    Gap {
        /// The sequence that has to come first.
        expected: u64,
    },
    /// A bound of `limits` is reached. Passes.
    #[error("the log is at a bound of what it remembers")]
    Full,
    /// The producer's sequence or epoch is not right.
    #[error(transparent)]
    Producer(#[from] ProducerRefusal),
    /// A late copy of an append whose gateway has said that it was answered: nobody waits for a
    /// reply to it, and it was not appended again.
    #[error("the append was answered long ago")]
    AlreadyAnswered,
    /// The partition's offsets are used up.
    #[error("the partition's offsets are used up")]
    OffsetsExhausted,
    /// The partition is gone with its topic.
    #[error("the partition is closed")]
    Closed,
}

impl AppendError {
    /// Whether the same append may be accepted later; if not, its sequence is used up or worthless.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Fenced { .. } | Self::Gap { .. } | Self::Full)
    }
}

impl PartitionLog {
    /// Judges an append, and gives it its offsets if it is new.
    ///
    /// # Panics
    /// If the request is not one of a checked batch: no records, no bytes, or a mark of which the
    /// sequences are negative or not as many as the records.
    pub fn append(
        &mut self,
        now: Timestamp,
        request: AppendRequest,
    ) -> Result<Accepted, AppendError> {
        assert_checked(&request);
        if self.closed {
            return Err(AppendError::Closed);
        }
        let current = self.state.leader_epoch;
        if request.leader_epoch != current {
            return Err(AppendError::Fenced { current });
        }
        let (id, answered_below) = (request.id, request.answered_below.min(request.id.sequence));
        self.state.sessions.touch(now, id.gateway);
        self.state.sessions.answered(id.gateway, answered_below);
        match self.state.sessions.judge(id, answered_below) {
            Arrival::Gap { expected } => Err(AppendError::Gap { expected }),
            Arrival::Repeat(outcome) => answer(outcome),
            Arrival::Forgotten => answer(self.forgotten_outcome(&request)?),
            Arrival::New if !self.state.sessions.has_room(now, id, answered_below) => {
                Err(AppendError::Full)
            }
            Arrival::New => self.append_next(now, &request),
        }
    }

    /// Whether the append would put its batch into the log now: it is no repeat, and nothing refuses it
    /// but perhaps a bound. For whoever has a rule of its own against new batches.
    pub fn is_new(&self, request: &AppendRequest) -> bool {
        let answered_below = request.answered_below.min(request.id.sequence);
        let arrival = self.state.sessions.judge(request.id, answered_below);
        matches!(arrival, Arrival::New) && matches!(self.judge_producer(request), Verdict::Follows)
    }

    fn append_next(
        &mut self,
        now: Timestamp,
        request: &AppendRequest,
    ) -> Result<Accepted, AppendError> {
        let outcome = match self.judge_producer(request) {
            Verdict::Follows => return self.append_new(now, request).map(Accepted::New),
            Verdict::Duplicate(batch) => SessionOutcome::Appended {
                base_offset: batch.base_offset,
                record_count: batch.record_count,
            },
            Verdict::Refused(refusal) => SessionOutcome::Refused(refusal),
        };
        self.state.sessions.consume(now, request.id, outcome);
        answer(outcome)
    }

    fn append_new(
        &mut self,
        now: Timestamp,
        request: &AppendRequest,
    ) -> Result<AppendFacts, AppendError> {
        if self.pending.len() >= PENDING_APPENDS_MAX {
            return Err(AppendError::Full);
        }
        let base_offset = self.state.end_offset;
        let end_offset = base_offset.checked_add(u64::from(request.record_count));
        let end_offset = end_offset.ok_or(AppendError::OffsetsExhausted)?;
        let facts = AppendFacts {
            leader_epoch: request.leader_epoch,
            base_offset,
            record_count: request.record_count,
            append_id: request.id,
            metered_bytes: request.metered_bytes,
            batch_bytes: request.batch_bytes,
            producer: request.producer,
            max_timestamp: request.max_timestamp,
        };
        self.state.apply(&facts, now);
        self.pending.push_back(Pending {
            base_offset,
            end_offset,
        });
        self.assert_invariants();
        Ok(facts)
    }

    fn judge_producer(&self, request: &AppendRequest) -> Verdict {
        let stamp = request.producer.as_ref();
        stamp.map_or(Verdict::Follows, |stamp| {
            self.state.producers.check(stamp, request.record_count)
        })
    }

    /// What became of an append whose sequence is used up but whose result is not remembered.
    ///
    /// If somebody still waits for it, it was not appended: what was is remembered for long enough,
    /// and rebuilt from the facts. So the producer's sequence decided then, and a crash has lost how;
    /// it decides again. Should it let the batch pass now, then what was missing before it has come
    /// behind it, and it was out of order when it came.
    fn forgotten_outcome(&self, request: &AppendRequest) -> Result<SessionOutcome, AppendError> {
        let stamp = request.producer.ok_or(AppendError::AlreadyAnswered)?;
        let found = stamp.base_sequence;
        Ok(match self.judge_producer(request) {
            Verdict::Duplicate(batch) => SessionOutcome::Appended {
                base_offset: batch.base_offset,
                record_count: batch.record_count,
            },
            Verdict::Refused(refusal) => SessionOutcome::Refused(refusal),
            Verdict::Follows => SessionOutcome::Refused(ProducerRefusal::OutOfOrderSequence {
                expected: found,
                found,
            }),
        })
    }
}

fn answer(outcome: SessionOutcome) -> Result<Accepted, AppendError> {
    match outcome {
        SessionOutcome::Refused(refusal) => Err(refusal.into()),
        SessionOutcome::Appended {
            base_offset,
            record_count,
        } => Ok(Accepted::Repeat {
            base_offset,
            end_offset: base_offset
                .checked_add(u64::from(record_count))
                .expect("what was appended ended within Kafka's range"),
        }),
    }
}

fn assert_checked(request: &AppendRequest) {
    assert!(request.record_count > 0, "a checked batch has records");
    assert!(request.batch_bytes > 0, "a checked batch has bytes");
    if let Some(stamp) = request.producer {
        let whole = ProducerStamp::new(
            stamp.id,
            stamp.epoch,
            stamp.base_sequence,
            request.record_count,
        );
        assert!(
            stamp.base_sequence >= 0 && stamp == whole,
            "a checked batch has its sequences"
        );
    }
}

#[cfg(test)]
mod tests;
