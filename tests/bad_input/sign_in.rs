//! Credentials that do not fit: error 58 and the end of the connection, in the same words whatever is wrong.

use std::time::Duration;

use tests::client::{Credentials, ScramHash, SignInError, SignedRequest};
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::metadata::MetadataRequest;
use wire::{ApiKey, ErrorCode};

use crate::Site;

const MINUTE: Duration = Duration::from_secs(60);

/// Tries to sign in and gives the refusal; the connection must be closed after it.
async fn refusal(site: &Site, credentials: &Credentials) -> (i16, String) {
    let mut client = site.stranger().await;
    match client.sign_in(credentials).await {
        Err(SignInError::Refused { code, message }) => {
            let rest = client
                .read_to_end()
                .await
                .expect("the connection is closed");
            assert!(rest.is_empty(), "{rest:?} came after the refusal");
            (code, message)
        }
        other => panic!("{credentials:?}: {other:?}"),
    }
}

/// A refusal without the number of the request that is in it.
fn anonymous((code, message): (i16, String)) -> (i16, String) {
    const UUID_CHARACTERS: usize = 36;
    let words = match (message.find('['), message.find(']')) {
        (Some(from), Some(to)) if to - from == UUID_CHARACTERS + 1 => message[to..].to_owned(),
        _ => message,
    };
    (code, words)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mechanism_lets_the_right_one_in() {
    let site = Site::start();
    let signed = site.access.signed();
    let sha256 = Credentials::Scram {
        hash: ScramHash::Sha256,
        username: site.access.scram_username.clone(),
        password: site.access.scram_password.clone(),
    };
    let signed_in = [
        site.access.scram(),
        sha256,
        Credentials::MskIam(signed.clone()),
        Credentials::OauthBearer(signed),
    ];
    for credentials in signed_in {
        let session = site.stranger().await.sign_in(&credentials).await;
        let session = session.unwrap_or_else(|error| panic!("{credentials:?}: {error}"));
        assert!(session.lifetime_ms >= 0);
    }
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_like_an_unknown_user() {
    let site = Site::start();
    let user = &site.access.scram_username;
    let wrong = refusal(&site, &Credentials::scram(user, "wrong")).await;
    let unknown = refusal(&site, &Credentials::scram("nobody", "wrong")).await;
    assert_eq!(wrong.0, ErrorCode::SaslAuthenticationFailed.code());
    assert_eq!(wrong, unknown);
    site.check().await;
}

/// Every way in which a signature can be wrong, one at a time.
fn spoiled(right: &SignedRequest) -> Vec<(&'static str, SignedRequest)> {
    let spoil = |change: fn(&mut SignedRequest)| {
        let mut request = right.clone();
        change(&mut request);
        request
    };
    vec![
        (
            "unknown key",
            spoil(|r| r.access_key_id = "AKIAAAAAAAAAAAAAAAAA".to_owned()),
        ),
        ("wrong secret", spoil(|r| r.secret_access_key.push('x'))),
        ("expired", spoil(|r| r.signed_at -= 16 * MINUTE)),
        (
            "expired early",
            spoil(|r| (r.signed_at -= 2 * MINUTE, r.expires = MINUTE).1),
        ),
        ("of the future", spoil(|r| r.signed_at += 20 * MINUTE)),
        ("other region", spoil(|r| r.region = "eu-west-1".to_owned())),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_signature_the_refusal_is_the_same() {
    let site = Site::start();
    let right = site.access.signed();
    let mut refusals = Vec::new();
    for (what, request) in spoiled(&right) {
        for credentials in [
            Credentials::MskIam(request.clone()),
            Credentials::OauthBearer(request),
        ] {
            refusals.push((what, anonymous(refusal(&site, &credentials).await)));
        }
    }
    let mut elsewhere = right.clone();
    elsewhere.host = "elsewhere.example".to_owned();
    let elsewhere = refusal(&site, &Credentials::MskIam(elsewhere)).await;
    refusals.push(("other host", anonymous(elsewhere)));
    for (what, refusal) in &refusals {
        assert_eq!(
            refusal.0,
            ErrorCode::SaslAuthenticationFailed.code(),
            "{what}"
        );
        assert_eq!(refusal, &refusals[0].1, "{what}");
    }
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_little_off_is_no_reason() {
    let site = Site::start();
    for skew in [Duration::ZERO, 2 * MINUTE] {
        let (mut early, mut late) = (site.access.signed(), site.access.signed());
        early.signed_at += skew;
        late.signed_at -= 5 * skew;
        for request in [early, late] {
            let credentials = Credentials::MskIam(request);
            site.stranger().await.sign_in(&credentials).await.unwrap();
        }
    }
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_mechanism_is_refused_with_the_known_ones() {
    let site = Site::start();
    let mut client = site.stranger().await;
    let Err(SignInError::Refused { code, message }) = client.handshake("GSSAPI").await else {
        panic!("the mechanism is not served");
    };
    assert_eq!(code, ErrorCode::UnsupportedSaslMechanism.code());
    for mechanism in [
        "AWS_MSK_IAM",
        "OAUTHBEARER",
        "SCRAM-SHA-256",
        "SCRAM-SHA-512",
    ] {
        assert!(message.contains(mechanism), "{message}");
    }
    assert!(client.read_to_end().await.unwrap().is_empty());
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_before_sign_in_is_refused_and_the_connection_closed() {
    let site = Site::start();
    let mut client = site.stranger().await;
    let answer = client
        .call_at(13, MetadataRequest::default())
        .await
        .unwrap();
    assert_eq!(answer.error_code, ErrorCode::IllegalSaslState.code());
    assert!(answer.topics.is_empty() && answer.brokers.is_empty() && answer.cluster_id.is_none());
    assert!(client.read_to_end().await.unwrap().is_empty());

    let mut client = site.stranger().await;
    let answer = client.call(InitProducerIdRequest::default()).await.unwrap();
    assert_eq!(
        (answer.error_code, answer.producer_id),
        (ErrorCode::IllegalSaslState.code(), -1)
    );
    assert!(client.read_to_end().await.unwrap().is_empty());
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cannot_go_over_to_another_principal() {
    let site = Site::start();
    let mut client = site.client().await;
    client
        .sign_in(&site.access.scram())
        .await
        .expect("the same one may sign in again");
    let other = client
        .sign_in(&Credentials::MskIam(site.access.signed()))
        .await;
    assert!(
        matches!(other, Err(SignInError::Refused { .. })),
        "{other:?}"
    );
    client
        .read_to_end()
        .await
        .expect("the connection is closed");
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn software_names_are_checked() {
    let site = Site::start();
    let mut client = site.stranger().await;
    for (name, expected) in [
        ("librdkafka", ErrorCode::None),
        ("-x", ErrorCode::InvalidRequest),
    ] {
        let request = ApiVersionsRequest {
            client_software_name: name.to_owned(),
            client_software_version: "2.0".to_owned(),
        };
        let answer = client.call(request).await.unwrap();
        assert_eq!(answer.error_code, expected.code(), "{name}");
        let keys = answer.api_keys.len();
        assert_eq!(
            keys,
            if name == "-x" {
                keys
            } else {
                ApiKey::ALL.len()
            }
        );
    }
    site.check().await;
}
