//! The token of the MSK signers: base64url of
//! `https://kafka.<region>.amazonaws.com/?Action=…&X-Amz-…=…&User-Agent=…`.
//!
//! Owns: decoding. The signers write the parameters in different orders, so order means nothing;
//! that of Java leaves the path out of the URL, though it signs the path `/`.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::sigv4::{IamFailure, Parameters, SignedRequest};

/// The signers leave the padding out; it is taken, too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a token. Every parameter but the signature and the user agent counts as signed, known or
/// not, as Signature Version 4 has it.
pub(super) fn parse(token: &str) -> Result<SignedRequest, IamFailure> {
    let malformed = |what| IamFailure::Malformed { what };
    let url = BASE64.decode(token).map(Zeroizing::new);
    let url = url.map_err(|_| malformed("the token is not base64url"))?;
    let url = std::str::from_utf8(&url).map_err(|_| malformed("the URL is not UTF-8"))?;
    let rest = url
        .strip_prefix("https://")
        .ok_or(malformed("the URL's scheme is not https"))?;
    let (place, query) = rest
        .split_once('?')
        .ok_or(malformed("the URL has no query"))?;
    let host = place.strip_suffix('/').unwrap_or(place);
    if host.contains('/') {
        return Err(malformed("the URL's path is not /"));
    }
    let mut parameters = Parameters::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.insert(decode(name)?.to_string(), decode(value)?)?;
    }
    SignedRequest::new(Zeroizing::new(host.to_ascii_lowercase()), parameters)
}

/// A `+` stands for itself: the signers write a space as `%20`.
fn decode(text: &str) -> Result<Zeroizing<String>, IamFailure> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| IamFailure::Malformed {
        what: "a parameter is not UTF-8",
    })?;
    Ok(Zeroizing::new(decoded.into_owned()))
}
