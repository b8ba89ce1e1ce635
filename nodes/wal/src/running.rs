//! The log at work: one thread that writes groups, and one that makes and takes back spares.
//!
//! Owns: the writing thread, and what it tells the other. Does not own: what is written ([`Committer`]),
//! the other thread (`crate::janitor`), or the queues' bound ([`crate::handle`]).
//!
//! The writing thread takes what has come in, lets a small group wait where that pays ([`crate::commit_delay`]), writes it
//! as one group, syncs, tells the shards, and begins again: what comes in during a sync is the next group.
//! With nothing to do it sleeps, without a timer. After an error both threads end, every handle is refused, and every shard's queue ends:
//! then the process must end too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use partition_log::SegmentId;
use quota::Meters;
use tokio::sync::oneshot;

use crate::commit_delay::{COMMIT_DELAY, CommitDelay};
use crate::committer::{Commit, Committer};
use crate::error::WalError;
use crate::events::{Outbox, ShardEvents, queue};
use crate::handle::{Shared, Start, WalHandle};
use crate::inbox::{Inbox, inbox};
use crate::janitor::{Errand, Janitor};
use crate::reader::SegmentReader;
use crate::recover::Opened;
use crate::spares::Spare;
use crate::write::{PreparedFrame, WalEvent};

/// What the writing thread is told.
pub(crate) enum Message {
    /// Write these.
    Frames(Vec<PreparedFrame>),
    /// Nobody needs this segment any more.
    Recycle(SegmentId),
    /// A spare was made, or could not be.
    Prepared(Result<Spare, WalError>),
    /// A segment was taken back, as a spare or not.
    Recycled {
        kept: bool,
        result: Result<Option<Spare>, WalError>,
    },
    /// Say what the log has metered.
    Meters(oneshot::Sender<Meters>),
    /// The last handle is gone.
    End,
}

/// The log at work.
pub struct Running {
    /// To submit frames.
    pub handle: WalHandle,
    /// To be told what is durable, one for each shard.
    pub events: Vec<ShardEvents>,
    /// To read.
    pub reader: SegmentReader,
    /// Ends after the last handle is dropped, or after an error; then the folder is free.
    pub thread: JoinHandle<()>,
}

/// Puts an opened log to work for `shards` shards.
///
/// # Panics
/// If the operating system has no thread to give.
pub fn start(opened: Opened, shards: u16) -> Running {
    let Opened { committer, reader } = opened;
    let shared = Arc::new(Shared::new(Start {
        bytes_max: committer.config().unsynced_bytes_max,
        frame_bytes_max: committer.config().frame_bytes_max(),
        shards,
        active: committer.active_segment(),
        totals: committer.last_totals(),
    }));
    let (sender, inbox) = inbox();
    let (outboxes, events) = (0..shards).map(|_| queue(&shared)).unzip();
    let janitor = Janitor::start(committer.spare_files(), sender.clone());
    let writer = Writer {
        outboxes,
        janitor,
        committer,
        pending: VecDeque::new(),
        commit_delay: CommitDelay::default(),
        shared: Arc::clone(&shared),
    };
    let thread = spawn("wal-writer", move || writer.run(&inbox));
    let handle = WalHandle::new(sender, shared, reader.clone());
    Running {
        handle,
        events,
        reader,
        thread,
    }
}

pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body);
    thread.expect("the system has a thread for the log at its start")
}

/// The writing thread.
struct Writer {
    outboxes: Vec<Outbox>,
    janitor: Janitor,
    committer: Committer,
    pending: VecDeque<PreparedFrame>,
    commit_delay: CommitDelay,
    shared: Arc<Shared>,
}

/// Refuses all handles when the writing thread ends, however it ends.
struct StopAtEnd(Arc<Shared>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        self.0.stop(if panicked {
            "its thread has panicked"
        } else {
            "it was closed"
        });
    }
}

