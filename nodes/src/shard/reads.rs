//! Reading: from memory at once, from files by handing the plans of a call to one file read.
//!
//! Owns: how a read's budget and the egress quota meet. Does not own: files (`file_reads`).

use std::time::Duration;

use model::{ByteCount, Instant, Offset, TopicPartition};
use node_api::{Read, ReadAnswer, ReadError, ReadReply};
use partition_log::{OutOfRange, ReadPlan};
use tokio::sync::mpsc;

use crate::file_reads::{FileRead, Outlet};
use crate::limits::READ_BYTES_MAX;
use crate::partition::Partition;
use crate::shard::Shard;
use crate::tail::TailWish;

/// What became of a read so far.
enum Found {
    Answer(Result<ReadReply, ReadError>),
    InFiles(FileRead),
}

impl Shard {
    /// Answers what needs no file, in one message, and has the rest read together.
    pub(crate) fn read(
        &mut self,
        reads: Vec<(usize, Read)>,
        replies: mpsc::Sender<Vec<ReadAnswer>>,
    ) {
        let version = self.map.version;
        if reads.iter().any(|(_, read)| read.map_version > version) {
            self.follow_map();
        }
        let now = self.around.clock.now();
        let mut answers = Vec::with_capacity(reads.len());
        let mut in_files = Vec::new();
        for (index, read) in reads {
            let found = match self.open(read.partition) {
                Some(partition) => find(partition, &read, now),
                None => Found::Answer(Err(ReadError::NotOwner)),
            };
            match found {
                Found::Answer(answer) => answers.push((index, answer)),
                Found::InFiles(read) => in_files.push((index, read)),
            }
        }
        if !answers.is_empty() {
            // The gateway may be gone: an answer that nobody waits for is dropped on purpose.
            let _ = replies.try_send(answers);
        }
        if !in_files.is_empty() {
            let charge = self.charge.clone();
            self.around.files.read(in_files, Outlet { charge, replies });
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

/// The answer, where it needs no file.
fn find(partition: &mut Partition, read: &Read, now: Instant) -> Found {
    let allowance = partition.quota.egress_allowance(now);
    if allowance == ByteCount(0) {
        let retry_after = partition.quota.egress_ready(now);
        return Found::Answer(nothing(partition, read.offset, retry_after));
    }
    let budget = Budget::new(read, allowance);
    let bounds = partition.bounds();
    if read.offset < bounds.log_start_offset {
        return Found::Answer(Err(ReadError::OutOfRange { bounds }));
    }
    let wish = TailWish {
        offset: read.offset,
        bytes_max: budget.bytes_max as usize,
        first_bytes_max: budget.first_bytes_max as usize,
    };
    let Some(found) = partition.tail.read(wish) else {
        return plan(partition, read, budget);
    };
    partition
        .quota
        .charge_egress(now, ByteCount(found.bytes as u64), ByteCount(0));
    Found::Answer(Ok(ReadReply {
        segments: found.segments,
        bytes: found.bytes,
        next_offset: found.next_offset,
        next_position: Some(found.next_position),
        bounds,
        retry_after: Duration::ZERO,
    }))
}

/// What is to be read from files, if there is anything.
fn plan(partition: &Partition, read: &Read, budget: Budget) -> Found {
    let plan = partition
        .log
        .plan_read(read.offset, budget.bytes_max, budget.takes_first());
    let bounds = partition.bounds();
    match plan {
        Err(OutOfRange { .. }) => Found::Answer(Err(ReadError::OutOfRange { bounds })),
        Ok(ReadPlan::Frames(run)) if run.frames.is_empty() => Found::Answer(Ok(ReadReply {
            next_offset: read.offset,
            next_position: run.next_position,
            bounds,
            ..ReadReply::default()
        })),
        Ok(plan) => Found::InFiles(FileRead {
            partition: read.partition,
            offset: read.offset,
            then: match &plan {
                ReadPlan::Sealed(extent) => partition.log.sealed_from(extent.end_offset).copied(),
                ReadPlan::Frames(_) => None,
            },
            plan,
            bytes_max: budget.bytes_max,
            first_bytes_max: budget.first_bytes_max,
            bounds,
        }),
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
