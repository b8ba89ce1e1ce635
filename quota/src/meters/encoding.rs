//! The byte form of meters.
//!
//! Owns: the format. Does not own: integrity; the frame or footer around it has a checksum.
//! Invariant: equal meters are equal bytes.
//!
//! ```text
//! version  epoch  open_from  next sequence  0, or 1 and a sealed batch  cluster count  cluster...
//! cluster = id  bytes in  bytes out  records in  byte-ms  level  from  window count  window...
//! window  = minute  sum  byte-ms of windows that joined it
//! ```
//! Numbers are varints. Ids and minutes of windows are distances from the one before; the first id
//! counts from 0, the first minute from 1970 and signed, like other minutes and the level.

use std::collections::BTreeMap;

use model::VirtualClusterId;

use super::{ClusterMeter, Meters, OpenWindow, WINDOWS_MAX};
use crate::codec::{
    DecodeError, Reader, put_key, put_signed, put_signed_wide, put_varint, put_varint_wide,
};
use crate::meter::MeterSum;
use crate::minute::Minute;
use crate::sealed::SealedUsage;
use crate::tally::{WINDOW_BYTES_MIN, decode_minute, put_minute};

const VERSION: u8 = 2;

/// Eight numbers of one byte each.
const CLUSTER_BYTES_MIN: u64 = 8;

impl Meters {
    /// Appends the byte form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.epoch);
        put_signed(out, self.open_from.0);
        put_varint(out, self.next_sequence);
        put_varint(out, u64::from(self.sealed.is_some()));
        if let Some(sealed) = &self.sealed {
            sealed.encode(out);
        }
        put_varint(out, self.clusters.len() as u64);
        let mut before = None;
        for (cluster, meter) in &self.clusters {
            put_key(out, before, cluster.0);
            meter.encode(out);
            before = Some(cluster.0);
        }
    }

    /// Reads a byte form that fills `bytes`. Memory is bounded by the input: no list is longer than
    /// what the rest of the bytes can hold, and none is allocated ahead.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let epoch = reader.varint()?;
        let open_from = Minute(reader.signed()?);
        let next_sequence = reader.varint()?;
        let sealed = match reader.varint()? {
            0 => None,
            1 => Some(SealedUsage::decode(&mut reader)?),
            _ => return Err(DecodeError::Number { at: reader.at() }),
        };
        let mut clusters = BTreeMap::new();
        let mut before = None;
        for _ in 0..reader.count(u64::MAX, CLUSTER_BYTES_MIN)? {
            let cluster = reader.key(before)?;
            let meter = ClusterMeter::decode(&mut reader, open_from)?;
            clusters.insert(VirtualClusterId(cluster), meter);
            before = Some(cluster);
        }
        reader.finish()?;
        Ok(Self {
            epoch,
            open_from,
            next_sequence,
            sealed,
            clusters,
        })
    }
}

impl ClusterMeter {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.bytes_in);
        put_varint(out, self.bytes_out);
        put_varint(out, self.records_in);
        put_varint_wide(out, self.stored_byte_ms);
        put_signed_wide(out, self.level);
        put_signed(out, self.from.0);
        put_varint(out, self.windows.len() as u64);
        let mut before = None;
        for (&minute, open) in &self.windows {
            put_minute(out, before, minute);
            open.sum.encode(out);
            put_varint_wide(out, open.joined_byte_ms);
            before = Some(minute);
        }
    }

    fn decode(reader: &mut Reader<'_>, open_from: Minute) -> Result<Self, DecodeError> {
        let mut meter = Self {
            bytes_in: reader.varint()?,
            bytes_out: reader.varint()?,
            records_in: reader.varint()?,
            stored_byte_ms: reader.varint_wide()?,
            level: reader.signed_wide()?,
            from: Minute(reader.signed()?),
            windows: BTreeMap::new(),
        };
        let mut before = None;
        for _ in 0..reader.count(WINDOWS_MAX as u64, WINDOW_BYTES_MIN + 1)? {
            let minute = decode_minute(reader, before)?;
            if minute < open_from {
                return Err(DecodeError::Order { at: reader.at() });
            }
            let open = OpenWindow {
                sum: MeterSum::decode(reader)?,
                joined_byte_ms: reader.varint_wide()?,
            };
            meter.windows.insert(minute, open);
            before = Some(minute);
        }
        Ok(meter)
    }
}
