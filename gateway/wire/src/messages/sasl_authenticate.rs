//! SaslAuthenticate (36): versions 0-2, flexible from 2.
//!
//! Owns: the tables of request and response.
//! 1: the session has a lifetime (KIP-368).

use bytes::Bytes;

use crate::schema::messages;

messages! {
    /// A token of the client.
    pub struct SaslAuthenticateRequest, versions [0..=2], flexible [2..] {
        /// The token, as the mechanism defines it.
        auth_bytes: Bytes [0..],
    }

    /// A token of the server.
    pub struct SaslAuthenticateResponse, versions [0..=2], flexible [2..] {
        /// Zero, or SASL_AUTHENTICATION_FAILED.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [0..] null [0..],
        /// The token, as the mechanism defines it.
        auth_bytes: Bytes [0..],
        /// After how many milliseconds the client must sign in again; 0 for never.
        session_lifetime_ms: i64 [1..],
    }
}
