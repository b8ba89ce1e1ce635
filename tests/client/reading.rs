//! Reading a partition to its end.
//!
//! Owns: going on from batch to batch. Does not own: what is checked about them (`ledger`).

use records::{StampedBatch, batches};

use super::{CallError, Client, FetchLimits};

/// Largest answer to one of the fetches.
const FETCH_BYTES: i32 = 8 << 20;

impl Client {
    /// Reads every batch from `from` up to the high watermark as it stands at the end, and hands each on with its
    /// size counted. Gives the number of bytes that came.
    ///
    /// # Errors
    /// Any [`CallError`]; [`CallError::Unexpected`] also for an error code, for broken batches, and where a fetch
    /// below the high watermark brings nothing.
    pub async fn read_to_high_watermark(
        &mut self,
        topic: &str,
        partition: i32,
        from: i64,
        mut each: impl FnMut(StampedBatch) -> Result<(), CallError>,
    ) -> Result<u64, CallError> {
        let (mut next, mut bytes) = (from, 0);
        let limits = FetchLimits {
            max_wait_ms: 0,
            max_bytes: FETCH_BYTES,
            ..FetchLimits::default()
        };
        loop {
            let answer = self.fetch(topic, partition, next, limits).await?;
            if answer.error_code != 0 {
                let text = format!("error {} reading {topic}-{partition}", answer.error_code);
                return Err(CallError::Unexpected(text));
            }
            let records = answer.records.unwrap_or_default().into_bytes();
            let before = next;
            bytes += records.len() as u64;
            for batch in batches(records) {
                let batch = batch.map_err(|why| CallError::Unexpected(why.to_string()))?;
                next = batch.last_offset().to_wire() + 1;
                each(batch)?;
            }
            if next >= answer.high_watermark {
                return Ok(bytes);
            }
            if next == before {
                let end = answer.high_watermark;
                let text = format!("nothing at {next} of {topic}-{partition}, which ends at {end}");
                return Err(CallError::Unexpected(text));
            }
        }
    }
}
