//! Compresses and decompresses the records of a batch.
//!
//! Owns: Kafka's five codecs and the bound on what comes out of them. Does not own: what the bytes
//! mean. Invariant: no more than the limit is ever produced, whatever the bytes claim.
//!
//! Beside the output (whose buffer grows by doubling) a decoder holds a fixed amount: at most
//! 12.1 MiB of address space for LZ4 (linked blocks of 4 MiB), less than 200 KiB for the others.

mod snappy;
mod zstd;

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use model::ByteCount;

use crate::decode::DecodeError;

/// First bytes of an LZ4 frame. The legacy frame, which begins otherwise, is not Kafka's.
const LZ4_MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// Kafka's `compression.type` of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// `none`.
    #[default]
    Uncompressed,
    /// `gzip`.
    Gzip,
    /// `snappy`: in the Xerial framing, or one raw block.
    Snappy,
    /// `lz4`: one frame.
    Lz4,
    /// `zstd` (KIP-110), from Produce v7 on.
    Zstd,
}

impl Codec {
    /// All codecs, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Uncompressed,
        Self::Gzip,
        Self::Snappy,
        Self::Lz4,
        Self::Zstd,
    ];

    /// The number in a batch's attributes.
    pub fn wire_id(self) -> u16 {
        self as u16
    }

    /// The codec that a topic's `compression.type` names; none where batches stay as they came.
    pub fn of_topic(compression_type: &str) -> Option<Self> {
        match compression_type {
            "uncompressed" => Some(Self::Uncompressed),
            "gzip" => Some(Self::Gzip),
            "snappy" => Some(Self::Snappy),
            "lz4" => Some(Self::Lz4),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The codec of a number, if there is one.
    pub fn from_wire_id(id: u16) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }
}

/// How much may come out of compressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecompressLimits {
    /// Largest body after decompression. What is larger is an error, found when the limit is
    /// passed: never more than this and one byte is produced.
    pub bytes_max: ByteCount,
}

impl Default for DecompressLimits {
    /// 64 MiB: eight times what MSK Serverless accepts as a batch.
    fn default() -> Self {
        Self {
            bytes_max: ByteCount(64 * 1024 * 1024),
        }
    }
}

impl DecompressLimits {
    fn bytes(self) -> usize {
        usize::try_from(self.bytes_max.0).unwrap_or(usize::MAX)
    }

    fn exceeded(self) -> DecodeError {
        DecodeError::TooLarge {
            limit: self.bytes_max,
        }
    }
}

/// Decompresses `bytes`; uncompressed ones are the caller's to share.
pub(crate) fn decompress(
    codec: Codec,
    bytes: &[u8],
    limits: DecompressLimits,
) -> Result<Vec<u8>, DecodeError> {
    match codec {
        Codec::Uncompressed => read_bounded(bytes, codec, limits),
        Codec::Gzip => read_bounded(MultiGzDecoder::new(bytes), codec, limits),
        Codec::Snappy => snappy::decompress(bytes, limits),
        Codec::Lz4 if !bytes.starts_with(&LZ4_MAGIC) => Err(DecodeError::Corrupt { codec }),
        // One frame, as Kafka reads it: the decoder ends with it.
        Codec::Lz4 => read_bounded(FrameDecoder::new(bytes), codec, limits),
        Codec::Zstd => zstd::decompress(bytes, limits),
    }
}

fn read_bounded(
    reader: impl Read,
    codec: Codec,
    limits: DecompressLimits,
) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    reader
        .take(limits.bytes_max.0.saturating_add(1))
        .read_to_end(&mut out)
        .map_err(|_| DecodeError::Corrupt { codec })?;
    if out.len() > limits.bytes() {
        return Err(limits.exceeded());
    }
    Ok(out)
}

/// Compresses `bytes`, each codec at the level that Kafka's own producer uses by default.
pub(crate) fn compress(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    const IN_MEMORY: &str = "writing to memory cannot fail";
    match codec {
        Codec::Uncompressed => bytes.to_vec(),
        Codec::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).expect(IN_MEMORY);
            encoder.finish().expect(IN_MEMORY)
        }
        Codec::Snappy => snappy::compress(bytes),
        Codec::Lz4 => {
            let frame = FrameInfo::new()
                .block_size(BlockSize::Max64KB)
                .block_mode(BlockMode::Independent);
            let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
            encoder.write_all(bytes).expect(IN_MEMORY);
            encoder.finish().expect(IN_MEMORY)
        }
        Codec::Zstd => zstd::compress(bytes),
    }
}
