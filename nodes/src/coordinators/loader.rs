//! Rebuilds one coordinator from its partition: reads it from its start to its end, and replays.
//!
//! Owns: the reading and taking apart. Does not own: what records say (`coordinator`). Only the
//! coordinator itself writes to the partition, so its end stays where it is meanwhile.

use std::time::Duration;

use bytes::Bytes;
use coordinator::{Coordinator, ReplayError, StoredRecord};
use model::{CatalogVersion, Offset, TopicPartition};
use node_api::{FindOffset, LogBounds, OffsetQuery, Read, ReadError, ReadReply, read_one};
use records::{BatchError, DecodeError, DecompressLimits, Record, batches, decode_records};

use crate::coordinators::Around;
use crate::coordinators::journal::{Found, record_bytes};
use crate::limits::{LOAD_READ_BYTES, LOAD_RETRY_AFTER, LOAD_TRIES_MAX};

/// A coordinator as its partition tells.
pub(super) struct Loaded {
    pub(super) core: Coordinator,
    pub(super) found: Found,
}

/// Why a coordinator cannot be rebuilt.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// The partition cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing came where there must be something.
    #[error("nothing is read at offset {0}")]
    Hole(u64),
    /// What was read is no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// What was read holds no records.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A record has no key.
    #[error("the record at offset {0} has no key")]
    NoKey(u64),
    /// A record is not understood.
    #[error("the record at offset {offset} is not understood: {why}")]
    Replay {
        /// The record.
        offset: u64,
        /// What is wrong with it.
        why: ReplayError,
    },
}

/// Rebuilds the coordinator of `partition`.
pub(super) async fn load(
    around: &Around,
    partition: TopicPartition,
    map_version: CatalogVersion,
) -> Result<Loaded, LoadError> {
    let turn = around.loads.acquire().await;
    let _turn = turn.expect("the semaphore is never closed");
    let bounds = bounds(around, partition, map_version).await?;
    let mut replay = Replay {
        core: Coordinator::new(),
        from: bounds.log_start_offset,
        read_bytes: 0,
    };
    let mut offset = bounds.log_start_offset;
    while offset < bounds.high_watermark {
        let read = Read {
            partition,
            map_version,
            offset,
            bytes_max: LOAD_READ_BYTES,
            at_least_one: true,
        };
        let reply = read_patiently(around, read).await?;
        if reply.bytes == 0 {
            return Err(LoadError::Hole(offset.value()));
        }
        offset = reply.next_offset;
        replay.take(reply.segments.concat().into())?;
        // A long load must not keep others from their turn.
        tokio::task::yield_now().await;
    }
    Ok(replay.finish(bounds.high_watermark))
}

/// Where the partition's log begins and ends.
async fn bounds(
    around: &Around,
    partition: TopicPartition,
    map_version: CatalogVersion,
) -> Result<LogBounds, ReadError> {
    let mut patience = Patience::default();
    loop {
        let query = FindOffset {
            partition,
            map_version,
            query: OffsetQuery::Earliest,
        };
        match around.transport.find_offset(query).await {
            Ok(found) => return Ok(found.bounds),
            Err(why) => patience.pause_after(why).await?,
        }
    }
}

async fn read_patiently(around: &Around, read: Read) -> Result<ReadReply, ReadError> {
    let mut patience = Patience::default();
    loop {
        match read_one(&*around.transport, read).await {
            Ok(reply) if reply.bytes == 0 && !reply.retry_after.is_zero() => {
                patience.pause(reply.retry_after, ReadError::Busy).await?;
            }
            Ok(reply) => return Ok(reply),
            Err(why) => patience.pause_after(why).await?,
        }
    }
}

/// How often one question has been asked in vain.
#[derive(Default)]
struct Patience {
    tries: u32,
}

impl Patience {
    /// Waits where the refusal may pass. A partition that goes elsewhere ends the load from outside.
    async fn pause_after(&mut self, why: ReadError) -> Result<(), ReadError> {
        match why {
            ReadError::NotOwner | ReadError::Busy => self.pause(LOAD_RETRY_AFTER, why).await,
            ReadError::OutOfRange { .. } | ReadError::Storage => Err(why),
        }
    }

    /// Waits, unless that was done too often.
    async fn pause(&mut self, pause: Duration, why: ReadError) -> Result<(), ReadError> {
        self.tries += 1;
        if self.tries >= LOAD_TRIES_MAX {
            return Err(why);
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

struct Replay {
    core: Coordinator,
    from: Offset,
    read_bytes: u64,
}

impl Replay {
    fn take(&mut self, bytes: Bytes) -> Result<(), LoadError> {
        for batch in batches(bytes) {
            let batch = batch?;
            batch.check_crc()?;
            for record in decode_records(&batch, &DecompressLimits::default())? {
                self.take_record(record?)?;
            }
        }
        Ok(())
    }

    fn take_record(&mut self, record: Record) -> Result<(), LoadError> {
        // The first batch may begin before the log does.
        if record.offset < self.from {
            return Ok(());
        }
        let offset = record.offset.value();
        let key = record.key.ok_or(LoadError::NoKey(offset))?;
        // Copied, so that what the state keeps of a record does not keep all that was read.
        let record = StoredRecord {
            key: Bytes::copy_from_slice(&key),
            value: record.value.map(|value| Bytes::copy_from_slice(&value)),
        };
        self.read_bytes += record_bytes(&record) as u64;
        let replayed = self.core.replay(record);
        replayed.map_err(|why| LoadError::Replay { offset, why })
    }

    fn finish(self, end_offset: Offset) -> Loaded {
        let state = self.core.snapshot();
        let state_bytes = state.map(|record| record_bytes(&record) as u64).sum();
        Loaded {
            found: Found {
                end_offset,
                read_bytes: self.read_bytes,
                state_bytes,
            },
            core: self.core,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_waited_out_so_often_and_no_longer() {
        let mut patience = Patience::default();
        for _ in 1..LOAD_TRIES_MAX {
            assert_eq!(patience.pause_after(ReadError::NotOwner).await, Ok(()));
        }
        let last = patience.pause_after(ReadError::Busy).await;
        assert_eq!(last, Err(ReadError::Busy));
        let mut patience = Patience::default();
        let broken = patience.pause_after(ReadError::Storage).await;
        assert_eq!(broken, Err(ReadError::Storage));
    }
}
