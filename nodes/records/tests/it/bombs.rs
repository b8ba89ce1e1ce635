//! Compressed bytes that expand without end are stopped at the limit, in memory as in size.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
use model::ByteCount;
use records::{
    BatchRules, Codec, DecodeError, DecompressLimits, StampedBatch, decode_records, validate,
};

use crate::allocation::peak_bytes;
use crate::samples::{NOW, batch, record, rules, stamped, with_body};

const MIB: usize = 1 << 20;
const LIMIT: DecompressLimits = DecompressLimits {
    bytes_max: ByteCount(8 << 20),
};

/// A zstd frame of `blocks` blocks, each of which repeats one byte 128 Ki times.
fn zstd_bomb(frame_header: &[u8], blocks: usize) -> Vec<u8> {
    const RLE: u32 = 1 << 1;
    let mut bomb = [&[0x28, 0xb5, 0x2f, 0xfd], frame_header].concat();
    for block in 1..=blocks {
        let header = u32::from(block == blocks) | RLE | (128 * 1024) << 3;
        bomb.extend_from_slice(&header.to_le_bytes()[..3]);
        bomb.push(0);
    }
    bomb
}

/// No content size, a window of 128 KiB.
const ZSTD_PLAIN: [u8; 2] = [0x00, 0x38];

fn gzip_bomb() -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::default());
    member.write_all(&vec![0; MIB]).expect("in memory");
    member.finish().expect("in memory").repeat(1024)
}

fn lz4_bomb() -> Vec<u8> {
    let frame = FrameInfo::new().block_size(BlockSize::Max4MB);
    let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
    encoder.write_all(&vec![0; 4 * MIB]).expect("in memory");
    let frame = encoder.finish().expect("in memory");
    let (header, end) = (7, frame.len() - 4);
    [
        &frame[..header],
        &frame[header..end].repeat(256),
        &frame[end..],
    ]
    .concat()
}

fn snappy_bomb() -> Vec<u8> {
    let block = snap::raw::Encoder::new()
        .compress_vec(&vec![0; MIB])
        .expect("in memory");
    let framed = [&(block.len() as u32).to_be_bytes()[..], &block].concat();
    [
        b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01".as_slice(),
        &framed.repeat(1024),
    ]
    .concat()
}

fn read(codec: Codec, body: &[u8], limits: &DecompressLimits) -> Result<usize, DecodeError> {
    let batch = StampedBatch::parse(with_body(codec, body, 1)).expect("the header is sound");
    decode_records(&batch, limits)?.try_fold(0, |count, record| record.map(|_| count + 1))
}

#[test]
fn a_gibibyte_is_stopped_at_the_limit() {
    let bombs = [
        (Codec::Zstd, zstd_bomb(&ZSTD_PLAIN, 8192)),
        (Codec::Gzip, gzip_bomb()),
        (Codec::Lz4, lz4_bomb()),
        (Codec::Snappy, snappy_bomb()),
    ];
    assert!(bombs[0].1.len() < 33_000, "33 kB of zstd");
    for (codec, bomb) in bombs {
        let mut result = Ok(0);
        let batch = with_body(codec, &bomb, 1);
        let stored = StampedBatch::parse(batch.clone()).unwrap();
        let peak = peak_bytes(|| result = decode_records(&stored, &LIMIT).map(Iterator::count));
        assert_eq!(
            result,
            Err(DecodeError::TooLarge {
                limit: LIMIT.bytes_max
            }),
            "{codec:?}"
        );
        assert!(peak <= 37 * MIB, "{codec:?} took {peak} bytes");
        let compacted = BatchRules {
            compacted: true,
            decompress: LIMIT,
            batch_bytes_max: ByteCount(1 << 30),
            cluster_batch_bytes_max: ByteCount(1 << 30),
            ..rules()
        };
        assert_eq!(
            validate(batch, &compacted, NOW).unwrap_err().kafka_code(),
            10
        );
    }
}

