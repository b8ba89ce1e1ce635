//! The ends of the log that a node's shards hold: one to submit frames, one to be told.
//!
//! Owns: the bound on what is under way, and what happens at it. Does not own: writing.
//!
//! ```text
//!  shard ─submit─▶ (bytes taken) ─▶ one thread: group, sync ─▶ queue of the shard ─recv─▶ (given back)
//! ```
//! Every frame takes its size from [`WalConfig::unsynced_bytes_max`](crate::WalConfig) when it is
//! submitted, and gives it back when its event is taken out of the shard's queue. So neither the
//! thread's queue nor the shards' can grow beyond the bound, and a shard that does not take its
//! events out stops the others: it must go on receiving while it waits to submit. That is what
//! [`WalHandle::submit_or_receive`] is for. News of sealed segments are free: one for each segment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use partition_log::SegmentId;
use quota::Meters;
use tokio::sync::{AcquireError, Semaphore, TryAcquireError, oneshot};

use crate::events::ShardEvents;
use crate::inbox::InboxSender;
use crate::reader::SegmentReader;
use crate::running::Message;
use crate::write::{FrameWrite, PreparedFrame, WalEvent, WalStopped};

/// What the handles, the shards' ends and the thread share.
pub(crate) struct Shared {
    bytes_left: Semaphore,
    bytes_max: usize,
    frame_bytes_max: usize,
    shards: u16,
    active: AtomicU64,
    totals: AtomicU64,
    stopped: OnceLock<WalStopped>,
}

/// The numbers that a [`Shared`] begins with.
pub(crate) struct Start {
    pub(crate) bytes_max: usize,
    pub(crate) frame_bytes_max: usize,
    pub(crate) shards: u16,
    pub(crate) active: SegmentId,
    pub(crate) totals: SegmentId,
}

impl Shared {
    pub(crate) fn new(start: Start) -> Self {
        Self {
            bytes_left: Semaphore::new(start.bytes_max),
            bytes_max: start.bytes_max,
            frame_bytes_max: start.frame_bytes_max,
            shards: start.shards,
            active: AtomicU64::new(start.active.0),
            totals: AtomicU64::new(start.totals.0),
            stopped: OnceLock::new(),
        }
    }

    /// Says which segment is being written, and which is the last that has totals.
    pub(crate) fn set_segments(&self, active: SegmentId, totals: SegmentId) {
        self.active.store(active.0, Ordering::Release);
        self.totals.store(totals.0, Ordering::Release);
    }

    /// Refuses everything from now on. The first reason counts.
    pub(crate) fn stop(&self, reason: &str) {
        self.stopped.get_or_init(|| WalStopped {
            reason: reason.into(),
        });
        self.bytes_left.close();
    }

    fn stopped(&self) -> WalStopped {
        let ended = || WalStopped {
            reason: "it was closed".into(),
        };
        self.stopped.get().cloned().unwrap_or_else(ended)
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.bytes_left.add_permits(bytes);
    }
}

/// The end to submit to. The log ends when all clones are dropped: what was submitted is still
/// written.
#[derive(Clone)]
pub struct WalHandle {
    inbox: Arc<LastHandle>,
    shared: Arc<Shared>,
    reader: SegmentReader,
}

/// Tells the thread when the last handle is gone.
struct LastHandle {
    sender: InboxSender,
}

impl Drop for LastHandle {
    fn drop(&mut self) {
        // If the thread has stopped there is nobody to tell.
        let _ = self.sender.send(Message::End);
    }
}

/// Why frames were not taken.
#[derive(Debug, thiserror::Error)]
pub enum TrySubmitError {
    /// The bound is reached; here they are back.
    #[error("the bound of unsynced bytes is reached")]
    Full(Vec<FrameWrite>),
    /// The log has stopped.
    #[error(transparent)]
    Stopped(#[from] WalStopped),
}

impl WalHandle {
    pub(crate) fn new(sender: InboxSender, shared: Arc<Shared>, reader: SegmentReader) -> Self {
        Self {
            inbox: Arc::new(LastHandle { sender }),
            shared,
            reader,
        }
    }

    /// Submits frames, to be written in this order. Waits while the bound is reached; then go on
    /// receiving events elsewhere, or use [`Self::submit_or_receive`]. More than half the bound is
    /// submitted in parts: if the wait is given up, a first part may be submitted.
    ///
    /// # Panics
    /// If a frame is larger than [`Self::frame_bytes_max`], of a shard that there is not, or if its
    /// batch does not fit its record.
    pub async fn submit(&self, frames: Vec<FrameWrite>) -> Result<(), WalStopped> {
        let mut part = Vec::new();
        let mut part_bytes = 0;
        for frame in self.prepare(frames) {
            let frame_bytes = frame.submitted_bytes();
            if part_bytes > 0 && part_bytes + frame_bytes > self.shared.bytes_max / 2 {
                self.submit_part(std::mem::take(&mut part), part_bytes)
                    .await?;
                part_bytes = 0;
            }
            part_bytes += frame_bytes;
            part.push(frame);
        }
        self.submit_part(part, part_bytes).await
    }

