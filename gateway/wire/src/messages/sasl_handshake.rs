//! SaslHandshake (17): versions 0-1, never flexible.
//!
//! Owns: the tables of request and response.
//! 0: SASL tokens follow as bare frames. 1: they follow in SaslAuthenticate (KIP-152). There will be no version 2:
//! old clients would choose it without understanding it (KAFKA-9577).

use crate::schema::messages;

messages! {
    /// The mechanism that the client wants.
    pub struct SaslHandshakeRequest, versions [0..=1], flexible [none] {
        /// The mechanism.
        mechanism: String [0..],
    }

    /// Whether the client may go on.
    pub struct SaslHandshakeResponse, versions [0..=1], flexible [none] {
        /// Zero, or UNSUPPORTED_SASL_MECHANISM.
        error_code: i16 [0..],
        /// The mechanisms that are enabled. To be filled in any case: kafka-python looks for its own.
        mechanisms: Vec<String> [0..],
    }
}
