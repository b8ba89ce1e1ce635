//! The keys of SCRAM, from a password to what is stored.
//!
//! Owns: the two hashes and the derivations of RFC 5802, section 3. Salts are random and come from
//! the caller.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{self, SHA256, SHA512};
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA512};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use model::{ScramCredential, ScramKeys};
use zeroize::Zeroizing;

use super::ScramParameterError;
use crate::mac::mac;

/// Fewest iterations (RFC 7677; Kafka's default). Fewer are refused, by clients too.
pub const SCRAM_ITERATIONS_MIN: u32 = 4096;

/// Most iterations, as in Kafka: a client pays for them at each sign-in.
pub const SCRAM_ITERATIONS_MAX: u32 = 16_384;

/// Bytes of a salt that is made here, and of those that unknown users are given.
pub const SCRAM_SALT_BYTES: usize = 16;

/// The hash of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScramHash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl ScramHash {
    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => HMAC_SHA256,
            Self::Sha512 => HMAC_SHA512,
        }
    }

    pub(super) fn digest(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        };
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    pub(super) fn output_bytes(self) -> usize {
        self.hmac().digest_algorithm().output_len()
    }

    pub(super) fn keys_of(self, user: &ScramCredential) -> &ScramKeys {
        match self {
            Self::Sha256 => &user.sha256,
            Self::Sha512 => &user.sha512,
        }
    }
}

/// Random salts for a new credential.
#[derive(Clone, Copy, Debug)]
pub struct ScramSalts {
    /// For SCRAM-SHA-256.
    pub sha256: [u8; SCRAM_SALT_BYTES],
    /// For SCRAM-SHA-512.
    pub sha512: [u8; SCRAM_SALT_BYTES],
}

/// The credential of the user `username` with `password`, for both hashes and without policies.
pub fn scram_credential(
    username: &str,
    password: &str,
    iterations: u32,
    salts: &ScramSalts,
) -> Result<ScramCredential, ScramParameterError> {
    if username.is_empty() {
        return Err(ScramParameterError::EmptyUsername);
    }
    Ok(ScramCredential {
        username: username.to_owned(),
        iterations,
        sha256: scram_keys(ScramHash::Sha256, password, &salts.sha256, iterations)?,
        sha512: scram_keys(ScramHash::Sha512, password, &salts.sha512, iterations)?,
        policies: Vec::new(),
    })
}

/// What is stored for `password`. Takes milliseconds, on purpose.
pub fn scram_keys(
    hash: ScramHash,
    password: &str,
    salt: &[u8],
    iterations: u32,
) -> Result<ScramKeys, ScramParameterError> {
    if !(SCRAM_ITERATIONS_MIN..=SCRAM_ITERATIONS_MAX).contains(&iterations) {
        return Err(ScramParameterError::Iterations { iterations });
    }
    if password.is_empty() {
        return Err(ScramParameterError::EmptyPassword);
    }
    let algorithm = match hash {
        ScramHash::Sha256 => PBKDF2_HMAC_SHA256,
        ScramHash::Sha512 => PBKDF2_HMAC_SHA512,
    };
    let iterations = NonZeroU32::new(iterations).expect("it is at least the minimum");
    let mut salted = Zeroizing::new(vec![0; hash.output_bytes()]);
    pbkdf2::derive(
        algorithm,
        iterations,
        salt,
        password.as_bytes(),
        &mut salted,
    );
    scram_keys_from_salted_password(hash, salt, &salted)
}

/// What is stored for a password that the client has salted, as in AlterUserScramCredentials
/// (KIP-554).
pub fn scram_keys_from_salted_password(
    hash: ScramHash,
    salt: &[u8],
    salted_password: &[u8],
) -> Result<ScramKeys, ScramParameterError> {
    if salt.is_empty() {
        return Err(ScramParameterError::EmptySalt);
    }
    if salted_password.is_empty() {
        return Err(ScramParameterError::EmptyPassword);
    }
    let client_key = mac(hash.hmac(), salted_password, b"Client Key");
    let server_key = mac(hash.hmac(), salted_password, b"Server Key");
    Ok(ScramKeys {
        salt: salt.to_vec(),
        stored_key: hash.digest(&client_key),
        server_key: server_key.to_vec(),
    })
}
