//! What a gateway has delivered since its last report: the value of one record in the internal usage
//! partition, appended each second.
//!
//! Owns: the list and its byte form. Does not own: that a report counts once; the append id that the
//! gateway gives it sees to that.
//!
//! ```text
//! "egress"  version  entry count  entry...
//!                                 id of the virtual cluster  bytes out
//! ```
//! Numbers are varints, ids are distances from the one before.
//! Invariants: ids ascend, no entry is zero, a report has at most [`REPORT_ENTRIES_MAX`] entries.

use std::collections::BTreeMap;

use model::{ByteCount, Timestamp, VirtualClusterId};

use crate::codec::{DecodeError, Reader, put_key, put_varint};
use crate::meter::Window;

/// Most virtual clusters in one report, at most 15 bytes each: 240 kB, far below the largest batch.
/// A gateway that has served more makes several reports; a longer one is refused when read.
pub const REPORT_ENTRIES_MAX: usize = 16_384;

/// What a report begins with, so that no other record of the system's is taken for one.
const MAGIC: &[u8] = b"egress";

const VERSION: u8 = 1;

/// An id and a number of one byte each.
const ENTRY_BYTES_MIN: u64 = 2;

/// Bytes delivered, by virtual cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressReport {
    entries: BTreeMap<VirtualClusterId, ByteCount>,
}

impl EgressReport {
    /// As many reports as `delivered` needs; none where nothing was delivered.
    pub fn split(delivered: &BTreeMap<VirtualClusterId, ByteCount>) -> Vec<Self> {
        let entries: Vec<_> = delivered
            .iter()
            .map(|(&cluster, &bytes)| (cluster, bytes))
            .filter(|&(_, bytes)| bytes > ByteCount(0))
            .collect();
        entries
            .chunks(REPORT_ENTRIES_MAX)
            .map(|chunk| Self {
                entries: chunk.iter().copied().collect(),
            })
            .collect()
    }

    /// The entries, in the order of ids.
    pub fn entries(&self) -> impl Iterator<Item = (VirtualClusterId, ByteCount)> {
        self.entries
            .iter()
            .map(|(&cluster, &bytes)| (cluster, bytes))
    }

    /// What the report counts, under the commit time of the frame that it came in.
    pub fn windows(&self, commit_time: Timestamp) -> impl Iterator<Item = Window> {
        let entries = self.entries();
        entries.map(move |(cluster, bytes)| Window::delivered(cluster, commit_time, bytes))
    }

    /// Appends the byte form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        put_varint(out, self.entries.len() as u64);
        let mut before = None;
        for (cluster, bytes) in &self.entries {
            put_key(out, before, cluster.0);
            put_varint(out, bytes.0);
            before = Some(cluster.0);
        }
    }

    /// Reads a byte form that fills `bytes`, in memory bounded by their length.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes = bytes.strip_prefix(MAGIC).ok_or(DecodeError::Kind)?;
        let mut reader = Reader::new(bytes, VERSION)?;
        let mut entries = BTreeMap::new();
        let mut before = None;
        for _ in 0..reader.count(REPORT_ENTRIES_MAX as u64, ENTRY_BYTES_MIN)? {
            let cluster = reader.key(before)?;
            let delivered = reader.varint()?;
            if delivered == 0 {
                return Err(DecodeError::Number { at: reader.at() });
            }
            entries.insert(VirtualClusterId(cluster), ByteCount(delivered));
            before = Some(cluster);
        }
        reader.finish()?;
        Ok(Self { entries })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::tally::Tally;

    fn encoded(report: &EgressReport) -> Vec<u8> {
        let mut out = Vec::new();
        report.encode(&mut out);
        out
    }

    #[test]
    fn a_long_list_becomes_several_reports_and_nothing_is_lost() {
        let ids = 0..=REPORT_ENTRIES_MAX as u32;
        let delivered = ids
            .map(|id| (VirtualClusterId(id), ByteCount(u64::from(id))))
            .collect();
        let reports = EgressReport::split(&delivered);
        // The entry of zero bytes is left out, so the rest fits exactly.
        assert_eq!(reports.len(), 1);
        let mut longer = delivered.clone();
        longer.insert(VirtualClusterId(u32::MAX), ByteCount(u64::MAX));
        let reports = EgressReport::split(&longer);
        assert_eq!(reports.len(), 2);
        let mut tally = Tally::new();
        for report in &reports {
            let read = EgressReport::decode(&encoded(report)).unwrap();
            read.windows(Timestamp(60_000))
                .for_each(|window| tally.add(window));
        }
        longer.remove(&VirtualClusterId(0));
        let counted: BTreeMap<_, _> = tally
            .totals()
            .map(|(cluster, sum)| (cluster, sum.bytes_out))
            .collect();
        assert_eq!(counted, longer);
    }

    #[test]
    fn a_report_that_breaks_a_rule_is_refused() {
        let max = REPORT_ENTRIES_MAX as u64;
        let decode = |bytes: &[u8]| EgressReport::decode(&[MAGIC, bytes].concat());
        assert_eq!(EgressReport::decode(b"else"), Err(DecodeError::Kind));
        assert_eq!(decode(&[]), Err(DecodeError::Truncated { at: 0 }));
        assert_eq!(
            decode(&[2, 0]),
            Err(DecodeError::Version { found: 2, known: 1 })
        );
        assert_eq!(
            decode(&[1, 2, 5, 1]),
            Err(DecodeError::TooMany { found: 2, max: 1 })
        );
        assert_eq!(
            decode(&[1, 2, 5, 1, 0, 1]),
            Err(DecodeError::Order { at: 5 })
        );
        assert_eq!(decode(&[1, 1, 5, 0]), Err(DecodeError::Number { at: 4 }));
        assert_eq!(decode(&[1, 0, 0]), Err(DecodeError::Trailing { left: 1 }));
        let mut long = vec![1];
        put_varint(&mut long, max + 1);
        long.resize(1 << 20, 1);
        assert_eq!(
            decode(&long),
            Err(DecodeError::TooMany {
                found: max + 1,
                max
            })
        );
    }

    proptest! {
        #[test]
        fn reports_come_back(entries in btree_map(any::<u32>(), any::<u64>(), 0..50)) {
            let delivered = entries.iter().map(|(&id, &n)| (VirtualClusterId(id), ByteCount(n)));
            for report in EgressReport::split(&delivered.collect()) {
                prop_assert_eq!(EgressReport::decode(&encoded(&report)), Ok(report));
            }
        }

        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(bytes in vec(0..6u8, 0..30)) {
            let bytes = [MAGIC, &[VERSION], &bytes].concat();
            if let Ok(report) = EgressReport::decode(&bytes) {
                prop_assert_eq!(encoded(&report), bytes);
            }
        }
    }
}
