//! Snappy as Kafka's clients frame it: Java and most others in the framing of the Xerial library,
//! librdkafka as one raw block.
//!
//! ```text
//! 82 "SNAPPY" 00   version (4)   lowest compatible version (4)   { length (4)   raw block }*
//! ```

use snap::raw::{Decoder, Encoder, decompress_len};

use super::{Codec, DecompressLimits};
use crate::decode::DecodeError;

/// What a Xerial stream begins with.
const MAGIC: [u8; 8] = *b"\x82SNAPPY\x00";
/// The header of a Xerial stream of version 1, which is all there is.
const HEADER: [u8; 16] = *b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01";
/// Input of one block, as in the Xerial library.
const BLOCK_BYTES: usize = 32 * 1024;
/// A block grows less than this: its densest element makes 64 bytes out of 3. A block that claims
/// more lies, and is refused before memory is set aside.
const RATIO_MAX: usize = 32;
const CORRUPT: DecodeError = DecodeError::Corrupt {
    codec: Codec::Snappy,
};

/// Decompresses either framing.
pub(super) fn decompress(bytes: &[u8], limits: DecompressLimits) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    if !bytes.starts_with(&MAGIC) {
        append_block(&mut out, bytes, limits)?;
        return Ok(out);
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        // Streams may be written one after the other; each brings its header.
        if rest.starts_with(&MAGIC) {
            rest = rest.get(HEADER.len()..).ok_or(CORRUPT)?;
            continue;
        }
        let (length, after) = rest.split_first_chunk().ok_or(CORRUPT)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| CORRUPT)?;
        let (block, after) = after.split_at_checked(length).ok_or(CORRUPT)?;
        append_block(&mut out, block, limits)?;
        rest = after;
    }
    Ok(out)
}

fn append_block(
    out: &mut Vec<u8>,
    block: &[u8],
    limits: DecompressLimits,
) -> Result<(), DecodeError> {
    let length = decompress_len(block).map_err(|_| CORRUPT)?;
    if length > block.len().saturating_mul(RATIO_MAX) {
        return Err(CORRUPT);
    }
    let start = out.len();
    if length > limits.bytes().saturating_sub(start) {
        return Err(limits.exceeded());
    }
    out.resize(start + length, 0);
    Decoder::new()
        .decompress(block, &mut out[start..])
        .map_err(|_| CORRUPT)?;
    Ok(())
}

/// Compresses into the Xerial framing.
pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    let mut encoder = Encoder::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        let block = encoder
            .compress_vec(block)
            .expect("a block of 32 KiB is within Snappy's range");
        let length = u32::try_from(block.len()).expect("a compressed block is about 32 KiB");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&block);
    }
    out
}
