//! The records of a round: made, acknowledged, and compared with what is read.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::round::now_ms;

/// The partitions of a round's topic.
pub const PARTITIONS: i32 = 3;

/// A record, in the form in which it is written and must come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its time, in milliseconds since 1970.
    pub timestamp_ms: i64,
}

impl Record {
    /// The `n`-th of a batch: every pair of a null, an empty and a full key and value, with and
    /// without headers.
    #[must_use]
    pub fn nth(n: usize, label: &str) -> Self {
        let choose = |kind: usize, text: String| match kind % 3 {
            0 => None,
            1 => Some(Vec::new()),
            _ => Some(text.into_bytes()),
        };
        let headers = [
            ("empty", Some(Vec::new())),
            ("label", Some(label.as_bytes().to_vec())),
            ("null", None),
        ];
        let headers = headers.map(|(key, value)| (key.to_owned(), value));
        Self {
            key: choose(n, format!("key {n}")),
            value: choose(n / 3, format!("{label} {n} ").repeat(20)),
            headers: if n.is_multiple_of(2) {
                Vec::new()
            } else {
                headers.into()
            },
            // Not long ago, lest retention takes the record away.
            timestamp_ms: now_ms() + i64::try_from(n).expect("a batch is small"),
        }
    }

    /// A batch of records that `label` tells from other batches.
    #[must_use]
    pub fn batch(label: &str) -> Vec<Self> {
        (0..36).map(|n| Self::nth(n, label)).collect()
    }

    /// A record of `bytes` bytes and nothing else.
    #[must_use]
    pub fn of_bytes(bytes: usize) -> Self {
        Self {
            key: None,
            value: Some(vec![b'.'; bytes]),
            headers: Vec::new(),
            timestamp_ms: now_ms(),
        }
    }
}

/// Everything acknowledged, by partition and offset, from offset 0 on.
#[derive(Default)]
pub struct Written([Vec<Record>; PARTITIONS as usize]);

impl Written {
    /// Takes down a record and the offset that it was acknowledged at.
    ///
    /// # Errors
    /// If that is not the offset after the one before.
    pub fn acknowledged(&mut self, partition: i32, offset: i64, record: Record) -> Result<()> {
        let end = self.end(partition);
        ensure!(
            offset == end,
            "a record of partition {partition} was acknowledged at offset {offset}, not {end}"
        );
        self.0[index(partition.into())].push(record);
        Ok(())
    }

    /// The offset after the last of a partition.
    #[must_use]
    pub fn end(&self, partition: i32) -> i64 {
        let records = self.0[index(partition.into())].len();
        i64::try_from(records).expect("a round is small")
    }
}

/// What has been read of everything written.
pub struct Reading<'a> {
    written: &'a Written,
    seen: BTreeSet<(i32, i64)>,
}

impl<'a> Reading<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn of(written: &'a Written) -> Self {
        Self {
            written,
            seen: BTreeSet::new(),
        }
    }

    /// Compares a record with the one that was written at its place. `false`: it came before.
    ///
    /// # Errors
    /// If they differ, or none was written there.
    pub fn read(&mut self, partition: i32, offset: i64, record: &Record) -> Result<bool> {
        let written = self.written.0.get(index(partition.into()));
        let written = written.and_then(|records| records.get(index(offset)));
        ensure!(
            written == Some(record),
            "read {record:?} at offset {offset} of partition {partition}, not {written:?}"
        );
        Ok(self.seen.insert((partition, offset)))
    }

    /// Whether everything has been read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.seen.len() == self.written.0.iter().map(Vec::len).sum::<usize>()
    }
}

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
