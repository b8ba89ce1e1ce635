//! The token of an MSK signer, for OAUTHBEARER: a presigned URL of the region's Kafka.
//!
//! Signed by AWS's own `aws-sigv4`. The crate `aws-msk-iam-sasl-signer` makes the same of it, but
//! brings three times as many crates, among them AWS's SDK and an HTTP client, and is async where
//! librdkafka's callback is not.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use aws_credential_types::Credentials as SigningCredentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cluster::Credentials;
use crate::round::now_ms;

/// For how long MSK's signers sign, in seconds.
const EXPIRES_S: u16 = 900;

/// What a client shows in place of a password.
pub struct Token {
    /// Its text.
    pub text: String,
    /// When it ends, in milliseconds since 1970.
    pub ends_at_ms: i64,
}

/// The token that `credentials` sign now.
///
/// # Errors
/// If they cannot be signed with.
pub fn token(credentials: &Credentials, region: &str) -> Result<Token> {
    let id = credentials.access_key_id.as_str();
    let secret = credentials.secret_access_key.as_str();
    let identity = SigningCredentials::new(id, secret, None, None, "ready file").into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(EXPIRES_S.into()));
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("kafka-cluster")
        .time(SystemTime::now())
        .settings(settings)
        .build()?;
    let mut url = format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect");
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::empty())?;
    let (instructions, _) = sign(request, &parameters.into())?.into_parts();
    for (name, value) in instructions.params() {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        url.push_str(&format!("&{name}={value}"));
    }
    Ok(Token {
        text: BASE64_URL_SAFE_NO_PAD.encode(url),
        ends_at_ms: now_ms() + 1000 * i64::from(EXPIRES_S),
    })
}
