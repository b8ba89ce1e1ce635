//! SaslAuthenticate (key 36), versions 0-2.
//!
//! What differs from Apache Kafka: nothing that is known. A refusal is answered with error 58 after
//! about 100 ms, then the connection is closed; the text is AWS's for IAM and Kafka's for SCRAM, and
//! the same whether or not the credential exists.

use bytes::Bytes;
use wire::ErrorCode;
use wire::messages::sasl_authenticate::SaslAuthenticateResponse;

/// The exchange goes on, or is over: then the session lasts so long, 0 for ever.
pub(crate) fn token(auth_bytes: Bytes, session_lifetime_ms: i64) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        auth_bytes,
        session_lifetime_ms,
        // As in Kafka empty, not null.
        error_message: Some(String::new()),
        ..SaslAuthenticateResponse::default()
    }
}

/// The sign-in failed.
pub(crate) fn failed(reason: String) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        error_message: Some(reason),
        ..refusal(ErrorCode::SaslAuthenticationFailed)
    }
}

/// An answer without a token.
pub(crate) fn refusal(code: ErrorCode) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        error_code: code.code(),
        ..SaslAuthenticateResponse::default()
    }
}
