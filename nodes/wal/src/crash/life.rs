//! One seed: a log that is written, crashes, and is opened again, a few times over.
//!
//! Everything is stepped by one thread, and chance comes from the seed alone.

use std::collections::VecDeque;
use std::sync::Arc;

use model::NodeEpoch;
use partition_log::{Freed, LogRecord, LogSnapshot};

use super::bill::Bill;
use super::expected::{Expected, Sent, ensure};
use crate::committer::{Commit, Committer};
use crate::config::WalConfig;
use crate::disk::Disk;
use crate::error::WalError;
use crate::fixtures::{HandClock, append, change, offset, partition};
use crate::format::WalId;
use crate::reader::SegmentReader;
use crate::recover::{Opened, open};
use crate::sim::{Chance, Crash, SimDisk};
use crate::write::{FrameRecord, FrameWrite, PreparedFrame, TotalsOrder};

const LIVES: u64 = 10;
const STEPS_MAX: u64 = 160;
const PARTITIONS: u64 = 5;
/// Only ever closed, so that nothing follows.
const CLOSED_PARTITION: u32 = 9;
const BODY_BYTES_MAX: u64 = 3000;

/// What came to pass in a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// A checksum over all changes of the disk.
    pub(super) trace: u32,
    pub(super) commits: u64,
    pub(super) sealed: u64,
    pub(super) recycled: u64,
    pub(super) batches_read: u64,
    /// Lives that the disk ended before the log was open, and after.
    pub(super) failed_openings: u64,
    pub(super) failed_at_work: u64,
    /// Recoveries that cut a torn end.
    pub(super) torn: u64,
    /// Frames that were shown by a recovery and never acknowledged.
    pub(super) shown_unacknowledged: u64,
    /// Batches of sealed windows, those that were sent again too.
    pub(super) batches_sent: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.trace = crc32c::crc32c_append(self.trace, &other.trace.to_le_bytes());
        for (sum, more) in self.counts().into_iter().zip({ *other }.counts()) {
            *sum += *more;
        }
    }

    /// Whether everything came to pass at least once.
    pub(super) fn has_all(mut self) -> bool {
        self.counts().into_iter().all(|count| *count > 0)
    }

    fn counts(&mut self) -> [&mut u64; 9] {
        [
            &mut self.commits,
            &mut self.sealed,
            &mut self.recycled,
            &mut self.batches_read,
            &mut self.failed_openings,
            &mut self.failed_at_work,
            &mut self.torn,
            &mut self.shown_unacknowledged,
            &mut self.batches_sent,
        ]
    }
}

/// Runs a seed. Says what came to pass, or what was wrong.
pub(super) fn run(seed: u64) -> Result<Tally, String> {
    let mut simulation = Simulation::new(seed);
    for _ in 0..LIVES {
        simulation.live()?;
    }
    simulation.reopen()?;
    Ok(Tally {
        trace: simulation.disk.trace(),
        ..simulation.tally
    })
}

struct Simulation {
    chance: Chance,
    disk: SimDisk,
    clock: Arc<HandClock>,
    config: WalConfig,
    epoch: u64,
    expected: Expected,
    bill: Bill,
    pending: VecDeque<PreparedFrame>,
    tally: Tally,
}

/// Why a life ended.
enum End {
    /// The disk failed, as it was told to.
    Disk,
    /// The log did something that it must not do.
    Wrong(String),
}

