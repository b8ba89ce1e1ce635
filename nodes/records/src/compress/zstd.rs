//! Zstandard in one call each way.
//!
//! The streaming decoder would set a window aside that a 20-byte frame may claim to need (128 MiB).
//! Decompressing at once uses the output itself as the window, so only the output is bounded.

use zstd::zstd_safe::{self, zstd_sys::ZSTD_ErrorCode};

use super::{Codec, DecompressLimits};
use crate::decode::DecodeError;

/// First guess of the output's size, where the frame does not say it, in multiples of the input.
const RATIO_GUESS: usize = 8;
/// A size that the frame declares is believed up to this multiple of the input: beyond it, memory
/// is set aside only as output is really made.
const RATIO_BELIEVED: usize = 1024;
/// No guess is below this.
const GUESS_BYTES_MIN: usize = 16 * 1024;
/// Kafka's default level.
const LEVEL: i32 = 3;

/// Decompresses all frames. Where the size was guessed too small it starts again with eight times
/// as much, which costs a seventh of the final run in all.
pub(super) fn decompress(bytes: &[u8], limits: DecompressLimits) -> Result<Vec<u8>, DecodeError> {
    let corrupt = DecodeError::Corrupt { codec: Codec::Zstd };
    let mut capacity = match zstd_safe::get_frame_content_size(bytes).map_err(|_| corrupt)? {
        Some(declared) if declared > limits.bytes_max.0 => return Err(limits.exceeded()),
        Some(declared) => (declared as usize).min(bytes.len().saturating_mul(RATIO_BELIEVED)),
        None => bytes.len().saturating_mul(RATIO_GUESS),
    };
    let mut context = zstd_safe::DCtx::create();
    loop {
        capacity = capacity.max(GUESS_BYTES_MIN).min(limits.bytes());
        let mut out = Vec::with_capacity(capacity);
        match context.decompress(&mut out, bytes) {
            Ok(_) if out.len() > limits.bytes() => return Err(limits.exceeded()),
            Ok(_) => return Ok(out),
            Err(code) if !is_too_small(code) => return Err(corrupt),
            Err(_) if capacity == limits.bytes() => return Err(limits.exceeded()),
            Err(_) => capacity = capacity.saturating_mul(RATIO_GUESS),
        }
    }
}

/// Compresses into one frame that declares its size.
pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL).expect("the output has room for the worst case")
}

/// The library returns an error's number negated.
fn is_too_small(code: zstd_safe::ErrorCode) -> bool {
    code.wrapping_neg() == ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall as usize
}
