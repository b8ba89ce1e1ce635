//! Agreement with kafka-protocol, which is generated from the definitions of Kafka 4.1. It gets valid bytes only: a
//! hostile length aborts it.
//!
//! For every key, every version that both have, and arbitrary values: their decoder reads from our bytes the values
//! that we wrote, field by field; their encoder makes of them bytes from which we read the same values, and which are
//! the bytes that we wrote: they too leave tagged fields with defaults out.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};
use proptest::prelude::*;

use super::{config, debug_text, served, source, sources};
use crate::api_key::ApiKey;
use crate::header::RequestHeader;
use crate::request::Request;
use crate::response::Response;

/// Requests that it names and cannot decode, because they were not stable in Kafka 4.1; `golden.rs` has their bytes.
const MISSING_REQUESTS: [(ApiKey, i16); 2] =
    [(ApiKey::OffsetCommit, 10), (ApiKey::OffsetFetch, 10)];

/// The keys and versions that both implementations have.
fn shared() -> Vec<(ApiKey, TheirKey, i16)> {
    let pair = |(key, version): (ApiKey, i16)| {
        let theirs = TheirKey::try_from(key.code()).ok()?;
        let range = theirs.valid_versions();
        (range.min..=range.max)
            .contains(&version)
            .then_some((key, theirs, version))
    };
    served().into_iter().filter_map(pair).collect()
}

/// Those whose requests both have too.
fn shared_requests() -> Vec<(ApiKey, TheirKey, i16)> {
    let mut shared = shared();
    shared.retain(|(key, _, version)| !MISSING_REQUESTS.contains(&(*key, *version)));
    shared
}

#[test]
fn only_the_versions_that_came_after_it_are_not_compared() {
    let shared: Vec<_> = shared()
        .into_iter()
        .map(|(key, _, version)| (key, version))
        .collect();
    let missing: Vec<_> = served()
        .into_iter()
        .filter(|pair| !shared.contains(pair))
        .collect();
    let later = [(ApiKey::ListOffsets, 11), (ApiKey::DescribeLogDirs, 5)];
    assert_eq!(missing, later);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn requests(entropy in sources()) {
        for (api_key, their_key, api_version) in shared_requests() {
            let request = Request::sample(&mut source(&entropy), api_key, api_version);
            let header = RequestHeader { api_key, api_version, correlation_id: 5, client_id: None };
            let (_, body) = RequestHeader::decode(request.encode(&header).to_bytes().slice(4..)).unwrap();

            let mut input = body.clone();
            let theirs = RequestKind::decode(their_key, &mut input, api_version).unwrap();
            prop_assert!(input.is_empty(), "{:?} {} left {} bytes", api_key, api_version, input.len());
            prop_assert_eq!(debug_text::theirs(&theirs), debug_text::ours(&request));

            let mut output = BytesMut::new();
            theirs.encode(&mut output, api_version).unwrap();
            prop_assert_eq!(Request::decode(&header, output.clone().freeze()).unwrap(), request);
            prop_assert_eq!(output.freeze(), body, "{:?} {}", api_key, api_version);
        }
    }

    #[test]
    fn responses(entropy in sources()) {
        for (key, their_key, version) in shared() {
            let response = Response::sample(&mut source(&entropy), key, version);
            let frame = response.encode(5, version).to_bytes();
            let header_bytes = 4 + 4 + usize::from(key.response_header_version(version) > 0);
            let (header, body) = (frame.slice(4..header_bytes), frame.slice(header_bytes..));

            let mut input = body.clone();
            let theirs = ResponseKind::decode(their_key, &mut input, version).unwrap();
            prop_assert!(input.is_empty(), "{:?} {} left {} bytes", key, version, input.len());
            prop_assert_eq!(debug_text::theirs(&theirs), debug_text::ours(&response));

            let mut output = BytesMut::new();
            theirs.encode(&mut output, version).unwrap();
            let again = Bytes::from([&header[..], &output].concat());
            prop_assert_eq!(Response::decode(key, version, again).unwrap(), (5, response));
            prop_assert_eq!(output.freeze(), body, "{:?} {}", key, version);
        }
    }
}

#[test]
fn header_versions() {
    for (key, theirs, version) in shared() {
        assert_eq!(
            key.request_header_version(version),
            theirs.request_header_version(version)
        );
        assert_eq!(
            key.response_header_version(version),
            theirs.response_header_version(version)
        );
    }
}