    /// Submits `frames`, all of them, and leaves it empty; or, if that has to wait, receives an event
    /// first. Call it again until it gives none. Giving up the wait loses nothing.
    ///
    /// # Panics
    /// As [`Self::submit`], and if the frames are more than the bound together.
    pub async fn submit_or_receive(
        &self,
        frames: &mut Vec<FrameWrite>,
        events: &mut ShardEvents,
    ) -> Result<Option<WalEvent>, WalStopped> {
        let prepared = self.prepare(std::mem::take(frames));
        let mut unsent = Unsent { frames, prepared };
        if self.try_take_bytes(unsent.bytes())? {
            return self.send(unsent.take()).map(|()| None);
        }
        tokio::select! {
            biased;
            taken = self.take_bytes(unsent.bytes()) => {
                taken?;
                self.send(unsent.take()).map(|()| None)
            }
            event = events.recv() => event.map(Some).ok_or_else(|| self.shared.stopped()),
        }
    }

    /// Submits frames if the bound allows it now.
    ///
    /// # Panics
    /// As [`Self::submit`], and if the frames are more than the bound together.
    pub fn try_submit(&self, frames: Vec<FrameWrite>) -> Result<(), TrySubmitError> {
        let mut back = Vec::new();
        let prepared = self.prepare(frames);
        let mut unsent = Unsent {
            frames: &mut back,
            prepared,
        };
        if self.try_take_bytes(unsent.bytes())? {
            return Ok(self.send(unsent.take())?);
        }
        drop(unsent);
        Err(TrySubmitError::Full(back))
    }

    /// As [`Self::submit`], for threads that may block.
    pub fn submit_blocking(&self, frames: Vec<FrameWrite>) -> Result<(), WalStopped> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime
            .expect("a runtime without drivers needs nothing")
            .block_on(self.submit(frames))
    }

    /// Gives back a segment that nothing needs any more: no partition reads from it, what it says of
    /// their state is said again by later segments, and its meters are in later totals. All of that
    /// must be durable. Returns at once; giving it back twice is harmless.
    ///
    /// # Panics
    /// If the segment is being written, or no later segment has meter totals: then its meters would
    /// be lost.
    pub fn recycle(&self, segment: SegmentId) -> Result<(), WalStopped> {
        let active = self.shared.active.load(Ordering::Acquire);
        assert!(segment.0 < active, "segment {} is being written", segment.0);
        let totals = self.shared.totals.load(Ordering::Acquire);
        assert!(
            segment.0 < totals,
            "no totals carry on the meters of segment {}",
            segment.0
        );
        self.reader.forget(segment);
        self.tell(Message::Recycle(segment))
    }

    /// What everything that is durable has metered.
    pub async fn meters(&self) -> Result<Meters, WalStopped> {
        let (reply, answer) = oneshot::channel();
        self.tell(Message::Meters(reply))?;
        answer.await.map_err(|_| self.shared.stopped())
    }

    /// The largest frame, header included.
    pub fn frame_bytes_max(&self) -> usize {
        self.shared.frame_bytes_max
    }

    fn prepare(&self, frames: Vec<FrameWrite>) -> Vec<PreparedFrame> {
        let prepare = |frame: FrameWrite| {
            assert!(
                frame.shard < self.shared.shards,
                "there is no shard {}",
                frame.shard
            );
            let prepared = PreparedFrame::new(frame);
            let frame_bytes = prepared.frame_bytes();
            let largest = self.shared.frame_bytes_max;
            assert!(
                frame_bytes <= largest,
                "a frame of {frame_bytes} bytes; the most is {largest}"
            );
            prepared
        };
        frames.into_iter().map(prepare).collect()
    }

    async fn submit_part(&self, part: Vec<PreparedFrame>, bytes: usize) -> Result<(), WalStopped> {
        self.take_bytes(bytes).await?;
        self.send(part)
    }

    /// Whether the bytes could be taken now.
    fn try_take_bytes(&self, bytes: usize) -> Result<bool, WalStopped> {
        assert!(
            bytes <= self.shared.bytes_max,
            "{bytes} bytes will never fit"
        );
        match self.shared.bytes_left.try_acquire_many(permits(bytes)) {
            Ok(permit) => permit.forget(),
            Err(TryAcquireError::NoPermits) => return Ok(false),
            Err(TryAcquireError::Closed) => return Err(self.shared.stopped()),
        }
        Ok(true)
    }

    async fn take_bytes(&self, bytes: usize) -> Result<(), WalStopped> {
        let permit = self.shared.bytes_left.acquire_many(permits(bytes)).await;
        permit
            .map_err(|_: AcquireError| self.shared.stopped())?
            .forget();
        Ok(())
    }

    fn send(&self, frames: Vec<PreparedFrame>) -> Result<(), WalStopped> {
        if frames.is_empty() {
            Ok(())
        } else {
            self.tell(Message::Frames(frames))
        }
    }

    fn tell(&self, message: Message) -> Result<(), WalStopped> {
        self.inbox
            .sender
            .send(message)
            .map_err(|_| self.shared.stopped())
    }
}

/// Frames that are about to be sent; they go back to where they came from if they are not.
struct Unsent<'a> {
    frames: &'a mut Vec<FrameWrite>,
    prepared: Vec<PreparedFrame>,
}

impl Unsent<'_> {
    fn bytes(&self) -> usize {
        self.prepared
            .iter()
            .map(PreparedFrame::submitted_bytes)
            .sum()
    }

    fn take(&mut self) -> Vec<PreparedFrame> {
        std::mem::take(&mut self.prepared)
    }
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        let unsent = self.take();
        self.frames
            .extend(unsent.into_iter().map(|prepared| prepared.write));
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("the bound is below 4 GiB")
}