impl From<String> for End {
    fn from(wrong: String) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<WalError> for End {
    fn from(error: WalError) -> Self {
        match error {
            WalError::Disk { .. } => Self::Disk,
            other => Self::Wrong(format!("refused: {other}")),
        }
    }
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let config = WalConfig {
            segment_bytes: [16, 20, 32, 64][chance.below(4) as usize] * 4096,
            group_bytes_max: [4096, 8192, 40_000][chance.below(3) as usize],
            spares_ready: chance.below(3) as usize,
            ..WalConfig::new(WalId(chance.draw()))
        };
        Self {
            disk: SimDisk::new(chance.draw()),
            chance,
            clock: Arc::new(HandClock::at(1_700_000_000_000)),
            config,
            epoch: 0,
            expected: Expected::default(),
            bill: Bill::default(),
            pending: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Opens the log, works for a while, and crashes.
    fn live(&mut self) -> Result<(), String> {
        self.arm();
        match self.open() {
            Err(End::Wrong(wrong)) => return Err(wrong),
            Err(End::Disk) => self.tally.failed_openings += 1,
            Ok(mut opened) => match self.work(&mut opened) {
                Err(End::Wrong(wrong)) => return Err(wrong),
                Err(End::Disk) => self.tally.failed_at_work += 1,
                Ok(()) => {}
            },
        }
        self.pending.clear();
        let crash = if self.chance.once_in(3) {
            Crash::Process
        } else {
            Crash::Power
        };
        self.disk.restart(crash);
        // Often the next opening finds what this one has left, and is cut short as well.
        if self.chance.once_in(3) {
            self.reopen()?;
        }
        Ok(())
    }

    /// Sometimes a machine stops early, even while the log is opened.
    fn arm(&mut self) {
        let changes = [10, 60, 400, 2000][self.chance.below(4) as usize];
        let changes = self.chance.below(changes);
        self.disk
            .crash_after((!self.chance.once_in(8)).then_some(changes));
        let syncs = self.chance.below(100);
        self.disk
            .fail_sync_after(self.chance.once_in(6).then_some(syncs));
    }

    /// Without a fault, the log opens, and a power failure right after takes nothing away.
    fn reopen(&mut self) -> Result<(), String> {
        for crash in [Crash::Power, Crash::Process] {
            match self.open() {
                Ok(_) => self.disk.restart(crash),
                Err(End::Disk) => return Err("a sound disk was refused".to_owned()),
                Err(End::Wrong(wrong)) => return Err(wrong),
            }
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Opened, End> {
        self.epoch += 1;
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let clock = Arc::clone(&self.clock);
        let (opened, recovered) = open(
            Arc::clone(&disk),
            self.config.clone(),
            NodeEpoch(self.epoch),
            clock,
        )?;
        let acknowledged = self.expected.acknowledged;
        self.expected.check(&*disk, &recovered)?;
        self.bill.forget_answers();
        self.bill.see(&recovered.meters)?;
        self.bill.check(&self.expected, &recovered.meters)?;
        self.tally.torn += u64::from(recovered.torn.is_some());
        self.tally.shown_unacknowledged += (self.expected.acknowledged - acknowledged) as u64;
        Ok(opened)
    }

    fn work(&mut self, opened: &mut Opened) -> Result<(), End> {
        for _ in 0..self.chance.below(STEPS_MAX) {
            match self.chance.below(12) {
                0..4 => self.submit(),
                4..8 if !self.pending.is_empty() => {
                    let commit = opened.committer.commit(&mut self.pending)?;
                    self.acknowledge(commit, &opened.committer)?;
                }
                8 => self.prepare_spare(&mut opened.committer)?,
                9 => self.recycle(&mut opened.committer)?,
                10 => self.read(&opened.reader)?,
                _ => self
                    .clock
                    .advance(self.chance.below(70_000) as i64 - 10_000),
            }
        }
        Ok(())
    }

    fn submit(&mut self) {
        for _ in 0..=self.chance.below(6) {
            let write = self.frame();
            self.expected.sent.push(Sent {
                write: write.clone(),
                durable: None,
            });
            self.pending.push_back(PreparedFrame::new(write));
        }
    }

    fn frame(&mut self) -> FrameWrite {
        let partition_id = partition(self.chance.below(PARTITIONS) as u32);
        let end_offset = self.expected.end_offset(partition_id);
        match self.chance.below(20) {
            0 => {
                let start = offset(self.chance.below(end_offset + 1));
                let stored = self.expected.stored_bytes(partition_id);
                let freed = Freed {
                    bytes: self.chance.below(stored + 1),
                    position: 0,
                };
                change(partition_id, LogRecord::LogStart(start, freed))
            }
            1 => {
                let end_offset = offset(end_offset);
                let snapshot = LogSnapshot {
                    end_offset,
                    ..LogSnapshot::default()
                };
                change(partition_id, LogRecord::Snapshot(snapshot))
            }
            2 => change(
                partition(CLOSED_PARTITION),
                LogRecord::Closed(Freed::default()),
            ),
            3 => {
                let order = match self.chance.once_in(3) {
                    true => TotalsOrder::Carry,
                    false => TotalsOrder::Seal {
                        stored_below: self.bill.known_stored_below(),
                    },
                };
                FrameWrite {
                    record: FrameRecord::MeterTotalsNow(order),
                    ..change(partition_id, LogRecord::Closed(Freed::default()))
                }
            }
            _ => {
                let mut body = vec![0; self.chance.below(BODY_BYTES_MAX) as usize];
                body.fill_with(|| self.chance.draw() as u8);
                let records = 1 + self.chance.below(20) as u32;
                let producer = self.chance.below(4) as i64;
                let producer = (producer > 0).then_some((producer, end_offset as i32));
                append(partition_id, end_offset, records, &body, producer)
            }
        }
    }

    fn acknowledge(&mut self, commit: Commit, committer: &Committer) -> Result<(), String> {
        self.tally.commits += 1;
        self.tally.sealed += u64::from(commit.sealed.is_some());
        for shard in commit.shards {
            let commit_time = shard.committed.commit_time;
            for frame in shard.committed.frames {
                let sent = &mut self.expected.sent[self.expected.acknowledged];
                ensure!(
                    sent.write.partition == frame.partition,
                    "another frame is announced"
                );
                sent.durable = Some((frame.at, commit_time));
                self.expected.acknowledged += 1;
            }
        }
        self.expected.check_meters(committer.total())?;
        self.bill.see(committer.total())?;
        if self.chance.once_in(3) {
            self.send(committer)?;
        }
        Ok(())
    }

    /// Sends the batch of sealed windows that is on its way. The answer may be lost.
    fn send(&mut self, committer: &Committer) -> Result<(), String> {
        if let Some(batch) = committer.total().sealed() {
            let answered = !self.chance.once_in(3);
            self.tally.batches_sent += 1;
            self.bill.send(batch, answered)?;
        }
        Ok(())
    }

    fn prepare_spare(&mut self, committer: &mut Committer) -> Result<(), End> {
        for _ in 0..committer.order_spares() {
            let spare = committer.spare_files().create(&mut || {});
            committer.take_spare(spare.as_ref().ok().copied());
            spare?;
        }
        Ok(())
    }

    /// Gives back a segment whose meters are in later totals, any of them.
    fn recycle(&mut self, committer: &mut Committer) -> Result<(), End> {
        let limit = committer.last_totals();
        let durable = self.expected.sent.iter().filter_map(|sent| sent.durable);
        let mut old: Vec<_> = durable
            .map(|(at, _)| at.segment)
            .filter(|segment| *segment < limit && !self.expected.recycled.contains(segment))
            .collect();
        old.dedup();
        if old.is_empty() {
            return Ok(());
        }
        let segment = old[self.chance.below(old.len() as u64) as usize];
        self.expected.recycling = Some(segment);
        let keep = committer.order_recycled();
        let spare = committer.spare_files().recycle(segment, keep)?;
        if keep {
            committer.take_spare(spare);
        }
        self.expected.recycling = None;
        self.expected.recycled.insert(segment);
        self.tally.recycled += 1;
        Ok(())
    }

    /// Reads some batches that must be there.
    fn read(&mut self, reader: &SegmentReader) -> Result<(), End> {
        let first = self.chance.below(self.expected.acknowledged as u64 + 1) as usize;
        let wanted: Vec<_> = self.expected.sent[first..self.expected.acknowledged]
            .iter()
            .filter_map(|sent| Some((sent.durable?.0, sent.write.batch.clone()?)))
            .filter(|(at, _)| !self.expected.recycled.contains(&at.segment))
            .take(20)
            .collect();
        let places: Vec<_> = wanted.iter().map(|(at, _)| *at).collect();
        let batches = reader
            .read_many(&places)
            .map_err(|error| error.to_string())?;
        self.tally.batches_read += batches.len() as u64;
        let same = batches
            .iter()
            .zip(&wanted)
            .all(|(batch, (_, sent))| batch == sent);
        if same {
            Ok(())
        } else {
            Err(End::Wrong("a batch reads back as another".to_owned()))
        }
    }
}
