//! Reading: from memory at once, from files by handing the plan to a file read.
//!
//! Owns: how a read's budget and the egress quota meet. Does not own: files (`file_reads`).

use std::time::Duration;

use model::{ByteCount, Offset, TopicPartition};
use node_api::{Read, ReadError, ReadReply};
use partition_log::{OutOfRange, ReadPlan};
use tokio::sync::oneshot;

use crate::file_reads::FileRead;
use crate::limits::READ_BYTES_MAX;
use crate::partition::Partition;
use crate::shard::Shard;
use crate::tail::TailWish;

type Reply = oneshot::Sender<Result<ReadReply, ReadError>>;

impl Shard {
    pub(crate) fn read(&mut self, read: Read, reply: Reply) {
        if read.map_version > self.map.version {
            self.follow_map();
        }
        let now = self.around.clock.now();
        let Some(partition) = self.open(read.partition) else {
            // The gateway may be gone: an answer that nobody waits for is dropped on purpose.
            return drop(reply.send(Err(ReadError::NotOwner)));
        };
        let allowance = partition.quota.egress_allowance(now);
        if allowance == ByteCount(0) {
            let retry_after = partition.quota.egress_ready(now);
            return drop(reply.send(nothing(partition, read.offset, retry_after)));
        }
        let budget = Budget::new(&read, allowance);
        match self.read_memory(&read, budget) {
            Some(answer) => drop(reply.send(answer)),
            None => self.read_files(&read, budget, reply),
        }
    }

    /// The answer, where it needs no file.
    fn read_memory(&mut self, read: &Read, budget: Budget) -> Option<Result<ReadReply, ReadError>> {
        let now = self.around.clock.now();
        let partition = self.partitions.get_mut(&read.partition)?;
        let bounds = partition.bounds();
        if read.offset < bounds.log_start_offset {
            return Some(Err(ReadError::OutOfRange { bounds }));
        }
        let wish = TailWish {
            offset: read.offset,
            bytes_max: budget.bytes_max as usize,
            first_bytes_max: budget.first_bytes_max as usize,
        };
        let found = partition.tail.read(wish)?;
        partition
            .quota
            .charge_egress(now, ByteCount(found.bytes as u64), ByteCount(0));
        Some(Ok(ReadReply {
            segments: found.segments,
            bytes: found.bytes,
            next_offset: found.next_offset,
            next_position: Some(found.next_position),
            bounds,
            retry_after: Duration::ZERO,
        }))
    }

    fn read_files(&self, read: &Read, budget: Budget, reply: Reply) {
        let Some(partition) = self.partitions.get(&read.partition) else {
            return;
        };
        let plan = partition
            .log
            .plan_read(read.offset, budget.bytes_max, budget.takes_first());
        let bounds = partition.bounds();
        match plan {
            Err(OutOfRange { .. }) => drop(reply.send(Err(ReadError::OutOfRange { bounds }))),
            Ok(ReadPlan::Frames(run)) if run.frames.is_empty() => {
                let answer = ReadReply {
                    next_offset: read.offset,
                    next_position: run.next_position,
                    bounds,
                    ..ReadReply::default()
                };
                drop(reply.send(Ok(answer)));
            }
            Ok(plan) => {
                let read = FileRead {
                    partition: read.partition,
                    offset: read.offset,
                    plan,
                    bytes_max: budget.bytes_max,
                    first_bytes_max: budget.first_bytes_max,
                    bounds,
                };
                self.around.files.read(read, self.charge.clone(), reply);
            }
        }
    }

    /// Charges what a file read has read.
    pub(crate) fn charge_read(&mut self, partition: TopicPartition, bytes: u64) {
        let now = self.around.clock.now();
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition
                .quota
                .charge_egress(now, ByteCount(bytes), ByteCount(0));
        }
    }
}

/// How much one read may return.
#[derive(Clone, Copy)]
struct Budget {
    bytes_max: u32,
    /// The first batch may be larger than `bytes_max`, but not than this: where the quota clips a
    /// read below one batch, the batch is read whole and the quota goes into debt.
    first_bytes_max: u32,
}

impl Budget {
    fn new(read: &Read, allowance: ByteCount) -> Self {
        let wanted = read.bytes_max.min(READ_BYTES_MAX);
        let allowed = u32::try_from(allowance.0).unwrap_or(u32::MAX);
        let first_bytes_max = if read.at_least_one { u32::MAX } else { wanted };
        Self {
            bytes_max: wanted.min(allowed),
            first_bytes_max,
        }
    }

    const fn takes_first(self) -> bool {
        self.first_bytes_max > self.bytes_max
    }
}

/// Counts as empty until the quota allows.
fn nothing(
    partition: &Partition,
    offset: Offset,
    retry_after: Duration,
) -> Result<ReadReply, ReadError> {
    let bounds = partition.bounds();
    if offset < bounds.log_start_offset || offset > partition.log.end_offset() {
        return Err(ReadError::OutOfRange { bounds });
    }
    Ok(ReadReply {
        next_offset: offset,
        bounds,
        retry_after,
        ..ReadReply::default()
    })
}
