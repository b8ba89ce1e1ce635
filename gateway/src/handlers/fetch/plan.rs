//! What to read next for a fetch, and when it is answered: the decisions, without the waiting.
//!
//! Owns: the budget of bytes, what was read so far, which partitions are worth a read. Does not own:
//! reading, time (it is an argument), the answer's form.
//!
//! One fetch is a few rounds of reads. In the first each partition is read, so that its marks are
//! known, unless the news say that nothing is there; in later ones those that are said to have
//! more. The bytes that a fetch may return are given out in rotated request order before the reads
//! are sent, and never twice, so that nothing that is read is thrown away. Only one read of a round
//! may return a batch above its budget, and only while nothing was collected: a batch larger than
//! every limit is then delivered, and no second one with it.
//!
//! Invariant: the budgets of a round add up to no more than what may still be collected.

use bytes::Bytes;
use std::time::Duration;

use model::{Offset, TopicPartition};
use node_api::{LogBounds, ReadError, ReadReply};
use tokio::time::Instant;

use crate::error::Fault;
use crate::limits::{FETCH_BYTES_AIM, READ_RETRY_AFTER};
use crate::news::newest;

/// One partition of a fetch.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) partition: TopicPartition,
    /// Where to read on.
    offset: Offset,
    /// Bytes that the partition may still return.
    room: u32,
    /// The newest that is known of its log.
    pub(super) bounds: Option<LogBounds>,
    /// Position of `offset`, where it is known.
    position: Option<u64>,
    /// What was read.
    pub(super) segments: Vec<Bytes>,
    /// Whether it was read, or need not be.
    is_known: bool,
    /// The offer that its next batch did not fit into.
    blocked_at: Option<u32>,
    /// Whether it is not read any more, though it has no error: one came behind what was read.
    is_ended: bool,
    /// Not to be read before.
    retry_at: Option<Instant>,
    /// Why it is not read.
    pub(super) fault: Option<Fault>,
}

impl Part {
    pub(super) fn new(partition: TopicPartition, offset: Offset, bytes_max: u32) -> Self {
        Self {
            partition,
            offset,
            room: bytes_max,
            bounds: None,
            position: None,
            segments: Vec::new(),
            is_known: false,
            blocked_at: None,
            is_ended: false,
            retry_at: None,
            fault: None,
        }
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.fault.is_some() || self.is_ended || self.retry_at.is_some_and(|at| now < at)
    }

    /// What it can be offered while `left` bytes may be collected.
    fn offer(&self, left: u32) -> u32 {
        self.room.min(left)
    }

    /// Whether its next batch is known not to fit into that.
    fn is_blocked(&self, left: u32) -> bool {
        self.blocked_at
            .is_some_and(|offer| self.offer(left) <= offer)
    }
}

/// A read that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Which part.
    pub(super) part: usize,
    pub(super) offset: Offset,
    pub(super) bytes_max: u32,
    pub(super) at_least_one: bool,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Answer,
    Read(Vec<Wish>),
    /// Wait for news, but no longer than this.
    WaitUntil(Instant),
}

/// What a client asks of a fetch as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) min_bytes: u32,
    pub(super) bytes_max: u32,
    pub(super) deadline: Instant,
    pub(super) read_committed: bool,
    /// Where in the request's order the first read goes.
    pub(super) turn: usize,
}

/// See the file's header.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    terms: Terms,
    collected: u32,
    /// Whether a partition has an error: the fetch is answered when each was looked at.
    has_error: bool,
    /// Whether the fetch is answered at once, with what there is.
    is_hurried: bool,
    /// Whether what came until the deadline was read.
    is_last_round: bool,
    /// For how long partitions above their rates were not read, altogether.
    held: Duration,
}

