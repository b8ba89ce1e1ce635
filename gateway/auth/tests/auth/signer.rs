//! A client's side of Signature Version 4, written apart from the crate's.

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fixture::{BOOTSTRAP, SECRET};

/// A request, each part of which a test may spoil.
#[derive(Clone)]
pub struct Request {
    pub version: String,
    pub scheme: String,
    pub host: String,
    pub path: String,
    pub action: String,
    pub algorithm: String,
    pub access_key_id: String,
    pub scope_date: String,
    pub region: String,
    pub service: String,
    pub terminator: String,
    pub date: String,
    pub expires: String,
    pub token: Option<String>,
    pub signed_headers: String,
    pub user_agent: Option<String>,
    pub extra: Vec<(String, String)>,
    pub secret: String,
    pub without: Option<&'static str>,
    pub twice: Option<&'static str>,
    pub signature: Option<String>,
}

impl Request {
    /// That of V4: AWS_MSK_IAM, for the bootstrap name.
    pub fn iam() -> Self {
        Self {
            version: "2020_10_22".into(),
            scheme: "https".into(),
            host: BOOTSTRAP.into(),
            path: "/".into(),
            action: "kafka-cluster:Connect".into(),
            algorithm: "AWS4-HMAC-SHA256".into(),
            access_key_id: "AKIDEXAMPLE".into(),
            scope_date: "20260115".into(),
            region: "us-east-1".into(),
            service: "kafka-cluster".into(),
            terminator: "aws4_request".into(),
            date: "20260115T120000Z".into(),
            expires: "900".into(),
            token: None,
            signed_headers: "host".into(),
            user_agent: Some("tests/1.0 (a b)".into()),
            extra: Vec::new(),
            secret: SECRET.into(),
            without: None,
            twice: None,
            signature: None,
        }
    }

    /// That of V1: OAUTHBEARER, for the regional endpoint.
    pub fn bearer() -> Self {
        Self {
            host: "kafka.us-east-1.amazonaws.com".into(),
            ..Self::iam()
        }
    }

    pub fn with_token(self, token: &str) -> Self {
        Self {
            token: Some(token.into()),
            ..self
        }
    }

    fn signed(&self) -> Vec<(String, String)> {
        let credential = [
            &self.access_key_id,
            &self.scope_date,
            &self.region,
            &self.service,
            &self.terminator,
        ];
        let credential = credential.map(String::as_str).join("/");
        let mut pairs: Vec<(String, String)> = [
            ("Action", self.action.clone()),
            ("X-Amz-Algorithm", self.algorithm.clone()),
            ("X-Amz-Credential", credential),
            ("X-Amz-Date", self.date.clone()),
            ("X-Amz-Expires", self.expires.clone()),
            ("X-Amz-SignedHeaders", self.signed_headers.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        if let Some(token) = &self.token {
            pairs.push(("X-Amz-Security-Token".into(), token.clone()));
        }
        pairs.extend(self.extra.iter().cloned());
        pairs.retain(|(name, _)| Some(name.as_str()) != self.without);
        pairs
    }

    pub fn signature(&self) -> String {
        if let Some(signature) = &self.signature {
            return signature.clone();
        }
        let query: BTreeMap<String, String> = self
            .signed()
            .iter()
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        let query: Vec<String> = query.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let canonical = format!(
            "GET\n/\n{}\nhost:{}\n\nhost\n{}",
            query.join("&"),
            self.host,
            sha256("")
        );
        let scope = [
            &self.scope_date,
            &self.region,
            &self.service,
            &self.terminator,
        ];
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{}\n{}",
            self.date,
            scope.map(String::as_str).join("/"),
            sha256(&canonical)
        );
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in scope {
            key = hmac_sha256(&key, part);
        }
        hex::encode(hmac_sha256(&key, &text))
    }

    /// All parameters, in the order of the python signer.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let mut pairs = self.signed();
        pairs.push(("X-Amz-Signature".into(), self.signature()));
        if let Some(user_agent) = &self.user_agent {
            pairs.push(("User-Agent".into(), user_agent.clone()));
        }
        pairs.retain(|(name, _)| Some(name.as_str()) != self.without);
        if let Some(twice) = self.twice {
            let again = pairs.iter().find(|(name, _)| name == twice).cloned();
            pairs.extend(again);
        }
        pairs
    }

    /// What a client of AWS_MSK_IAM sends.
    pub fn payload(&self) -> String {
        let mut pairs = vec![
            ("version".to_owned(), self.version.clone()),
            ("host".to_owned(), self.host.clone()),
        ];
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        pairs.extend(self.parameters().into_iter().map(lower));
        pairs.retain(|(name, _)| Some(name.as_str()) != self.without);
        json(&pairs)
    }

    /// What a client of OAUTHBEARER sends.
    pub fn frame(&self) -> Vec<u8> {
        let parameters = self.parameters();
        frame(&token(&self.url(&parameters)))
    }

    /// The URL with `parameters` in their order.
    pub fn url(&self, parameters: &[(String, String)]) -> String {
        let pairs = parameters.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let Self {
            scheme, host, path, ..
        } = self;
        format!("{scheme}://{host}{path}?{}", pairs.join("&"))
    }
}

pub fn json(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| {
        let value = serde_json::to_string(value).unwrap();
        format!("\"{name}\":{value}")
    };
    let pairs: Vec<String> = pairs.iter().map(pair).collect();
    format!("{{{}}}", pairs.join(","))
}

pub fn token(url: &str) -> String {
    URL_SAFE_NO_PAD.encode(url)
}

pub fn frame(token: &str) -> Vec<u8> {
    format!("n,,\x01auth=Bearer {token}\x01\x01").into_bytes()
}

pub fn encode_bytes(bytes: &[u8]) -> String {
    let one = |&b: &u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(b).to_string()
        }
        _ => format!("%{b:02X}"),
    };
    bytes.iter().map(one).collect()
}

pub fn encode(text: &str) -> String {
    encode_bytes(text.as_bytes())
}

fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}
