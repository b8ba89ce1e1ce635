//! One partition on this node: its log, quota, tail, and who waits for it.
//!
//! Owns: the acknowledgements that wait for durability. Does not own: frames on their way to the
//! write-ahead log (`shard`). Invariant: waiting acknowledgements are in the order of offsets.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{
    AppendId, ByteCount, GatewayIncarnation, Instant, Limits, Offset, Timestamp, Topic,
    VirtualClusterId,
};
use node_api::{Appended, LogBounds};
use partition_log::{PartitionLog, SegmentId};
use quota::{PartitionQuota, Verdict};

use crate::tail::Tail;

/// A partition that this node owns.
pub(crate) struct Partition {
    pub(crate) virtual_cluster: VirtualClusterId,
    pub(crate) topic: Arc<Topic>,
    pub(crate) log: PartitionLog,
    pub(crate) quota: PartitionQuota,
    pub(crate) tail: Tail,
    /// The segment of its last durable batch since the start.
    pub(crate) newest_segment: Option<SegmentId>,
    /// Gateways that want news.
    pub(crate) watchers: Vec<GatewayIncarnation>,
    /// Largest size, where the topic is compacted: what retention does not delete has a limit.
    compacted_bytes_max: ByteCount,
    /// The topic is gone: nothing more is appended, and the log goes once that is durable.
    pub(crate) closing: bool,
    waiting: VecDeque<WaitingAck>,
}

/// An append whose acknowledgement waits for durability.
#[derive(Debug)]
pub(crate) struct WaitingAck {
    pub(crate) id: AppendId,
    pub(crate) base_offset: Offset,
    pub(crate) end_offset: Offset,
    pub(crate) log_append_time: Option<Timestamp>,
    pub(crate) charged_at: Instant,
    pub(crate) verdict: Verdict,
}

impl WaitingAck {
    /// The answer, given now. Delays count from the charge, the answer tells what is left of them.
    pub(crate) fn answer(&self, now: Instant, log_start_offset: Offset) -> Appended {
        let since = now.saturating_since(self.charged_at);
        Appended {
            base_offset: self.base_offset,
            log_start_offset,
            log_append_time: self.log_append_time,
            ack_delay: self.verdict.ack_delay.saturating_sub(since),
            stop_reading: self.verdict.stop_reading.saturating_sub(since),
        }
    }
}

impl Partition {
    pub(crate) fn new(topic: Arc<Topic>, log: PartitionLog, quota: PartitionQuota) -> Self {
        Self {
            virtual_cluster: topic.virtual_cluster,
            topic,
            log,
            quota,
            tail: Tail::default(),
            newest_segment: None,
            watchers: Vec::new(),
            compacted_bytes_max: ByteCount(u64::MAX),
            closing: false,
            waiting: VecDeque::new(),
        }
    }

    /// Takes over the limits of the virtual cluster that are felt at the owner.
    pub(crate) fn set_limits(&mut self, now: Instant, limits: &Limits) {
        self.quota.set_rates(now, limits);
        self.compacted_bytes_max = limits.compacted_partition_bytes_max;
    }

    /// Whether `bytes` more would be more than the partition may hold.
    pub(crate) fn is_full(&self, bytes: u32) -> bool {
        let is_compacted = self.topic.config.cleanup_policy.compacts();
        let after = || self.log.retained_bytes().saturating_add(bytes.into());
        is_compacted && after() > self.compacted_bytes_max.0
    }

    /// Makes an acknowledgement wait; repeats find their place among the others. One that waits
    /// already under the same append id is answered once.
    pub(crate) fn wait(&mut self, ack: WaitingAck) {
        let place = self
            .waiting
            .partition_point(|other| other.end_offset <= ack.end_offset);
        let mut same_end = self
            .waiting
            .range(..place)
            .rev()
            .take_while(|other| other.end_offset == ack.end_offset);
        if same_end.any(|other| other.id == ack.id) {
            return;
        }
        self.waiting.insert(place, ack);
    }

    /// The next acknowledgement that is due.
    pub(crate) fn next_durable(&mut self) -> Option<WaitingAck> {
        let high_watermark = self.log.bounds().high_watermark;
        let is_durable = self.waiting.front()?.end_offset <= high_watermark;
        if is_durable {
            self.waiting.pop_front()
        } else {
            None
        }
    }

    /// Everything that waits, to be refused.
    pub(crate) fn take_waiting(&mut self) -> VecDeque<WaitingAck> {
        std::mem::take(&mut self.waiting)
    }

    /// Where the log begins and ends, as gateways are told.
    pub(crate) fn bounds(&self) -> LogBounds {
        let bounds = self.log.bounds();
        LogBounds {
            log_start_offset: bounds.log_start_offset,
            high_watermark: bounds.high_watermark,
            last_stable_offset: bounds.last_stable_offset,
            start_position: bounds.start_position,
            end_position: bounds.end_position,
        }
    }
}
