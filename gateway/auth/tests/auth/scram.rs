//! SCRAM: whole exchanges with a client of its own, and what an outsider can learn.

use auth::{
    CredentialId, Mechanism, PrincipalKind, ScramFailure, ScramHash, SignInFailure, Step,
    session_lifetime_ms,
};

use crate::fixture::{
    ALLOW_ALL, Client, DEMO, NOON, OTHER, add_user, clusters, done, map, map_of, refused,
};
use crate::scram_client::ScramClient;

const MECHANISMS: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

fn text(step: Step) -> String {
    match step {
        Step::Continue(challenge) => String::from_utf8(challenge.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The server's first message, and what comes of the client's last.
fn run(client: &Client<'_>, mechanism: &str, scram: &mut ScramClient) -> (String, Step) {
    let mut exchange = client.start(mechanism);
    let first = text(client.step(&mut exchange, scram.first().as_bytes()));
    let last = scram.last(&first);
    let end = client.step(&mut exchange, last.as_bytes());
    if let Step::Done { reply, .. } = &end {
        assert!(scram.trusts(std::str::from_utf8(reply).unwrap()));
    }
    (first, end)
}

fn sign_in(client: &Client<'_>, mechanism: &str, username: &str, password: &str) -> Step {
    let mut scram = ScramClient::new(mechanism, username, password);
    run(client, mechanism, &mut scram).1
}

#[track_caller]
fn failure(step: Step, mechanism: &str) -> ScramFailure {
    let refusal = refused(step);
    assert_eq!(
        refusal.reason,
        format!(
            "Authentication failed during authentication due to invalid credentials \
             with SASL mechanism {mechanism}"
        )
    );
    match refusal.detail {
        SignInFailure::Scram(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_knows_the_password_is_let_in() {
    let map = map();
    for mechanism in MECHANISMS {
        for client in [Client::new(&map), Client::named(&map, "a.example")] {
            let identity = done(sign_in(&client, mechanism, "alice", "pencil"));
            assert_eq!(identity.virtual_cluster(), DEMO);
            assert_eq!(identity.principal().kind(), PrincipalKind::Scram);
            assert_eq!(identity.principal().to_string(), "User:alice");
            assert_eq!(identity.mechanism().name(), mechanism);
            let user = CredentialId::ScramUser("alice".into());
            assert_eq!(identity.credential(), &user);
            assert_eq!(session_lifetime_ms(&identity, NOON, None), 0);
        }
    }
}

#[test]
fn names_and_passwords_may_have_any_characters() {
    let [mut demo, _] = clusters();
    let name = "a,b=c=2C ü💡";
    add_user(&mut demo, name, "пароль \u{a0}=,");
    let map = map_of([demo]);
    for mechanism in MECHANISMS {
        let step = sign_in(&Client::new(&map), mechanism, name, "пароль \u{a0}=,");
        assert_eq!(done(step).principal().name(), name);
    }
}

#[test]
fn headers_and_extensions_of_real_clients_are_taken() {
    let map = map();
    let client = Client::new(&map);
    let mechanism = "SCRAM-SHA-512";
    for header in ["n,,", "y,,", "n,a=alice,"] {
        let mut scram = ScramClient::new(mechanism, "alice", "pencil").with_header(header);
        done(run(&client, mechanism, &mut scram).1);
    }
    let mut scram =
        ScramClient::new(mechanism, "alice", "pencil").with_extension("tokenauth=false");
    done(run(&client, mechanism, &mut scram).1);

    let scram = ScramClient::new(mechanism, "alice", "pencil").with_extension("tokenauth=true");
    let step = client.say(mechanism, scram.first().as_bytes());
    assert_eq!(failure(step, mechanism), ScramFailure::DelegationToken);
    let scram = ScramClient::new(mechanism, "alice", "pencil").with_header("n,a=bob,");
    let refusal = refused(client.say(mechanism, scram.first().as_bytes()));
    let refused = matches!(refusal.detail, SignInFailure::AuthorizationId { .. });
    assert!(refused);
}

#[test]
fn wrong_password_unknown_user_and_foreign_user_look_the_same() {
    let map = map();
    for mechanism in MECHANISMS {
        let demo = Client::named(&map, "a.example");
        let nowhere = Client::named(&map, "c.example");
        let wrong = sign_in(&demo, mechanism, "alice", "Pencil");
        let username = || "alice".into();
        assert_eq!(
            failure(wrong, mechanism),
            ScramFailure::Proof {
                username: username()
            }
        );
        let unknown = ScramFailure::UnknownUser {
            username: username(),
        };
        assert_eq!(
            failure(sign_in(&nowhere, mechanism, "alice", "pencil"), mechanism),
            unknown
        );
        for name in ["bob", "nobody"] {
            let step = sign_in(&demo, mechanism, name, "pencil");
            let username = name.into();
            let unknown = ScramFailure::UnknownUser { username };
            assert_eq!(failure(step, mechanism), unknown);
        }
    }
}

#[test]
fn a_name_that_two_virtual_clusters_use_needs_the_tls_name() {
    let map = map();
    let mechanism = "SCRAM-SHA-256";
    let at = |name| {
        done(sign_in(
            &Client::named(&map, name),
            mechanism,
            "both",
            "pencil",
        ))
    };
    assert_eq!(at("a.example").virtual_cluster(), DEMO);
    assert_eq!(at("b.example").virtual_cluster(), OTHER);
    let step = sign_in(&Client::new(&map), mechanism, "both", "pencil");
    assert!(matches!(
        failure(step, mechanism),
        ScramFailure::UnknownUser { .. }
    ));
}

#[test]
fn the_salt_of_a_user_that_does_not_exist_is_like_a_real_one() {
    let map = map();
    for mechanism in MECHANISMS {
        let salt = |tls_name: &str, username: &str| {
            let client = Client::named(&map, tls_name);
            let scram = ScramClient::new(mechanism, username, "x");
            ScramClient::salt(&text(client.say(mechanism, scram.first().as_bytes())))
        };
        let real = salt("a.example", "alice");
        let fake = salt("a.example", "nobody");
        assert_eq!((real.0.len(), real.1), (fake.0.len(), fake.1));
        assert_eq!(fake, salt("a.example", "nobody"));
        // The second name of the same virtual cluster makes no difference, as for real users.
        assert_eq!(fake, salt(crate::fixture::BOOTSTRAP, "nobody"));
        let names = [
            "a.example",
            "b.example",
            "c.example",
            "d.example",
            "localhost",
        ];
        for (i, name) in names.into_iter().enumerate() {
            for other in &names[..i] {
                assert_ne!(
                    salt(name, "nobody"),
                    salt(other, "nobody"),
                    "{name} {other}"
                );
            }
            assert_ne!(salt(name, "nobody"), salt(name, "nobody2"));
        }
    }
    let of = |mechanism| {
        let scram = ScramClient::new(mechanism, "nobody", "x");
        text(Client::new(&map).say(mechanism, scram.first().as_bytes()))
    };
    assert_ne!(of(MECHANISMS[0]), of(MECHANISMS[1]));
}

#[test]
fn a_user_deleted_between_the_messages_is_not_let_in() {
    let map = map();
    let without = map_of([crate::fixture::clusters()[1].clone()]);
    let mechanism = "SCRAM-SHA-256";
    let mut scram = ScramClient::new(mechanism, "alice", "pencil");
    let mut exchange = Client::new(&map).start(mechanism);
    let first = text(Client::new(&map).step(&mut exchange, scram.first().as_bytes()));
    let last = scram.last(&first);
    let step = Client::new(&without).step(&mut exchange, last.as_bytes());
    assert!(matches!(
        failure(step, mechanism),
        ScramFailure::UnknownUser { .. }
    ));
}

#[test]
fn nothing_is_accepted_after_a_wrong_proof() {
    let map = map();
    let client = Client::new(&map);
    let mechanism = "SCRAM-SHA-256";
    let mut scram = ScramClient::new(mechanism, "alice", "pencil");
    let mut exchange = client.start(mechanism);
    let first = text(client.step(&mut exchange, scram.first().as_bytes()));
    let good = scram.last(&first);
    let bad = ScramClient::new(mechanism, "alice", "guess").last(&first);
    failure(client.step(&mut exchange, bad.as_bytes()), mechanism);
    let refusal = refused(client.step(&mut exchange, good.as_bytes()));
    assert_eq!(refusal.detail, SignInFailure::Over);
}

#[test]
fn a_credential_of_a_client_that_salted_the_password_itself_works() {
    let [mut demo, _] = clusters();
    let user = demo.scram_users.get_mut("alice").unwrap();
    let salt = b"any length of salt will do".to_vec();
    let mut salted = vec![0; 32];
    let iterations = 8192.try_into().unwrap();
    let algorithm = aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256;
    aws_lc_rs::pbkdf2::derive(algorithm, iterations, &salt, b"own", &mut salted);
    user.iterations = 8192;
    user.sha256 = auth::scram_keys_from_salted_password(ScramHash::Sha256, &salt, &salted).unwrap();
    user.policies = vec![ALLOW_ALL.to_owned()];
    let map = map_of([demo]);
    let identity = done(sign_in(&Client::new(&map), "SCRAM-SHA-256", "alice", "own"));
    let mechanism = Mechanism::Scram(ScramHash::Sha256);
    assert_eq!(identity.mechanism(), mechanism);
}