impl Plan {
    pub(super) fn new(parts: Vec<Part>, terms: Terms, has_error: bool) -> Self {
        Self {
            parts,
            terms: Terms {
                min_bytes: terms.min_bytes.min(terms.bytes_max),
                bytes_max: terms.bytes_max.min(FETCH_BYTES_AIM.max(terms.min_bytes)),
                ..terms
            },
            collected: 0,
            has_error,
            is_hurried: false,
            is_last_round: false,
            held: Duration::ZERO,
        }
    }

    /// For how long partitions above their rates were not read, altogether.
    pub(super) fn held(&self) -> Duration {
        self.held
    }

    pub(super) fn deadline(&self) -> Instant {
        self.terms.deadline
    }

    /// Bytes that were read.
    pub(super) fn collected(&self) -> u32 {
        self.collected
    }

    /// Whether no further byte is needed for an answer.
    pub(super) fn is_enough(&self) -> bool {
        self.has_error || self.is_hurried || self.collected >= self.terms.min_bytes
    }

    /// The fetch is to be answered with what there is: the gateway shuts down, or reads are late.
    pub(super) fn hurry(&mut self) {
        self.is_hurried = true;
    }

    /// News of a partition that `is_fresh` tells apart from what was heard long ago. Where nothing
    /// is there to be read, the partition need not be asked.
    pub(super) fn hear(&mut self, part: usize, bounds: LogBounds, is_fresh: bool) {
        let end = self.end(&bounds);
        let part = &mut self.parts[part];
        part.bounds = Some(part.bounds.map_or(bounds, |known| newest(known, bounds)));
        if is_fresh && !part.is_known && end == part.offset {
            part.is_known = true;
            part.position = Some(bounds.end_position);
        }
    }

    /// Takes what a read has found.
    pub(super) fn finish(
        &mut self,
        wish: &Wish,
        outcome: Result<ReadReply, ReadError>,
        now: Instant,
    ) {
        match outcome {
            Ok(reply) => self.collect(wish, reply, now),
            Err(ReadError::NotOwner | ReadError::Busy) => {
                self.parts[wish.part].retry_at = Some(now + READ_RETRY_AFTER);
            }
            Err(ReadError::OutOfRange { bounds }) => {
                self.parts[wish.part].bounds = Some(bounds);
                self.fail(wish.part, ReadError::OutOfRange { bounds }.into());
            }
            Err(ReadError::Storage) => self.fail(wish.part, ReadError::Storage.into()),
        }
    }

    /// The partition cannot be read. Where something of it was, that is delivered, and the next
    /// fetch meets the error: clients throw the records away that come beside one.
    pub(super) fn fail(&mut self, part: usize, fault: Fault) {
        let part = &mut self.parts[part];
        if part.segments.is_empty() {
            part.fault = Some(fault);
        } else {
            part.is_ended = true;
        }
        self.has_error = true;
    }

    fn collect(&mut self, wish: &Wish, reply: ReadReply, now: Instant) {
        let known = self.parts[wish.part].bounds;
        let bounds = known.map_or(reply.bounds, |known| newest(known, reply.bounds));
        let has_more = reply.next_offset < self.end(&bounds);
        let bytes = u32::try_from(reply.bytes).unwrap_or(u32::MAX);
        let did_not_fit = bytes == 0 && has_more && reply.retry_after.is_zero();
        let part = &mut self.parts[wish.part];
        let pause = if did_not_fit && wish.at_least_one {
            // The node is not where the news say it is; it is asked again, but not at once.
            READ_RETRY_AFTER
        } else {
            reply.retry_after
        };
        self.held += reply.retry_after;
        part.retry_at = (!pause.is_zero()).then(|| now + pause);
        part.blocked_at = (did_not_fit && !wish.at_least_one).then_some(wish.bytes_max);
        part.is_known = true;
        part.bounds = Some(bounds);
        part.offset = reply.next_offset;
        part.position = reply.next_position;
        part.room = part.room.saturating_sub(bytes);
        part.segments.extend(reply.segments);
        self.collected = self.collected.saturating_add(bytes);
    }

