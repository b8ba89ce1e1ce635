//! What became durable: high watermarks move, acknowledgements leave.
//!
//! Owns: the order in which a durable frame takes effect. Does not own: the frames' bytes.
//! Invariant: nothing is acknowledged, readable before its frame came back from here.

use model::{Instant, Timestamp, TopicPartition};
use partition_log::{AppendFacts, FrameAt, LogRecord};
use records::StampedBatch;
use wal::{Committed, CommittedFrame, FrameRecord, ShardEvents, WalEvent};

use crate::shard::{Shard, is_gone};
use node_api::AppendRefusal;

impl Shard {
    /// Takes this event and whatever else is there already.
    pub(crate) fn handle_events(&mut self, first: WalEvent, rest: &mut ShardEvents) {
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                WalEvent::Committed(committed) => self.handle_committed(committed),
                WalEvent::SegmentSealed(segment) => {
                    self.newly_sealed.push(segment);
                    self.partitions
                        .values_mut()
                        .for_each(|p| p.log.segment_sealed(segment));
                }
            }
            next = rest.try_recv().ok();
        }
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
                self.commit_append(partition, commit_time, &facts, (at, batch));
                self.answer_durable(now, partition);
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

    fn commit_append(
        &mut self,
        key: TopicPartition,
        commit_time: Timestamp,
        facts: &AppendFacts,
        (at, batch): (FrameAt, StampedBatch),
    ) {
        let Some(partition) = self.partitions.get_mut(&key) else {
            return;
        };
        let position = partition.log.bounds().end_position;
        partition.log.committed(facts, at, commit_time);
        self.tail_budget
            .push(key, &mut partition.tail, position, batch);
        while let Some(oldest) = self.tail_budget.over_budget() {
            let tail = self
                .partitions
                .get_mut(&oldest)
                .map(|partition| &mut partition.tail);
            self.tail_budget.evict(tail);
        }
        self.tell(key);
    }

    /// Notes the news for every gateway that wants it.
    pub(crate) fn tell(&mut self, key: TopicPartition) {
        let Some(partition) = self.partitions.get_mut(&key) else {
            return;
        };
        let news = &mut self.news;
        partition.watchers.retain(|gateway| news.is_open(*gateway));
        partition
            .watchers
            .iter()
            .for_each(|gateway| news.note(*gateway, key));
    }

    /// Sends every acknowledgement of `key` whose batch is durable.
    pub(crate) fn answer_durable(&mut self, now: Instant, key: TopicPartition) {
        let Some(partition) = self.partitions.get_mut(&key) else {
            return;
        };
        let log_start_offset = partition.log.bounds().log_start_offset;
        while let Some(ack) = partition.next_durable() {
            let outcome = Ok(ack.answer(now, log_start_offset));
            self.lanes.reply(node_api::AppendReply {
                id: ack.id,
                partition: key,
                outcome,
            });
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
