//! ApiVersions (key 18), versions 0-4.
//!
//! What differs from Apache Kafka: keys that are not served are not listed; no features are listed,
//! since none of those that exist is served whole (without `transaction.version`, clients use the
//! older transaction protocol). A version above ours is answered with version 0, error 35 and the
//! range of this key (KIP-511), as in Kafka. May be asked at any time, also twice, also during a
//! sign-in.

use wire::ErrorCode;
use wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};

use crate::limits::SOFTWARE_NAME_BYTES_MAX;

/// First version in which the client says what software it is.
const VERSION_WITH_SOFTWARE: i16 = 3;

/// The answer.
pub(crate) fn answer(request: &ApiVersionsRequest, version: i16) -> ApiVersionsResponse {
    let valid = version < VERSION_WITH_SOFTWARE
        || is_software_name(&request.client_software_name)
            && is_software_name(&request.client_software_version);
    if !valid {
        return refusal(ErrorCode::InvalidRequest);
    }
    ApiVersionsResponse {
        api_keys: wire::advertised(),
        ..ApiVersionsResponse::default()
    }
}

/// An answer without keys.
pub(crate) fn refusal(code: ErrorCode) -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: code.code(),
        ..ApiVersionsResponse::default()
    }
}

/// Kafka's `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`.
fn is_software_name(name: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.len() <= SOFTWARE_NAME_BYTES_MAX
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_is_named_as_kafka_wants_it() {
        for name in ["a", "librdkafka", "apache-kafka-java", "4.3.1", "a--b"] {
            assert!(is_software_name(name), "{name}");
        }
        let long = "a".repeat(SOFTWARE_NAME_BYTES_MAX + 1);
        for name in ["", "-", ".a", "a-", "a b", "a/b", "ä", &long] {
            assert!(!is_software_name(name), "{name}");
        }
    }

    #[test]
    fn an_invalid_name_is_refused_from_version_3_on() {
        let request = ApiVersionsRequest {
            client_software_name: "-".to_owned(),
            client_software_version: "1".to_owned(),
        };
        assert_eq!(answer(&request, 2).error_code, 0);
        assert_eq!(answer(&request, 3).error_code, 42);
        assert!(answer(&request, 3).api_keys.is_empty());
    }
}
