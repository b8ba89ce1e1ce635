//! The bill over some time: what is kept of sealed usage, and what is still open.
//!
//! Owns: adding up, by minute, hour or day. Does not own: where the figures come from, prices.
//!
//! What is open is asked for before what is kept is read, so a batch that is sealed in between is in
//! both. The number of the next batch that came with the open part tells: kept batches from that
//! number on are left out, and the open one is left out if it is kept.

use std::collections::{BTreeMap, BTreeSet};

use model::VirtualClusterId;
use quota::{Amounts, Minute, OpenUsage, SealedUsage, UsageRecord, UsageRun, UsageSource};

use crate::usage_store::KeptUsage;

/// Most rows or records of one answer; more are refused with [`TooManyRows`].
pub const ROWS_MAX: u64 = 100_000;

/// How long the windows of a bill are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// As they are sealed.
    Minute,
    /// Sixty of them, from full hours of UTC.
    Hour,
    /// Days of UTC.
    Day,
}

impl Period {
    fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
        }
    }

    /// The first minute of the period that `minute` lies in.
    pub fn start_of(self, minute: Minute) -> Minute {
        let length = self.minutes();
        Minute(minute.0.div_euclid(length).saturating_mul(length))
    }

    /// The first minute after the period that begins with `start`.
    pub fn end_of(self, start: Minute) -> Minute {
        Minute(start.0.saturating_add(self.minutes()))
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// No windows before this one.
    pub since: Minute,
    /// No windows from this one on.
    pub until: Minute,
    /// Only this virtual cluster.
    pub cluster: Option<VirtualClusterId>,
}

/// One virtual cluster's usage in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// The period's first minute.
    pub start: Minute,
    /// Whose usage.
    pub virtual_cluster: VirtualClusterId,
    /// Whether it is sealed: what is so never changes. A period may have a row of either kind.
    pub sealed: bool,
    /// What was used.
    pub amounts: Amounts,
}

/// More than [`ROWS_MAX`] rows were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {ROWS_MAX} rows: ask for less time, one cluster, or longer periods")]
pub struct TooManyRows;

/// The rows of all periods, in order.
pub fn bill_rows(
    kept: &[KeptUsage],
    open: &[OpenUsage],
    query: &UsageQuery,
    period: Period,
) -> Result<Vec<BillRow>, TooManyRows> {
    let (sealed, not_kept) = parts(kept, open);
    let sealed = sealed.into_iter().flat_map(|kept| &kept.usage.runs);
    let not_kept = not_kept.into_iter().flat_map(|usage| &usage.runs);
    let open = open.iter().flat_map(|open| &open.runs);
    let runs = sealed
        .map(|run| (true, run))
        .chain(not_kept.chain(open).map(|run| (false, run)));
    let mut rows: BTreeMap<(Minute, VirtualClusterId, bool), Amounts> = BTreeMap::new();
    for (is_sealed, run) in runs {
        let Some(run) = asked_for(run, query) else {
            continue;
        };
        if run.minutes / period.minutes().unsigned_abs() > ROWS_MAX {
            return Err(TooManyRows);
        }
        let mut start = period.start_of(run.first);
        while let Some(part) = run.within(start, period.end_of(start)) {
            let row = (start, run.virtual_cluster, !is_sealed);
            let amounts = rows.entry(row).or_default();
            *amounts = amounts.plus(part.total());
            start = period.end_of(start);
        }
        if rows.len() as u64 > ROWS_MAX {
            return Err(TooManyRows);
        }
    }
    let row = |((start, virtual_cluster, is_open), amounts): ((_, _, bool), _)| BillRow {
        start,
        virtual_cluster,
        sealed: !is_open,
        amounts,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// The sealed records, each under its id, in order of sources and numbers.
pub fn bill_records(
    kept: &[KeptUsage],
    query: &UsageQuery,
) -> Result<Vec<UsageRecord>, TooManyRows> {
    let mut records = Vec::new();
    for kept in kept {
        let runs = kept.usage.runs.iter();
        let runs: Vec<UsageRun> = runs.filter_map(|run| asked_for(run, query)).collect();
        let minutes = runs.iter().map(|run| run.minutes);
        let total = minutes.fold(records.len() as u64, u64::saturating_add);
        if total > ROWS_MAX {
            return Err(TooManyRows);
        }
        let part = SealedUsage {
            runs,
            ..kept.usage.clone()
        };
        records.extend(part.records(kept.source));
    }
    Ok(records)
}

fn asked_for(run: &UsageRun, query: &UsageQuery) -> Option<UsageRun> {
    let run = run.within(query.since, query.until)?;
    let cluster = query.cluster.unwrap_or(run.virtual_cluster);
    (run.virtual_cluster == cluster).then_some(run)
}

/// The kept batches that are not in the open part, and the sealed ones of that which are not kept.
fn parts<'a>(
    kept: &'a [KeptUsage],
    open: &'a [OpenUsage],
) -> (Vec<&'a KeptUsage>, Vec<&'a SealedUsage>) {
    let of = |source: UsageSource, epoch: u64| {
        let mut open = open.iter();
        open.find(|open| (open.source, open.epoch) == (source, epoch))
    };
    let is_older = |kept: &&KeptUsage| {
        let open = of(kept.source, kept.usage.epoch);
        open.is_none_or(|open| kept.usage.sequence < open.next_sequence)
    };
    let kept: Vec<&KeptUsage> = kept.iter().filter(is_older).collect();
    let ids: BTreeSet<_> = kept
        .iter()
        .map(|kept| (kept.source, kept.usage.epoch, kept.usage.sequence))
        .collect();
    let not_kept = open.iter().filter_map(|open| {
        let sealed = open.sealed.as_ref()?;
        let id = (open.source, sealed.epoch, sealed.sequence);
        (!ids.contains(&id)).then_some(sealed)
    });
    (kept, not_kept.collect())
}

#[cfg(test)]
mod tests;
