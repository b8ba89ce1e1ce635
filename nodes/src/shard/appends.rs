//! Appending: from a gateway's append to a frame for the write-ahead log.
//!
//! Owns: the order of checks. Does not own: the rules of sequences (`partition_log`) or of quotas
//! (`quota`). Invariant: whatever was accepted waits for its frame to be durable, repeats too.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use model::{
    ByteCount, ClusterMap, IdMap, Instant, LeaderEpoch, Timestamp, TimestampType, TopicPartition,
    VirtualClusterId,
};
use node_api::{Append, AppendOutcome, AppendRefusal, AppendReply};
use partition_log::{
    Accepted, AppendError, AppendFacts, AppendRequest, LogRecord, PartitionLog, ProducerRefusal,
    ProducerStamp,
};
use quota::{PartitionQuota, Verdict};
use records::ProducerFields;
use wal::format::frame::FRAME_HEADER_BYTES;
use wal::{FrameRecord, FrameWrite};

use crate::partition::{Partition, WaitingAck};
use crate::shard::commits::answer_durable;
use crate::shard::{Shard, Surroundings};

impl Shard {
    pub(crate) fn handle_append(&mut self, now: Instant, wall: Timestamp, append: Append) {
        if append.map_version > self.map.version {
            self.follow_map();
        }
        let (id, key) = (append.id, append.partition);
        let batch_bytes_max = self.around.wal.frame_bytes_max() - FRAME_HEADER_BYTES;
        let partition = open(&mut self.partitions, key, (&self.map, &self.around));
        let admitted = match partition {
            _ if append.batch.bytes().len() > batch_bytes_max => Err(AppendRefusal::TooLarge),
            Some(partition) if !partition.closing => {
                admit(partition, now, wall, append).map(|admitted| (partition, admitted))
            }
            _ => Err(AppendRefusal::NotOwner),
        };
        match admitted {
            Ok((partition, Admitted { frame, ack })) => {
                if let Some(mut frame) = frame {
                    frame.shard = self.index;
                    self.outgoing.push(frame);
                }
                partition.wait(ack);
                answer_durable(&mut self.lanes, now, key, partition);
            }
            Err(refusal) => self.answer(key, id, Err(refusal)),
        }
    }

    pub(crate) fn answer(
        &mut self,
        partition: TopicPartition,
        id: model::AppendId,
        outcome: AppendOutcome,
    ) {
        self.lanes.reply(AppendReply {
            id,
            partition,
            outcome,
        });
    }

    /// The partition, opened if it lives here and was not opened yet.
    pub(crate) fn open(&mut self, key: TopicPartition) -> Option<&mut Partition> {
        open(&mut self.partitions, key, (&self.map, &self.around))
    }
}

/// The same, which leaves the rest of the shard free to be used beside the partition.
fn open<'a>(
    partitions: &'a mut IdMap<TopicPartition, Partition>,
    key: TopicPartition,
    (map, around): (&ClusterMap, &Surroundings),
) -> Option<&'a mut Partition> {
    let vacant = match partitions.entry(key) {
        Entry::Occupied(known) => return Some(known.into_mut()),
        Entry::Vacant(vacant) => vacant,
    };
    let placement = map.placement(key).filter(|p| p.node == around.node)?;
    let topic = Arc::clone(map.topics.get(&key.topic)?);
    let limits = &map.virtual_clusters.get(&topic.virtual_cluster)?.limits;
    let now = around.clock.now();
    let quota = PartitionQuota::new(limits, now);
    let log = PartitionLog::new(topic.virtual_cluster, key, placement.leader_epoch);
    let mut partition = Partition::new(topic, log, quota);
    partition.set_limits(now, limits);
    Some(vacant.insert(partition))
}

/// An append that was accepted: its frame, unless it is a repeat, and the answer that waits.
struct Admitted {
    frame: Option<FrameWrite>,
    ack: WaitingAck,
}

