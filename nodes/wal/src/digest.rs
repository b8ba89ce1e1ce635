//! What a segment holds, by partition, and what it metered: the content of its footer.
//!
//! Owns: the fold over the frames of one segment, the same for the writer and for recovery.
//! Does not own: the fold over one partition's records (`partition_log`), the bytes of a footer.

use std::collections::BTreeMap;

use model::{ByteCount, Timestamp, TopicPartition, VirtualClusterId};
use partition_log::{FrameAt, LogRecord, PartitionDigest};
use quota::{EgressReport, Meters, Tally, Window};

use crate::format::frame::FrameOrigin;
use crate::write::FrameRecord;

/// What a segment metered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentMeters {
    /// What was committed in it, by the minute of commit.
    pub sums: Tally,
    /// The last totals that were written in it.
    pub totals: Option<Meters>,
    /// What was committed in it after those totals; all of it where there are none.
    pub since_totals: Tally,
}

impl SegmentMeters {
    /// Brings `total`, the meters of all before this segment, to the segment's end.
    pub fn add_to(&self, total: &mut Meters) {
        if let Some(totals) = &self.totals {
            total.clone_from(totals);
        }
        total.add_tally(&self.since_totals);
    }
}

/// The fold over the frames of one segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentDigest {
    /// The partitions, in order.
    pub partitions: BTreeMap<TopicPartition, PartitionDigest>,
    /// The meters.
    pub meters: SegmentMeters,
    /// Commit time of the first group, if there is one.
    pub commit_time_min: Option<Timestamp>,
}

impl SegmentDigest {
    /// Adds the next frame.
    ///
    /// # Panics
    /// If it is an append that does not follow the partition's last one: see [`Self::follows`].
    pub fn add(&mut self, origin: &FrameOrigin, record: &FrameRecord, at: FrameAt) {
        self.commit_time_min.get_or_insert(origin.commit_time);
        if let Some(window) = counted(origin, record) {
            self.count(window);
        }
        match record {
            FrameRecord::Log(record) => self.add_record(origin, record, at),
            FrameRecord::MeterTotals(totals) => {
                self.meters.totals = Some(totals.clone());
                self.meters.since_totals = Tally::new();
            }
            FrameRecord::Freed(_) => {}
            FrameRecord::MeterTotalsNow(_) => unreachable!("the totals are filled in before"),
        }
    }

    /// Adds what the frame that was added last reports of egress.
    pub fn add_reports(&mut self, origin: &FrameOrigin, reports: &[EgressReport]) {
        for report in reports {
            report
                .windows(origin.commit_time)
                .for_each(|window| self.count(window));
        }
    }

    fn count(&mut self, window: Window) {
        self.meters.sums.add(window);
        self.meters.since_totals.add(window);
    }

    /// Whether a frame of `partition` can come next: batches ascend by offset.
    pub fn follows(&self, partition: TopicPartition, record: &FrameRecord) -> bool {
        let FrameRecord::Log(LogRecord::Append(facts)) = record else {
            return true;
        };
        let last = self
            .partitions
            .get(&partition)
            .and_then(|digest| digest.frames().last());
        last.is_none_or(|last| last.end_offset() <= facts.base_offset)
    }

    fn add_record(&mut self, origin: &FrameOrigin, record: &LogRecord, at: FrameAt) {
        let new = || PartitionDigest::new(origin.segment, origin.virtual_cluster);
        let digest = self.partitions.entry(origin.partition).or_insert_with(new);
        digest.add(record, at, origin.commit_time);
    }
}

/// Brings the meters of all before a frame to after it, but for what it reports of egress.
pub fn add_to_meters(total: &mut Meters, origin: &FrameOrigin, record: &FrameRecord) {
    if let FrameRecord::MeterTotals(totals) = record {
        total.clone_from(totals);
    } else if let Some(window) = counted(origin, record) {
        total.add(window);
    }
}

/// What a frame counts, if anything: a batch that comes, unless it is the system's own, or bytes that
/// go.
fn counted(origin: &FrameOrigin, record: &FrameRecord) -> Option<Window> {
    let (cluster, at) = (origin.virtual_cluster, origin.commit_time);
    match record {
        FrameRecord::Log(LogRecord::Append(facts)) if facts.metered_bytes > 0 => {
            let bytes = ByteCount(u64::from(facts.metered_bytes));
            let records = u64::from(facts.record_count);
            Some(Window::appended(cluster, at, bytes, records))
        }
        // What the system stores was not counted when it came.
        _ if cluster == VirtualClusterId::SYSTEM => None,
        FrameRecord::Log(LogRecord::LogStart(_, freed) | LogRecord::Closed(freed)) => {
            Some(Window::freed(cluster, at, ByteCount(freed.bytes)))
        }
        FrameRecord::Freed(bytes) => Some(Window::freed(cluster, at, *bytes)),
        FrameRecord::Log(_) | FrameRecord::MeterTotals(_) | FrameRecord::MeterTotalsNow(_) => None,
    }
}
