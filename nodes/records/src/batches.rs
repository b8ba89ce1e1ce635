//! Takes a run of stored or fetched batches apart.
//!
//! Owns: where one batch ends and the next begins. Does not own: their records.

use bytes::Bytes;

use crate::header::{BatchError, BatchHeader};
use crate::stamped::StampedBatch;

/// The batches of some bytes in order; ends after the first error.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

/// Takes `bytes` apart, which are batches one after the other; each shares them.
pub fn batches(bytes: Bytes) -> Batches {
    Batches { rest: bytes }
}

impl Batches {
    fn split(&mut self) -> Result<StampedBatch, BatchError> {
        let declared = BatchHeader::parse(&self.rest)?.batch_bytes();
        let received = self.rest.len() as u64;
        if declared > received {
            return Err(BatchError::Truncated { declared, received });
        }
        StampedBatch::parse(self.rest.split_to(declared as usize))
    }
}

impl Iterator for Batches {
    type Item = Result<StampedBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = self.split();
        if batch.is_err() {
            self.rest.clear();
        }
        Some(batch)
    }
}
