//! Sums, folds and the byte form.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::codec::DecodeError;

const CLUSTER: VirtualClusterId = VirtualClusterId(7);

fn minute(n: i64) -> Timestamp {
    Minute(n).start()
}

fn encoded(meters: &Meters) -> Vec<u8> {
    let mut out = Vec::new();
    meters.encode(&mut out);
    out
}

fn bytes_by_minute(meters: &Meters) -> Vec<(i64, u64)> {
    meters
        .windows()
        .map(|w| (w.minute.0, w.sum.bytes_in.0))
        .collect()
}

#[test]
fn windows_follow_the_commit_time_and_are_half_open() {
    let mut meters = Meters::new();
    meters.add_in(CLUSTER, Timestamp(119_999), ByteCount(1), 10);
    meters.add_in(CLUSTER, Timestamp(120_000), ByteCount(2), 20);
    meters.add_in(CLUSTER, Timestamp(60_000), ByteCount(4), 40);
    meters.add_out(CLUSTER, Timestamp(60_000), ByteCount(8));
    meters.add_out(VirtualClusterId(3), Timestamp(60_000), ByteCount(0));
    assert_eq!(bytes_by_minute(&meters), [(1, 5), (2, 2)]);
    let total = MeterSum {
        bytes_in: ByteCount(7),
        bytes_out: ByteCount(8),
        records_in: 70,
    };
    assert_eq!(meters.total(CLUSTER), total);
    assert_eq!(meters.totals().collect::<Vec<_>>(), [(CLUSTER, total)]);
}

#[test]
fn a_fold_drops_detail_and_keeps_totals() {
    let mut meters = Meters::new();
    for n in 0..5 {
        meters.add_in(CLUSTER, minute(n), ByteCount(1 << n), 1);
    }
    let total = meters.total(CLUSTER);
    meters.fold_before(Minute(3));
    assert_eq!(bytes_by_minute(&meters), [(3, 8), (4, 16)]);
    assert_eq!(meters.total(CLUSTER), total);
    let folded = meters.clone();
    meters.fold_before(Minute(2));
    assert_eq!(meters, folded);
}

#[test]
fn what_comes_late_is_counted_in_the_first_open_window() {
    let mut meters = Meters::new();
    meters.add_in(CLUSTER, minute(3), ByteCount(1), 1);
    meters.fold_before(Minute(3));
    meters.add_in(CLUSTER, minute(1), ByteCount(2), 1);
    assert_eq!(bytes_by_minute(&meters), [(3, 3)]);

    let mut other = Meters::new();
    other.add_in(CLUSTER, minute(2), ByteCount(4), 1);
    other.add_in(CLUSTER, minute(5), ByteCount(8), 1);
    let mut merged = other.clone();
    merged.merge(&meters);
    meters.merge(&other);
    assert_eq!(bytes_by_minute(&meters), [(3, 7), (5, 8)]);
    assert_eq!(merged, meters);
}

#[test]
fn at_the_bound_the_oldest_window_joins_the_next() {
    let mut meters = Meters::new();
    for n in 0..WINDOWS_MAX as i64 + 2 {
        meters.add_in(CLUSTER, minute(n), ByteCount(1), 1);
    }
    meters.add_in(CLUSTER, minute(0), ByteCount(1), 1);
    let windows = bytes_by_minute(&meters);
    assert_eq!(windows.len(), WINDOWS_MAX);
    assert_eq!(windows[0], (2, 4));
    assert_eq!(
        meters.total(CLUSTER).bytes_in,
        ByteCount(WINDOWS_MAX as u64 + 3)
    );
}

#[test]
fn the_byte_form_is_compact() {
    let mut meters = Meters::new();
    for n in 0..10 {
        meters.add_in(CLUSTER, minute(29_000_000 + n), ByteCount(5_000_000), 300);
    }
    meters.fold_before(Minute(29_000_000));
    // A minute of one cluster: distance, two varints, and a zero for bytes out.
    assert_eq!(
        encoded(&meters).len(),
        1 + 4 + 1 + 1 + 3 + 1 + 10 * (1 + 4 + 1 + 2) + 3
    );
}

