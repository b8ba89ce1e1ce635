//! `AWS_MSK_IAM`: a presigned request, its parameters written as a JSON object.
//!
//! Owns: that JSON and the answer. One message each way:
//!
//! ```text
//!   client   {"version":"2020_10_22","host":…,"action":…,"x-amz-…":…}
//!   server   {"version":"2020_10_22","request-id":"<uuid>"}
//! ```
//!
//! Keys that are not known are ignored, as they are in no signature; a key that occurs twice or a
//! value that is no string is refused, known or not.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use zeroize::Zeroizing;

use super::signed_request::{Carrier, sign_in_by};
use crate::sigv4::{Hosts, IamFailure, Parameters, SignedRequest};
use crate::{Mechanism, SignInContext, SignInFailure, SignedIn, StepInput};

/// The only version of the payload and of the answer.
const VERSION: &str = "2020_10_22";

/// A payload is shown once, to a broker that it names; what bounds the session is the key's life.
const CARRIER: Carrier = Carrier {
    mechanism: Mechanism::AwsMskIam,
    hosts: Hosts::Advertised,
    bounds_session: false,
};

/// Keys of the payload and the parameters of the request that they stand for.
const PARAMETERS: [(&str, &str); 8] = [
    ("action", "Action"),
    ("x-amz-algorithm", "X-Amz-Algorithm"),
    ("x-amz-credential", "X-Amz-Credential"),
    ("x-amz-date", "X-Amz-Date"),
    ("x-amz-expires", "X-Amz-Expires"),
    ("x-amz-security-token", "X-Amz-Security-Token"),
    ("x-amz-signature", "X-Amz-Signature"),
    ("x-amz-signedheaders", "X-Amz-SignedHeaders"),
];

/// The identity of whoever signed `payload`.
pub(crate) fn sign_in(
    payload: &[u8],
    context: &SignInContext,
    input: &StepInput<'_>,
) -> Result<SignedIn, SignInFailure> {
    sign_in_by(&parse(payload)?, &CARRIER, context, input)
}

/// The answer to a payload that was accepted. AWS's client refuses any other key and any other
/// version.
pub(crate) fn reply(request_id: &str) -> String {
    format!(r#"{{"version":"{VERSION}","request-id":"{request_id}"}}"#)
}

fn parse(payload: &[u8]) -> Result<SignedRequest, IamFailure> {
    let text = std::str::from_utf8(payload).map_err(|_| IamFailure::Malformed {
        what: "it is not UTF-8",
    })?;
    let payload: Payload = serde_json::from_str(text).map_err(|_| IamFailure::Malformed {
        what: "it is not a JSON object of strings",
    })?;
    let mut keys = payload.keys;
    let version = keys.remove("version")?;
    if *version != VERSION {
        return Err(IamFailure::Version {
            version: version.as_str().into(),
        });
    }
    if let Some(failure) = payload.twice {
        return Err(failure);
    }
    let host = keys.remove("host")?;
    let mut parameters = Parameters::default();
    for (key, name) in PARAMETERS {
        if let Ok(value) = keys.remove(key) {
            parameters.insert(name.to_owned(), value)?;
        }
    }
    SignedRequest::new(host, parameters)
}

/// The keys of the payload, and what is wrong with it if one occurs twice.
struct Payload {
    keys: Parameters,
    twice: Option<IamFailure>,
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PayloadVisitor)
    }
}

struct PayloadVisitor;

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
        let mut payload = Payload {
            keys: Parameters::default(),
            twice: None,
        };
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if let Err(failure) = payload.keys.insert(key, Zeroizing::new(value)) {
                payload.twice = Some(failure);
            }
        }
        Ok(payload)
    }
}
