//! AWS_MSK_IAM: the vectors, what is answered, whom a key signs in.

use auth::{CredentialId, IamFailure, PrincipalKind, SignInFailure, Step, session_lifetime_ms};
use model::Timestamp;

use crate::fixture::{
    BOOTSTRAP, Client, DEMO, NOON, OTHER, TOKEN, access_key, denied, done, map, map_with, refused,
};
use crate::signer::Request;

/// The payload of V4, to the letter.
const V4: &str = r#"{"version":"2020_10_22","host":"boot-abc12345.c1.kafka-serverless.us-east-1.amazonaws.com","user-agent":"kafka-python","action":"kafka-cluster:Connect","x-amz-algorithm":"AWS4-HMAC-SHA256","x-amz-credential":"AKIDEXAMPLE/20260115/us-east-1/kafka-cluster/aws4_request","x-amz-date":"20260115T120000Z","x-amz-signedheaders":"host","x-amz-expires":"900","x-amz-signature":"df2d7be1b61192027950b402967f76cb8faba301b3b1dd74174b9a643660d257"}"#;

const V5_SIGNATURE: &str = "63e4f31b3e9649ce96f810e2ba9412b87679ff37dc2d2d31c8c1a3371b5cd64f";

fn v5() -> String {
    let signature = Some(V5_SIGNATURE.to_owned());
    let request = Request::iam().with_token(TOKEN);
    Request {
        signature,
        ..request
    }
    .payload()
}

fn say(client: &Client<'_>, payload: &str) -> Step {
    client.say("AWS_MSK_IAM", payload.as_bytes())
}

/// Flips each bit of each value but those of `free` keys; none may be let in.
fn every_changed_bit_is_noticed(client: &Client<'_>, payload: &str, free: &[&str]) {
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(payload).unwrap();
    for (key, value) in keys.iter().filter(|(key, _)| !free.contains(&key.as_str())) {
        let value = value.as_str().unwrap();
        let at = payload.find(&format!("\"{key}\":\"{value}\"")).unwrap() + key.len() + 4;
        assert_eq!(&payload[at..at + value.len()], value);
        for bit in 0..value.len() * 8 {
            let mut bytes = payload.as_bytes().to_vec();
            bytes[at + bit / 8] ^= 1 << (bit % 8);
            denied(client.say("AWS_MSK_IAM", &bytes));
        }
    }
}

#[test]
fn v4_is_let_in_and_no_bit_of_it_may_change() {
    let map = map();
    for client in [
        Client::new(&map),
        Client::named(&map, BOOTSTRAP),
        Client::named(&map, "a.example"),
        Client::named(&map, "127.0.0.1"),
    ] {
        let identity = done(say(&client, V4));
        assert_eq!(identity.virtual_cluster(), DEMO);
    }
    every_changed_bit_is_noticed(&Client::new(&map), V4, &["user-agent"]);
}

#[test]
fn v5_is_let_in_and_no_bit_of_it_may_change() {
    let map = map_with(access_key("AKIDEXAMPLE", Some(TOKEN)));
    let client = Client::new(&map);
    done(say(&client, &v5()));
    every_changed_bit_is_noticed(&client, &v5(), &["user-agent"]);
}

#[test]
fn the_answer_has_exactly_the_two_keys_that_clients_expect() {
    let map = map();
    let Step::Done { reply, identity } = say(&Client::new(&map), V4) else {
        panic!("V4 is good");
    };
    assert_eq!(
        &*reply,
        br#"{"version":"2020_10_22","request-id":"11111111-1111-4111-9111-111111111111"}"#
    );
    let arn = "arn:aws:iam::000000000001:user/AKIDEXAMPLE";
    assert_eq!(identity.principal().kind(), PrincipalKind::Iam);
    assert_eq!(identity.principal().name(), arn);
    assert_eq!(identity.principal().to_string(), format!("User:{arn}"));
    let key = CredentialId::AccessKey("AKIDEXAMPLE".into());
    assert_eq!(identity.credential(), &key);
    assert_eq!(identity.credential_expires_at(), None);
}

#[test]
fn nothing_is_accepted_after_the_end() {
    let map = map();
    let client = Client::new(&map);
    let mut exchange = client.start("AWS_MSK_IAM");
    done(client.step(&mut exchange, V4.as_bytes()));
    let after = client.step(&mut exchange, V4.as_bytes());
    assert_eq!(denied(after), SignInFailure::Over);
}

#[test]
fn a_session_lasts_as_long_as_its_key_and_not_as_its_payload() {
    let mut key = access_key("AKIDEXAMPLE", Some(TOKEN));
    key.expires_at = Some(Timestamp(NOON.0 + 3_600_000));
    let map = map_with(key);
    let identity = done(say(&Client::new(&map), &v5()));
    let lifetime = |max| session_lifetime_ms(&identity, NOON, max);
    assert_eq!(lifetime(None), 3_600_000);
    assert_eq!(lifetime(Some(60_000)), 60_000);
}

