//! What a log must still hold after a crash, and the check that it does.
//!
//! All frames that were ever submitted stand in one list, in their order. The log must show a prefix
//! of it: at least what was acknowledged, and nothing twice, out of order, or changed. What it has
//! shown it must show again.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::{Timestamp, TopicPartition};
use partition_log::{FrameAt, LogRecord, SegmentId};
use quota::{Meters, Minute};

use crate::digest::{SegmentDigest, counted};
use crate::disk::Disk;
use crate::format::frame::FrameOrigin;
use crate::recover::Recovered;
use crate::scan::scan;
use crate::segment_file::SegmentFile;
use crate::write::{FrameRecord, FrameWrite};

/// A frame and, once that is known, where and when it became durable.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) write: FrameWrite,
    pub(super) durable: Option<(FrameAt, Timestamp)>,
}

/// The frames of a log.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) sent: Vec<Sent>,
    /// How many of them must be there.
    pub(super) acknowledged: usize,
    pub(super) recycled: BTreeSet<SegmentId>,
    /// Given back when the machine stopped: it may be there or not.
    pub(super) recycling: Option<SegmentId>,
}

/// A frame that was found in a segment.
struct Found {
    origin: FrameOrigin,
    record: FrameRecord,
    payload: Bytes,
    at: FrameAt,
}

macro_rules! ensure {
    ($holds:expr, $($message:tt)*) => {
        if !$holds {
            return Err(format!($($message)*));
        }
    };
}
pub(super) use ensure;

impl Expected {
    /// The end of a partition's log, as far as it was submitted.
    pub(super) fn end_offset(&self, partition: TopicPartition) -> u64 {
        let last = self
            .sent
            .iter()
            .rev()
            .find_map(|sent| match &sent.write.record {
                FrameRecord::Log(LogRecord::Append(facts)) if sent.write.partition == partition => {
                    Some(facts.end_offset().value())
                }
                _ => None,
            });
        last.unwrap_or(0)
    }

    /// What the partition's virtual cluster stores, as far as it was submitted.
    pub(super) fn stored_bytes(&self, partition: TopicPartition) -> u64 {
        let own = |sent: &&Sent| sent.write.virtual_cluster.0 == 1 + partition.partition % 2;
        let sum = self
            .sent
            .iter()
            .filter(own)
            .map(|sent| match &sent.write.record {
                FrameRecord::Log(LogRecord::Append(facts)) => i64::from(facts.metered_bytes),
                FrameRecord::Log(LogRecord::LogStart(_, freed)) => -(freed.bytes as i64),
                _ => 0,
            });
        u64::try_from(sum.sum::<i64>()).expect("no more is freed than there was")
    }

    /// Checks what a recovery shows, and takes it as acknowledged from now on. What was submitted
    /// but is not there is forgotten.
    pub(super) fn check(&mut self, disk: &dyn Disk, recovered: &Recovered) -> Result<(), String> {
        let shown: BTreeSet<_> = recovered
            .segments
            .iter()
            .map(|found| found.segment)
            .collect();
        self.recycled.extend(
            self.recycling
                .take()
                .filter(|segment| !shown.contains(segment)),
        );
        let mut found = Vec::new();
        for summary in &recovered.segments {
            ensure!(
                !self.recycled.contains(&summary.segment),
                "{:?} was recycled and is back",
                summary.segment
            );
            let (frames, digest) = read_segment(disk, summary.segment)?;
            ensure!(
                digest.partitions == summary.partitions,
                "{:?}: footer",
                summary.segment
            );
            ensure!(
                digest.meters == summary.meters,
                "{:?}: meters",
                summary.segment
            );
            found.extend(frames);
        }
        self.match_with(found)?;
        self.sent.truncate(self.acknowledged);
        self.check_meters(&recovered.meters)
    }

