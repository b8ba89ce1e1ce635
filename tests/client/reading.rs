//! Reading a partition to its end.
//!
//! Owns: going on from batch to batch. Does not own: what is checked about them (`ledger`).

use std::time::Instant;

use records::{StampedBatch, batches};

use super::{CallError, Client, FetchLimits, PATIENCE};

/// Largest answer to one of the fetches.
const FETCH_BYTES: i32 = 8 << 20;

/// Timestamp of ListOffsets for the end of a log.
const LATEST: i64 = -1;

impl Client {
    /// Reads every batch from `from` up to the end as it stands now, and hands each on. Gives the number of bytes
    /// that came.
    ///
    /// # Errors
    /// Any [`CallError`]; [`CallError::Unexpected`] also for an error code, for broken batches, and where nothing
    /// comes below the end.
    pub async fn read_to_end_of(
        &mut self,
        topic: &str,
        partition: i32,
        from: i64,
        mut each: impl FnMut(StampedBatch) -> Result<(), CallError>,
    ) -> Result<u64, CallError> {
        let latest = self.list_offset(topic, partition, LATEST).await?;
        check(latest.error_code, topic, partition)?;
        let (mut next, mut bytes) = (from, 0);
        let limits = FetchLimits {
            max_bytes: FETCH_BYTES,
            ..FetchLimits::default()
        };
        let mut progress_at = Instant::now();
        while next < latest.offset {
            let answer = self.fetch(topic, partition, next, limits).await?;
            check(answer.error_code, topic, partition)?;
            let records = answer.records.unwrap_or_default().into_bytes();
            bytes += records.len() as u64;
            let before = next;
            for batch in batches(records) {
                let batch = batch.map_err(|why| CallError::Unexpected(why.to_string()))?;
                next = batch.last_offset().to_wire() + 1;
                each(batch)?;
            }
            // A partition that is read too slowly may be empty in an answer, but not for ever.
            if next > before {
                progress_at = Instant::now();
            } else if progress_at.elapsed() > PATIENCE {
                let end = latest.offset;
                let text = format!("nothing at {next} of {topic}-{partition}, which ends at {end}");
                return Err(CallError::Unexpected(text));
            }
        }
        Ok(bytes)
    }
}

fn check(error_code: i16, topic: &str, partition: i32) -> Result<(), CallError> {
    match error_code {
        0 => Ok(()),
        code => {
            let text = format!("error {code} reading {topic}-{partition}");
            Err(CallError::Unexpected(text))
        }
    }
}
