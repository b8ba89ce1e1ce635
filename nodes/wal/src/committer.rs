//! Writes groups of frames, one after the other, and says what is durable.
//!
//! Owns: the active segment, when to go on to the next one, commit times, the running meters, the
//! spares at hand. Does not own: threads, queues, or who is told; it is stepped from outside, so that
//! a simulation can do that as well as the thread ([`crate::running`]).
//!
//! Invariants: one group is in flight at a time; what [`Committer::commit`] returns is durable;
//! commit times never go back; after an error nothing is written any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::{Clock, Timestamp};
use partition_log::{FrameAt, SegmentId};
use quota::{Meters, Minute, Window};

use crate::active::Active;
use crate::config::{SPARES_MAX, WalConfig};
use crate::digest::counted;
use crate::disk::{Disk, DiskLock};
use crate::error::WalError;
use crate::format::Identity;
use crate::format::frame::{FrameOrigin, payload_at};
use crate::format::header::SegmentHeader;
use crate::group_buffer::GroupBuffer;
use crate::reports::egress_reports;
use crate::spares::{Spare, SpareFiles};
use crate::write::{Committed, CommittedFrame, FrameRecord, PreparedFrame};

/// What one step made durable.
#[derive(Debug)]
pub struct Commit {
    /// The segment that was sealed before the group was written, if one was.
    pub sealed: Option<SegmentId>,
    /// The group by shard, in the order of shards.
    pub shards: Vec<ShardCommit>,
}

/// One shard's part of a group.
#[derive(Debug)]
pub struct ShardCommit {
    /// The shard.
    pub shard: u16,
    /// Size of its frames as they were counted when they were submitted.
    pub submitted_bytes: usize,
    /// What it is told.
    pub committed: Committed,
}

impl ShardCommit {
    fn new(shard: u16, commit_time: Timestamp) -> Self {
        Self {
            shard,
            submitted_bytes: 0,
            committed: Committed {
                commit_time,
                frames: Vec::new(),
            },
        }
    }

    fn add(&mut self, frame: PreparedFrame, at: FrameAt) {
        self.submitted_bytes += frame.submitted_bytes();
        let write = frame.write;
        self.committed.frames.push(CommittedFrame {
            virtual_cluster: write.virtual_cluster,
            partition: write.partition,
            record: write.record,
            at,
            batch: write.batch,
        });
    }
}

/// The writer of the log.
pub struct Committer {
    parts: CommitterParts,
    buffer: GroupBuffer,
    /// What the last frames of the group being made count in one window, and the meters do not yet.
    counted: Option<Window>,
    /// Spares that are being made.
    coming: usize,
    stopped: bool,
}

/// What a committer is made of.
pub(crate) struct CommitterParts {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) _lock: DiskLock,
    pub(crate) config: WalConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) active: Active,
    /// The meters of all frames so far.
    pub(crate) total: Meters,
    /// The last segment that has meter totals; 0 if there is none.
    pub(crate) last_totals: SegmentId,
    pub(crate) spare_files: SpareFiles,
    pub(crate) ready: Vec<Spare>,
}

impl Committer {
    pub(crate) fn new(parts: CommitterParts) -> Self {
        Self {
            parts,
            buffer: GroupBuffer::default(),
            counted: None,
            coming: 0,
            stopped: false,
        }
    }

    /// Makes one group of the first frames of `pending`, at least one, and makes it durable.
    ///
    /// After an error the log is stopped for good: what is on the disk is not known, and is found
    /// out by the next opening.
    ///
    /// # Panics
    /// If nothing is pending, if a frame is larger than [`WalConfig::frame_bytes_max`], or after an
    /// error.
    pub fn commit(&mut self, pending: &mut VecDeque<PreparedFrame>) -> Result<Commit, WalError> {
        assert!(!self.stopped, "a log that has stopped is not written to");
        // Until it is known to have succeeded, it has failed.
        self.stopped = true;
        let commit = self.try_commit(pending)?;
        self.stopped = false;
        Ok(commit)
    }

    fn try_commit(&mut self, pending: &mut VecDeque<PreparedFrame>) -> Result<Commit, WalError> {
        let parts = &self.parts;
        let commit_time = parts.clock.wall().max(parts.active.chain.commit_time);
        let first = pending.front_mut().expect("a group has a frame");
        self.fill_totals(first, commit_time);
        self.buffer.begin().map_err(WalError::Memory)?;
        // An empty segment takes any frame: a frame is a quarter of a segment at most.
        let full = !self.parts.active.is_empty() && !self.parts.active.fits(&self.buffer, first);
        let sealed = if full { Some(self.roll()?) } else { None };
        let active = &self.parts.active;
        let (identity, chain) = (active.identity, active.chain);
        let shards = self.assemble(pending, commit_time)?;
        let chain = self.buffer.finish(identity, chain, commit_time);
        self.parts.active.write_group(self.buffer.bytes(), chain)?;
        Ok(Commit { sealed, shards })
    }

    /// Seals the active segment and begins the next one.
    fn roll(&mut self) -> Result<SegmentId, WalError> {
        let parts = &mut self.parts;
        parts.active.seal()?;
        let before = parts.active.identity;
        let identity = Identity {
            segment: SegmentId(before.segment.0 + 1),
            ..before
        };
        let spare = match parts.ready.pop() {
            Some(spare) => spare,
            None => parts.spare_files.create(&mut || {})?,
        };
        let header = SegmentHeader {
            identity,
            chain: parts.active.chain,
        };
        parts.active = Active::begin(&*parts.disk, spare, header)?;
        Ok(before.segment)
    }

