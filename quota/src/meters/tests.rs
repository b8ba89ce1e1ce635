//! Levels, seals, the bound on open windows, and the byte form.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::codec::DecodeError;

const CLUSTER: VirtualClusterId = VirtualClusterId(7);
const OTHER: VirtualClusterId = VirtualClusterId(9);

fn appended(at: i64, bytes: u64) -> Window {
    Window::appended(CLUSTER, Timestamp(at), ByteCount(bytes), 1)
}

fn freed(at: i64, bytes: u64) -> Window {
    Window::freed(CLUSTER, Timestamp(at), ByteCount(bytes))
}

fn encoded(meters: &Meters) -> Vec<u8> {
    let mut out = Vec::new();
    meters.encode(&mut out);
    out
}

/// Minute, minutes, bytes in, byte-ms of each run.
fn parts(runs: &[UsageRun]) -> Vec<(i64, u64, u64, u128)> {
    let parts = runs.iter().map(|run| {
        let Amounts {
            bytes_in,
            stored_byte_ms,
            ..
        } = run.amounts;
        (run.first.0, run.minutes, bytes_in, stored_byte_ms)
    });
    parts.collect()
}

#[test]
fn what_is_stored_is_billed_in_every_minute_until_it_goes() {
    let mut meters = Meters::new(4);
    meters.add(appended(90_000, 10));
    meters.add(freed(390_000, 4));
    meters.seal_before(Minute(8));
    let sealed = meters.sealed().expect("there is something");
    assert_eq!(
        (sealed.epoch, sealed.sequence, sealed.before),
        (4, 0, Minute(8))
    );
    assert_eq!(
        parts(&sealed.runs),
        [
            (1, 1, 10, 300_000),
            (2, 4, 0, 600_000),
            (6, 1, 0, 480_000),
            (7, 1, 0, 360_000)
        ]
    );
    let used = meters.total(CLUSTER, Timestamp(8 * 60_000 + 500));
    assert_eq!((used.bytes_in.0, used.stored_bytes), (10, 6));
    assert_eq!(
        used.stored_byte_ms,
        300_000 + 2_400_000 + 480_000 + 360_000 + 3000
    );
}

#[test]
fn a_batch_is_sealed_once_and_stays_until_it_is_stored() {
    let mut meters = Meters::new(1);
    meters.add(appended(0, 10));
    meters.add(appended(60_000, 20));
    meters.seal_before(Minute(1));
    let first = meters.sealed().cloned();
    meters.seal_before(Minute(2));
    assert_eq!(meters.sealed().cloned(), first, "one at a time");
    meters.note_stored(0);
    assert_eq!(
        meters.sealed().cloned(),
        first,
        "only the next number is above it"
    );
    meters.note_stored(1);
    assert_eq!(meters.sealed(), None);
    meters.seal_before(Minute(2));
    let second = meters.sealed().expect("the second minute");
    assert_eq!(second.sequence, 1);
    assert_eq!(parts(&second.runs), [(1, 1, 20, 1_800_000)]);
}

#[test]
fn the_systems_own_usage_is_not_billed() {
    let mut meters = Meters::new(1);
    meters.add(Window::appended(
        VirtualClusterId::SYSTEM,
        Timestamp(0),
        ByteCount(5),
        1,
    ));
    assert!(!meters.has_to_seal(Minute(9)));
    meters.seal_before(Minute(9));
    assert_eq!((meters.sealed(), meters.next_sequence()), (None, 0));
    assert_eq!(meters.open(Timestamp(0)), []);
}

#[test]
fn there_is_something_to_seal_after_a_minute_of_traffic_or_an_hour_of_storing() {
    let mut meters = Meters::new(1);
    assert!(!meters.has_to_seal(Minute(1000)));
    meters.add(appended(0, 10));
    assert!(!meters.has_to_seal(Minute(0)));
    assert!(meters.has_to_seal(Minute(1)));
    meters.seal_before(Minute(1));
    meters.note_stored(1);
    assert!(!meters.has_to_seal(Minute(60)));
    assert!(meters.has_to_seal(Minute(61)));
    meters.add(freed(3_660_000, 10));
    meters.seal_before(Minute(62));
    meters.note_stored(2);
    assert!(
        !meters.has_to_seal(Minute(10_000)),
        "nothing is stored any more"
    );
}