fn admit(
    partition: &mut Partition,
    now: Instant,
    wall: Timestamp,
    append: Append,
) -> Result<Admitted, AppendRefusal> {
    if !partition.quota.ingress_park(now).is_zero() {
        return Err(AppendRefusal::Busy);
    }
    let stamps = partition.topic.config.message_timestamp_type == TimestampType::LogAppendTime;
    let log_append_time = stamps.then_some(wall);
    let request = request(partition, &append, log_append_time);
    if partition.is_full(request.batch_bytes) && partition.log.is_new(&request) {
        return Err(AppendRefusal::PartitionFull);
    }
    let metered = request.metered_bytes;
    match partition.log.append(wall, request).map_err(refusal)? {
        Accepted::New(facts) => {
            // Head-room for burst credit is judged by the node as a whole; until bursts are turned
            // on by a plan there is none to give.
            let verdict =
                partition
                    .quota
                    .charge_ingress(now, ByteCount(u64::from(metered)), ByteCount(0));
            let ack = waiting(&append, &facts, log_append_time, (now, verdict));
            let frame = frame(partition, append, facts, log_append_time);
            Ok(Admitted {
                frame: Some(frame),
                ack,
            })
        }
        Accepted::Repeat {
            base_offset,
            end_offset,
        } => {
            let ack = WaitingAck {
                id: append.id,
                base_offset,
                end_offset,
                log_append_time: None,
                charged_at: now,
                verdict: Verdict::default(),
            };
            Ok(Admitted { frame: None, ack })
        }
    }
}

fn request(
    partition: &Partition,
    append: &Append,
    log_append_time: Option<Timestamp>,
) -> AppendRequest {
    let batch = &append.batch;
    let bytes = u32::try_from(batch.bytes().len()).expect("a frame is far smaller than 4 GiB");
    let is_billed = partition.virtual_cluster != VirtualClusterId::SYSTEM;
    AppendRequest {
        id: append.id,
        answered_below: append.answered_below,
        leader_epoch: append.leader_epoch,
        record_count: batch.record_count(),
        batch_bytes: bytes,
        metered_bytes: if is_billed { bytes } else { 0 },
        producer: batch
            .producer()
            .map(|fields| stamp(fields, batch.record_count())),
        max_timestamp: log_append_time.unwrap_or(batch.max_timestamp()),
    }
}

fn stamp(fields: ProducerFields, record_count: u32) -> ProducerStamp {
    ProducerStamp::new(
        fields.producer_id,
        fields.producer_epoch,
        fields.base_sequence,
        record_count,
    )
}

fn waiting(
    append: &Append,
    facts: &AppendFacts,
    log_append_time: Option<Timestamp>,
    (charged_at, verdict): (Instant, Verdict),
) -> WaitingAck {
    WaitingAck {
        id: append.id,
        base_offset: facts.base_offset,
        end_offset: facts.end_offset(),
        log_append_time,
        charged_at,
        verdict,
    }
}

fn frame(
    partition: &Partition,
    append: Append,
    facts: AppendFacts,
    log_append_time: Option<Timestamp>,
) -> FrameWrite {
    // Clients see one epoch for ever; the one that fences lies in the frame's facts.
    let batch = append
        .batch
        .stamp(facts.base_offset, LeaderEpoch::SHOWN, log_append_time);
    FrameWrite {
        shard: 0,
        virtual_cluster: partition.virtual_cluster,
        partition: append.partition,
        record: FrameRecord::Log(LogRecord::Append(facts)),
        batch: Some(batch),
    }
}

fn refusal(error: AppendError) -> AppendRefusal {
    match error {
        AppendError::Fenced { .. } => AppendRefusal::NotOwner,
        AppendError::Full => AppendRefusal::Busy,
        AppendError::Gap { expected } => AppendRefusal::Gap { expected },
        AppendError::Producer(ProducerRefusal::OutOfOrderSequence { expected, found }) => {
            AppendRefusal::OutOfOrderSequence { expected, found }
        }
        AppendError::Producer(ProducerRefusal::DuplicateSequence) => {
            AppendRefusal::DuplicateSequence
        }
        AppendError::Producer(ProducerRefusal::InvalidProducerEpoch { .. }) => {
            AppendRefusal::InvalidProducerEpoch
        }
        // Nobody waits for the answer to an append that was answered long ago.
        AppendError::OffsetsExhausted | AppendError::AlreadyAnswered | AppendError::Closed => {
            AppendRefusal::Closed
        }
    }
}
