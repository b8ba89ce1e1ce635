//! One direction's key with its place in the sequence: seals or opens records.
//!
//! Owns: sequence numbers and the count of records under a key. Does not own: ciphers and secrets,
//! which are rustls's; when a key is replaced (`session`).
//!
//! Invariants: a number is used once under a key; a number that would wrap is an error.

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
    OutboundChunks, OutboundPlainMessage,
};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion, SupportedCipherSuite};

/// Records under one key, whatever its cipher allows, so that sequence numbers stay far from the end.
const RECORDS_PER_KEY_MAX: u64 = 1 << 48;

/// Opens records.
pub(crate) struct Opener {
    decrypter: Box<dyn MessageDecrypter>,
    sequence: u64,
}

impl Opener {
    /// The key that opens the record of this sequence number next.
    pub(crate) fn new(
        suite: SupportedCipherSuite,
        (sequence, secrets): (u64, ConnectionTrafficSecrets),
    ) -> Result<Self, Error> {
        let (key, iv) = parts(secrets)?;
        let decrypter = match suite {
            SupportedCipherSuite::Tls13(suite) => suite.aead_alg.decrypter(key, iv),
            SupportedCipherSuite::Tls12(suite) => {
                let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
                suite.aead_alg.decrypter(key, &iv.as_ref()[..fixed])
            }
        };
        Ok(Self {
            decrypter,
            sequence,
        })
    }

    /// Opens the next record in place. What is not the next record of the peer is an error.
    pub(crate) fn open<'a>(
        &mut self,
        kind: ContentType,
        version: ProtocolVersion,
        sealed: &'a mut [u8],
    ) -> Result<InboundPlainMessage<'a>, Error> {
        if self.sequence >= RECORDS_PER_KEY_MAX {
            return Err(Error::DecryptError);
        }
        let message = InboundOpaqueMessage::new(kind, version, sealed);
        let opened = self.decrypter.decrypt(message, self.sequence)?;
        self.sequence += 1;
        Ok(opened)
    }
}

/// Seals records.
pub(crate) struct Sealer {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Sealer {
    /// The key that seals the record of this sequence number next.
    pub(crate) fn new(
        suite: SupportedCipherSuite,
        (sequence, secrets): (u64, ConnectionTrafficSecrets),
    ) -> Result<Self, Error> {
        let (key, iv) = parts(secrets)?;
        let encrypter = match suite {
            SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
            SupportedCipherSuite::Tls12(suite) => {
                let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
                let (fixed, explicit) = iv.as_ref().split_at(fixed);
                suite.aead_alg.encrypter(key, fixed, explicit)
            }
        };
        let mut sealer = Self {
            encrypter,
            sequence: 0,
        };
        if sequence > 0 {
            // AWS-LC takes the first nonce it sees for that of record 0, and refuses one that then seems to
            // go back. So it is shown record 0; what it makes of it is thrown away and never sent.
            drop(sealer.seal(ContentType::ApplicationData, OutboundChunks::new_empty())?);
            sealer.sequence = sequence;
        }
        Ok(sealer)
    }

    /// Records sealed so far with this key, those of the handshake included.
    pub(crate) fn records(&self) -> u64 {
        self.sequence
    }

    /// Makes the next record, header and all.
    pub(crate) fn seal(
        &mut self,
        kind: ContentType,
        text: OutboundChunks<'_>,
    ) -> Result<Vec<u8>, Error> {
        if self.sequence >= RECORDS_PER_KEY_MAX {
            return Err(Error::EncryptError);
        }
        let message = OutboundPlainMessage {
            typ: kind,
            // What TLS 1.2 is, and what TLS 1.3 says it is.
            version: ProtocolVersion::TLSv1_2,
            payload: text,
        };
        let sealed = self.encrypter.encrypt(message, self.sequence)?;
        self.sequence += 1;
        Ok(sealed.encode())
    }
}

/// How many records a key of this suite seals before it is replaced (TLS 1.3) or the connection is
/// given up (TLS 1.2): half of what keeps the text confidential, so that alerts still have room.
pub(crate) fn records_per_key(suite: SupportedCipherSuite) -> u64 {
    let common = match suite {
        SupportedCipherSuite::Tls13(suite) => &suite.common,
        SupportedCipherSuite::Tls12(suite) => &suite.common,
    };
    (common.confidentiality_limit / 2).min(RECORDS_PER_KEY_MAX / 2)
}

fn parts(secrets: ConnectionTrafficSecrets) -> Result<(AeadKey, Iv), Error> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => Ok((key, iv)),
        _ => Err(Error::General("a cipher that is not known here".into())),
    }
}
