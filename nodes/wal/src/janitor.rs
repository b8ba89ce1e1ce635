//! The thread that makes spares and takes segments back, beside the one that writes.
//!
//! Owns: that thread, and its pace. Does not own: what it is asked for ([`crate::committer`]), or how
//! it is done ([`crate::spares`]).
//!
//! Zeros written as fast as the disk takes them would stand in front of the log's own syncs. So the
//! thread rests after each piece until the log has written half as many bytes as the spare, but not
//! for long: 24 ms, and so 1.6 s for a spare of 64 MiB.
//! Invariant: the thread ends before the folder is given up, also when the writing thread panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use partition_log::SegmentId;

use crate::disk::PIECE_BYTES;
use crate::inbox::InboxSender;
use crate::running::{Message, spawn};
use crate::spares::SpareFiles;

/// What the thread is to do.
pub(crate) enum Errand {
    /// Make a spare.
    Prepare,
    /// Take a segment back.
    Recycle { segment: SegmentId, keep: bool },
}

/// The thread. Its queue is bounded: spares are ordered up to a number, and a segment is given back
/// once.
pub(crate) struct Janitor {
    errands: Option<Sender<Errand>>,
    thread: Option<JoinHandle<()>>,
    pace: Arc<Pace>,
}

impl Janitor {
    pub(crate) fn start(files: SpareFiles, inbox: InboxSender) -> Self {
        let (errands, queue) = channel();
        let pace = Arc::new(Pace::default());
        let kept = Arc::clone(&pace);
        let thread = spawn("wal-janitor", move || {
            for errand in queue {
                let done = match errand {
                    // Nobody would take it.
                    Errand::Prepare if kept.is_hurried() => continue,
                    Errand::Prepare => {
                        Message::Prepared(files.create(&mut kept.rests(std::thread::sleep)))
                    }
                    Errand::Recycle { segment, keep } => Message::Recycled {
                        kept: keep,
                        result: files.recycle(segment, keep),
                    },
                };
                // When the writing thread has ended, nobody waits for it.
                let _ = inbox.send(done);
            }
        });
        Self {
            errands: Some(errands),
            thread: Some(thread),
            pace,
        }
    }

    pub(crate) fn send(&self, errand: Errand) {
        // The thread ends after this end of its queue is dropped, or by a panic, which is a bug
        // that has been printed: then there are no spares made ahead any more.
        if let Some(errands) = &self.errands {
            let _ = errands.send(errand);
        }
    }

    /// The log has written so many bytes more.
    pub(crate) fn log_grew(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.pace.log_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Waits until every segment is taken back that was given, and the spare that was begun is made.
    pub(crate) fn end(&mut self) {
        self.pace.hurry.store(true, Ordering::Relaxed);
        self.errands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        self.end();
    }
}

/// Longest rest, in steps: about 40 MB/s with nothing else to do. Each step wakes the thread.
const REST_STEPS: u32 = 2;
const REST_STEP: Duration = Duration::from_millis(12);

/// How far the log is, to be followed.
#[derive(Default)]
struct Pace {
    log_bytes: AtomicU64,
    /// Somebody waits for the thread to end.
    hurry: AtomicBool,
}

impl Pace {
    /// The rests of one spare: what is called after each piece of it.
    fn rests(&self, sleep: impl Fn(Duration)) -> impl FnMut() {
        let mut due = self.log_bytes.load(Ordering::Relaxed);
        move || {
            due += PIECE_BYTES as u64 / 2;
            for _ in 0..REST_STEPS {
                if self.has_come_to(due) {
                    return;
                }
                sleep(REST_STEP);
            }
        }
    }

    fn has_come_to(&self, due: u64) -> bool {
        self.is_hurried() || self.log_bytes.load(Ordering::Relaxed) >= due
    }

    fn is_hurried(&self) -> bool {
        self.hurry.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn spares_are_made_as_slowly_as_the_log_allows() {
        let (pace, slept) = (Pace::default(), Cell::new(0));
        let mut rest = pace.rests(|_| slept.set(slept.get() + 1));
        let mut steps = || {
            rest();
            slept.take()
        };
        assert_eq!(steps(), REST_STEPS, "the log stands still");
        pace.log_bytes.store(PIECE_BYTES as u64, Ordering::Relaxed);
        assert_eq!(steps(), 0, "two pieces for every one of the log's");
        assert_eq!(steps(), REST_STEPS);
        pace.hurry.store(true, Ordering::Relaxed);
        assert_eq!(steps(), 0, "somebody waits for the end");
    }
}
