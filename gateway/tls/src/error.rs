//! Why a connection ends for what came on it after the handshake, and how the peer is told.
//!
//! Owns: the alert for each reason. Does not own: sending it (`session`).

use std::io;

use rustls::AlertDescription;

/// A record that ends the connection, or the want of one. Found in the [`io::Error`] that reading or
/// writing gives.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// A record was altered, or is not the one that follows.
    #[error("a record does not open with the key and at its place")]
    BadMac,
    /// A record is longer than TLS allows.
    #[error("a record is too long")]
    Overflow,
    /// What has no place on a connection whose handshake is over.
    #[error("unexpected: {0}")]
    Unexpected(&'static str),
    /// Bytes that are no record, or no message.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A KeyUpdate that asks for neither of the two things that it may.
    #[error("a key update of unknown kind {0}")]
    IllegalKeyUpdate(u8),
    /// The peer ended the connection with an alert.
    #[error("the peer sent an alert: {0:?}")]
    AlertReceived(AlertDescription),
    /// As many records were sealed with the key as is safe, and TLS 1.2 has no way to another key.
    #[error("the key has sealed as many records as it may")]
    KeyExhausted,
    /// The socket ended without the peer's saying so: something may be missing.
    #[error("the connection ended without a TLS close_notify")]
    Truncated,
    /// rustls refused to make or use a key.
    #[error("TLS: {0}")]
    Library(rustls::Error),
}

impl RecordError {
    /// What the peer is told; nothing where it has said itself that the connection is over.
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::BadMac => Some(AlertDescription::BadRecordMac),
            Self::Overflow => Some(AlertDescription::RecordOverflow),
            Self::Unexpected(_) => Some(AlertDescription::UnexpectedMessage),
            Self::Malformed(_) => Some(AlertDescription::DecodeError),
            Self::IllegalKeyUpdate(_) => Some(AlertDescription::IllegalParameter),
            Self::KeyExhausted => Some(AlertDescription::CloseNotify),
            Self::Library(_) => Some(AlertDescription::InternalError),
            Self::AlertReceived(_) | Self::Truncated => None,
        }
    }
}

impl From<rustls::Error> for RecordError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::DecryptError => Self::BadMac,
            rustls::Error::PeerSentOversizedRecord => Self::Overflow,
            rustls::Error::PeerMisbehaved(_) => Self::Unexpected("a record without a type"),
            error => Self::Library(error),
        }
    }
}

impl From<RecordError> for io::Error {
    fn from(error: RecordError) -> Self {
        let kind = match error {
            RecordError::Truncated => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
