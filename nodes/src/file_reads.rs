//! Reads from segments: older batches, and records by their timestamps, on blocking threads.
//!
//! Owns: how many reads are under way, and a cache of frame lists of sealed segments. Does not own:
//! what to read (`partition_log` plans), in which order (`together`), what is read before it is asked for (`ahead`),
//! files and their checks (`wal`).
//! At [`FILE_READS_MAX`] a further read waits for its turn.

mod ahead;
mod pace;
mod together;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use model::{Offset, Timestamp, TopicPartition};
use node_api::{FoundOffset, LogBounds, ReadAnswer, ReadError, ReadReply};
use partition_log::{
    Extent, FrameEntry, FrameRun, Place, ReadPlan, SegmentId, first_frame_reaching,
    frame_with_max_timestamp, read_frames,
};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use records::{DecompressLimits, StampedBatch, first_at_or_after, max_timestamp_record};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::error;
use wal::SegmentReader;

use crate::file_reads::ahead::{Ahead, Follower, following};
use crate::file_reads::pace::Pace;
use crate::file_reads::together::Together;
use crate::limits::{
    AHEAD_WAIT_MAX, FILE_READS_MAX, FILE_READS_WAITING_MAX, FRAME_LISTS_BYTES_MAX,
};

type FrameLists = Cache<(SegmentId, TopicPartition), Arc<[FrameEntry]>, ByBytes>;

/// Reads files for all shards of a node.
#[derive(Clone)]
pub(crate) struct FileReads {
    source: Arc<Source>,
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

struct Source {
    reader: SegmentReader,
    pace: Pace,
    frame_lists: FrameLists,
    ahead: Ahead,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<(SegmentId, TopicPartition), Arc<[FrameEntry]>> for ByBytes {
    fn weight(&self, _: &(SegmentId, TopicPartition), frames: &Arc<[FrameEntry]>) -> u64 {
        size_of_val::<[FrameEntry]>(frames) as u64 + 64
    }
}

/// A read that was planned and needs files.
pub(crate) struct FileRead {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: Offset,
    pub(crate) plan: ReadPlan,
    /// The sealed segment that comes after that of the plan.
    pub(crate) then: Option<Extent>,
    pub(crate) bytes_max: u32,
    /// The first batch may be larger than `bytes_max`, but not than this.
    pub(crate) first_bytes_max: u32,
    pub(crate) bounds: LogBounds,
}

/// Where the answers to the reads of one call go, and what is to be charged.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) charge: mpsc::UnboundedSender<(TopicPartition, u64)>,
    /// Has room for every answer.
    pub(crate) replies: mpsc::Sender<Vec<ReadAnswer>>,
}

impl Outlet {
    /// Charges, and answers in one message.
    fn answer(&self, answers: Vec<Answered>) {
        if answers.is_empty() {
            return;
        }
        let charged = answers.into_iter().map(|(index, partition, answer)| {
            if let Ok(answer) = &answer {
                // The shard may have stopped; then nobody counts any more.
                let _ = self.charge.send((partition, answer.bytes as u64));
            }
            (index, answer)
        });
        // Nor need anybody wait for the answer any more.
        let _ = self.replies.try_send(charged.collect());
    }
}

/// A read of a call by its number, its partition, and what became of it.
type Answered = (usize, TopicPartition, Result<ReadReply, ReadError>);

/// What is looked for by timestamp.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByTime {
    /// The first record at or after a time.
    AtOrAfter(Timestamp),
    /// The record with the largest timestamp.
    Max,
}

/// A search for a record that was planned and needs files.
pub(crate) struct FileSearch {
    pub(crate) partition: TopicPartition,
    pub(crate) places: Vec<Place>,
    pub(crate) wanted: ByTime,
    pub(crate) bounds: LogBounds,
}

impl FileReads {
    pub(crate) fn new(reader: SegmentReader) -> Self {
        let frame_lists = Cache::with_weighter(1024, FRAME_LISTS_BYTES_MAX, ByBytes);
        let source = Arc::new(Source {
            reader,
            pace: Pace::default(),
            frame_lists,
            ahead: Ahead::default(),
        });
        Self {
            source,
            places: Arc::new(Semaphore::new(FILE_READS_MAX)),
            waiting: Arc::new(Semaphore::new(FILE_READS_WAITING_MAX)),
        }
    }

