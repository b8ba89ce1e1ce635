//! Reads made ahead: what a consumer will ask for next is read while its last answer is on its way.
//!
//! Owns: what was read ahead, and when it is given up. Does not own: how it is read (`together`), threads
//! (`file_reads`), quotas: what is read ahead is charged when it is asked for.
//!
//! A consumer that reads what lies in files asks, waits for the disk, takes the answer, and asks for what follows. So
//! what follows is read meanwhile. It is kept by partition and offset, since at one offset a log never changes, and it is handed
//! out once, after its place was planned like that of any other read.
//!
//! Invariants: what waits or is being handed out takes at most [`AHEAD_BYTES_MAX`]; nothing that may still be asked for
//! soon is given up for something else, so that many consumers do not make each other read everything twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use model::{Offset, TopicPartition};
use node_api::{LogBounds, ReadReply};
use partition_log::{Extent, ReadPlan};

use super::together::{Share, Together};
use super::{Answered, FileRead, Source};
use crate::limits::{AHEAD_BYTES_MAX, AHEAD_BYTES_MIN, AHEAD_WAIT_MAX};

/// See the file's header.
#[derive(Default)]
pub(super) struct Ahead {
    waiting: Mutex<Waiting>,
}

/// What waits to be asked for.
#[derive(Default)]
struct Waiting {
    reads: HashMap<(TopicPartition, Offset), (Arc<Sweep>, usize)>,
    /// All that takes memory, be it only until its last answer is out.
    sweeps: Vec<Weak<Sweep>>,
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
    pub(super) fn next(self, answers: &[Answered]) -> Option<FileRead> {
        let (_, _, answer) = answers.iter().find(|(index, ..)| *index == self.index)?;
        let offset = answer
            .as_ref()
            .ok()
            .filter(|reply| reply.bytes > 0)?
            .next_offset;
        let (extent, then) = match offset < self.extent.end_offset {
            true => (self.extent, self.then),
            false => (self.then?, None),
        };
        Some(FileRead {
            partition: self.partition,
            offset,
            plan: ReadPlan::Sealed(extent),
            then,
            bytes_max: self.bytes_max,
            first_bytes_max: self.first_bytes_max,
            bounds: self.bounds,
        })
    }
}

impl Ahead {
    /// Answers the reads that were made ahead, and gives back the others.
    pub(super) fn claim(
        &self,
        source: &Source,
        reads: Vec<(usize, FileRead)>,
    ) -> (Vec<Answered>, Vec<(usize, FileRead)>) {
        let (mut answers, mut rest) = (Vec::new(), Vec::new());
        for (index, read) in reads {
            let claimed = self.lock().reads.remove(&(read.partition, read.offset));
            let reply = claimed.and_then(|(sweep, at)| sweep.reply(source, at, &read));
            match reply {
                Some(reply) => answers.push((index, read.partition, Ok(reply))),
                None => rest.push((index, read)),
            }
        }
        (answers, rest)
    }

    /// Reads ahead, if that is worth it and there is room.
    pub(super) fn read(&self, source: &Source, reads: Vec<FileRead>) {
        let together = Together::plan(source, reads.into_iter().enumerate().collect());
        let bytes = together.bytes();
        if bytes < AHEAD_BYTES_MIN {
            return;
        }
        let now = Instant::now();
        let sweep = Arc::new(Sweep {
            together,
            bytes,
            began_at: now,
            shares: OnceLock::new(),
        });
        if self.lock().put(&sweep, now) {
            sweep.shares(source);
        }
    }

    /// Nothing panics under this lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Keeps it, if there is room; what has waited for long is given up for it.
    fn put(&mut self, sweep: &Arc<Sweep>, now: Instant) -> bool {
        if !self.has_room(sweep.bytes) {
            self.reads
                .retain(|_, (waiting, _)| now.duration_since(waiting.began_at) < AHEAD_WAIT_MAX);
            if !self.has_room(sweep.bytes) {
                return false;
            }
        }
        for planned in sweep.together.planned() {
            let read = (planned.partition, planned.offset);
            self.reads.insert(read, (Arc::clone(sweep), planned.index));
        }
        self.sweeps.push(Arc::downgrade(sweep));
        true
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
    /// What was read, by the numbers of the reads; waits for it, or reads it.
    fn shares(&self, source: &Source) -> &[Share] {
        self.shares.get_or_init(|| {
            let parts = 0..self.together.parts().len();
            let found = parts.map(|part| self.together.read(source, part));
            self.together.shares(found)
        })
    }

    /// As much as `wanted` may have; none where it is to be read anew.
    fn reply(&self, source: &Source, at: usize, wanted: &FileRead) -> Option<ReadReply> {
        let batches = self.shares(source)[at].as_ref().ok()?;
        let mut bytes = 0;
        let mut fits = |length: usize| {
            bytes += length;
            bytes <= wanted.bytes_max as usize
        };
        let lengths = batches.iter().map(records::StampedBatch::len);
        let count = lengths.take_while(|&length| fits(length)).count();
        let mut planned = self
            .together
            .planned()
            .find(|planned| planned.index == at)?
            .clone();
        planned.bounds = wanted.bounds;
        planned.cut(count);
        let batches = batches[..count].to_vec();
        (count > 0).then(|| planned.answer(batches).ok())?
    }
}

#[cfg(test)]
mod tests;