#[test]
fn what_comes_late_is_counted_in_the_first_open_window() {
    let mut meters = Meters::new(1);
    meters.add(appended(0, 1));
    meters.seal_before(Minute(3));
    let sealed = meters.sealed().cloned();
    meters.add(appended(60_000, 2));
    assert_eq!(meters.sealed().cloned(), sealed);
    let windows: Vec<_> = meters
        .windows()
        .map(|w| (w.minute.0, w.sum.bytes_in.0))
        .collect();
    assert_eq!(windows, [(3, 2)]);
}

#[test]
fn at_the_bound_the_oldest_open_window_joins_the_next_and_sealed_ones_stay() {
    let mut meters = Meters::new(1);
    meters.add(appended(0, 1));
    meters.seal_before(Minute(1));
    let sealed = meters.sealed().cloned();
    for n in 1..=WINDOWS_MAX as i64 + 2 {
        meters.add(appended(n * 60_000, 1));
    }
    assert_eq!(meters.sealed().cloned(), sealed);
    assert_eq!(meters.windows().count(), WINDOWS_MAX);
    let first = meters
        .windows()
        .next()
        .map(|w| (w.minute.0, w.sum.bytes_in.0));
    assert_eq!(first, Some((3, 3)));
    let end = (WINDOWS_MAX as i64 + 3) * 60_000;
    let used = meters.total(CLUSTER, Timestamp(end));
    assert_eq!(used.bytes_in.0, WINDOWS_MAX as u64 + 3);
    let n = WINDOWS_MAX as u128 + 3;
    assert_eq!(used.stored_byte_ms, 60_000 * n * (n + 1) / 2);
}

#[test]
fn a_joined_window_is_not_below_zero() {
    let mut meters = Meters::new(1);
    meters.add(appended(0, 1_000_000));
    meters.add(freed(100 * 60_000, 1_000_000));
    meters.add(appended(500 * 60_000, 1));
    meters.coarsen();
    assert_eq!(meters.windows().count(), 1);
    assert_eq!(
        parts(&meters.open(Timestamp(501 * 60_000))),
        [(500, 1, 1_000_001, 6_000_000_000_000 + 60_000)]
    );
}

#[test]
fn bytes_that_break_a_rule_are_refused() {
    // version, epoch 1, open from minute 2, next sequence 0, nothing sealed, one cluster with id 7
    let head = [2, 1, 4, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0];
    let with = |tail: &[u8]| Meters::decode(&[&head, tail].concat());
    assert!(with(&[0]).is_ok());
    assert!(with(&[1, 4, 1, 0, 0, 0, 0, 0]).is_ok());
    assert_eq!(
        with(&[1, 2, 1, 0, 0, 0, 0, 0]),
        Err(DecodeError::Order { at: 15 }),
        "before open_from"
    );
    let mut long = [&head[..], &[0x80 | 113, 1]].concat(); // 241 windows
    long.resize(5_000, 1);
    assert_eq!(
        Meters::decode(&long),
        Err(DecodeError::TooMany {
            found: 241,
            max: 240
        })
    );
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Append(u64),
    /// Frees so many 255ths of what is stored.
    Free(u64),
    Deliver(u64),
    Wait(i64),
    Seal,
    Stored,
    Coarsen,
    Reload,
}

fn steps(waits_max: i64) -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        4 => (0..1u64 << 40).prop_map(Step::Append),
        2 => (0..=255u64).prop_map(Step::Free),
        2 => (0..1u64 << 40).prop_map(Step::Deliver),
        5 => (0..waits_max).prop_map(Step::Wait),
        3 => Just(Step::Seal),
        2 => Just(Step::Stored),
        1 => Just(Step::Coarsen),
        1 => Just(Step::Reload),
    ];
    vec((any::<bool>(), step), 1..120)
}

/// What should come of it, worked out in the simplest way.
#[derive(Default)]
struct Plain {
    bytes_in: u64,
    bytes_out: u64,
    stored: u64,
    byte_ms: u128,
}

