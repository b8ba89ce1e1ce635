//! The byte form of a batch, as meter totals carry it in the log.
//!
//! Owns: the format. Does not own: integrity; the frame around it has a checksum.
//!
//! ```text
//! epoch  sequence  before  run count  run...
//!                                     cluster  first minute  minutes  amounts
//! ```
//! Amounts are bytes in, bytes out and stored byte-ms: what a log knows. Numbers are varints, minutes
//! are signed.

use model::VirtualClusterId;

use super::{Amounts, SealedUsage, UsageRun};
use crate::codec::{DecodeError, Reader, put_signed, put_varint, put_varint_wide};
use crate::minute::Minute;

/// A run of one byte each number.
const RUN_BYTES_MIN: u64 = 6;

impl SealedUsage {
    /// Appends the byte form.
    ///
    /// # Panics
    /// If it holds amounts of time meters: a log has none.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.epoch);
        put_varint(out, self.sequence);
        put_signed(out, self.before.0);
        put_varint(out, self.runs.len() as u64);
        for run in &self.runs {
            let Amounts {
                bytes_in,
                bytes_out,
                cluster_ms,
                partition_ms,
                stored_byte_ms,
            } = run.amounts;
            assert_eq!(
                (cluster_ms, partition_ms),
                (0, 0),
                "a log has no time meters"
            );
            put_varint(out, u64::from(run.virtual_cluster.0));
            put_signed(out, run.first.0);
            put_varint(out, run.minutes);
            put_varint(out, bytes_in);
            put_varint(out, bytes_out);
            put_varint_wide(out, stored_byte_ms);
        }
    }

    /// Reads a byte form.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (epoch, sequence) = (reader.varint()?, reader.varint()?);
        let before = Minute(reader.signed()?);
        let mut runs = Vec::new();
        for _ in 0..reader.count(u64::MAX, RUN_BYTES_MIN)? {
            runs.push(UsageRun::decode(reader)?);
        }
        Ok(Self {
            epoch,
            sequence,
            before,
            runs,
        })
    }
}

impl UsageRun {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cluster = u32::try_from(reader.varint()?);
        let virtual_cluster =
            VirtualClusterId(cluster.map_err(|_| DecodeError::Number { at: reader.at() })?);
        let first = Minute(reader.signed()?);
        let minutes = reader.varint()?;
        if minutes == 0 || first.0.checked_add_unsigned(minutes).is_none() {
            return Err(DecodeError::Number { at: reader.at() });
        }
        let amounts = Amounts {
            bytes_in: reader.varint()?,
            bytes_out: reader.varint()?,
            stored_byte_ms: reader.varint_wide()?,
            ..Amounts::default()
        };
        Ok(Self {
            virtual_cluster,
            first,
            minutes,
            amounts,
        })
    }
}