#[test]
fn a_key_of_another_virtual_cluster_does_not_exist() {
    let map = map();
    let request = |access_key_id: &str, host: &str| Request {
        access_key_id: access_key_id.into(),
        host: host.into(),
        ..Request::iam()
    };
    let own = done(say(
        &Client::named(&map, "b.example"),
        &request("AKIDOTHER", "b.example").payload(),
    ));
    assert_eq!(own.virtual_cluster(), OTHER);

    // Each of these is refused in the same words, and in our log as a key that is not there.
    let demo = Client::named(&map, "a.example");
    let unknown_name = Client::named(&map, "c.example");
    let foreign = say(&demo, &request("AKIDOTHER", "a.example").payload());
    let nobodys = say(&demo, &request("AKIDNOBODY", "a.example").payload());
    let unnamed = say(&Client::new(&map), &request("AKIDNOBODY", "x").payload());
    let nowhere = say(&unknown_name, V4);
    for (step, id) in [
        (foreign, "AKIDOTHER"),
        (nobodys, "AKIDNOBODY"),
        (unnamed, "AKIDNOBODY"),
        (nowhere, "AKIDEXAMPLE"),
    ] {
        let access_key_id = id.into();
        let expected = IamFailure::UnknownKey { access_key_id };
        assert_eq!(denied(step), SignInFailure::Iam(expected));
    }
    // Nor may a key be used at the name of another virtual cluster than the TLS name's.
    let stray = say(&demo, &request("AKIDEXAMPLE", "b.example").payload());
    let host = "b.example".into();
    assert_eq!(denied(stray), IamFailure::Host { host }.into());
}

#[test]
fn the_regional_endpoint_is_no_broker() {
    let map = map();
    let failure = denied(say(&Client::new(&map), &Request::bearer().payload()));
    assert!(matches!(
        failure,
        SignInFailure::Iam(IamFailure::Host { .. })
    ));
}

#[test]
fn hosts_are_known_in_any_case_but_signed_as_written() {
    let map = map();
    let request = Request {
        host: "A.Example".into(),
        ..Request::iam()
    };
    done(say(&Client::new(&map), &request.payload()));
}

#[test]
fn unknown_keys_are_ignored_and_must_be_strings_that_occur_once() {
    let map = map();
    let client = Client::new(&map);
    let with = |more: &str| V4.replacen('{', &format!("{{{more},"), 1);
    done(say(&client, &with(r#""x-future":"1""#)));
    let duplicate = |name: &str| IamFailure::Duplicate { name: name.into() }.into();
    let twice = with(r#""x-future":"1","x-future":"2""#);
    assert_eq!(denied(say(&client, &twice)), duplicate("x-future"));
    let twice = with(r#""host":"a.example""#);
    assert_eq!(denied(say(&client, &twice)), duplicate("host"));
    let twice = with(r#""version":"2020_10_22""#);
    assert_eq!(denied(say(&client, &twice)), duplicate("version"));
    for other in ["1", "null", "true", "{}", "[\"a\"]"] {
        let step = say(&client, &with(&format!(r#""x-future":{other}"#)));
        let failure = denied(step);
        let SignInFailure::Iam(IamFailure::Malformed { .. }) = failure else {
            panic!("{failure}");
        };
    }
}

#[test]
fn whoever_may_not_connect_is_told_so_and_no_one_else() {
    let mut key = access_key("AKIDEXAMPLE", None);
    key.policies.clear();
    let map = map_with(key);
    let refusal = refused(say(&Client::new(&map), V4));
    assert_eq!(
        refusal.reason,
        "[11111111-1111-4111-9111-111111111111]: Access denied: \
         User: arn:aws:iam::000000000001:user/AKIDEXAMPLE is not authorized to perform: \
         kafka-cluster:Connect on resource: \
         arn:aws:kafka:us-east-1:000000000001:cluster/demo/abcd1234-0123-abcd-5678-1234abcd-1 \
         because no identity-based policy allows the kafka-cluster:Connect action"
    );
    let wrong = V4.replace("df2d7be1", "00000000");
    let failure = denied(say(&Client::new(&map), &wrong));
    assert!(matches!(
        failure,
        SignInFailure::Iam(IamFailure::Signature { .. })
    ));
}

#[test]
fn a_policy_that_cannot_be_read_keeps_everyone_out() {
    let mut key = access_key("AKIDEXAMPLE", None);
    key.policies.push("{}".to_owned());
    let map = map_with(key);
    let failure = denied(say(&Client::new(&map), V4));
    assert!(matches!(failure, SignInFailure::Policy(_)));
}
