//! HMAC into memory that is wiped, for all mechanisms.

use aws_lc_rs::hmac::{self, Algorithm, Key};
use zeroize::Zeroizing;

/// `HMAC(key, data)`; the result is wiped when dropped, since some are keys themselves.
pub(crate) fn mac(algorithm: Algorithm, key: &[u8], data: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut tag = Zeroizing::new(vec![0; algorithm.digest_algorithm().output_len()]);
    hmac::sign_to_buffer(&Key::new(algorithm, key), data, &mut tag)
        .expect("the buffer has the length of the tag");
    tag
}
