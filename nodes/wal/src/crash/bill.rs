//! Where sealed windows are kept while the log crashes: each batch once, under its number.
//!
//! After each recovery the batches that are kept, the one on its way and the open windows together must
//! be exactly what the frames of the log have used, minute by minute: nothing lost, nothing twice.

use std::collections::BTreeMap;

use model::{Timestamp, VirtualClusterId};
use partition_log::LogRecord;
use quota::{Meters, Minute, SealedUsage, UsageRun};

use super::expected::{Expected, ensure};
use crate::write::FrameRecord;

/// See the file's header.
#[derive(Default)]
pub(super) struct Bill {
    kept: BTreeMap<u64, SealedUsage>,
    /// Every batch that was ever seen, kept or not.
    seen: BTreeMap<u64, SealedUsage>,
    /// What the log's owner knows of it: only answers that it got in this life.
    known_stored_below: u64,
}

impl Bill {
    pub(super) fn known_stored_below(&self) -> u64 {
        self.known_stored_below
    }

    /// The owner of the log has crashed.
    pub(super) fn forget_answers(&mut self) {
        self.known_stored_below = 0;
    }

    /// A durable batch is on its way: whenever it is seen, it is the same.
    pub(super) fn see(&mut self, meters: &Meters) -> Result<(), String> {
        let Some(batch) = meters.sealed() else {
            return Ok(());
        };
        let seen = self
            .seen
            .entry(batch.sequence)
            .or_insert_with(|| batch.clone());
        ensure!(seen == batch, "batch {batch:?} was {seen:?} before");
        Ok(())
    }

    /// Keeps a batch, unless it is there; then it must be the same.
    pub(super) fn send(&mut self, batch: &SealedUsage, answered: bool) -> Result<(), String> {
        let next = self.kept.len() as u64;
        ensure!(batch.sequence <= next, "batch {} is skipped", next);
        let kept = self
            .kept
            .entry(batch.sequence)
            .or_insert_with(|| batch.clone());
        ensure!(kept == batch, "batch {batch:?} is kept as {kept:?}");
        if answered {
            self.known_stored_below = batch.sequence + 1;
        }
        Ok(())
    }

    /// Compares all windows with what the frames say.
    pub(super) fn check(&self, expected: &Expected, meters: &Meters) -> Result<(), String> {
        let first = &expected.sent[..expected.acknowledged];
        let last = first.iter().filter_map(|sent| sent.durable).next_back();
        let now = last.map_or(Timestamp(0), |(_, commit_time)| commit_time);
        let on_its_way = meters.sealed().into_iter();
        let on_its_way = on_its_way.filter(|batch| !self.kept.contains_key(&batch.sequence));
        let batches = self.kept.values().chain(on_its_way);
        let mut runs: Vec<UsageRun> = batches.flat_map(|batch| batch.runs.clone()).collect();
        runs.extend(meters.open(now));
        for cluster in [1, 2].map(VirtualClusterId) {
            let own: Vec<_> = runs
                .iter()
                .filter(|run| run.virtual_cluster == cluster)
                .collect();
            let ordered = own.windows(2).all(|pair| pair[0].end() <= pair[1].first);
            ensure!(ordered, "a window is there twice: {own:?}");
            let found = by_minute(own.into_iter());
            let wanted = used(expected, cluster, now);
            ensure!(found == wanted, "windows {found:?} instead of {wanted:?}");
        }
        Ok(())
    }
}

/// Bytes in and byte-ms by minute.
type ByMinute = BTreeMap<Minute, (u64, u128)>;

fn by_minute<'a>(runs: impl Iterator<Item = &'a UsageRun>) -> ByMinute {
    let minutes = runs.flat_map(|run| {
        let amounts = (run.amounts.bytes_in, run.amounts.stored_byte_ms);
        (0..run.minutes as i64).map(move |nth| (Minute(run.first.0 + nth), amounts))
    });
    minutes.collect()
}

/// The same, worked out in the simplest way: from one frame to the next.
fn used(expected: &Expected, cluster: VirtualClusterId, now: Timestamp) -> ByMinute {
    let mut used = ByMinute::new();
    let (mut at, mut level) = (now.0.min(0), 0_u64);
    let mut store_until = |used: &mut ByMinute, until: i64, level: u64| {
        while level > 0 && at < until {
            let minute = Minute::of(Timestamp(at));
            let end = minute.end().0.min(until);
            used.entry(minute).or_default().1 += u128::from(level) * (end - at) as u128;
            at = end;
        }
        at = until;
    };
    for sent in &expected.sent[..expected.acknowledged] {
        let Some((_, commit_time)) = sent.durable else {
            continue;
        };
        if sent.write.virtual_cluster != cluster {
            continue;
        }
        store_until(&mut used, commit_time.0, level);
        match &sent.write.record {
            FrameRecord::Log(LogRecord::Append(facts)) => {
                used.entry(Minute::of(commit_time)).or_default().0 +=
                    u64::from(facts.metered_bytes);
                level += u64::from(facts.metered_bytes);
            }
            FrameRecord::Log(LogRecord::LogStart(_, freed)) => level -= freed.bytes,
            _ => {}
        }
    }
    store_until(&mut used, now.0, level);
    used
}
