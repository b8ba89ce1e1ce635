//! What is encoded decodes to the same, for every key and version.

use proptest::prelude::*;

use super::{config, served, source, sources};
use crate::header::RequestHeader;
use crate::request::Request;
use crate::response::Response;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn requests(entropy in sources()) {
        for (api_key, api_version) in served() {
            let request = Request::sample(&mut source(&entropy), api_key, api_version);
            let client_id = Some("c".to_owned());
            let header = RequestHeader { api_key, api_version, correlation_id: 5, client_id };
            let frame = request.encode(&header).to_bytes();
            prop_assert_eq!(frame.len(), 4 + u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize);
            let (header_again, body) = RequestHeader::decode(frame.slice(4..)).unwrap();
            prop_assert_eq!(&header_again, &header);
            prop_assert_eq!(Request::decode(&header, body).unwrap(), request);
        }
    }

    #[test]
    fn responses(entropy in sources()) {
        for (key, version) in served() {
            let response = Response::sample(&mut source(&entropy), key, version);
            let frame = response.encode(-6, version).to_bytes();
            prop_assert_eq!(frame.len(), 4 + u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize);
            prop_assert_eq!(Response::decode(key, version, frame.slice(4..)).unwrap(), (-6, response));
        }
    }

    /// Cut anywhere, a message is refused: no field reads past the end or is silently left out.
    #[test]
    fn every_cut_is_refused(entropy in sources(), cut in any::<proptest::sample::Index>()) {
        for (api_key, api_version) in served() {
            let request = Request::sample(&mut source(&entropy), api_key, api_version);
            let header = RequestHeader { api_key, api_version, correlation_id: 5, client_id: None };
            let frame = request.encode(&header).to_bytes().slice(4..);
            let (_, body) = RequestHeader::decode(frame).unwrap();
            if !body.is_empty() {
                let cut = cut.index(body.len());
                prop_assert!(Request::decode(&header, body.slice(..cut)).is_err());
            }
        }
    }
}

/// As Kafka does: a request followed by other bytes is the request.
#[test]
fn bytes_after_a_request_are_left_alone() {
    for (api_key, api_version) in served() {
        let request = Request::sample(&mut source(&[]), api_key, api_version);
        let header = RequestHeader {
            api_key,
            api_version,
            correlation_id: 5,
            client_id: None,
        };
        let mut frame = request.encode(&header).to_bytes().slice(4..).to_vec();
        frame.extend(b"more");
        let (_, body) = RequestHeader::decode(frame.into()).unwrap();
        assert_eq!(Request::decode(&header, body), Ok(request));
    }
}
