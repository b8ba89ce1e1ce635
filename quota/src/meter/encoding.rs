//! The byte form of meters.
//!
//! Owns: the format. Does not own: integrity; the segment or snapshot around it has a checksum.
//! Invariant: equal meters are equal bytes.
//!
//! ```text
//! version  open_from  cluster count  cluster...
//!                                    id  folded sum  window count  window...
//!                                                                  minute  sum
//! ```
//! A sum is bytes in, bytes out, records in. Numbers are varints. Ids and minutes are distances from
//! the one before; the first id counts from 0, the first minute from 1970 and signed, like `open_from`.

use std::collections::BTreeMap;

use model::{ByteCount, VirtualClusterId};

use super::{ClusterMeter, MeterSum, Meters, WINDOWS_MAX};
use crate::codec::{DecodeError, Reader, put_key, put_signed, put_varint};
use crate::minute::Minute;

const VERSION: u8 = 1;

/// An id, a sum and a count of one byte each number.
const CLUSTER_BYTES_MIN: u64 = 5;

/// A minute and a sum of one byte each number.
const WINDOW_BYTES_MIN: u64 = 4;

impl Meters {
    /// Appends the byte form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_signed(out, self.open_from.0);
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
        let open_from = Minute(reader.signed()?);
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
            open_from,
            clusters,
        })
    }
}

impl ClusterMeter {
    fn encode(&self, out: &mut Vec<u8>) {
        self.folded.encode(out);
        put_varint(out, self.windows.len() as u64);
        let mut before = None;
        for (minute, sum) in &self.windows {
            match before {
                None => put_signed(out, minute.0),
                Some(before) => put_varint(out, minute.0.abs_diff(before)),
            }
            sum.encode(out);
            before = Some(minute.0);
        }
    }

    fn decode(reader: &mut Reader<'_>, open_from: Minute) -> Result<Self, DecodeError> {
        let folded = MeterSum::decode(reader)?;
        let mut windows = BTreeMap::new();
        let mut before = None;
        for _ in 0..reader.count(WINDOWS_MAX as u64, WINDOW_BYTES_MIN)? {
            let minute = decode_minute(reader, before)?;
            if minute < open_from {
                return Err(DecodeError::Order { at: reader.at() });
            }
            windows.insert(minute, MeterSum::decode(reader)?);
            before = Some(minute);
        }
        Ok(Self { folded, windows })
    }
}

fn decode_minute(reader: &mut Reader<'_>, before: Option<Minute>) -> Result<Minute, DecodeError> {
    let Some(before) = before else {
        return reader.signed().map(Minute);
    };
    match reader.varint()? {
        0 => Err(DecodeError::Order { at: reader.at() }),
        distance => before
            .0
            .checked_add_unsigned(distance)
            .map(Minute)
            .ok_or(DecodeError::Number { at: reader.at() }),
    }
}

impl MeterSum {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.bytes_in.0);
        put_varint(out, self.bytes_out.0);
        put_varint(out, self.records_in);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            bytes_in: ByteCount(reader.varint()?),
            bytes_out: ByteCount(reader.varint()?),
            records_in: reader.varint()?,
        })
    }
}