    /// Reads, reports the bytes to be charged, and answers, in this order; all of one call together.
    pub(crate) fn read(&self, reads: Vec<(usize, FileRead)>, outlet: Outlet) {
        let Some(waiting) = self.queue(reads.len()) else {
            let busy = reads
                .into_iter()
                .map(|(index, read)| (index, read.partition, Err(ReadError::Busy)));
            return outlet.answer(busy.collect());
        };
        let files = self.clone();
        tokio::spawn(async move {
            let next = files.read_together(reads, outlet).await;
            drop(waiting);
            if let Some(next) = next {
                files.read_ahead(next).await;
            }
        });
    }

    /// Reads and answers; says what follows, if that is known.
    async fn read_together(
        &self,
        reads: Vec<(usize, FileRead)>,
        outlet: Outlet,
    ) -> Option<Vec<FileRead>> {
        // Where an answer has no room for some of the partitions, it is not known which of them come next.
        let has_room_for_all = reads.iter().all(|(_, read)| read.bytes_max > 0);
        let followers = match has_room_for_all {
            true => reads.iter().filter_map(Follower::of).collect(),
            false => Vec::new(),
        };
        let answers = self.answers(reads, &outlet).await?;
        let next = following(&followers, &answers);
        (!next.is_empty()).then_some(next)
    }

    /// Reads what nobody has asked for yet, where the threads have little else to do.
    async fn read_ahead(&self, reads: Vec<FileRead>) {
        if self.places.available_permits() < FILE_READS_MAX / 2 {
            return;
        }
        let reading = self.run(move |source| source.ahead.read(source, reads));
        if reading.await == Some(false) {
            return;
        }
        tokio::time::sleep(AHEAD_WAIT_MAX).await;
        self.source.ahead.give_up(Instant::now());
    }

    /// Answers, first with what was read ahead, and says what was answered. Where a part of the rest fails by a bug, that
    /// is not answered, which tells that it was not read.
    async fn answers(
        &self,
        reads: Vec<(usize, FileRead)>,
        outlet: &Outlet,
    ) -> Option<Vec<Answered>> {
        let at_once = outlet.clone();
        let planned = self.run(move |source| {
            let (mut answers, reads) = source.ahead.claim(source, reads);
            at_once.answer(answers.clone());
            if reads.is_empty() {
                return (answers, None);
            }
            let together = Together::plan(source, reads);
            if together.parts().len() > 1 {
                return (answers, Some(together));
            }
            let found = together.answers([together.read(source, 0)]);
            at_once.answer(found.clone());
            answers.extend(found);
            (answers, None)
        });
        let (mut answers, together) = planned.await?;
        let Some(together) = together.map(Arc::new) else {
            return Some(answers);
        };
        let parts = (0..together.parts().len()).map(|part| {
            let together = Arc::clone(&together);
            self.run(move |source| together.read(source, part))
        });
        let found: Option<Vec<_>> = join_all(parts).await.into_iter().collect();
        let found = together.answers(found?);
        outlet.answer(found.clone());
        answers.extend(found);
        Some(answers)
    }

    /// Looks for a record and answers.
    pub(crate) fn search(
        &self,
        search: FileSearch,
        reply: oneshot::Sender<Result<FoundOffset, ReadError>>,
    ) {
        let Some(waiting) = self.queue(1) else {
            return drop(reply.send(Err(ReadError::Busy)));
        };
        let files = self.clone();
        tokio::spawn(async move {
            let _waiting = waiting;
            let search = move |source: &Source| drop(reply.send(source.search(&search)));
            files.run(search).await
        });
    }

    /// Places among the reads that wait; none where there are too many.
    fn queue(&self, reads: usize) -> Option<OwnedSemaphorePermit> {
        let places = u32::try_from(reads.min(FILE_READS_WAITING_MAX)).ok()?;
        let waiting = Arc::clone(&self.waiting);
        waiting.try_acquire_many_owned(places).ok()
    }

    /// Works on a thread that may block, when its turn comes; nothing comes of it if it panics.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Source) -> T + Send + 'static,
    ) -> Option<T> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let source = Arc::clone(&self.source);
        let working = tokio::task::spawn_blocking(move || {
            let result = work(&source);
            drop(place);
            result
        });
        working.await.ok()
    }
}

impl Source {
    /// The batches that a read takes; none where the first one is too large.
    fn run_of(&self, read: FileRead) -> Result<Option<FrameRun>, ReadError> {
        let largest = read.bytes_max.max(read.first_bytes_max);
        let run = match read.plan {
            ReadPlan::Frames(run) => run,
            ReadPlan::Sealed(extent) => {
                let frames = self.frames(extent.segment, read.partition)?;
                let takes_first = read.first_bytes_max > read.bytes_max;
                read_frames(&extent, &frames, read.offset, read.bytes_max, takes_first)
            }
        };
        let fits = |first: &FrameEntry| first.at.length <= largest;
        Ok(run.frames.first().is_some_and(fits).then_some(run))
    }

