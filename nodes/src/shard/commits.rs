//! What became durable: high watermarks move, acknowledgements leave.
//!
//! Owns: the order in which a durable frame takes effect. Does not own: the frames' bytes.
//! Invariant: nothing is acknowledged, readable before its frame came back from here.

use model::{Instant, Timestamp, TopicPartition};
use node_api::{AppendRefusal, AppendReply};
use partition_log::{AppendFacts, FrameAt, LogRecord, SegmentId};
use records::StampedBatch;
use wal::{Committed, CommittedFrame, FrameRecord, ShardEvents, WalEvent};

use crate::partition::Partition;
use crate::shard::lanes::Lanes;
use crate::shard::news::News;
use crate::shard::{Shard, is_gone};

impl Shard {
    /// Takes this event and whatever else is there already.
    pub(crate) fn handle_events(&mut self, first: WalEvent, rest: &mut ShardEvents) {
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                WalEvent::Committed(committed) => self.handle_committed(committed),
                WalEvent::SegmentSealed(segment) => self.segment_sealed(segment),
            }
            next = rest.try_recv().ok();
        }
        self.lanes.flush();
        self.finish_renewals();
        self.finish_deletions();
    }

    fn handle_committed(&mut self, committed: Committed) {
        let now = self.around.clock.now();
        self.durable += committed.frames.len() as u64;
        for frame in committed.frames {
            self.handle_frame(now, committed.commit_time, frame);
        }
    }

    fn handle_frame(&mut self, now: Instant, commit_time: Timestamp, frame: CommittedFrame) {
        let CommittedFrame {
            virtual_cluster,
            partition,
            record,
            at,
            batch,
        } = frame;
        let FrameRecord::Log(record) = record else {
            return;
        };
        match record {
            LogRecord::Append(facts) => {
                let batch = batch.expect("the log gives back the batch of an append");
                if facts.metered_bytes > 0 {
                    self.traffic.count(virtual_cluster, partition.topic, &facts);
                }
                self.commit_append(partition, (now, commit_time), &facts, (at, batch));
            }
            LogRecord::LogStart(offset, _) => {
                if let Some(state) = self.partitions.get_mut(&partition) {
                    state.log.log_start_committed(offset);
                }
                self.tell(partition);
            }
            LogRecord::Snapshot(_) => {
                if let Some(state) = self.partitions.get_mut(&partition) {
                    state.log.snapshot_committed(at.segment);
                }
            }
            LogRecord::Closed(_) => self.drop_partition(partition),
        }
    }

    /// One look-up a batch: what follows from it is done while the partition is at hand.
    fn commit_append(
        &mut self,
        key: TopicPartition,
        (now, commit_time): (Instant, Timestamp),
        facts: &AppendFacts,
        (at, batch): (FrameAt, StampedBatch),
    ) {
        let Some(partition) = self.partitions.get_mut(&key) else {
            return;
        };
        let position = partition.log.bounds().end_position;
        partition.log.committed(facts, at, commit_time);
        self.open_segments
            .note(key, &mut partition.newest_segment, at.segment);
        self.tail_budget
            .push(key, &mut partition.tail, position, batch);
        tell(&mut self.news, key, partition);
        answer_durable(&mut self.lanes, now, key, partition);
        while let Some(oldest) = self.tail_budget.over_budget() {
            let tail = self
                .partitions
                .get_mut(&oldest)
                .map(|partition| &mut partition.tail);
            self.tail_budget.evict(tail);
        }
    }

    /// The segment's footer tells where its batches lie: whoever has some in it forgets them.
    fn segment_sealed(&mut self, segment: SegmentId) {
        self.newly_sealed.push(segment);
        for key in self.open_segments.complete(segment) {
            if let Some(partition) = self.partitions.get_mut(&key) {
                partition.log.segment_sealed(segment);
            }
        }
    }

    /// Notes the news for every gateway that wants it.
    fn tell(&mut self, key: TopicPartition) {
        if let Some(partition) = self.partitions.get_mut(&key) {
            tell(&mut self.news, key, partition);
        }
    }

    /// The topic is gone and that is durable: what waits is refused, and the memory is given back.
    fn drop_partition(&mut self, key: TopicPartition) {
        if !is_gone(&self.map, key.topic) {
            return;
        }
        let Some(mut partition) = self.partitions.remove(&key) else {
            return;
        };
        for ack in partition.take_waiting() {
            self.answer(key, ack.id, Err(AppendRefusal::Closed));
        }
        partition
            .watchers
            .iter()
            .for_each(|gateway| self.news.note(*gateway, key));
        self.tail_budget.forget(key, &partition.tail);
        self.traffic.forget(key.topic);
    }
}

/// Notes the news for every gateway that wants it, and forgets the gateways that are gone.
fn tell(news: &mut News, key: TopicPartition, partition: &mut Partition) {
    partition.watchers.retain(|gateway| news.is_open(*gateway));
    for gateway in &partition.watchers {
        news.note(*gateway, key);
    }
}

/// Answers every append of `key` whose batch is durable.
pub(super) fn answer_durable(
    lanes: &mut Lanes,
    now: Instant,
    key: TopicPartition,
    partition: &mut Partition,
) {
    let log_start_offset = partition.log.bounds().log_start_offset;
    while let Some(ack) = partition.next_durable() {
        lanes.reply(AppendReply {
            id: ack.id,
            partition: key,
            outcome: Ok(ack.answer(now, log_start_offset)),
        });
    }
}