    /// What is to be done next.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        if self.parts.is_empty() || self.is_hurried {
            return Next::Answer;
        }
        let wishes = self.wishes(now);
        let mut parts = self.parts.iter();
        if parts.any(|part| !part.is_known && !part.is_paused(now)) {
            return Next::Read(wishes);
        }
        let left = self.left();
        let blocked = self.parts.iter().any(|part| part.is_blocked(left));
        // The first round may give the whole budget to partitions that then need less of it: the others
        // are read before the answer is given, even where nothing need be waited for.
        let was_passed_over = |wish: &Wish| self.parts[wish.part].blocked_at == Some(0);
        let is_unfair = self.collected == 0 || wishes.iter().any(was_passed_over);
        if self.is_enough() && is_unfair && !self.is_last_round && !wishes.is_empty() {
            self.is_last_round = now >= self.terms.deadline;
            return Next::Read(wishes);
        }
        if self.is_enough() || self.is_last_round || (blocked && self.collected > 0) {
            return Next::Answer;
        }
        let expired = now >= self.terms.deadline;
        let worthwhile = self.potential(now) >= self.terms.min_bytes || blocked || expired;
        if worthwhile && !wishes.is_empty() {
            self.is_last_round = expired;
            return Next::Read(wishes);
        }
        if expired {
            return Next::Answer;
        }
        let retries = self.parts.iter().filter_map(|part| part.retry_at);
        let next_retry = retries.filter(|&at| at > now).min();
        let deadline = self.terms.deadline;
        Next::WaitUntil(next_retry.map_or(deadline, |at| at.min(deadline)))
    }

    /// Bytes that may still be collected.
    fn left(&self) -> u32 {
        self.terms.bytes_max.saturating_sub(self.collected)
    }

    /// End, exclusive, of what the client may be given.
    fn end(&self, bounds: &LogBounds) -> Offset {
        if self.terms.read_committed {
            bounds.last_stable_offset
        } else {
            bounds.high_watermark
        }
    }

    /// How many bytes could be read of a part: none where that is not known.
    fn available(&self, part: &Part) -> Option<u32> {
        let bounds = part.bounds?;
        if self.end(&bounds) <= part.offset {
            return Some(0);
        }
        let bytes = bounds.end_position.saturating_sub(part.position?).max(1);
        Some(u32::try_from(bytes).unwrap_or(u32::MAX))
    }

    /// What would be collected after another round, at most.
    fn potential(&self, now: Instant) -> u32 {
        let parts = self.parts.iter().filter(|part| !part.is_paused(now));
        parts.fold(self.collected, |sum, part| {
            let available = self.available(part).unwrap_or(u32::MAX);
            sum.saturating_add(available.min(part.room))
        })
    }

    /// The reads that are worth sending now.
    fn wishes(&self, now: Instant) -> Vec<Wish> {
        let mut left = self.left();
        let mut at_least_one = self.collected == 0;
        let mut wishes = Vec::new();
        let count = self.parts.len();
        for part in (0..count).map(|i| (i + self.terms.turn) % count) {
            let state = &self.parts[part];
            if state.is_paused(now) || (state.is_blocked(left) && !at_least_one) {
                continue;
            }
            let mut bytes_max = state.offer(left);
            if state.is_known {
                let available = self.available(state).unwrap_or(u32::MAX);
                if available == 0 || (bytes_max == 0 && !at_least_one) {
                    continue;
                }
                bytes_max = bytes_max.min(available);
            }
            left -= bytes_max;
            wishes.push(Wish {
                part,
                offset: state.offset,
                bytes_max,
                at_least_one,
            });
            at_least_one = false;
        }
        wishes
    }
}

/// Cuts the budgets of a round to `granted` bytes altogether, the last ones first.
pub(super) fn cut(wishes: &mut [Wish], granted: u32) {
    let mut left = granted;
    for wish in wishes {
        wish.bytes_max = wish.bytes_max.min(left);
        left -= wish.bytes_max;
    }
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