    fn frames(
        &self,
        segment: SegmentId,
        partition: TopicPartition,
    ) -> Result<Arc<[FrameEntry]>, ReadError> {
        let load = || {
            self.reader
                .partition_frames(segment, partition)
                .map(Arc::from)
        };
        let frames = self
            .frame_lists
            .get_or_insert_with(&(segment, partition), load);
        frames.map_err(|why| told(&why))
    }

    fn search(&self, search: &FileSearch) -> Result<FoundOffset, ReadError> {
        let mut best: Option<(Offset, Timestamp)> = None;
        for place in &search.places {
            let found = self.search_place(search, place)?;
            best = match (search.wanted, best, found) {
                (ByTime::AtOrAfter(_), None, Some(found)) => {
                    return Ok(FoundOffset {
                        found: Some(found),
                        bounds: search.bounds,
                    });
                }
                (ByTime::Max, Some(best), Some(found)) if found.1 <= best.1 => Some(best),
                (ByTime::Max, best, found) => found.or(best),
                (_, best, _) => best,
            };
        }
        Ok(FoundOffset {
            found: best,
            bounds: search.bounds,
        })
    }

    /// The record in one place. A batch is found by its largest timestamp, which may belong to a
    /// record below the log start: then the search goes on behind it.
    fn search_place(
        &self,
        search: &FileSearch,
        place: &Place,
    ) -> Result<Option<(Offset, Timestamp)>, ReadError> {
        let frames = match place {
            Place::Frame(frame) => Arc::from([*frame]),
            Place::Sealed(extent) => self.frames(extent.segment, search.partition)?,
        };
        let mut from = search.bounds.log_start_offset;
        loop {
            let frame = match search.wanted {
                ByTime::AtOrAfter(timestamp) => first_frame_reaching(&frames, timestamp, from),
                ByTime::Max => frame_with_max_timestamp(&frames, from),
            };
            let Some(frame) = frame else { return Ok(None) };
            let batch = self.reader.read(frame.at).map_err(|why| told(&why))?;
            let found = record_in(&batch, search.wanted, search.partition)?;
            match found.filter(|(offset, _)| *offset >= search.bounds.log_start_offset) {
                Some(found) => return Ok(Some(found)),
                None => from = frame.end_offset(),
            }
        }
    }
}

fn record_in(
    batch: &StampedBatch,
    wanted: ByTime,
    partition: TopicPartition,
) -> Result<Option<(Offset, Timestamp)>, ReadError> {
    let limits = DecompressLimits::default();
    let found = match wanted {
        ByTime::AtOrAfter(timestamp) => first_at_or_after(batch, timestamp, &limits),
        ByTime::Max => max_timestamp_record(batch, &limits),
    };
    found.map_err(|why| {
        error!(%partition, %why, "records cannot be read from a stored batch");
        ReadError::Storage
    })
}

/// Tells the log what the gateway is not told.
fn told(why: &wal::ReadError) -> ReadError {
    match why {
        wal::ReadError::Gone(_) | wal::ReadError::NotSealed(_) => ReadError::Busy,
        wal::ReadError::Damaged { .. } | wal::ReadError::Disk { .. } => {
            error!(%why, "a stored batch cannot be read");
            ReadError::Storage
        }
    }
}

#[cfg(test)]
mod tests {
    use model::TopicId;

    use super::*;

    #[test]
    fn what_is_answered_is_charged_to_the_byte_and_before_it_is_answered() {
        let (charge, mut charged) = mpsc::unbounded_channel();
        let (replies, mut answers) = mpsc::channel(3);
        let partition = |partition| TopicPartition {
            topic: TopicId([1; 16]),
            partition,
        };
        let reply = |bytes| ReadReply {
            bytes,
            ..ReadReply::default()
        };
        let outlet = Outlet { charge, replies };
        outlet.answer(vec![
            (4, partition(0), Ok(reply(1000))),
            (2, partition(1), Err(ReadError::Storage)),
            (0, partition(2), Ok(reply(7))),
        ]);
        assert_eq!(charged.try_recv(), Ok((partition(0), 1000)));
        assert_eq!(charged.try_recv(), Ok((partition(2), 7)));
        assert!(charged.try_recv().is_err());
        let told = answers.try_recv().expect("all came together");
        let told: Vec<_> = told.iter().map(|(i, a)| (*i, a.is_ok())).collect();
        assert_eq!(told, [(4, true), (2, false), (0, true)]);
    }
}