proptest! {
    /// Whatever happens, and whenever it is sealed: sealed and open windows together are what was
    /// used, no window is sealed twice, and a sealed batch never changes.
    #[test]
    fn sealed_and_open_windows_are_what_was_used(
        steps in prop_oneof![steps(100_000), steps(10_000_000)],
    ) {
        let mut meters = Meters::new(3);
        let mut plain: BTreeMap<_, Plain> =
            [(CLUSTER, Plain::default()), (OTHER, Plain::default())].into();
        let (mut now, mut sent) = (1_700_000_123_456, Vec::<SealedUsage>::new());
        for (is_other, step) in steps {
            let id = if is_other { OTHER } else { CLUSTER };
            let used = plain.get_mut(&id).unwrap();
            match step {
                Step::Append(bytes) => {
                    meters.add(Window::appended(id, Timestamp(now), ByteCount(bytes), 1));
                    (used.bytes_in, used.stored) = (used.bytes_in + bytes, used.stored + bytes);
                }
                Step::Free(share) => {
                    let bytes = (u128::from(used.stored) * u128::from(share) / 255) as u64;
                    meters.add(Window::freed(id, Timestamp(now), ByteCount(bytes)));
                    used.stored -= bytes;
                }
                Step::Deliver(bytes) => {
                    meters.add(Window::delivered(id, Timestamp(now), ByteCount(bytes)));
                    used.bytes_out += bytes;
                }
                Step::Wait(ms) => {
                    now += ms;
                    for used in plain.values_mut() {
                        used.byte_ms += u128::from(used.stored) * ms as u128;
                    }
                }
                Step::Seal => meters.seal_before(Minute::of(Timestamp(now))),
                Step::Stored => meters.note_stored(meters.next_sequence()),
                Step::Coarsen => meters.coarsen(),
                Step::Reload => {
                    let bytes = encoded(&meters);
                    meters = Meters::decode(&bytes).unwrap();
                }
            }
            if let Some(batch) = meters.sealed() {
                if sent.last().is_none_or(|last| last.sequence < batch.sequence) {
                    prop_assert_eq!(batch.sequence, sent.len() as u64);
                    sent.push(batch.clone());
                }
                prop_assert_eq!(sent.last(), Some(batch), "a sealed batch never changes");
            }
        }
        let mut runs: Vec<UsageRun> = sent.iter().flat_map(|batch| batch.runs.clone()).collect();
        runs.extend(meters.open(Timestamp(now)));
        for (id, used) in plain {
            let own: Vec<_> = runs.iter().filter(|run| run.virtual_cluster == id).collect();
            prop_assert!(own.windows(2).all(|pair| pair[0].end() <= pair[1].first));
            let total = own.iter().fold(Amounts::default(), |sum, run| sum.plus(run.total()));
            prop_assert_eq!(total.bytes_in, used.bytes_in);
            prop_assert_eq!(total.bytes_out, used.bytes_out);
            prop_assert_eq!(total.stored_byte_ms, used.byte_ms);
            let in_all = meters.total(id, Timestamp(now));
            prop_assert_eq!(in_all.bytes_in.0, used.bytes_in);
            prop_assert_eq!(in_all.stored_byte_ms, used.byte_ms);
            prop_assert_eq!(in_all.stored_bytes, used.stored);
        }
    }

    #[test]
    fn no_part_of_an_encoding_is_an_encoding(cut: prop::sample::Index) {
        let mut meters = Meters::new(1);
        for n in 0..20 {
            meters.add(appended(n * 50_000, 5));
        }
        meters.seal_before(Minute(4));
        let bytes = encoded(&meters);
        prop_assert!(Meters::decode(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert_eq!(Meters::decode(&bytes), Ok(meters));
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(
        mut bytes in prop_oneof![vec(0..3u8, 0..60), vec(any::<u8>(), 0..60)],
    ) {
        bytes.insert(0, 2);
        if let Ok(meters) = Meters::decode(&bytes) {
            prop_assert_eq!(encoded(&meters), bytes);
        }
    }

    #[test]
    fn any_sums_and_times_are_counted(
        additions in vec((any::<u32>(), any::<i64>(), any::<u64>()), 0..50), minute: i64,
    ) {
        let mut meters = Meters::new(1);
        for (cluster, at, bytes) in additions {
            let cluster = VirtualClusterId(cluster);
            meters.add(Window::appended(cluster, Timestamp(at), ByteCount(bytes), bytes));
        }
        meters.seal_before(Minute(minute));
        let _ = meters.totals(Timestamp(minute)).count();
        prop_assert_eq!(Meters::decode(&encoded(&meters)), Ok(meters));
    }
}
