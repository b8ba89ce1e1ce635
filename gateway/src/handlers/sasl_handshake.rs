//! SaslHandshake (key 17), versions 0-1. Version 0 is followed by raw tokens, version 1 by
//! SaslAuthenticate.
//!
//! What differs from Apache Kafka: on a live connection version 0 is refused with error 34, since raw
//! tokens could not be told from answers that are under way. The plaintext listener answers 34, as
//! Kafka's does.

use auth::Mechanism;
use wire::ErrorCode;
use wire::messages::sasl_handshake::SaslHandshakeResponse;

/// The client may go on. The list is not empty: kafka-python looks for its mechanism there.
pub(crate) fn accepted() -> SaslHandshakeResponse {
    refusal(ErrorCode::None)
}

/// The list of mechanisms, with an error.
pub(crate) fn refusal(code: ErrorCode) -> SaslHandshakeResponse {
    SaslHandshakeResponse {
        error_code: code.code(),
        mechanisms: Mechanism::ENABLED
            .map(|mechanism| mechanism.name().to_owned())
            .into(),
    }
}
