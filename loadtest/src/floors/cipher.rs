//! The cipher's floor: AES-256-GCM on one core.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Bytes of one call: a TLS record's.
const CALL_BYTES: usize = 16 << 10;
/// How long is encrypted.
const TIME: Duration = Duration::from_millis(500);
/// Calls between two looks at the clock.
const STRIDE: u64 = 64;

/// MB/s of encryption in place.
///
/// # Errors
/// The library refuses a key or a nonce, which would be its fault.
pub fn aes_256_gcm() -> Result<f64> {
    let refused = |_| anyhow!("AES-256-GCM refuses to work");
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).map_err(refused)?);
    let mut buffer = vec![0; CALL_BYTES];
    let start = Instant::now();
    let mut calls = 0_u64;
    while start.elapsed() < TIME {
        for _ in 0..STRIDE {
            let mut nonce = [0; 12];
            nonce[4..].copy_from_slice(&calls.to_be_bytes());
            let nonce = Nonce::assume_unique_for_key(nonce);
            let _tag = key
                .seal_in_place_separate_tag(nonce, Aad::empty(), &mut buffer)
                .map_err(refused)?;
            calls += 1;
        }
    }
    let bytes = (calls * CALL_BYTES as u64) as f64;
    Ok(bytes / 1e6 / start.elapsed().as_secs_f64())
}
