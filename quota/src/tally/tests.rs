//! Sums in any order, and the byte form.

use model::{ByteCount, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::codec::DecodeError;

const CLUSTER: VirtualClusterId = VirtualClusterId(7);

fn encoded(tally: &Tally) -> Vec<u8> {
    let mut out = Vec::new();
    tally.encode(&mut out);
    out
}

fn appended(at: i64, bytes: u64) -> Window {
    Window::appended(CLUSTER, Timestamp(at), ByteCount(bytes), bytes * 10)
}

#[test]
fn windows_follow_the_commit_time_and_are_half_open() {
    let mut tally = Tally::new();
    for (at, bytes) in [(119_999, 1), (120_000, 2), (60_000, 4)] {
        tally.add(appended(at, bytes));
    }
    tally.add(Window::delivered(CLUSTER, Timestamp(60_000), ByteCount(8)));
    let nothing = Window::delivered(VirtualClusterId(3), Timestamp(60_000), ByteCount(0));
    tally.add(nothing);
    let windows: Vec<_> = tally
        .windows()
        .map(|w| (w.minute.0, w.sum.bytes_in.0, w.sum.bytes_out.0))
        .collect();
    assert_eq!(windows, [(1, 5, 8), (2, 2, 0)]);
    let totals: Vec<_> = tally.totals().collect();
    assert_eq!(totals.len(), 1);
    let (cluster, total) = totals[0];
    assert_eq!((cluster, total.records_in), (CLUSTER, 70));
    assert_eq!((total.bytes_in.0, total.bytes_out.0), (7, 8));
}

#[test]
fn bytes_that_break_a_rule_are_refused() {
    // One cluster with id 7.
    let with = |tail: &[u8]| Tally::decode(&[&[2, 1, 7], tail].concat());
    assert!(with(&[1, 4, 1, 0, 0, 0, 0]).is_ok());
    assert_eq!(
        with(&[2, 4, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
        Err(DecodeError::Order { at: 11 })
    );
    assert_eq!(
        with(&[2, 4, 1, 0, 0, 0, 0]),
        Err(DecodeError::TooMany { found: 2, max: 1 })
    );
    assert_eq!(
        with(&[1, 4, 0, 0, 0, 0, 0]),
        Err(DecodeError::Number { at: 10 }),
        "an empty window"
    );
    assert_eq!(
        with(&[1, 4, 1, 0, 0, 0, 0, 0]),
        Err(DecodeError::Trailing { left: 1 })
    );
    assert_eq!(
        Tally::decode(&[1, 0]),
        Err(DecodeError::Version { found: 1, known: 2 })
    );
}

fn tallies() -> impl Strategy<Value = Tally> {
    let addition = (0..4u32, any::<i64>(), 0..9u64, any::<u64>(), 0..3u8);
    vec(addition, 0..60).prop_map(|additions| {
        let mut tally = Tally::new();
        for (cluster, at, records, bytes, kind) in additions {
            let (cluster, at) = (VirtualClusterId(cluster * 1000), Timestamp(at));
            let bytes = ByteCount(bytes);
            tally.add(match kind {
                0 => Window::appended(cluster, at, bytes, records),
                1 => Window::delivered(cluster, at, bytes),
                _ => Window::freed(cluster, at, bytes),
            });
        }
        tally
    })
}

fn merged(a: &Tally, b: &Tally) -> Tally {
    let mut sum = a.clone();
    sum.merge(b);
    sum
}

proptest! {
    #[test]
    fn the_order_of_merges_does_not_matter(a in tallies(), b in tallies(), c in tallies()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
    }

    #[test]
    fn tallies_come_back(tally in tallies()) {
        prop_assert_eq!(Tally::decode(&encoded(&tally)), Ok(tally));
    }

    #[test]
    fn no_part_of_an_encoding_is_an_encoding(tally in tallies(), cut: prop::sample::Index) {
        let bytes = encoded(&tally);
        prop_assert!(Tally::decode(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(
        mut bytes in prop_oneof![vec(0..3u8, 0..60), vec(any::<u8>(), 0..60)],
    ) {
        bytes.insert(0, 2);
        if let Ok(tally) = Tally::decode(&bytes) {
            prop_assert_eq!(encoded(&tally), bytes);
        }
    }
}
