//! ApiVersions (18), SaslHandshake (17), SaslAuthenticate (36), and what a stranger may ask.
//!
//! Owns: the order of frames on fresh connections. Does not own: SCRAM (`tests::client`).

use anyhow::{Context, Result};
use bytes::Bytes;
use tests::client::{ScramClient, ScramHash};
use wire::ApiKey;
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::metadata::MetadataRequest;
use wire::messages::produce::ProduceRequest;
use wire::messages::sasl_authenticate::SaslAuthenticateRequest;
use wire::messages::sasl_handshake::SaslHandshakeRequest;

use super::connections::frame;
use super::versions;
use crate::side::Side;

const MECHANISM: &str = "SCRAM-SHA-512";

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    api_versions(side).await?;
    handshakes(side).await?;
    for version in versions(ApiKey::SaslAuthenticate) {
        let user = side.access().user().to_owned();
        let password = side.access().password().to_owned();
        exchange(side, version, "good", (&user, &password)).await?;
        exchange(side, version, "wrong password", (&user, "wrong")).await?;
        exchange(side, version, "unknown user", ("nobody", "wrong")).await?;
        garbage(side, version).await?;
    }
    strangers(side).await
}

async fn api_versions(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::ApiVersions) {
        side.stranger();
        side.ask("stranger", version, software("tests", "1.0"))
            .await?;
        if version >= 3 {
            for (case, name, number) in [
                ("empty name", "", "1.0"),
                ("bad name", "bad name!", "1.0"),
                ("bad number", "tests", "1.0-"),
                ("name that ends in a dash", "tests-", "1.0"),
            ] {
                side.stranger();
                side.ask(case, version, software(name, number)).await?;
                side.ask("after a refusal", 0, software("", "")).await?;
            }
        }
        side.signed_in();
        side.ask("signed in", version, software("tests", "1.0"))
            .await?;
        side.ask("signed in, again", version, software("tests", "1.0"))
            .await?;
    }
    for signed_in in [false, true] {
        if signed_in {
            side.signed_in()
        } else {
            side.stranger()
        }
        for version in [5, 99, i16::MAX] {
            let case = format!("version {version}");
            let frame = frame(18, version, &[0; 4]);
            side.ask_raw::<ApiVersionsRequest>(&case, 0, &frame).await?;
        }
        side.ask("after unknown versions", 0, software("", ""))
            .await?;
    }
    side.stranger();
    side.ask("first", 0, software("", "")).await?;
    side.ask("second", 0, software("", "")).await?;
    Ok(())
}

fn software(name: &str, version: &str) -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: name.to_owned(),
        client_software_version: version.to_owned(),
    }
}

async fn handshakes(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::SaslHandshake) {
        for (case, mechanism) in [("known", MECHANISM), ("unknown", "NOPE"), ("empty", "")] {
            side.stranger();
            side.ask(case, version, handshake(mechanism)).await?;
            side.ask(&format!("after {case}"), 1, handshake(MECHANISM))
                .await?;
        }
    }
    side.signed_in();
    side.ask("signed in", 1, handshake(MECHANISM)).await?;
    Ok(())
}

fn handshake(mechanism: &str) -> SaslHandshakeRequest {
    let mechanism = mechanism.to_owned();
    SaslHandshakeRequest { mechanism }
}

async fn exchange(
    side: &mut Side,
    version: i16,
    case: &str,
    (user, password): (&str, &str),
) -> Result<()> {
    side.stranger();
    let mut scram = ScramClient::new(ScramHash::Sha512, user, password);
    side.ask(&format!("for {case}"), 1, handshake(MECHANISM))
        .await?;
    let first = token(scram.first());
    let answer = side.ask(&format!("{case}, first"), version, first).await?;
    let answer = answer.context("no answer to the first token")?;
    // Who is refused at once goes on all the same, so that both servers are asked alike.
    let server_first = String::from_utf8_lossy(&answer.auth_bytes).into_owned();
    let last = scram.last(&server_first).unwrap_or_default();
    side.ask(&format!("{case}, last"), version, token(last))
        .await?;
    side.ask(&format!("after {case}"), 0, software("", ""))
        .await?;
    Ok(())
}

fn token(text: String) -> SaslAuthenticateRequest {
    SaslAuthenticateRequest {
        auth_bytes: Bytes::from(text),
    }
}

async fn garbage(side: &mut Side, version: i16) -> Result<()> {
    side.stranger();
    side.ask("before a handshake", version, token("n,,".to_owned()))
        .await?;
    for (case, text) in [("empty token", ""), ("garbled token", "what?")] {
        side.stranger();
        side.ask(&format!("for {case}"), 1, handshake(MECHANISM))
            .await?;
        side.ask(case, version, token(text.to_owned())).await?;
        side.ask(&format!("after {case}"), 0, software("", ""))
            .await?;
    }
    side.signed_in();
    side.ask(
        "signed in, without a handshake",
        version,
        token("n,,".to_owned()),
    )
    .await?;
    Ok(())
}

async fn strangers(side: &mut Side) -> Result<()> {
    for version in [0, 8, 13] {
        side.stranger();
        side.ask("stranger", version, MetadataRequest::default())
            .await?;
        side.stranger();
        side.ask("for a stranger", 1, handshake(MECHANISM)).await?;
        side.ask(
            "stranger after a handshake",
            version,
            MetadataRequest::default(),
        )
        .await?;
    }
    for version in [3, 13] {
        side.stranger();
        let request = ProduceRequest {
            acks: -1,
            ..ProduceRequest::default()
        };
        side.ask("stranger", version, request).await?;
    }
    Ok(())
}
