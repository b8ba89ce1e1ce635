//! What goes on beside the data: following the cluster map, retention, and renewing state so that
//! old segments can go.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{ByteCount, TopicPartition, VirtualClusterId};
use partition_log::limits::PRODUCER_EXPIRATION_MS_DEFAULT;
use partition_log::{LogRecord, SegmentId};
use tokio::sync::oneshot;
use wal::{FrameRecord, FrameWrite, TotalsOrder};

use crate::partition::Partition;
use crate::shard::{Renewal, Segments, Shard, is_gone};

impl Shard {
    /// Takes over the latest cluster map: new limits and properties, and topics that are gone.
    pub(crate) fn follow_map(&mut self) {
        let map = self.around.map.borrow().clone();
        let before = std::mem::replace(&mut self.map, map);
        if before.version == self.map.version {
            return;
        }
        let now = self.around.clock.now();
        let mut gone = Vec::new();
        for (key, partition) in &mut self.partitions {
            let Some(topic) = self.map.topics.get(&key.topic) else {
                gone.push(*key);
                continue;
            };
            partition.topic = Arc::clone(topic);
            let cluster = topic.virtual_cluster;
            let limits = self
                .map
                .virtual_clusters
                .get(&cluster)
                .map(|cluster| &cluster.limits);
            let limits_before = before
                .virtual_clusters
                .get(&cluster)
                .map(|cluster| &cluster.limits);
            if let Some(limits) = limits.filter(|limits| limits_before != Some(*limits)) {
                partition.set_limits(now, limits);
            }
        }
        gone.into_iter().for_each(|key| self.close(key));
    }

    /// Writes that a partition is gone; it goes once that is durable.
    fn close(&mut self, key: TopicPartition) {
        assert!(is_gone(&self.map, key.topic), "only what is gone is closed");
        let Some(partition) = self.partitions.get_mut(&key) else {
            return;
        };
        if !partition.closing {
            partition.closing = true;
            let record = partition.log.free_all();
            let frame = frame(self.index, key, partition, record);
            self.outgoing.push(frame);
        }
    }

    /// Applies retention, and forgets producers and gateways that have been silent for long.
    pub(crate) fn apply_retention(&mut self) {
        let now = self.around.clock.wall();
        let mut frames = Vec::new();
        for (key, partition) in &mut self.partitions {
            partition.log.expire(now, PRODUCER_EXPIRATION_MS_DEFAULT);
            let config = &partition.topic.config;
            if partition.closing || !config.cleanup_policy.deletes() {
                continue;
            }
            let retention_bytes = config.retention_bytes.map(|bytes| bytes.0);
            let start = partition
                .log
                .plan_retention(now, config.retention_ms, retention_bytes);
            let record = start.and_then(|start| partition.log.advance_log_start(start));
            frames.extend(record.map(|record| frame(self.index, *key, partition, record)));
        }
        self.outgoing.extend(frames);
    }

    pub(crate) fn segments(&mut self) -> Segments {
        let in_use: BTreeSet<SegmentId> = self
            .partitions
            .values()
            .flat_map(|partition| partition.log.segments_in_use())
            .collect();
        let newly_sealed = std::mem::take(&mut self.newly_sealed);
        Segments {
            in_use: in_use.into_iter().collect(),
            newly_sealed,
        }
    }

    /// Writes the state of every partition that still needs `segment` or one before it.
    pub(crate) fn renew(&mut self, segment: SegmentId, done: oneshot::Sender<()>) {
        let stale = |partition: &&Partition| {
            partition
                .log
                .state_segment()
                .is_some_and(|oldest| oldest <= segment)
        };
        let keys: Vec<TopicPartition> = self
            .partitions
            .iter()
            .filter(|(_, partition)| stale(partition))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            let snapshot = self.partitions[&key].log.snapshot();
            let frame = self.frame(key, LogRecord::Snapshot(snapshot));
            self.outgoing.extend(frame);
        }
        if self.index == 0 {
            self.outgoing.push(self.meter_totals(TotalsOrder::Carry));
        }
        self.tell_when_durable(done);
    }

    /// Seals the usage of minutes that are over.
    pub(crate) fn seal_usage(&mut self, stored_below: u64, done: oneshot::Sender<()>) {
        let totals = self.meter_totals(TotalsOrder::Seal { stored_below });
        self.outgoing.push(totals);
        self.tell_when_durable(done);
    }

    /// Writes that virtual clusters store less.
    pub(crate) fn free(&mut self, freed: Vec<(VirtualClusterId, ByteCount)>) {
        for (virtual_cluster, bytes) in freed {
            let frame = self.no_partition(virtual_cluster, FrameRecord::Freed(bytes));
            self.outgoing.push(frame);
        }
    }

    /// Answers once all frames so far are durable.
    fn tell_when_durable(&mut self, done: oneshot::Sender<()>) {
        let after = self.submitted + self.outgoing.len() as u64;
        self.renewals.push(Renewal { after, done });
        self.finish_renewals();
    }

    /// Answers whoever waited for frames that are durable now.
    pub(crate) fn finish_renewals(&mut self) {
        for renewal in std::mem::take(&mut self.renewals) {
            if renewal.after <= self.durable {
                // The janitor may have stopped waiting.
                let _ = renewal.done.send(());
            } else {
                self.renewals.push(renewal);
            }
        }
    }

    pub(crate) fn frame(&self, key: TopicPartition, record: LogRecord) -> Option<FrameWrite> {
        let partition = self.partitions.get(&key)?;
        Some(frame(self.index, key, partition, record))
    }

    /// The meters of all that lies before this frame; the log itself fills them in.
    fn meter_totals(&self, order: TotalsOrder) -> FrameWrite {
        let record = FrameRecord::MeterTotalsNow(order);
        self.no_partition(VirtualClusterId::SYSTEM, record)
    }

    /// A frame that is of no partition.
    fn no_partition(&self, virtual_cluster: VirtualClusterId, record: FrameRecord) -> FrameWrite {
        FrameWrite {
            shard: self.index,
            virtual_cluster,
            partition: TopicPartition {
                topic: model::TopicId::ZERO,
                partition: 0,
            },
            record,
            batch: None,
        }
    }
}

fn frame(shard: u16, key: TopicPartition, partition: &Partition, record: LogRecord) -> FrameWrite {
    FrameWrite {
        shard,
        virtual_cluster: partition.virtual_cluster,
        partition: key,
        record: FrameRecord::Log(record),
        batch: None,
    }
}