    /// Goes through what was sent and what was found side by side.
    fn match_with(&mut self, found: Vec<Found>) -> Result<(), String> {
        let mut found = found.into_iter();
        let mut commit_time = Timestamp(i64::MIN);
        let Self {
            sent,
            acknowledged,
            recycled,
            ..
        } = self;
        let mut shown = 0;
        for sent in sent.iter_mut() {
            let gone = sent
                .durable
                .is_some_and(|(at, _)| recycled.contains(&at.segment));
            if !gone {
                let Some(found) = found.next() else { break };
                ensure!(
                    found.is(sent),
                    "frame {shown} is another: {:?}",
                    found.record
                );
                ensure!(
                    found.origin.commit_time >= commit_time,
                    "frame {shown} is earlier"
                );
                commit_time = found.origin.commit_time;
                sent.durable = Some((found.at, commit_time));
            }
            shown += 1;
        }
        ensure!(
            shown >= *acknowledged,
            "{acknowledged} were acknowledged, {shown} are there"
        );
        ensure!(found.next().is_none(), "more is there than was submitted");
        *acknowledged = shown;
        Ok(())
    }

    /// The meters must be those of all frames, also where totals were written and segments are gone.
    pub(super) fn check_meters(&self, shown: &Meters) -> Result<(), String> {
        // The epoch under which the log was begun.
        let mut total = Meters::new(shown.epoch());
        for sent in &self.sent[..self.acknowledged] {
            let (at, commit_time) = sent.durable.expect("it was acknowledged");
            match sent.write.record {
                FrameRecord::MeterTotalsNow(order) => {
                    order.apply(&mut total, Minute::of(commit_time))
                }
                ref record => {
                    let origin = sent.origin(at, commit_time);
                    add_to_meters(&mut total, &origin, record);
                }
            }
        }
        ensure!(*shown == total, "meters {shown:?} instead of {total:?}");
        Ok(())
    }
}

impl Sent {
    pub(super) fn origin(&self, at: FrameAt, commit_time: Timestamp) -> FrameOrigin {
        let FrameWrite {
            virtual_cluster,
            partition,
            ..
        } = self.write;
        let node_epoch = model::NodeEpoch(0);
        FrameOrigin {
            segment: at.segment,
            node_epoch,
            commit_time,
            virtual_cluster,
            partition,
        }
    }
}

impl Found {
    fn is(&self, sent: &Sent) -> bool {
        let write = &sent.write;
        let same_record = match (&write.record, &self.record) {
            // What they hold is checked with the sum of all.
            (FrameRecord::MeterTotalsNow(_), FrameRecord::MeterTotals(_)) => true,
            (sent, found) => sent == found,
        };
        let same_batch = write.batch.as_ref().is_none_or(|batch| {
            self.payload[..61] == batch.header_bytes()[..] && self.payload[61..] == batch.body()[..]
        });
        let same_place = sent
            .durable
            .is_none_or(|durable| durable == (self.at, self.origin.commit_time));
        let origin = &self.origin;
        same_record
            && same_batch
            && same_place
            && (origin.partition, origin.virtual_cluster)
                == (write.partition, write.virtual_cluster)
    }
}

/// Reads a segment frame by frame, as no recovery does once it has a footer.
fn read_segment(
    disk: &dyn Disk,
    segment: SegmentId,
) -> Result<(Vec<Found>, SegmentDigest), String> {
    let failed = |error: &dyn std::fmt::Debug| format!("{segment:?}: {error:?}");
    let file = SegmentFile::open(disk, segment).map_err(|error| failed(&error))?;
    let header = file.header().map_err(|error| failed(&error))?;
    let bytes = file.read_to(file.length).map_err(|error| failed(&error))?;
    let (mut frames, mut digest) = (Vec::new(), SegmentDigest::default());
    let scanned = scan(&bytes, &header, |frame, at| {
        digest.add(&frame.origin, &frame.record, at);
        let payload = Bytes::copy_from_slice(frame.payload);
        frames.push(Found {
            origin: frame.origin,
            record: frame.record.clone(),
            payload,
            at,
        });
        Ok(())
    });
    scanned.map_err(|error| failed(&error))?;
    Ok((frames, digest))
}

/// Brings the meters of all before a frame to after it, but for what it reports of egress.
fn add_to_meters(total: &mut Meters, origin: &FrameOrigin, record: &FrameRecord) {
    if let FrameRecord::MeterTotals(totals) = record {
        total.clone_from(totals);
    } else if let Some(window) = counted(origin, record) {
        total.add(window);
    }
}
