//! The batches that are written: those of one request, again and again, with rising offsets.

use model::{
    AppendId, Clock, GatewayIncarnation, Instant, LaneId, LeaderEpoch, Limits, Offset, Timestamp,
    TopicConfig, TopicId, TopicPartition, VirtualClusterId,
};
use partition_log::{AppendFacts, LogRecord};
use records::{BatchBuilder, BatchRules, Codec, NewRecord, StampedBatch, validate};
use wal::{FrameRecord, FrameWrite};

pub(crate) const CLUSTER: VirtualClusterId = VirtualClusterId(5);
pub(crate) const COMMIT_TIME: Timestamp = Timestamp(1_700_000_000_000);

/// Partitions of one request, and bytes of the value that each batch holds.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) partitions: u32,
    pub(crate) value_bytes: usize,
}

/// Few large batches, and many small ones.
pub(crate) const LOADS: [Load; 2] = [
    Load {
        name: "5 x 15 KB",
        partitions: 5,
        value_bytes: 15_000,
    },
    Load {
        name: "50 x 1 KB",
        partitions: 50,
        value_bytes: 1_000,
    },
];

/// Gives out one request's frames after the other.
pub(crate) struct Source {
    load: Load,
    batch: StampedBatch,
    requests: u64,
}

impl Source {
    pub(crate) fn new(load: Load) -> Self {
        let mut builder = BatchBuilder::new(Codec::Uncompressed);
        builder.push(&NewRecord {
            timestamp: COMMIT_TIME,
            key: None,
            value: Some(&vec![7; load.value_bytes]),
            headers: &[],
        });
        let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::serverless());
        let batch = validate(builder.build(), &rules, COMMIT_TIME);
        let batch = batch.expect("a batch that was built is sound");
        Self {
            load,
            batch: batch.stamp(Offset::ZERO, LeaderEpoch(1), None),
            requests: 0,
        }
    }

    /// The next request's frames, one for each partition. All share one body.
    pub(crate) fn next_frames(&mut self) -> Vec<FrameWrite> {
        let sequence = self.requests;
        self.requests += 1;
        let frames = (0..self.load.partitions).map(|number| self.frame(number, sequence));
        frames.collect()
    }

    fn frame(&self, number: u32, sequence: u64) -> FrameWrite {
        let partition = TopicPartition {
            topic: TopicId([7; 16]),
            partition: number,
        };
        let batch_bytes = u32::try_from(self.batch.len()).expect("it is small");
        let facts = AppendFacts {
            leader_epoch: LeaderEpoch(1),
            base_offset: Offset::new(sequence).expect("it is small"),
            record_count: 1,
            append_id: AppendId {
                gateway: GatewayIncarnation(1),
                lane: LaneId::of(partition),
                sequence,
            },
            metered_bytes: batch_bytes,
            batch_bytes,
            producer: None,
            max_timestamp: COMMIT_TIME,
        };
        FrameWrite {
            shard: 0,
            virtual_cluster: CLUSTER,
            partition,
            record: FrameRecord::Log(LogRecord::Append(facts)),
            batch: Some(self.batch.clone()),
        }
    }

    /// The frame of the first batch of all.
    pub(crate) fn sample(&self) -> FrameWrite {
        self.frame(0, 0)
    }

    /// Bytes of one request's batches.
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.load.partitions) * self.batch.len() as u64
    }

    /// Bytes of all batches that were given out.
    pub(crate) fn given_bytes(&self) -> u64 {
        self.requests * self.bytes()
    }
}

/// A clock that stands still: all is committed in one minute.
pub(crate) struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Instant {
        Instant(0)
    }

    fn wall(&self) -> Timestamp {
        COMMIT_TIME
    }
}
