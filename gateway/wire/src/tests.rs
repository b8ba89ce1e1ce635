//! What holds for every message: sizes, order, and agreement with other implementations.

mod allocations;
mod bombs;
mod debug_text;
mod differential;
mod golden;
mod mutations;
mod round_trip;
mod tables;

use proptest::prelude::*;

use crate::api_key::ApiKey;
use crate::sample::Source;

/// Every key with every version that is served.
fn served() -> Vec<(ApiKey, i16)> {
    let versions = |key: &ApiKey| {
        let key = *key;
        (key.versions().min..=key.versions().max).map(move |version| (key, version))
    };
    ApiKey::ALL.iter().flat_map(versions).collect()
}

/// Values that shrink: proptest shortens the bytes, and fewer bytes draw a simpler value.
fn sources() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..1500)
}

/// A source over these bytes.
fn source(entropy: &[u8]) -> Source {
    Source::wild(entropy.to_vec())
}

/// How often values are drawn. A failure prints its bytes and is not written down: a core's tests do no I/O.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    }
}
