//! The stored form of a snapshot, and damage to it.

use super::*;
use crate::append::AppendRequest;
use crate::codec::DecodeError;
use crate::fixtures::{NOW, append_id, empty_log, offset, request, stamp};
use crate::log::PartitionLog;
use proptest::prelude::*;

/// A log with all kinds of producers and results.
fn busy_log() -> PartitionLog {
    let mut log = empty_log();
    let mut sequence = 0;
    let mut append = |gateway: u64, producer| {
        let _ = log.append(
            Timestamp(NOW.0 + sequence as i64),
            AppendRequest {
                id: append_id(gateway, sequence),
                answered_below: sequence,
                producer,
                ..request(0)
            },
        );
        sequence += 1;
    };
    for round in 0..7 {
        append(1, Some(stamp(1, 0, round * 10, 10)));
        append(2, Some(stamp(i64::MAX, 3, (round + 5) * 10, 10)));
        append(u64::MAX, None);
    }
    append(1, Some(stamp(2, 5, i32::MAX - 4, 10)));
    append(1, Some(stamp(1, 0, 0, 10)));
    append(2, Some(stamp(1, 0, 65, 10)));
    append(2, Some(stamp(1, 0, 60, 10)));
    append(3, Some(stamp(i64::MAX, 2, 0, 10)));
    append(4, Some(stamp(2, i16::MAX, 0, 10)));
    log
}

#[test]
fn a_snapshot_comes_back_as_it_was() {
    let snapshot = busy_log().snapshot();
    assert_eq!((snapshot.producers.len(), snapshot.sessions.len()), (3, 5));
    let mut bytes = Vec::new();
    snapshot.encode(&mut bytes);
    assert!(bytes.len() < 200, "{} bytes", bytes.len());
    assert_eq!(LogSnapshot::decode(&bytes), Ok(snapshot));

    let mut empty = Vec::new();
    LogSnapshot::default().encode(&mut empty);
    assert_eq!(LogSnapshot::decode(&empty), Ok(LogSnapshot::default()));
}

#[test]
fn a_snapshot_that_is_cut_off_or_too_long_is_refused() {
    let mut bytes = Vec::new();
    busy_log().snapshot().encode(&mut bytes);
    for end in 0..bytes.len() {
        assert!(
            LogSnapshot::decode(&bytes[..end]).is_err(),
            "cut off at {end}"
        );
    }
    bytes.push(0);
    assert_eq!(LogSnapshot::decode(&bytes), Err(DecodeError::Trailing(1)));
    bytes[0] = 9;
    let version = DecodeError::Version {
        found: 9,
        expected: 2,
    };
    assert_eq!(LogSnapshot::decode(&bytes), Err(version));
}

#[test]
fn totals_leave_room_for_what_comes() {
    let decoded = |end_position| {
        let mut bytes = Vec::new();
        LogSnapshot {
            end_position,
            ..LogSnapshot::default()
        }
        .encode(&mut bytes);
        LogSnapshot::decode(&bytes)
    };
    assert!(decoded(i64::MAX as u64).is_ok());
    assert!(decoded(i64::MAX as u64 + 1).is_err());
}

#[test]
fn a_log_that_starts_behind_its_end_is_refused() {
    let snapshot = LogSnapshot {
        log_start_offset: offset(3),
        end_offset: offset(2),
        ..LogSnapshot::default()
    };
    let mut bytes = Vec::new();
    snapshot.encode(&mut bytes);
    assert!(matches!(
        LogSnapshot::decode(&bytes),
        Err(DecodeError::Invalid(_))
    ));
}

proptest! {
    #[test]
    fn damage_is_refused_or_gives_a_sound_snapshot(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = Vec::new();
        busy_log().snapshot().encode(&mut bytes);
        let index = at.index(bytes.len());
        bytes[index] = byte;
        if let Ok(snapshot) = LogSnapshot::decode(&bytes) {
            let mut again = Vec::new();
            snapshot.encode(&mut again);
            prop_assert_eq!(LogSnapshot::decode(&again), Ok(snapshot));
        }
    }

    #[test]
    fn anything_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut versioned = vec![1];
        versioned.extend(bytes);
        let _ = LogSnapshot::decode(&versioned);
    }
}
