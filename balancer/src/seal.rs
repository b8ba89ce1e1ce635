//! Seals what the catalog keeps at rest, because secrets are in it: AES-256-GCM under a master
//! key, bound to the object's name so that two objects cannot be exchanged.
//!
//! ```text
//!   "TGC1" | nonce (12) | ciphertext | tag (16)
//! ```

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};

const MAGIC: &[u8; 4] = b"TGC1";
const NONCE_BYTES: usize = 12;

/// The master key of one installation.
pub struct SealingKey(RandomizedNonceKey);

/// Why sealed bytes could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// They were not sealed by this program, or cut off.
    #[error("not a sealed object")]
    NotSealed,
    /// Another key or another name sealed them, or they were changed.
    #[error("sealed by another key, or damaged")]
    Refused,
}

impl SealingKey {
    /// A key of 32 bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key);
        Self(key.expect("32 bytes are what AES-256 takes"))
    }

    pub(crate) fn seal(&self, name: &str, plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed);
        let nonce = nonce.expect("an object is far smaller than what GCM can seal");
        [MAGIC.as_slice(), nonce.as_ref(), &sealed].concat()
    }

    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
        let rest = sealed
            .strip_prefix(MAGIC.as_slice())
            .ok_or(UnsealError::NotSealed)?;
        let (nonce, rest) = rest
            .split_at_checked(NONCE_BYTES)
            .ok_or(UnsealError::NotSealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError::NotSealed)?;
        let mut plain = rest.to_vec();
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut plain);
        let length = opened.map_err(|_| UnsealError::Refused)?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_name_open_it() {
        let key = SealingKey::new(&[1; 32]);
        let sealed = key.seal("a", b"secret");
        assert_eq!(key.open("a", &sealed).as_deref(), Ok(b"secret".as_slice()));
        assert_eq!(key.open("b", &sealed), Err(UnsealError::Refused));
        assert_eq!(
            SealingKey::new(&[2; 32]).open("a", &sealed),
            Err(UnsealError::Refused)
        );
        assert_eq!(key.open("a", &sealed[..10]), Err(UnsealError::NotSealed));
        let mut damaged = sealed;
        damaged[20] ^= 1;
        assert_eq!(key.open("a", &damaged), Err(UnsealError::Refused));
    }
}
