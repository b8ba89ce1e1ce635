//! From stranger to caller, again while the connection is in use, and out.

use std::time::Duration;

use auth::TlsName;
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use wire::messages::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use wire::messages::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
use wire::{ApiKey, Response};

use super::peer::{Peer, fetch_of, fetched, outcome, produce_to};
use super::world::{ADMIN, OTHER_CLUSTER, PASSWORD, READER, World, batch};
use crate::client::Door;
use crate::config::GatewayConfig;
use crate::limits::{FAILED_SIGN_IN_DELAY, SIGN_IN_FRAME_STEP_BYTES};

pub(super) const SCRAM: &str = "SCRAM-SHA-256";

pub(super) async fn handshake(
    peer: &mut Peer,
    mechanism: &str,
    version: i16,
) -> SaslHandshakeResponse {
    let request = SaslHandshakeRequest {
        mechanism: mechanism.to_owned(),
    };
    match peer.call(version, request).await {
        Response::SaslHandshake(response) => response,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn authenticate(
    peer: &mut Peer,
    token: impl Into<Bytes>,
) -> SaslAuthenticateResponse {
    let request = SaslAuthenticateRequest {
        auth_bytes: token.into(),
    };
    match peer.call(2, request).await {
        Response::SaslAuthenticate(response) => response,
        other => panic!("{other:?}"),
    }
}

pub(super) fn first_message(user: &str) -> String {
    format!("n,,n={user},r=rOprNGfwEbeRWgbNEkqO")
}

/// The client's last message of SCRAM-SHA-256.
pub(super) fn last_message(user: &str, password: &str, challenge: &[u8]) -> String {
    let challenge = std::str::from_utf8(challenge).unwrap();
    let mut fields = challenge.split(',').map(|field| &field[2..]);
    let (nonce, salt) = (fields.next().unwrap(), fields.next().unwrap());
    let iterations: u32 = fields.next().unwrap().parse().unwrap();
    let mut salted = [0; 32];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations.try_into().unwrap(),
        &STANDARD.decode(salt).unwrap(),
        password.as_bytes(),
        &mut salted,
    );
    let mac = |key: &[u8], data: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data);
    let client_key = mac(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let first = first_message(user);
    let without_proof = format!("c=biws,r={nonce}");
    let transcript = format!("{},{challenge},{without_proof}", &first[3..]);
    let signature = mac(stored_key.as_ref(), transcript.as_bytes());
    let pairs = client_key.as_ref().iter().zip(signature.as_ref());
    let proof: Vec<_> = pairs.map(|(key, signature)| key ^ signature).collect();
    format!("{without_proof},p={}", STANDARD.encode(proof))
}

/// The last answer of a sign-in, good or bad.
pub(super) async fn sign_in(
    peer: &mut Peer,
    user: &str,
    password: &str,
) -> SaslAuthenticateResponse {
    assert_eq!(handshake(peer, SCRAM, 1).await.error_code, 0);
    let challenge = authenticate(peer, first_message(user)).await;
    assert_eq!(challenge.error_code, 0);
    authenticate(peer, last_message(user, password, &challenge.auth_bytes)).await
}

async fn metadata(peer: &mut Peer) -> MetadataResponse {
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    match peer.call(9, all).await {
        Response::Metadata(response) => response,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_signs_in_and_is_served() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect_tls();
    peer.call(3, api_versions()).await;
    let response = sign_in(&mut peer, ADMIN, PASSWORD).await;
    let told = (response.error_code, response.error_message.as_deref());
    assert_eq!(told, (0, Some("")));
    let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
    assert_eq!(outcome(&response), (0, 0));
}

fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "test".to_owned(),
        client_software_version: "1.0".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_signs_in_by_raw_tokens() {
    let world = World::new();
    let mut peer = world.connect_tls();
    assert_eq!(handshake(&mut peer, SCRAM, 0).await.error_code, 0);
    let challenge = raw(&mut peer, &first_message(ADMIN)).await.unwrap();
    let reply = raw(&mut peer, &last_message(ADMIN, PASSWORD, &challenge))
        .await
        .unwrap();
    assert!(reply.starts_with(b"v="));
    assert_eq!(metadata(&mut peer).await.brokers.len(), 3);

    let mut peer = world.connect_tls();
    handshake(&mut peer, SCRAM, 0).await;
    let challenge = raw(&mut peer, &first_message(ADMIN)).await.unwrap();
    let refused = raw(&mut peer, &last_message(ADMIN, "wrong", &challenge)).await;
    assert_eq!(refused, None, "a raw token is refused by closing");
}

async fn raw(peer: &mut Peer, token: &str) -> Option<Bytes> {
    peer.send_bytes(&(token.len() as u32).to_be_bytes()).await;
    peer.send_bytes(token.as_bytes()).await;
    peer.frame().await
}

#[tokio::test(start_paused = true)]
async fn a_request_before_the_sign_in_is_refused_and_closes() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect_tls();
    let start = tokio::time::Instant::now();
    let response = peer.produce(produce_to("t", 0, batch(b"a"))).await;
    assert_eq!(outcome(&response), (34, -1));
    assert!(start.elapsed() >= FAILED_SIGN_IN_DELAY);
    peer.closed().await;

    let mut peer = world.connect_tls();
    assert_eq!(authenticate(&mut peer, "token").await.error_code, 34);
    peer.closed().await;

    let mut peer = world.connect_tls();
    handshake(&mut peer, SCRAM, 1).await;
    assert_eq!(handshake(&mut peer, SCRAM, 1).await.error_code, 34);
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_mechanism_is_told_the_known_ones() {
    let world = World::new();
    let mut peer = world.connect_tls();
    let response = handshake(&mut peer, "GSSAPI", 1).await;
    assert_eq!(response.error_code, 33);
    assert!(response.mechanisms.contains(&"AWS_MSK_IAM".to_owned()));
    peer.closed().await;
}

/// A bad password, an unknown user, another tenant's name and an unknown name look the same.
#[tokio::test(start_paused = true)]
async fn every_refused_sign_in_looks_the_same() {
    let world = World::new();
    let doors = [
        (TlsName::Cluster(super::world::CLUSTER), ADMIN, "wrong"),
        (TlsName::Cluster(super::world::CLUSTER), "nobody", PASSWORD),
        (TlsName::Cluster(OTHER_CLUSTER), ADMIN, PASSWORD),
        (
            TlsName::resolve(Some("nobody.example"), &world.control.map()),
            ADMIN,
            PASSWORD,
        ),
        (TlsName::Absent, "nobody", PASSWORD),
    ];
    for (name, user, password) in doors {
        let mut peer = world.connect_by(Door::Tls(name));
        let start = tokio::time::Instant::now();
        let response = sign_in(&mut peer, user, password).await;
        assert!(start.elapsed() >= FAILED_SIGN_IN_DELAY);
        assert_eq!(response.error_code, 58);
        assert_eq!(
            response.error_message.as_deref(),
            Some(
                "Authentication failed during authentication due to invalid credentials with \
                 SASL mechanism SCRAM-SHA-256"
            )
        );
        peer.closed().await;
    }
}

/// Nothing that is sent behind a refused sign-in is served.
#[tokio::test(start_paused = true)]
async fn what_follows_a_refusal_is_not_read() {
    let world = World::new();
    let mut peer = world.connect_tls();
    let handshake = |mechanism: &str| SaslHandshakeRequest {
        mechanism: mechanism.to_owned(),
    };
    let free = || world.services.sign_in_memory.available_permits();
    let total = free();
    let refused = peer.send_sized(1, handshake("NONE")).await;
    peer.send(1, handshake(SCRAM)).await;
    tokio::time::sleep(FAILED_SIGN_IN_DELAY / 2).await;
    assert_eq!(total - free(), refused);
    peer.receive(ApiKey::SaslHandshake, 1).await;
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_prolonged_between_data_requests() {
    let world = World::with(GatewayConfig {
        reauth_ms_max: 60_000,
        ..GatewayConfig::default()
    });
    world.topic("t", 1);
    let mut peer = world.connect_tls();
    let response = sign_in(&mut peer, ADMIN, PASSWORD).await;
    assert_eq!(response.session_lifetime_ms, 60_000);
    tokio::time::sleep(Duration::from_secs(50)).await;
    // An append is under way while the client signs in again; its answer comes first.
    world.node.set_open(false);
    peer.send(9, produce_to("t", 0, batch(b"a"))).await;
    peer.send(
        1,
        SaslHandshakeRequest {
            mechanism: SCRAM.to_owned(),
        },
    )
    .await;
    assert!(peer.is_quiet_for(Duration::from_secs(1)).await);
    world.node.set_open(true);
    let (_, Response::Produce(response)) = peer.receive(ApiKey::Produce, 9).await else {
        panic!("a produce answer");
    };
    assert_eq!(outcome(&response), (0, 0));
    peer.receive(ApiKey::SaslHandshake, 1).await;
    let challenge = authenticate(&mut peer, first_message(ADMIN)).await;
    let last = last_message(ADMIN, PASSWORD, &challenge.auth_bytes);
    assert_eq!(authenticate(&mut peer, last).await.error_code, 0);
    tokio::time::sleep(Duration::from_secs(40)).await;
    metadata(&mut peer).await;
    tokio::time::sleep(Duration::from_secs(21)).await;
    // SASL is still served after the end of a session, so that a client may be late.
    assert_eq!(sign_in(&mut peer, ADMIN, PASSWORD).await.error_code, 0);
    metadata(&mut peer).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    peer.send(9, MetadataRequest::default()).await;
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_prolonged_by_its_owner_only() {
    let world = World::new();
    let mut peer = world.connect_tls();
    sign_in(&mut peer, ADMIN, PASSWORD).await;
    let response = sign_in(&mut peer, READER, PASSWORD).await;
    assert_eq!(response.error_code, 58);
    let text = response.error_message.unwrap();
    assert!(text.contains("Cannot change principals"), "{text}");
    peer.closed().await;

    let mut peer = world.connect_tls();
    sign_in(&mut peer, ADMIN, PASSWORD).await;
    assert_eq!(handshake(&mut peer, "SCRAM-SHA-512", 1).await.error_code, 0);
    let response = authenticate(&mut peer, first_message(ADMIN)).await;
    assert_eq!(response.error_code, 58);
    peer.closed().await;

    let mut peer = world.connect_tls();
    sign_in(&mut peer, ADMIN, PASSWORD).await;
    assert_eq!(handshake(&mut peer, SCRAM, 0).await.error_code, 34);
    handshake(&mut peer, SCRAM, 1).await;
    peer.send(9, MetadataRequest::default()).await;
    peer.receive(ApiKey::Metadata, 9).await;
    peer.closed().await;
}

/// The time for the sign-in is for the first one only.
#[tokio::test(start_paused = true)]
async fn a_late_failure_to_sign_in_again_is_told() {
    let world = World::new();
    let mut peer = world.connect_tls();
    sign_in(&mut peer, ADMIN, PASSWORD).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let response = sign_in(&mut peer, ADMIN, "wrong").await;
    assert_eq!(response.error_code, 58);
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_who_announces_much_takes_little_memory() {
    let world = World::new();
    let free = || world.services.sign_in_memory.available_permits();
    let total = free();
    let mut peer = world.connect_tls();
    peer.send_bytes(&(500_u32 << 10).to_be_bytes()).await;
    assert!(peer.is_quiet_for(Duration::from_secs(1)).await);
    assert_eq!(total - free(), SIGN_IN_FRAME_STEP_BYTES);
    peer.send_bytes(&[0; 100 << 10]).await;
    assert!(peer.is_quiet_for(Duration::from_secs(1)).await);
    let taken = total - free();
    assert!((100 << 10..=200 << 10).contains(&taken), "{taken}");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_create_a_topic_is_not_told_what_else_is_wrong() {
    let world = World::new();
    let mut peer = world.connect_tls();
    sign_in(&mut peer, READER, PASSWORD).await;
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: "new".to_owned(),
            num_partitions: 0,
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    let Response::CreateTopics(response) = peer.call(5, request).await else {
        panic!("a CreateTopics answer");
    };
    assert_eq!(response.topics[0].error_code, 29);
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_do_what_its_policies_say_at_the_moment() {
    let world = World::new();
    world.topic("public-news", 1);
    world.topic("secret", 1);
    let mut peer = world.connect_tls();
    sign_in(&mut peer, READER, PASSWORD).await;
    let names: Vec<_> = metadata(&mut peer)
        .await
        .topics
        .into_iter()
        .map(|t| t.name)
        .collect();
    assert_eq!(names, [Some("public-news".to_owned())]);
    let named = MetadataRequest {
        topics: Some(
            ["secret", "no-such-topic"]
                .map(|name| MetadataRequestTopic {
                    name: Some(name.to_owned()),
                    ..MetadataRequestTopic::default()
                })
                .into(),
        ),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let Response::Metadata(response) = peer.call(10, named).await else {
        panic!("a metadata answer");
    };
    let seen: Vec<_> = response
        .topics
        .iter()
        .map(|topic| (topic.error_code, topic.topic_id))
        .collect();
    assert_eq!(
        seen,
        [(29, [0; 16]), (29, [0; 16])],
        "whether it exists is not told"
    );

    let response = peer
        .produce(produce_to("public-news", 0, batch(b"a")))
        .await;
    let refused = &response.responses[0].partition_responses[0];
    assert_eq!(refused.error_code, 29);
    let text = refused.error_message.as_deref().unwrap();
    assert!(text.contains("kafka-cluster:WriteData"), "{text}");
    assert!(
        text.contains("topic/cluster-1/uuid-1/public-news"),
        "{text}"
    );

    let fetched_of =
        async |peer: &mut Peer, topic| fetched(&peer.fetch(fetch_of(topic, &[(0, 0)])).await);
    assert_eq!(fetched_of(&mut peer, "public-news").await, [(0, 0, 0)]);
    assert_eq!(fetched_of(&mut peer, "secret").await, [(29, -1, 0)]);
    assert_eq!(fetched_of(&mut peer, "public-news").await, [(0, 0, 0)]);
    world.change_cluster(|cluster| {
        let reader = cluster.scram_users.get_mut(READER).unwrap();
        reader.policies = vec![
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kafka-cluster:Connect","Resource":"*"}]}"#.to_owned(),
        ];
    });
    assert_eq!(fetched_of(&mut peer, "public-news").await, [(29, -1, 0)]);
    world.change_cluster(|cluster| drop(cluster.scram_users.remove(READER)));
    peer.send(9, MetadataRequest::default()).await;
    peer.closed().await;
}
