//! The signature that a key gives a request (AWS, "Create a signed AWS API request").
//!
//! Owns: canonical request, string to sign, signing key. The README of AWS's aws-msk-iam-auth
//! shows a shorter string to sign; the libraries sign the full date and scope, as here.

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac::HMAC_SHA256;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::request::{Scope, name};
use super::{ALGORITHM, SignedRequest};
use crate::mac::mac;

/// SHA-256 of nothing: the body of the request.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// All but RFC 3986's unreserved characters.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The signature of `request` by `secret`, in hexadecimal.
pub(super) fn of(request: &SignedRequest, scope: &Scope<'_>, secret: &str) -> Zeroizing<String> {
    let key = signing_key(scope, secret);
    let text = string_to_sign(request, scope);
    let signature = mac(HMAC_SHA256, &key, text.as_bytes());
    Zeroizing::new(hex::encode(&*signature))
}

fn signing_key(scope: &Scope<'_>, secret: &str) -> Zeroizing<Vec<u8>> {
    let start = Zeroizing::new([b"AWS4", secret.as_bytes()].concat());
    let steps = [scope.date, scope.region, scope.service, scope.terminator];
    let step = |key: Zeroizing<Vec<u8>>, part: &str| mac(HMAC_SHA256, &key, part.as_bytes());
    steps.into_iter().fold(start, step)
}

fn string_to_sign(request: &SignedRequest, scope: &Scope<'_>) -> String {
    let Scope {
        date,
        region,
        service,
        terminator,
        ..
    } = scope;
    let timestamp = request.parameter(name::DATE);
    let canonical = canonical_request(request);
    let hash = hex::encode(digest::digest(&SHA256, canonical.as_bytes()));
    format!("{ALGORITHM}\n{timestamp}\n{date}/{region}/{service}/{terminator}\n{hash}")
}

/// The session token stands in it, so it and its pieces are wiped.
fn canonical_request(request: &SignedRequest) -> Zeroizing<String> {
    let mut pairs: Vec<_> = request.signed().map(encoded).collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut text = Zeroizing::new("GET\n/\n".to_owned());
    for (i, (name, value)) in pairs.iter().enumerate() {
        let separator = if i == 0 { "" } else { "&" };
        text.extend([separator, name, "=", value]);
    }
    let host = request.host();
    text.extend(["\nhost:", host, "\n\nhost\n", EMPTY_SHA256]);
    text
}

fn encoded((name, value): (&str, &str)) -> (String, Zeroizing<String>) {
    let name = utf8_percent_encode(name, &ENCODED).to_string();
    let value = utf8_percent_encode(value, &ENCODED).to_string();
    (name, Zeroizing::new(value))
}

#[cfg(test)]
mod tests;
