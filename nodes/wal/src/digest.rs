//! What a segment holds, by partition, and what it metered: the content of its footer.
//!
//! Owns: the fold over the frames of one segment, the same for the writer and for recovery.
//! Does not own: the fold over one partition's records (`partition_log`), the bytes of a footer.

use std::collections::BTreeMap;

use model::{ByteCount, Timestamp, TopicPartition};
use partition_log::{FrameAt, LogRecord, PartitionDigest};
use quota::{EgressReport, Meters};

use crate::format::frame::FrameOrigin;
use crate::write::FrameRecord;

/// What a segment metered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentMeters {
    /// What was committed in it, by the minute of commit.
    pub sums: Meters,
    /// The last totals that were written in it.
    pub totals: Option<Meters>,
    /// What was committed in it after those totals; all of it where there are none.
    pub since_totals: Meters,
}

impl SegmentMeters {
    /// Brings `total`, the meters of all before this segment, to the segment's end.
    pub fn add_to(&self, total: &mut Meters) {
        if let Some(totals) = &self.totals {
            total.clone_from(totals);
        }
        total.merge(&self.since_totals);
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
        match record {
            FrameRecord::Log(record) => self.add_record(origin, record, at),
            FrameRecord::MeterTotals(totals) => {
                self.meters.totals = Some(totals.clone());
                self.meters.since_totals = Meters::new();
            }
            FrameRecord::MeterTotalsNow { .. } => unreachable!("the totals are filled in before"),
        }
    }

    /// Adds what the frame that was added last reports of egress.
    pub fn add_reports(&mut self, origin: &FrameOrigin, reports: &[EgressReport]) {
        for report in reports {
            report.add_to(&mut self.meters.sums, origin.commit_time);
            report.add_to(&mut self.meters.since_totals, origin.commit_time);
        }
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
        meter(&mut self.meters.sums, origin, record);
        meter(&mut self.meters.since_totals, origin, record);
        let new = || PartitionDigest::new(origin.segment, origin.virtual_cluster);
        let digest = self.partitions.entry(origin.partition).or_insert_with(new);
        digest.add(record, at, origin.commit_time);
    }
}

/// Brings the meters of all before a frame to after it.
pub fn add_to_meters(total: &mut Meters, origin: &FrameOrigin, record: &FrameRecord) {
    match record {
        FrameRecord::Log(record) => meter(total, origin, record),
        FrameRecord::MeterTotals(totals) => total.clone_from(totals),
        FrameRecord::MeterTotalsNow { .. } => unreachable!("the totals are filled in before"),
    }
}

/// Counts a committed batch, unless it is the system's own.
fn meter(meters: &mut Meters, origin: &FrameOrigin, record: &LogRecord) {
    if let LogRecord::Append(facts) = record
        && facts.metered_bytes > 0
    {
        let bytes = ByteCount(u64::from(facts.metered_bytes));
        let records = u64::from(facts.record_count);
        meters.add_in(origin.virtual_cluster, origin.commit_time, bytes, records);
    }
}
