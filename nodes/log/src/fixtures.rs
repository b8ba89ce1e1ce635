//! What the tests of this crate share: a log with a write-ahead log that is only positions.

use model::{
    AppendId, GatewayIncarnation, LaneId, LeaderEpoch, Offset, ProducerEpoch, ProducerId,
    Timestamp, TopicId, TopicPartition, VirtualClusterId,
};

use crate::append::{Accepted, AppendError, AppendRequest};
use crate::facts::{AppendFacts, FrameAt, ProducerStamp, SegmentId};
use crate::log::PartitionLog;

pub(crate) const EPOCH: LeaderEpoch = LeaderEpoch(7);
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// Bytes of a frame around its batch.
const FRAME_HEADER: u64 = 90;

pub(crate) fn empty_log() -> PartitionLog {
    let partition = TopicPartition {
        topic: TopicId([1; 16]),
        partition: 3,
    };
    PartitionLog::new(VirtualClusterId(5), partition, EPOCH)
}

pub(crate) fn offset(value: u64) -> Offset {
    Offset::new(value).expect("tests use small offsets")
}

pub(crate) fn append_id(gateway: u64, sequence: u64) -> AppendId {
    AppendId {
        gateway: GatewayIncarnation(gateway),
        lane: LaneId(2),
        sequence,
    }
}

/// An append of gateway 1 of ten records in 100 bytes, of no producer.
pub(crate) fn request(sequence: u64) -> AppendRequest {
    AppendRequest {
        id: append_id(1, sequence),
        answered_below: 0,
        leader_epoch: EPOCH,
        record_count: 10,
        batch_bytes: 100,
        metered_bytes: 80,
        producer: None,
        max_timestamp: NOW,
    }
}

pub(crate) fn stamp(id: i64, epoch: i16, base_sequence: i32, records: u32) -> ProducerStamp {
    ProducerStamp::new(ProducerId(id), ProducerEpoch(epoch), base_sequence, records)
}

pub(crate) fn new_facts(accepted: Result<Accepted, AppendError>) -> AppendFacts {
    match accepted {
        Ok(Accepted::New(facts)) => facts,
        other => panic!("expected a new append, got {other:?}"),
    }
}

/// Gives out places, one frame behind the other.
pub(crate) struct Places {
    pub segment: u64,
    pub position: u64,
}

impl Places {
    pub(crate) fn new(segment: u64) -> Self {
        Self {
            segment,
            position: 0,
        }
    }

    pub(crate) fn next(&mut self, length: u32) -> FrameAt {
        let position = self.position + FRAME_HEADER;
        self.position = position + u64::from(length);
        FrameAt {
            segment: SegmentId(self.segment),
            position,
            length,
        }
    }

    /// Appends the request as the next of its gateway, and makes it durable.
    pub(crate) fn append(&mut self, log: &mut PartitionLog, request: AppendRequest) -> AppendFacts {
        let next = log.state.sessions.next_sequence(request.id.gateway);
        let id = append_id(request.id.gateway.0, next);
        let answered_below = next;
        let facts = new_facts(log.append(
            NOW,
            AppendRequest {
                id,
                answered_below,
                ..request
            },
        ));
        log.committed(&facts, self.next(facts.batch_bytes), NOW);
        facts
    }
}
