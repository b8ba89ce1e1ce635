//! Reads made ahead: what a consumer will ask for next is read while its last answer is on its way.
//!
//! Owns: what was read ahead, and when it is given up. Does not own: how it is read (`together`), threads
//! (`file_reads`), quotas: what is read ahead is charged when it is asked for.
//!
//! A consumer that reads what lies in files asks, waits for the disk, takes the answer, and asks for what follows. So
//! what follows is read meanwhile. It is kept by partition and offset, since at one offset a log never changes, and it is handed
//! out once, after its place was planned like that of any other read; of what is only asked for in part the rest waits on.
//!
//! Invariants: what waits takes at most [`AHEAD_BYTES_MAX`], and nothing where nobody reads; nothing that may still be
//! asked for at once is given up for something else, so that many consumers do not make each other read everything twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use metrics::counter;
use model::{Offset, TopicPartition};
use node_api::{LogBounds, ReadReply};
use partition_log::{Extent, ReadPlan};
use records::StampedBatch;

use super::together::{Share, Together};
use super::{Answered, FileRead, Source};
use crate::limits::{AHEAD_BYTES_MAX, AHEAD_BYTES_MIN, AHEAD_SAFE_FOR, AHEAD_WAIT_MAX};

/// See the file's header.
#[derive(Default)]
pub(super) struct Ahead {
    waiting: Mutex<Waiting>,
}

/// What waits to be asked for.
#[derive(Default)]
struct Waiting {
    /// By where it begins.
    reads: BTreeMap<(TopicPartition, Offset), Rest>,
    /// All that takes memory.
    sweeps: Vec<Weak<Sweep>>,
}

/// What nobody has asked for yet of a read that was made ahead.
struct Rest {
    sweep: Arc<Sweep>,
    /// Which of its reads it is.
    at: usize,
    /// Where it ends.
    end: Offset,
}

/// Reads that are made together.
struct Sweep {
    together: Together,
    bytes: u64,
    began_at: Instant,
    /// By whoever comes first: the thread that reads ahead, or one that was asked.
    shares: OnceLock<Vec<Share>>,
}

/// A read that may be followed by another one.
pub(super) struct Follower {
    index: usize,
    partition: TopicPartition,
    extent: Extent,
    then: Option<Extent>,
    bytes_max: u32,
    first_bytes_max: u32,
    bounds: LogBounds,
}

impl Follower {
    /// None where it is not known what follows: at the end of the log, which is in memory.
    pub(super) fn of((index, read): &(usize, FileRead)) -> Option<Self> {
        let ReadPlan::Sealed(extent) = read.plan else {
            return None;
        };
        Some(Self {
            index: *index,
            partition: read.partition,
            extent,
            then: read.then,
            bytes_max: read.bytes_max,
            first_bytes_max: read.first_bytes_max,
            bounds: read.bounds,
        })
    }

    /// The read that follows this one's answer.
    fn next(&self, reply: &ReadReply) -> Option<FileRead> {
        let offset = reply.next_offset;
        // Who got little is not read much for.
        let several = u32::try_from(reply.bytes)
            .unwrap_or(u32::MAX)
            .saturating_mul(4);
        let (extent, then) = match offset < self.extent.end_offset {
            true => (self.extent, self.then),
            false => (self.then?, None),
        };
        Some(FileRead {
            partition: self.partition,
            offset,
            plan: ReadPlan::Sealed(extent),
            then,
            bytes_max: self.bytes_max.min(several),
            first_bytes_max: self.first_bytes_max,
            bounds: self.bounds,
        })
    }
}

/// The reads that follow those that were answered with something.
pub(super) fn following(followers: &[Follower], answers: &[Answered]) -> Vec<FileRead> {
    let replies = answers.iter().filter_map(|(index, _, answer)| {
        let reply = answer.as_ref().ok().filter(|reply| reply.bytes > 0)?;
        Some((*index, reply))
    });
    let replies: BTreeMap<_, _> = replies.collect();
    let next = |follower: &Follower| follower.next(replies.get(&follower.index)?);
    followers.iter().filter_map(next).collect()
}

impl Ahead {
    /// Answers the reads that were made ahead, and gives back the others.
    pub(super) fn claim(
        &self,
        source: &Source,
        reads: Vec<(usize, FileRead)>,
    ) -> (Vec<Answered>, Vec<(usize, FileRead)>) {
        let (mut answers, mut others) = (Vec::new(), Vec::new());
        for (index, read) in reads {
            match self.hand_out(source, &read) {
                Some(reply) => answers.push((index, read.partition, Ok(reply))),
                None => others.push((index, read)),
            }
        }
        (answers, others)
    }

