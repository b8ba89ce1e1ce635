//! Opens the log: finds its segments, reads the footers, scans the one that has none, and begins a
//! new segment.
//!
//! Owns: what of the files counts, and in which order things become durable on the way. Does not
//! own: the judgement about a torn end ([`crate::scan`]), what the node makes of the digests.
//!
//! ```text
//!  1.segment  2.segment  4.segment  5.segment   7.spare
//!  ╰──── sealed: footers only ────╯ ╰ the last: scanned, its last group written again, synced,
//!                                     footer and trailer, synced; then 6.segment is begun
//! ```
//! Why the last segment is always scanned, and its last group written again: what the scan reads may
//! be in the page cache only, from a sync that failed or never came. All groups before the last one
//! were synced before it was written. After the second sync everything that was found is durable, so
//! a frame that one recovery has shown is shown by every later one.
//!
//! Invariants: nothing is shown before it is durable; every step can be cut short by a crash and is
//! then done again.

pub mod segments;

use std::sync::Arc;

use model::{Clock, NodeEpoch};
use partition_log::SegmentId;
use quota::Meters;

use crate::active::Active;
use crate::committer::{Committer, CommitterParts};
use crate::config::{SPARES_MAX, WalConfig};
use crate::disk::Disk;
use crate::error::WalError;
use crate::format::header::SegmentHeader;
use crate::format::{Identity, WalId};
use crate::names::{FileKind, kind_of};
use crate::reader::SegmentReader;
use crate::recover::segments::{SegmentSummary, Torn, read_segments};
use crate::spares::{Spare, SpareFiles, sync_folder};

/// The log, ready to be written and read.
pub struct Opened {
    /// The writer.
    pub committer: Committer,
    /// The reader.
    pub reader: SegmentReader,
}

/// What was found. All of it is durable.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The name of the log; a new one if the folder was empty.
    pub wal_id: WalId,
    /// Its segments, in order. All are sealed.
    pub segments: Vec<SegmentSummary>,
    /// The meters of everything that was ever committed: the last totals and what followed.
    pub meters: Meters,
    /// What was cut off at the end of the last segment, if anything.
    pub torn: Option<Torn>,
}

/// Opens the log in a folder, or begins one there. `node_epoch` must be above all that have written
/// the log before.
pub fn open(
    disk: Arc<dyn Disk>,
    config: WalConfig,
    node_epoch: NodeEpoch,
    clock: Arc<dyn Clock>,
) -> Result<(Opened, Recovered), WalError> {
    config.check()?;
    let place = disk.place();
    let lock = disk.lock().map_err(WalError::disk("lock", &place))?;
    let lock = lock.ok_or(WalError::Locked { folder: place })?;
    // What the folder shows may not be durable yet; what follows builds on it.
    sync_folder(&*disk)?;
    let files = list_files(&*disk, config.segment_bytes)?;
    let found = read_segments(&*disk, &files.segments, node_epoch)?;
    let identity = Identity {
        wal: found.wal.unwrap_or(config.new_wal_id),
        segment: SegmentId(files.segments.last().map_or(0, |last| last.0 + 1)),
        node_epoch,
    };
    let spare_files = SpareFiles::new(Arc::clone(&disk), config.segment_bytes, files.next_spare);
    let mut ready = files.spares;
    let spare = match ready.pop() {
        Some(spare) => spare,
        None => spare_files.create(&mut || {})?,
    };
    let active = Active::begin(
        &*disk,
        spare,
        SegmentHeader {
            identity,
            chain: found.chain,
        },
    )?;
    let mut total = Meters::new(log_epoch(&found.segments, node_epoch));
    for segment in &found.segments {
        segment.meters.add_to(&mut total);
    }
    let with_totals = found
        .segments
        .iter()
        .rev()
        .find(|found| found.meters.totals.is_some());
    let last_totals = with_totals.map_or(SegmentId(0), |found| found.segment);
    if let Some(Torn {
        segment,
        position,
        fault,
    }) = &found.torn
    {
        let segment = segment.0;
        tracing::warn!(segment, position, %fault, "an unfinished group at the log's end was cut");
    }
    let recovered = Recovered {
        wal_id: identity.wal,
        segments: found.segments,
        meters: total.clone(),
        torn: found.torn,
    };
    let reader = SegmentReader::new(Arc::clone(&disk));
    let parts = CommitterParts {
        disk,
        _lock: lock,
        config,
        clock,
        active,
        total,
        last_totals,
        spare_files,
        ready,
    };
    Ok((
        Opened {
            committer: Committer::new(parts),
            reader,
        },
        recovered,
    ))
}

/// The epoch that names the log in its meters: the node epoch under which it was begun. Its first
/// segment says it, and is not given back before totals are written, which carry it on.
fn log_epoch(segments: &[SegmentSummary], node_epoch: NodeEpoch) -> u64 {
    let first = segments.first().map(|first| first.node_epoch);
    first.unwrap_or(node_epoch).0
}

/// The log's files.
struct Files {
    segments: Vec<SegmentId>,
    spares: Vec<Spare>,
    next_spare: u64,
}

/// Lists the files, and removes spares that are not of the right size or too many.
fn list_files(disk: &dyn Disk, segment_bytes: u64) -> Result<Files, WalError> {
    let names = disk.list().map_err(WalError::disk("list", &disk.place()))?;
    let mut files = Files {
        segments: Vec::new(),
        spares: Vec::new(),
        next_spare: 0,
    };
    for name in &names {
        match kind_of(name) {
            FileKind::Segment(segment) => files.segments.push(segment),
            FileKind::Spare(number) => {
                files.next_spare = files.next_spare.max(number + 1);
                let file = disk.open(name).map_err(WalError::disk("open", name))?;
                let length = file.length().map_err(WalError::disk("open", name))?;
                if length == segment_bytes && files.spares.len() < SPARES_MAX {
                    files.spares.push(Spare(number));
                } else {
                    disk.remove(name).map_err(WalError::disk("remove", name))?;
                }
            }
            FileKind::Other => {}
        }
    }
    files.segments.sort_unstable();
    files.spares.sort_unstable_by_key(|spare| spare.0);
    Ok(files)
}

#[cfg(test)]
mod tests;