impl Writer {
    fn run(mut self, inbox: &Inbox) {
        // Dropped before `self`: who finds his queue ended also finds the reason.
        let _stop = StopAtEnd(Arc::clone(&self.shared));
        if let Err(error) = self.drive(inbox) {
            let reason = with_sources(&error);
            tracing::error!(reason, "the write-ahead log has stopped");
            self.shared.stop(&reason);
        }
        // The folder is given up with the committer, after the last thing was done in it.
        self.janitor.end();
    }

    fn drive(&mut self, inbox: &Inbox) -> Result<(), WalError> {
        self.order_spares();
        let mut ended = false;
        while !ended || !self.pending.is_empty() {
            let messages = match self.pending.is_empty() && !ended {
                true => inbox.wait(),
                false => inbox.take(),
            };
            ended |= self.take_all(messages)?;
            if self.pending.is_empty() {
                continue;
            }
            ended = ended || self.delay(inbox)?;
            let commit = self.committer.commit(&mut self.pending)?;
            self.announce(commit);
        }
        Ok(())
    }

    /// Lets a small group wait for others where that pays; says whether the end came meanwhile.
    fn delay(&mut self, inbox: &Inbox) -> Result<bool, WalError> {
        let frames = self.pending.len();
        let first_bytes = self.pending.front().map_or(0, PreparedFrame::frame_bytes);
        let wanted = self.commit_delay.wanted(frames, first_bytes);
        if wanted == 0 {
            return Ok(false);
        }
        let until = Instant::now() + COMMIT_DELAY;
        let ended = self.take_all(inbox.wait_until(wanted, until))?;
        self.commit_delay.waited(frames, wanted, self.pending.len());
        Ok(ended)
    }

    /// Takes messages; says whether the end was among them.
    fn take_all(&mut self, messages: Vec<Message>) -> Result<bool, WalError> {
        let mut ended = false;
        for message in messages {
            ended |= matches!(message, Message::End);
            self.take(message)?;
        }
        Ok(ended)
    }

    fn take(&mut self, message: Message) -> Result<(), WalError> {
        match message {
            Message::Frames(frames) => self.pending.extend(frames),
            Message::Recycle(segment) => {
                let keep = self.committer.order_recycled();
                self.janitor.send(Errand::Recycle { segment, keep });
            }
            Message::Prepared(Ok(spare)) => self.committer.take_spare(Some(spare)),
            Message::Prepared(Err(error)) => {
                // Not the end: the next roll tries again, on this thread if it must.
                let reason = with_sources(&error);
                tracing::warn!(reason, "no spare segment could be made");
                self.committer.take_spare(None);
            }
            Message::Recycled { kept: true, result } => self.committer.take_spare(result?),
            Message::Recycled {
                kept: false,
                result,
            } => drop(result?),
            // Between two groups the meters are those of what is durable. Who asked may be gone.
            Message::Meters(reply) => drop(reply.send(self.committer.total().clone())),
            Message::End => {}
        }
        Ok(())
    }

    fn announce(&mut self, commit: Commit) {
        let (active, totals) = (
            self.committer.active_segment(),
            self.committer.last_totals(),
        );
        self.shared.set_segments(active, totals);
        if let Some(segment) = commit.sealed {
            for outbox in &self.outboxes {
                outbox.deliver(WalEvent::SegmentSealed(segment), 0);
            }
            self.order_spares();
        }
        for shard in commit.shards {
            self.janitor.log_grew(shard.submitted_bytes);
            let outbox = &self.outboxes[usize::from(shard.shard)];
            outbox.deliver(WalEvent::Committed(shard.committed), shard.submitted_bytes);
        }
    }

    fn order_spares(&mut self) {
        for _ in 0..self.committer.order_spares() {
            self.janitor.send(Errand::Prepare);
        }
    }
}

/// An error and all that it was caused by, in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line = format!("{line}: {cause}");
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests;
