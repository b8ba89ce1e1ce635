//! What a segment holds, by partition, and what it metered: the content of its footer.
//!
//! Owns: the fold over the frames of one segment, the same for the writer and for recovery.
//! Does not own: the fold over one partition's records (`partition_log`), the bytes of a footer.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

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
        if let Some(window) = counted(origin, record) {
            self.count(window);
        }
        self.add_uncounted(origin, record, at);
    }

    /// The same, but for what the frame counts: that must be added before totals are, and before the
    /// digest is used. Says whether the segment had nothing of the frame's partition.
    ///
    /// # Panics
    /// As [`Self::add`].
    pub(crate) fn add_uncounted(
        &mut self,
        origin: &FrameOrigin,
        record: &FrameRecord,
        at: FrameAt,
    ) -> bool {
        self.commit_time_min.get_or_insert(origin.commit_time);
        match record {
            FrameRecord::Log(record) => return self.add_record(origin, record, at),
            FrameRecord::MeterTotals(totals) => {
                self.meters.totals = Some(totals.clone());
                self.meters.since_totals = Tally::new();
            }
            FrameRecord::Freed(_) => {}
            FrameRecord::MeterTotalsNow(_) => unreachable!("the totals are filled in before"),
        }
        !self.partitions.contains_key(&origin.partition)
    }

    /// Adds what the frame that was added last reports of egress.
    pub fn add_reports(&mut self, origin: &FrameOrigin, reports: &[EgressReport]) {
        for report in reports {
            report
                .windows(origin.commit_time)
                .for_each(|window| self.count(window));
        }
    }

    /// Adds what frames have counted.
    pub(crate) fn count(&mut self, window: Window) {
        self.meters.sums.add(window);
        self.meters.since_totals.add(window);
    }

    /// Whether a frame of `partition` can come next: batches ascend by offset.
    pub fn follows(&self, partition: TopicPartition, record: &FrameRecord) -> bool {
        let FrameRecord::Log(record) = record else {
            return true;
        };
        let digest = self.partitions.get(&partition);
        digest.is_none_or(|digest| comes_next(digest, record))
    }

    /// Says whether the partition is new to the segment.
    fn add_record(&mut self, origin: &FrameOrigin, record: &LogRecord, at: FrameAt) -> bool {
        let (digest, is_new) = match self.partitions.entry(origin.partition) {
            Entry::Occupied(entry) => (entry.into_mut(), false),
            Entry::Vacant(entry) => {
                let new = PartitionDigest::new(origin.segment, origin.virtual_cluster);
                (entry.insert(new), true)
            }
        };
        let follows = comes_next(digest, record);
        assert!(follows, "batches of {} ascend by offset", origin.partition);
        digest.add(record, at, origin.commit_time);
        is_new
    }
}

/// Whether `record` can follow what the partition's digest holds: batches ascend by offset.
fn comes_next(digest: &PartitionDigest, record: &LogRecord) -> bool {
    let LogRecord::Append(facts) = record else {
        return true;
    };
    let last = digest.frames().last();
    last.is_none_or(|last| last.end_offset() <= facts.base_offset)
}

/// What a frame counts, if anything: a batch that comes, unless it is the system's own, or bytes that
/// go.
pub(crate) fn counted(origin: &FrameOrigin, record: &FrameRecord) -> Option<Window> {
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
