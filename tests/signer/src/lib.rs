//! A client's side of AWS_MSK_IAM and of the MSK signer's OAUTHBEARER token: both are Signature Version 4 over the
//! query of a presigned URL.
//!
//! Owns: the signature and the two texts that carry it. Does not own: the frames they travel in. Written apart from
//! the server's side, for the raw client of the tests and for the load generator; the test vectors were made by the
//! published client libraries.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use time::macros::format_description;

/// How long a signature is valid; the published libraries say as much.
const EXPIRES_S: u64 = 900;

/// What the client calls itself; no part of what is signed.
const USER_AGENT: &str = "tidegate-signer";

/// Who signs what, and when.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// The access key's public half.
    pub access_key_id: String,
    /// Its secret half.
    pub secret_access_key: String,
    /// Where the cluster is.
    pub region: String,
    /// The name that is signed in AWS_MSK_IAM: the one the client came by.
    pub host: String,
    /// When the signature was made.
    pub signed_at: SystemTime,
    /// How long it is valid from then on.
    pub expires: Duration,
}

impl SignedRequest {
    /// A request signed now.
    #[must_use]
    pub fn now(access_key_id: &str, secret_access_key: &str, region: &str, host: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            region: region.to_owned(),
            host: host.to_owned(),
            signed_at: SystemTime::now(),
            expires: Duration::from_secs(EXPIRES_S),
        }
    }

    /// What a client of AWS_MSK_IAM sends.
    #[must_use]
    pub fn iam_payload(&self) -> String {
        let mut fields = serde_json::Map::new();
        let mut put = |name: &str, value: String| fields.insert(name.to_owned(), value.into());
        put("version", "2020_10_22".to_owned());
        put("host", self.host.clone());
        put("user-agent", USER_AGENT.to_owned());
        for (name, value) in self.parameters() {
            put(&name.to_ascii_lowercase(), value);
        }
        put("x-amz-signature", self.signature(&self.host));
        serde_json::Value::Object(fields).to_string()
    }

    /// The token of OAUTHBEARER: the presigned URL of the region's Kafka service, which names no cluster.
    #[must_use]
    pub fn bearer_token(&self) -> String {
        let host = format!("kafka.{}.amazonaws.com", self.region);
        let signature = self.signature(&host);
        let url = format!(
            "https://{host}/?{}&X-Amz-Signature={signature}&User-Agent={USER_AGENT}",
            self.query()
        );
        URL_SAFE_NO_PAD.encode(url)
    }

    /// What a client of OAUTHBEARER sends (RFC 7628).
    #[must_use]
    pub fn bearer_frame(&self) -> String {
        format!("n,,\x01auth=Bearer {}\x01\x01", self.bearer_token())
    }

    /// The signed parameters, in the order in which they are signed.
    fn parameters(&self) -> [(&'static str, String); 6] {
        let scope = self.scope();
        [
            ("Action", "kafka-cluster:Connect".to_owned()),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
            (
                "X-Amz-Credential",
                format!("{}/{scope}", self.access_key_id),
            ),
            ("X-Amz-Date", self.time()),
            ("X-Amz-Expires", self.expires.as_secs().to_string()),
            ("X-Amz-SignedHeaders", "host".to_owned()),
        ]
    }

    fn query(&self) -> String {
        let encoded = self
            .parameters()
            .map(|(name, value)| format!("{name}={}", encode(&value)));
        encoded.join("&")
    }

    fn time(&self) -> String {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let time = OffsetDateTime::from(self.signed_at).format(format);
        time.expect("a time of this century has this form")
    }

    fn scope(&self) -> String {
        format!(
            "{}/{}/kafka-cluster/aws4_request",
            &self.time()[..8],
            self.region
        )
    }

    fn signature(&self, host: &str) -> String {
        let no_body = sha256("");
        let canonical = format!("GET\n/\n{}\nhost:{host}\n\nhost\n{no_body}", self.query());
        let (time, scope) = (self.time(), self.scope());
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(&canonical));
        let first = format!("AWS4{}", self.secret_access_key).into_bytes();
        let key = scope.split('/').fold(first, |key, part| sign(&key, part));
        hex::encode(sign(&key, &text))
    }
}

/// Percent-encoding of RFC 3986.
fn encode(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-15T12:00:00Z with the key of AWS's documentation.
    fn request(host: &str) -> SignedRequest {
        SignedRequest {
            signed_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_478_400),
            ..SignedRequest::now(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                "us-east-1",
                host,
            )
        }
    }

    #[test]
    fn the_signature_of_the_python_signer() {
        let frame = request("unused").bearer_frame();
        let token = frame.strip_prefix("n,,\x01auth=Bearer ").unwrap();
        let url = URL_SAFE_NO_PAD
            .decode(token.trim_end_matches('\x01'))
            .unwrap();
        let url = String::from_utf8(url).unwrap();
        let signature = "6c8dab8a0bc86e059188c49f5058598680cc968ddcef2e9f9e11155e97424998";
        assert!(
            url.contains(&format!("&X-Amz-Signature={signature}&")),
            "{url}"
        );
        assert!(
            url.contains("X-Amz-Date=20260115T120000Z&X-Amz-Expires=900&"),
            "{url}"
        );
    }

    #[test]
    fn the_signature_of_kafka_python() {
        let request = request("boot-abc12345.c1.kafka-serverless.us-east-1.amazonaws.com");
        let payload: serde_json::Value = serde_json::from_str(&request.iam_payload()).unwrap();
        let signature = "df2d7be1b61192027950b402967f76cb8faba301b3b1dd74174b9a643660d257";
        assert_eq!(payload["x-amz-signature"], signature);
        assert_eq!(payload["action"], "kafka-cluster:Connect");
    }
}