#[test]
fn exactly_the_limit_is_allowed() {
    let records = [record(0, NOW.0, b"", &vec![b'x'; 100_000])];
    let size = batch(Codec::Uncompressed, &records).len() as u64 - 61;
    for codec in Codec::ALL {
        let batch = stamped(batch(codec, &records), 0);
        let count = |bytes_max| {
            decode_records(&batch, &DecompressLimits { bytes_max }).map(Iterator::count)
        };
        assert_eq!(count(ByteCount(size)), Ok(1), "{codec:?}");
        if codec != Codec::Uncompressed {
            let limit = ByteCount(size - 1);
            assert_eq!(
                count(limit),
                Err(DecodeError::TooLarge { limit }),
                "{codec:?}"
            );
        }
    }
}

#[test]
fn sizes_that_lie_set_no_memory_aside() {
    let snappy_block = [0xff, 0xff, 0xff, 0x1f, 0, b'x'];
    let framed = [
        b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x06".as_slice(),
        &snappy_block,
    ];
    // Single segment with a content size of 63 MiB, then one block of 128 KiB.
    let zstd = zstd_bomb(
        &[[0xa0].as_slice(), &(63_u32 << 20).to_le_bytes()].concat(),
        1,
    );
    // A window of 128 MiB and no content.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00];
    let lies: [(Codec, &[u8]); 5] = [
        (Codec::Snappy, &snappy_block),
        (Codec::Snappy, &framed.concat()),
        (
            Codec::Snappy,
            b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\xff\xff\xff\xff",
        ),
        (Codec::Zstd, &zstd),
        (Codec::Zstd, &window),
    ];
    let limits = DecompressLimits {
        bytes_max: ByteCount(64 << 20),
    };
    // What says itself that it is too large is not even begun.
    let limit = ByteCount((63 << 20) - 1);
    let refused = read(Codec::Zstd, &zstd, &DecompressLimits { bytes_max: limit });
    assert_eq!(refused, Err(DecodeError::TooLarge { limit }));
    for (codec, body) in lies {
        let mut result = Ok(0);
        let peak = peak_bytes(|| result = read(codec, body, &limits));
        assert!(result.is_err(), "{codec:?}");
        assert!(peak < 2 * MIB, "{codec:?} took {peak} bytes");
    }
}

#[test]
fn streams_may_be_joined_and_of_unknown_size() {
    let sent = batch(
        Codec::Uncompressed,
        &[record(0, NOW.0, b"", &vec![0; 3 * MIB])],
    );
    let (one, two) = sent[61..].split_at(1_000_000);
    let joined = |compress: &dyn Fn(&[u8]) -> Vec<u8>| [compress(one), compress(two)].concat();
    let gzip = joined(&|part| {
        let mut member = GzEncoder::new(Vec::new(), Compression::fast());
        member.write_all(part).expect("in memory");
        member.finish().expect("in memory")
    });
    let zstd = joined(&|part| zstd::stream::encode_all(part, 1).expect("in memory"));
    let zstd_sized = joined(&|part| zstd::bulk::compress(part, 1).expect("in memory"));
    let xerial = joined(&|part| {
        let block = snap::raw::Encoder::new()
            .compress_vec(part)
            .expect("in memory");
        let length = (block.len() as u32).to_be_bytes();
        let header = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01";
        [header.as_slice(), &length, &block].concat()
    });
    let raw = snap::raw::Encoder::new().compress_vec(&sent[61..]).unwrap();
    for (codec, body) in [
        (Codec::Gzip, gzip),
        (Codec::Zstd, zstd),
        (Codec::Zstd, zstd_sized),
        (Codec::Snappy, xerial),
        (Codec::Snappy, raw),
    ] {
        assert_eq!(read(codec, &body, &LIMIT), Ok(1), "{codec:?}");
    }
}

#[test]
fn bytes_of_another_kind_are_corrupt() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        for body in [
            b"".as_slice(),
            b"\x00",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            let result = read(codec, body, &LIMIT);
            // Nothing at all is an empty zstd stream, so the record is what is missing there.
            assert!(
                matches!(
                    result,
                    Err(DecodeError::Corrupt { .. } | DecodeError::Malformed { index: 0, .. })
                ),
                "{codec:?} {body:?} {result:?}"
            );
        }
    }
    let legacy = Bytes::from_static(&[0x02, 0x21, 0x4c, 0x18, 1, 0, 0, 0, 0]);
    assert_eq!(
        read(Codec::Lz4, &legacy, &LIMIT),
        Err(DecodeError::Corrupt { codec: Codec::Lz4 })
    );
}
