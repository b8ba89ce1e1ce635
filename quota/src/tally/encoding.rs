//! The byte form of a tally.
//!
//! Owns: the format. Does not own: integrity; the footer around it has a checksum.
//! Invariant: equal tallies are equal bytes.
//!
//! ```text
//! version  cluster count  cluster...
//!                         id  window count  window...
//!                                           minute  sum
//! ```
//! A sum is bytes in, bytes out, records in, bytes freed, area. Numbers are varints. Ids and minutes
//! are distances from the one before; the first id counts from 0, the first minute from 1970 and
//! signed, like the area.

use std::collections::BTreeMap;

use model::{ByteCount, VirtualClusterId};

use super::{MeterSum, Tally};
use crate::codec::{DecodeError, Reader, put_key, put_signed, put_signed_wide, put_varint};
use crate::minute::Minute;

const VERSION: u8 = 2;

/// An id, a count, and a window.
const CLUSTER_BYTES_MIN: u64 = 2 + WINDOW_BYTES_MIN;

/// A minute and a sum of one byte each number.
pub(crate) const WINDOW_BYTES_MIN: u64 = 6;

impl Tally {
    /// Appends the byte form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.clusters.len() as u64);
        let mut before = None;
        for (cluster, windows) in &self.clusters {
            put_key(out, before, cluster.0);
            before = Some(cluster.0);
            put_varint(out, windows.len() as u64);
            let mut last = None;
            for (&minute, sum) in windows {
                put_minute(out, last, minute);
                sum.encode(out);
                last = Some(minute);
            }
        }
    }

    /// Reads a byte form that fills `bytes`. Memory is bounded by the input: no list is longer than
    /// what the rest of the bytes can hold, and none is allocated ahead.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let mut clusters = BTreeMap::new();
        let mut before = None;
        for _ in 0..reader.count(u64::MAX, CLUSTER_BYTES_MIN)? {
            let cluster = reader.key(before)?;
            before = Some(cluster);
            clusters.insert(VirtualClusterId(cluster), decode_windows(&mut reader)?);
        }
        reader.finish()?;
        Ok(Self { clusters })
    }
}

fn decode_windows(reader: &mut Reader<'_>) -> Result<BTreeMap<Minute, MeterSum>, DecodeError> {
    let mut windows = BTreeMap::new();
    let mut last = None;
    for _ in 0..reader.count(u64::MAX, WINDOW_BYTES_MIN)? {
        let minute = decode_minute(reader, last)?;
        last = Some(minute);
        let sum = MeterSum::decode(reader)?;
        if sum.is_zero() {
            return Err(DecodeError::Number { at: reader.at() });
        }
        windows.insert(minute, sum);
    }
    if windows.is_empty() {
        return Err(DecodeError::Number { at: reader.at() });
    }
    Ok(windows)
}

/// Appends a minute that comes after `before`.
pub(crate) fn put_minute(out: &mut Vec<u8>, before: Option<Minute>, minute: Minute) {
    match before {
        None => put_signed(out, minute.0),
        Some(before) => put_varint(out, minute.0.abs_diff(before.0)),
    }
}

/// Reads what [`put_minute`] wrote.
pub(crate) fn decode_minute(
    reader: &mut Reader<'_>,
    before: Option<Minute>,
) -> Result<Minute, DecodeError> {
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
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.bytes_in.0);
        put_varint(out, self.bytes_out.0);
        put_varint(out, self.records_in);
        put_varint(out, self.bytes_freed.0);
        put_signed_wide(out, self.area_byte_ms);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            bytes_in: ByteCount(reader.varint()?),
            bytes_out: ByteCount(reader.varint()?),
            records_in: reader.varint()?,
            bytes_freed: ByteCount(reader.varint()?),
            area_byte_ms: reader.signed_wide()?,
        })
    }
}
