//! Canonical requests against those of the published client libraries.

use super::*;
use crate::sigv4::Parameters;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "FwoGZXIvYXdzEXAMPLE+session/token==";
const REGIONAL: &str = "kafka.us-east-1.amazonaws.com";
const BOOTSTRAP: &str = "boot-abc12345.c1.kafka-serverless.us-east-1.amazonaws.com";
const CREDENTIAL: &str = "AKIDEXAMPLE/20260115/us-east-1/kafka-cluster/aws4_request";

fn request(host: &str, expires: &str, token: Option<&str>) -> SignedRequest {
    let mut parameters = Parameters::default();
    let mut insert = |name: &str, value: &str| {
        let value = Zeroizing::new(value.to_owned());
        parameters.insert(name.to_owned(), value).unwrap();
    };
    insert(name::ACTION, "kafka-cluster:Connect");
    insert(name::ALGORITHM, ALGORITHM);
    insert(name::CREDENTIAL, CREDENTIAL);
    insert(name::DATE, "20260115T120000Z");
    insert(name::EXPIRES, expires);
    insert(name::SIGNED_HEADERS, "host");
    insert(name::SIGNATURE, "not looked at");
    insert(name::USER_AGENT, "not signed");
    if let Some(token) = token {
        insert(name::SECURITY_TOKEN, token);
    }
    SignedRequest::new(Zeroizing::new(host.to_owned()), parameters)
        .ok()
        .unwrap()
}

/// Hash of the canonical request, and signature.
fn signed(host: &str, expires: &str, token: Option<&str>) -> [String; 2] {
    let request = request(host, expires, token);
    let canonical = canonical_request(&request);
    let scope = Scope::parse(CREDENTIAL).unwrap();
    [
        hex::encode(digest::digest(&SHA256, canonical.as_bytes())),
        of(&request, &scope, SECRET).to_string(),
    ]
}

#[test]
fn the_signing_key_is_that_of_the_vectors() {
    let scope = Scope::parse(CREDENTIAL).unwrap();
    assert_eq!(
        hex::encode(&*signing_key(&scope, SECRET)),
        "a5cbefbcdb085db3305d2f6a58249218d28e587364a0d8c586ea5677d23233a3"
    );
}

#[test]
fn canonical_requests_and_signatures_are_those_of_the_vectors() {
    let vectors = [
        (
            signed(REGIONAL, "900", None),
            "021a1a0f2d531804c19ccd27375bfb57da95206529cd16e82e2c94aff3d64c6d",
            "6c8dab8a0bc86e059188c49f5058598680cc968ddcef2e9f9e11155e97424998",
        ),
        (
            signed(REGIONAL, "900", Some(TOKEN)),
            "95a69014d72fe01897a90b16096943e45070027cf1b34ff2ee8e19e4da0cab26",
            "8a3a9dc20d4a8a9f650a14abd10795a41d79a7ab0c73b0ee4552332b4fa760e5",
        ),
        (
            signed(REGIONAL, "456.789", Some(TOKEN)),
            "a145dc6355d17847b6139b4dd067eb4cb49e9bf9cec4f85e28996c2df934d8ab",
            "d88d3b4d67be8cfdc757a3c0ecca2ba3270168b8257c5efae6eb5579130838a3",
        ),
        (
            signed(BOOTSTRAP, "900", None),
            "5539503fcaf7ef51c8ed10d6b5864c32f612e62752615a7a78cb6de9af87d5bc",
            "df2d7be1b61192027950b402967f76cb8faba301b3b1dd74174b9a643660d257",
        ),
        (
            signed(BOOTSTRAP, "900", Some(TOKEN)),
            "9a0734974a77509d4913b4d0ce0139fc65520f352e7817c64d997320b2dd95bf",
            "63e4f31b3e9649ce96f810e2ba9412b87679ff37dc2d2d31c8c1a3371b5cd64f",
        ),
    ];
    for ([canonical_hash, signature], expected_hash, expected_signature) in vectors {
        assert_eq!(canonical_hash, expected_hash);
        assert_eq!(signature, expected_signature);
    }
}

#[test]
fn parameters_sort_by_their_encoded_name_alone() {
    let mut parameters = Parameters::default();
    for (name, value) in [
        ("b", "1"),
        ("a-b", "2"),
        ("a", "3"),
        ("a/", "4"),
        ("é", "5"),
    ] {
        let value = Zeroizing::new(value.to_owned());
        parameters.insert(name.to_owned(), value).unwrap();
    }
    for name in [
        name::ACTION,
        name::ALGORITHM,
        name::CREDENTIAL,
        name::DATE,
        name::EXPIRES,
        name::SIGNED_HEADERS,
        name::SIGNATURE,
    ] {
        let value = Zeroizing::new(String::new());
        parameters.insert(name.to_owned(), value).unwrap();
    }
    let host = Zeroizing::new("h".to_owned());
    let request = SignedRequest::new(host, parameters).ok().unwrap();
    let canonical = canonical_request(&request);
    let query = canonical.lines().nth(2).unwrap();
    let start = "%C3%A9=5&Action=&X-Amz-Algorithm=&X-Amz-Credential=";
    assert!(query.starts_with(start), "{query}");
    assert!(query.ends_with("&a=3&a%2F=4&a-b=2&b=1"), "{query}");
}