    /// What was read ahead of this, as much as it may have; the rest waits on.
    fn hand_out(&self, source: &Source, read: &FileRead) -> Option<ReadReply> {
        let rest = self.lock().take(read.partition, read.offset)?;
        // What cannot be read is given up, and tried anew by whoever wants it.
        let batches = rest.sweep.shares(source)[rest.at].as_ref().ok()?;
        let reply = rest.reply(batches, read);
        let on = reply
            .as_ref()
            .map_or(read.offset, |reply| reply.next_offset);
        if on < rest.end && rest.sweep.began_at.elapsed() < AHEAD_WAIT_MAX {
            self.lock().reads.insert((read.partition, on), rest);
        }
        let bytes = reply.as_ref().map_or(0, |reply| reply.bytes);
        counter!("tidegate_node_read_ahead_used_bytes_total").increment(bytes as u64);
        reply
    }

    /// Reads ahead, if that is worth it and there is room; says whether it did.
    pub(super) fn read(&self, source: &Source, mut reads: Vec<FileRead>) -> bool {
        {
            let waiting = self.lock();
            reads.retain(|read| waiting.find(read.partition, read.offset).is_none());
        }
        let together = Together::plan(source, reads.into_iter().enumerate().collect());
        let bytes = together.bytes();
        if bytes < AHEAD_BYTES_MIN {
            return false;
        }
        let now = Instant::now();
        let sweep = Arc::new(Sweep {
            together,
            bytes,
            began_at: now,
            shares: OnceLock::new(),
        });
        let has_room = self.lock().put(&sweep, now);
        if has_room {
            counter!("tidegate_node_read_ahead_bytes_total").increment(bytes);
            sweep.shares(source);
        }
        has_room
    }

    /// Gives up what has waited for long.
    pub(super) fn give_up(&self, now: Instant) {
        self.lock().give_up(now, AHEAD_WAIT_MAX);
    }

    /// Nothing panics under this lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Where something begins that has the record at `offset`: a consumer may have had some of it by another read.
    fn find(&self, partition: TopicPartition, offset: Offset) -> Option<(TopicPartition, Offset)> {
        let (&start, rest) = self.reads.range(..=(partition, offset)).next_back()?;
        (start.0 == partition && offset < rest.end).then_some(start)
    }

    fn take(&mut self, partition: TopicPartition, offset: Offset) -> Option<Rest> {
        let start = self.find(partition, offset)?;
        self.reads.remove(&start)
    }

    /// Keeps it, if there is room; what has waited for long is given up for it.
    fn put(&mut self, sweep: &Arc<Sweep>, now: Instant) -> bool {
        if !self.has_room(sweep.bytes) {
            self.give_up(now, AHEAD_SAFE_FOR);
            if !self.has_room(sweep.bytes) {
                return false;
            }
        }
        for (at, planned) in sweep.together.planned().iter().enumerate() {
            let Some(end) = planned.end() else { continue };
            let sweep = Arc::clone(sweep);
            let read = (planned.partition, planned.offset);
            self.reads.insert(read, Rest { sweep, at, end });
        }
        self.sweeps.push(Arc::downgrade(sweep));
        true
    }

    fn give_up(&mut self, now: Instant, after: Duration) {
        self.reads
            .retain(|_, rest| now.duration_since(rest.sweep.began_at) < after);
    }

    fn has_room(&mut self, bytes: u64) -> bool {
        self.bytes() + bytes <= AHEAD_BYTES_MAX
    }

    fn bytes(&mut self) -> u64 {
        self.sweeps.retain(|sweep| sweep.strong_count() > 0);
        let alive = self.sweeps.iter().filter_map(Weak::upgrade);
        alive.map(|sweep| sweep.bytes).sum()
    }
}

impl Sweep {
    /// What was read, in the order of the reads; waits for it, or reads it.
    fn shares(&self, source: &Source) -> &[Share] {
        self.shares.get_or_init(|| {
            let parts = 0..self.together.parts().len();
            let found = parts.map(|part| self.together.read(source, part));
            self.together.shares(found)
        })
    }
}

impl Rest {
    /// As much as `wanted` may have; none where that is nothing.
    fn reply(&self, batches: &[StampedBatch], wanted: &FileRead) -> Option<ReadReply> {
        let planned = &self.sweep.together.planned()[self.at];
        let first = planned.frame_with(wanted.offset);
        let mut bytes = 0;
        let mut fits = |length: usize| {
            let most = match bytes {
                0 => wanted.bytes_max.max(wanted.first_bytes_max),
                _ => wanted.bytes_max,
            };
            bytes += length;
            bytes <= most as usize
        };
        let lengths = batches[first..].iter().map(StampedBatch::len);
        let end = first + lengths.take_while(|&length| fits(length)).count();
        let reply = planned.part(first..end, &batches[first..end])?;
        Some(ReadReply {
            bounds: wanted.bounds,
            ..reply
        })
    }
}

#[cfg(test)]
mod tests;
