//! How far a partition's buckets are used, without any clock: what a move or a checkpoint carries.
//!
//! Owns: the four numbers and their bytes. Does not own: the buckets ([`crate::partition`]).
//!
//! The time between [`level`](crate::PartitionQuota::level) and
//! [`restore`](crate::PartitionQuota::restore) pays nothing, since the two clocks cannot be
//! compared; for a move that is its pause. Bytes are whole: debt rounded up, credit down.

use model::ByteCount;
use serde::{Deserialize, Serialize};

use crate::codec::{DecodeError, Reader, put_varint};

/// Format of the encoding.
const VERSION: u8 = 1;

/// Debt and burst credit of a partition in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Bytes written and not yet paid for.
    pub ingress_debt: ByteCount,
    /// Unused allocation that may still be written.
    pub ingress_credit: ByteCount,
    /// Bytes read and not yet paid for.
    pub egress_debt: ByteCount,
    /// Unused allocation that may still be read.
    pub egress_credit: ByteCount,
}

impl Level {
    /// Appends the encoding: a version byte and four varints, 5 to 41 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.ingress_debt.0);
        put_varint(out, self.ingress_credit.0);
        put_varint(out, self.egress_debt.0);
        put_varint(out, self.egress_credit.0);
    }

    /// Reads an encoding that fills `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let level = Self {
            ingress_debt: ByteCount(reader.varint()?),
            ingress_credit: ByteCount(reader.varint()?),
            egress_debt: ByteCount(reader.varint()?),
            egress_credit: ByteCount(reader.varint()?),
        };
        reader.finish()?;
        Ok(level)
    }
}
