//! The checksum is CRC-32C (Castagnoli) over everything from the attributes on.

use bytes::Bytes;
use records::{Codec, StampedBatch};

use crate::samples::{small_batch, valid};

/// One record (key "k", value "v", timestamp 1 700 000 000 000) written down byte by byte; its
/// checksum was computed apart from this crate.
const KNOWN: [u8; 70] = [
    0, 0, 0, 0, 0, 0, 0, 0, // base offset
    0, 0, 0, 58, // length
    255, 255, 255, 255, // leader epoch
    2,   // magic
    0xE9, 0x9B, 0x8D, 0xD8, // crc
    0, 0, // attributes
    0, 0, 0, 0, // last offset delta
    0x00, 0x00, 0x01, 0x8B, 0xCF, 0xE5, 0x68, 0x00, // base timestamp
    0x00, 0x00, 0x01, 0x8B, 0xCF, 0xE5, 0x68, 0x00, // max timestamp
    255, 255, 255, 255, 255, 255, 255, 255, // producer id
    255, 255, // producer epoch
    255, 255, 255, 255, // base sequence
    0, 0, 0, 1, // record count
    16, 0, 0, 0, 2, b'k', 2, b'v', 0, // the record
];

/// Bit by bit, so that it shares nothing with the tables and instructions of the real one.
fn slow_crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[test]
fn vectors_of_rfc_3720() {
    let ascending: Vec<u8> = (0..32).collect();
    let known: [(&[u8], u32); 4] = [
        (b"123456789", 0xE306_9283),
        (&[0; 32], 0x8A91_36AA),
        (&[0xff; 32], 0x62A8_AB43),
        (&ascending, 0x46DD_794E),
    ];
    for (bytes, crc) in known {
        assert_eq!(crc32c::crc32c(bytes), crc);
        assert_eq!(slow_crc32c(bytes), crc);
    }
}

#[test]
fn a_batch_written_by_hand_is_accepted() {
    let batch = valid(Bytes::from_static(&KNOWN));
    assert_eq!(
        (batch.record_count(), batch.max_timestamp().0),
        (1, 1_700_000_000_000)
    );
    assert_eq!(
        StampedBatch::parse(Bytes::from_static(&KNOWN))
            .unwrap()
            .check_crc(),
        Ok(())
    );
}

#[test]
fn every_codecs_checksum_agrees_with_the_slow_one() {
    for codec in Codec::ALL {
        let batch = valid(small_batch(codec));
        assert_eq!(batch.header().crc, slow_crc32c(&batch.bytes()[21..]));
    }
}