#[test]
fn bytes_that_break_a_rule_are_refused() {
    let decode = Meters::decode;
    // version, open from minute 2, one cluster with id 7 and nothing folded
    let head = [1, 4, 1, 7, 0, 0, 0];
    let with = |tail: &[u8]| decode(&[&head, tail].concat());
    assert!(with(&[1, 4, 1, 0, 0]).is_ok());
    assert_eq!(
        with(&[1, 2, 1, 0, 0]),
        Err(DecodeError::Order { at: 9 }),
        "before open_from"
    );
    assert_eq!(
        with(&[2, 4, 1, 0, 0, 0, 1, 0, 0]),
        Err(DecodeError::Order { at: 13 })
    );
    assert_eq!(
        with(&[2, 4, 1, 0, 0]),
        Err(DecodeError::TooMany { found: 2, max: 1 })
    );
    assert_eq!(with(&[0, 0]), Err(DecodeError::Trailing { left: 1 }));
    assert_eq!(
        decode(&[0, 4, 0]),
        Err(DecodeError::Version { found: 0, known: 1 })
    );
    let mut long = [&head[..], &[0x80 | 113, 1]].concat(); // 241 windows
    long.resize(5_000, 1);
    assert_eq!(
        decode(&long),
        Err(DecodeError::TooMany {
            found: 241,
            max: 240
        })
    );
    let past_the_last_minute = [
        &head[..],
        &[2, 4, 1, 0, 0],
        &[
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0, 0,
        ],
    ];
    assert_eq!(
        decode(&past_the_last_minute.concat()),
        Err(DecodeError::Number { at: 22 })
    );
}

/// Additions over more minutes than one virtual cluster keeps, and sometimes a fold.
fn meters() -> impl Strategy<Value = Meters> {
    let addition = (0..4u32, -20..2 * WINDOWS_MAX as i64, 0..9u64, 0..9u64);
    let fold = prop_oneof![Just(Minute::FIRST), (-10..400i64).prop_map(Minute)];
    (vec(addition, 0..600), fold).prop_map(|(additions, fold)| {
        let mut meters = Meters::new();
        for (cluster, at, bytes_in, bytes_out) in additions {
            let cluster = VirtualClusterId(cluster * 1000);
            meters.add_in(cluster, minute(at), ByteCount(bytes_in << 20), bytes_in);
            meters.add_out(cluster, minute(at), ByteCount(bytes_out));
        }
        meters.fold_before(fold);
        meters
    })
}

fn merged(a: &Meters, b: &Meters) -> Meters {
    let mut sum = a.clone();
    sum.merge(b);
    sum
}

proptest! {
    #[test]
    fn the_order_of_merges_does_not_matter(a in meters(), b in meters(), c in meters()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        for (cluster, total) in merged(&a, &b).totals() {
            prop_assert_eq!(total, a.total(cluster).plus(b.total(cluster)));
        }
    }

    #[test]
    fn meters_come_back(meters in meters()) {
        prop_assert_eq!(Meters::decode(&encoded(&meters)), Ok(meters));
    }

    #[test]
    fn no_part_of_an_encoding_is_an_encoding(meters in meters(), cut: prop::sample::Index) {
        let bytes = encoded(&meters);
        prop_assert!(Meters::decode(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(
        mut bytes in prop_oneof![vec(0..3u8, 0..60), vec(any::<u8>(), 0..60)],
    ) {
        bytes.insert(0, 1);
        if let Ok(meters) = Meters::decode(&bytes) {
            prop_assert_eq!(encoded(&meters), bytes);
        }
    }

    #[test]
    fn any_sums_and_times_are_counted(
        additions in vec((any::<u32>(), any::<i64>(), any::<u64>()), 0..50),
    ) {
        let mut meters = Meters::new();
        for (cluster, at, bytes) in additions {
            meters.add_in(VirtualClusterId(cluster), Timestamp(at), ByteCount(bytes), bytes);
        }
        let folded = Meters::decode(&encoded(&meters));
        prop_assert_eq!(folded, Ok(meters));
    }
}
