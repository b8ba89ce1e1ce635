//! Reads and look-ups, compared with what the model finds by going through all its batches.

use model::{Offset, Timestamp};
use partition_log::{
    FrameEntry, PartitionDigest, Place, ReadPlan, SegmentId, first_frame_reaching,
    frame_with_max_timestamp, read_frames,
};

use crate::harness::{Harness, Outcome, share_of};

impl Harness {
    pub(super) fn frames(&self, segment: SegmentId) -> Vec<FrameEntry> {
        let mut bytes = Vec::new();
        self.digest(segment).encode(&mut bytes);
        PartitionDigest::decode_frames(segment, &bytes).expect("it was encoded just now")
    }

    pub(super) fn read(&self, share: u8, bytes_max: u32, at_least_one: bool) -> Outcome {
        let offset = share_of(self.naive.end(), share);
        let plan = self.log.plan_read(offset, bytes_max, at_least_one);
        if offset.value() < self.naive.log_start {
            assert!(plan.is_err(), "{offset} lies below the log start");
            return Outcome::Nothing;
        }
        let (run, part_end) = match plan.expect("the offset lies in the log") {
            ReadPlan::Frames(run) => (run, self.naive.high_watermark()),
            ReadPlan::Sealed(extent) => {
                let frames = self.frames(extent.segment);
                let run = read_frames(&extent, &frames, offset, bytes_max, at_least_one);
                (run, extent.end_offset)
            }
        };
        let durable = &self.naive.batches[..self.naive.durable];
        let behind = durable
            .iter()
            .filter(|b| b.end_offset() > offset && b.end_offset() <= part_end);
        let mut left = i64::from(bytes_max);
        let expected = behind.enumerate().take_while(|(index, batch)| {
            left -= i64::from(batch.batch_bytes);
            left >= 0 || (*index == 0 && at_least_one)
        });
        let expected: Vec<Offset> = expected.map(|(_, batch)| batch.base_offset).collect();
        let found: Vec<Offset> = run.frames.iter().map(|frame| frame.base_offset).collect();
        assert_eq!(found, expected, "from {offset}, {bytes_max} bytes");
        if let Some(position) = run.next_position {
            assert_eq!(position, self.naive.position(run.next_offset));
        }
        assert_eq!(
            run.next_position.is_none(),
            found.is_empty() && offset != self.naive.high_watermark()
        );
        // How far a plan reaches depends on what is sealed; where it begins does not.
        Outcome::Found(found.first().copied())
    }

    pub(super) fn find_timestamp(&self, share: u8, timestamp: Timestamp) -> Outcome {
        let from = share_of(self.naive.end(), share);
        let mut ask_from = from;
        let found = loop {
            match self.log.plan_timestamp(timestamp, ask_from) {
                None => break None,
                Some(Place::Frame(frame)) => break Some(frame.base_offset),
                Some(Place::Sealed(extent)) => {
                    let frames = self.frames(extent.segment);
                    let from = ask_from.max(self.log.bounds().log_start_offset);
                    let found = first_frame_reaching(&frames, timestamp, from);
                    if let Some(frame) = found {
                        break Some(frame.base_offset);
                    }
                    ask_from = extent.end_offset;
                }
            }
        };
        let from = from.value().max(self.naive.log_start);
        let durable = &self.naive.batches[..self.naive.durable];
        let mut behind = durable
            .iter()
            .filter(|batch| batch.end_offset().value() > from);
        let expected = behind.find(|batch| batch.max_timestamp >= timestamp);
        assert_eq!(
            found,
            expected.map(|batch| batch.base_offset),
            "{timestamp} from {from}"
        );
        Outcome::Found(found)
    }

    pub(super) fn find_max_timestamp(&self) -> Outcome {
        let log_start = self.log.bounds().log_start_offset;
        let mut largest: Option<(Timestamp, Offset)> = None;
        for place in self.log.plan_max_timestamp() {
            let frame = match place {
                Place::Frame(frame) => Some(frame),
                Place::Sealed(extent) => {
                    frame_with_max_timestamp(&self.frames(extent.segment), log_start).copied()
                }
            };
            let found = frame.map(|frame| (frame.max_timestamp, frame.base_offset));
            largest = found
                .filter(|f| largest.is_none_or(|l| f.0 > l.0))
                .or(largest);
        }
        let durable = self.naive.batches[..self.naive.durable].iter();
        let readable = durable.filter(|batch| batch.end_offset().value() > self.naive.log_start);
        let expected = readable.rev().max_by_key(|batch| batch.max_timestamp);
        assert_eq!(
            largest.map(|(_, offset)| offset),
            expected.map(|batch| batch.base_offset)
        );
        Outcome::Found(largest.map(|(_, offset)| offset))
    }
}
