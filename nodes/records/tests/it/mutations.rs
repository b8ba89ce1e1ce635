//! More than a hundred thousand damaged batches: nothing panics, and no damage under the checksum passes.
//! The numbers come from a fixed seed, so a failure repeats.

use bytes::Bytes;
use model::{LeaderEpoch, Offset};
use records::{
    BATCH_HEADER_BYTES, BatchRules, Codec, StampedBatch, batches, decode_records,
    first_at_or_after, max_timestamp_record, validate,
};

use crate::samples::{LIMITS, NOW, Xorshift, batch, record, rules, shapes, small_batch};

const ROUNDS: usize = 100_000;
/// Fewer, because most of these are decompressed several times.
const DEEP_ROUNDS: usize = 30_000;
const CRC_AT: usize = 17;

fn originals() -> Vec<Bytes> {
    let rich = &shapes()[1];
    let varied: Vec<_> = (0..8)
        .map(|i| record(i, NOW.0 - i as i64, &i.to_le_bytes(), &[i as u8; 40]))
        .collect();
    Codec::ALL
        .iter()
        .flat_map(|&codec| {
            [
                small_batch(codec),
                batch(codec, rich),
                batch(codec, &varied),
            ]
        })
        .collect()
}

/// Damages `bytes` in one of the ways that lines and disks do, or in one that an attacker would.
fn damage(bytes: &mut Vec<u8>, random: &mut Xorshift) {
    const TELLING: [u8; 6] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(8) {
        0..3 => bytes[at] ^= 1 << random.below(8),
        3 => bytes[at] = TELLING[random.below(TELLING.len())],
        4 => bytes[at] = random.next() as u8,
        5 => bytes.insert(at, random.next() as u8),
        6 => drop(bytes.remove(at)),
        _ => {
            let end = (at + random.below(9)).min(bytes.len());
            bytes[at..end].fill(TELLING[random.below(TELLING.len())]);
        }
    }
}

/// Whatever reads stored bytes is given them; what comes out does not matter here.
fn read_all(bytes: Bytes) {
    for batch in batches(bytes.clone()).flatten() {
        let _ = decode_records(&batch, &LIMITS).map(Iterator::count);
    }
    if let Ok(batch) = StampedBatch::parse(bytes) {
        let _ = first_at_or_after(&batch, NOW, &LIMITS);
        let _ = max_timestamp_record(&batch, &LIMITS);
        let _ = (batch.check_crc(), batch.last_offset());
    }
}

/// Length and checksum as if the damaged bytes were meant.
fn reseal(bytes: &mut [u8]) {
    if bytes.len() >= BATCH_HEADER_BYTES {
        let length = (bytes.len() - 12) as u32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[CRC_AT..21].copy_from_slice(&crc.to_be_bytes());
    }
}

#[test]
fn damage_under_the_checksum_never_passes() {
    let mut random = Xorshift(0x7465_7374);
    let originals = originals();
    let mut passed = 0;
    for round in 0..ROUNDS {
        let original = &originals[round % originals.len()];
        let mut bytes = original.to_vec();
        for _ in 0..=random.below(3) {
            damage(&mut bytes, &mut random);
        }
        let bytes = Bytes::from(bytes);
        if validate(bytes.clone(), &rules(), NOW).is_ok() {
            passed += 1;
            assert_eq!(bytes[CRC_AT..], original[CRC_AT..], "round {round}");
        }
        read_all(bytes);
    }
    assert!(
        passed > 0 && passed < ROUNDS / 20,
        "damage outside the checksum passes: {passed}"
    );
}

#[test]
fn what_passes_the_deep_checks_can_be_read() {
    let mut random = Xorshift(0x6465_6570);
    let originals = originals();
    let deep = BatchRules {
        compacted: true,
        ..rules()
    };
    let mut passed = 0;
    for round in 0..DEEP_ROUNDS {
        let mut bytes = originals[round % originals.len()].to_vec();
        for _ in 0..=random.below(3) {
            damage(&mut bytes, &mut random);
        }
        reseal(&mut bytes);
        let bytes = Bytes::from(bytes);
        if let Ok(valid) = validate(bytes.clone(), &deep, NOW) {
            passed += 1;
            let (count, latest) = (valid.record_count(), valid.max_timestamp());
            let stamped = valid.stamp(Offset::ZERO, LeaderEpoch(0), None);
            assert_eq!(stamped.check_crc(), Ok(()));
            let records: Result<Vec<_>, _> = decode_records(&stamped, &LIMITS).unwrap().collect();
            let records = records.expect("what was checked can be read");
            assert_eq!(records.len(), count as usize, "round {round}");
            let found = max_timestamp_record(&stamped, &LIMITS).unwrap().unwrap();
            assert_eq!(found.1, latest, "round {round}");
        }
        read_all(bytes);
    }
    assert!(
        passed > DEEP_ROUNDS / 10,
        "many get through to the reader: {passed}"
    );
}
