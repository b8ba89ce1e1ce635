//! One seed: a log that is written, crashes, and is opened again, a few times over.
//!
//! Everything is stepped by one thread, and chance comes from the seed alone.

use std::collections::VecDeque;
use std::sync::Arc;

use model::NodeEpoch;
use partition_log::{LogRecord, LogSnapshot};
use quota::Minute;

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
use crate::write::{FrameRecord, FrameWrite, PreparedFrame};

const LIVES: u64 = 6;
const STEPS_MAX: u64 = 60;
const PARTITIONS: u64 = 5;
/// Only ever closed, so that nothing follows.
const CLOSED_PARTITION: u32 = 9;
const BODY_BYTES_MAX: u64 = 3000;

/// Runs a seed. Says what was wrong, or a checksum over all that was done.
pub(super) fn run(seed: u64) -> Result<u32, String> {
    let mut simulation = Simulation::new(seed);
    for _ in 0..LIVES {
        simulation.live()?;
    }
    Ok(simulation.disk.trace())
}

struct Simulation {
    chance: Chance,
    disk: SimDisk,
    clock: Arc<HandClock>,
    config: WalConfig,
    epoch: u64,
    expected: Expected,
    pending: VecDeque<PreparedFrame>,
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
            ..WalConfig::new(WalId(chance.next()))
        };
        Self {
            disk: SimDisk::new(chance.next()),
            chance,
            clock: Arc::new(HandClock::at(1_700_000_000_000)),
            config,
            epoch: 0,
            expected: Expected::default(),
            pending: VecDeque::new(),
        }
    }

    /// Opens the log, works for a while, and crashes.
    fn live(&mut self) -> Result<(), String> {
        self.arm();
        let end = self.open().and_then(|mut opened| self.work(&mut opened));
        match end {
            Ok(()) | Err(End::Disk) => {}
            Err(End::Wrong(wrong)) => return Err(wrong),
        }
        self.pending.clear();
        let crash = if self.chance.once_in(3) { Crash::Process } else { Crash::Power };
        self.disk.restart(crash);
        self.reopen()
    }

    /// Sometimes a machine stops early, even while the log is opened.
    fn arm(&mut self) {
        let changes = [8, 40, 200, 1000][self.chance.below(4) as usize];
        let changes = self.chance.below(changes);
        self.disk.crash_after((!self.chance.once_in(8)).then_some(changes));
        let syncs = self.chance.below(60);
        self.disk.fail_sync_after(self.chance.once_in(6).then_some(syncs));
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
        let (opened, recovered) =
            open(Arc::clone(&disk), self.config.clone(), NodeEpoch(self.epoch), clock)?;
        let checked = self.expected.check(&*disk, &recovered);
        match checked {
            // The machine may stop while the check reads; then there is nothing to say.
            Err(_) if disk.list().is_err() => Err(End::Disk),
            checked => Ok(checked.map(|()| opened)?),
        }
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
                _ => self.clock.advance(self.chance.below(70_000) as i64 - 10_000),
            }
        }
        Ok(())
    }

    fn submit(&mut self) {
        for _ in 0..=self.chance.below(6) {
            let write = self.frame();
            self.expected.sent.push(Sent { write: write.clone(), durable: None });
            self.pending.push_back(PreparedFrame::new(write));
        }
    }

    fn frame(&mut self) -> FrameWrite {
        let partition_id = partition(self.chance.below(PARTITIONS) as u32);
        let end_offset = self.expected.end_offset(partition_id);
        match self.chance.below(20) {
            0 => {
                let start = offset(self.chance.below(end_offset + 1));
                change(partition_id, LogRecord::LogStart(start))
            }
            1 => {
                let end_offset = offset(end_offset);
                let snapshot = LogSnapshot { end_offset, ..LogSnapshot::default() };
                change(partition_id, LogRecord::Snapshot(snapshot))
            }
            2 => change(partition(CLOSED_PARTITION), LogRecord::Closed),
            3 => {
                let minute = 1_700_000_000 / 60 + self.chance.below(60) as i64;
                let fold_before = if self.chance.once_in(2) { Minute(minute) } else { Minute::FIRST };
                let record = FrameRecord::MeterTotalsNow { fold_before };
                FrameWrite { record, ..change(partition_id, LogRecord::Closed) }
            }
            _ => {
                let mut body = vec![0; self.chance.below(BODY_BYTES_MAX) as usize];
                body.fill_with(|| self.chance.next() as u8);
                let records = 1 + self.chance.below(20) as u32;
                let producer = self.chance.below(4) as i64;
                let producer = (producer > 0).then_some((producer, end_offset as i32));
                append(partition_id, end_offset, records, &body, producer)
            }
        }
    }

    fn acknowledge(&mut self, commit: Commit, committer: &Committer) -> Result<(), String> {
        for shard in commit.shards {
            let commit_time = shard.committed.commit_time;
            for frame in shard.committed.frames {
                let sent = &mut self.expected.sent[self.expected.acknowledged];
                ensure!(sent.write.partition == frame.partition, "another frame is announced");
                sent.durable = Some((frame.at, commit_time));
                self.expected.acknowledged += 1;
            }
        }
        self.expected.check_meters(committer.total())
    }

    fn prepare_spare(&mut self, committer: &mut Committer) -> Result<(), End> {
        for _ in 0..committer.order_spares() {
            let spare = committer.spare_files().create();
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
        let batches = reader.read_many(&places).map_err(|error| error.to_string())?;
        let same = batches.iter().zip(&wanted).all(|(batch, (_, sent))| batch == sent);
        if same { Ok(()) } else { Err(End::Wrong("a batch reads back as another".to_owned())) }
    }
}