    /// Moves frames into the buffer until the group or the segment is full.
    fn assemble(
        &mut self,
        pending: &mut VecDeque<PreparedFrame>,
        commit_time: Timestamp,
    ) -> Result<Vec<ShardCommit>, WalError> {
        let mut shards = BTreeMap::new();
        while let Some(frame) = pending.front_mut() {
            self.fill_totals(frame, commit_time);
            if !self.buffer.is_empty() && !self.takes(frame) {
                break;
            }
            let at = self.place(frame, commit_time)?;
            let frame = pending.pop_front().expect("it was there just now");
            let shard = shards.entry(frame.write.shard);
            shard
                .or_insert_with(|| ShardCommit::new(frame.write.shard, commit_time))
                .add(frame, at);
        }
        self.settle();
        Ok(shards.into_values().collect())
    }

    fn takes(&self, frame: &PreparedFrame) -> bool {
        let frames_bytes = self.buffer.frames_bytes() + frame.frame_bytes();
        frames_bytes <= self.parts.config.group_bytes_max
            && self.parts.active.fits(&self.buffer, frame)
    }

    /// Puts a frame into the group, the segment's digest and the meters, and says where it lies.
    fn place(
        &mut self,
        frame: &PreparedFrame,
        commit_time: Timestamp,
    ) -> Result<FrameAt, WalError> {
        let largest = self.parts.config.frame_bytes_max();
        let frame_bytes = frame.frame_bytes();
        assert!(
            frame_bytes <= largest,
            "a frame of {frame_bytes} bytes; the most is {largest}"
        );
        let write = &frame.write;
        let identity = self.parts.active.identity;
        let origin = FrameOrigin {
            segment: identity.segment,
            node_epoch: identity.node_epoch,
            commit_time,
            virtual_cluster: write.virtual_cluster,
            partition: write.partition,
        };
        let in_group = self.buffer.push(&origin, &write.record, frame.payload());
        let in_group = in_group.map_err(WalError::Memory)?;
        let position = self.parts.active.end() + in_group;
        let at = payload_at(origin.segment, position, frame_bytes);
        if let FrameRecord::MeterTotals(totals) = &write.record {
            // They stand for all that was counted before them.
            self.settle();
            self.parts.total.clone_from(totals);
            self.parts.last_totals = origin.segment;
        }
        self.parts.active.take_in(&origin, frame, at);
        if let Some(window) = counted(&origin, &write.record) {
            self.count(window);
        }
        let reports = egress_reports(&origin, &write.record, frame.payload().pieces());
        for window in reports.iter().flat_map(|r| r.windows(commit_time)) {
            self.count(window);
        }
        Ok(at)
    }

    /// Fills in the totals that a frame asks for.
    fn fill_totals(&mut self, frame: &mut PreparedFrame, commit_time: Timestamp) {
        if frame.asks_for_totals() {
            self.settle();
            let minute = Minute::of(commit_time);
            frame.fill_totals(
                &self.parts.total,
                self.parts.config.frame_bytes_max(),
                minute,
            );
        }
    }

    /// Counts what a frame counts. What frames in a row count in one window is looked up once.
    fn count(&mut self, window: Window) {
        let key = |window: &Window| (window.virtual_cluster, window.minute);
        match &mut self.counted {
            Some(open) if key(open) == key(&window) => open.sum = open.sum.plus(window.sum),
            _ => {
                self.settle();
                self.counted = Some(window);
            }
        }
    }

    /// Brings the meters, and those of the segment, to where the frames are.
    fn settle(&mut self) {
        if let Some(window) = self.counted.take() {
            self.parts.active.digest.count(window);
            self.parts.total.add(window);
        }
    }

    /// The segment that is being written; it cannot be recycled.
    pub fn active_segment(&self) -> SegmentId {
        self.parts.active.identity.segment
    }

    /// The last segment that holds meter totals: those before it can go, as far as meters are
    /// concerned. The first segment of all while there are none.
    pub fn last_totals(&self) -> SegmentId {
        self.parts.last_totals
    }

    /// How the log is written.
    pub fn config(&self) -> &WalConfig {
        &self.parts.config
    }

    /// The meters of everything committed.
    pub fn total(&self) -> &Meters {
        &self.parts.total
    }

    /// Makes spares, and takes segments back: on whatever thread has the time.
    pub fn spare_files(&self) -> SpareFiles {
        self.parts.spare_files.clone()
    }

    /// How many spares should be made now; they count as coming from then on.
    pub fn order_spares(&mut self) -> usize {
        let at_hand = self.parts.ready.len() + self.coming;
        let wanted = self.parts.config.spares_ready.saturating_sub(at_hand);
        self.coming += wanted;
        wanted
    }

    /// Whether a recycled segment should be kept as a spare; if so it counts as coming.
    pub fn order_recycled(&mut self) -> bool {
        let keep = self.parts.ready.len() + self.coming < SPARES_MAX;
        self.coming += usize::from(keep);
        keep
    }

    /// An ordered spare has come, or none in its place.
    pub fn take_spare(&mut self, spare: Option<Spare>) {
        self.coming -= 1;
        self.parts.ready.extend(spare);
    }
}
