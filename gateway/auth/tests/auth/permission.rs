//! Deciding for whoever has signed in, while the cluster map changes beneath.

use std::sync::Arc;

use auth::{
    Action, Exchange, FakeSaltSecret, Mechanism, ReauthenticationRefused, Resource, ScramHash,
    SignInContext, SignedIn, SignedOut, TlsName, UnsupportedMechanism, authorize, decide,
};
use model::{AccessKey, ClusterMap, Timestamp, VirtualCluster};

use crate::fixture::{
    ALLOW_ALL, Client, DEMO, NOON, TOKEN, access_key, clusters, done, map, map_of, map_with,
    virtual_cluster,
};
use crate::signer::Request;

fn sign_in(map: &ClusterMap) -> SignedIn {
    let payload = Request::iam().payload();
    done(Client::new(map).say("AWS_MSK_IAM", payload.as_bytes()))
}

fn key_with(policy: &str) -> AccessKey {
    let mut key = access_key("AKIDEXAMPLE", None);
    key.policies = vec![policy.to_owned()];
    key
}

/// Connect, and reading and writing of topics that start with `orders`, but not `orders-secret`.
const ORDERS: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"kafka-cluster:Connect",
     "Resource":"arn:aws:kafka:us-east-1:000000000001:cluster/demo/*"},
    {"Effect":"Allow","Action":["kafka-cluster:ReadData","kafka-cluster:WriteData"],
     "Resource":"arn:aws:kafka:us-east-1:000000000001:topic/demo/*/orders*"},
    {"Effect":"Deny","Action":"kafka-cluster:*",
     "Resource":"arn:aws:kafka:us-east-1:000000000001:topic/demo/*/orders-secret"}]}"#;

#[test]
fn arns_of_resources_are_those_of_aws() {
    let cluster = virtual_cluster(DEMO, "demo", &[]);
    let arn = |resource: Resource<'_>| {
        let arn = resource.arn(&cluster);
        assert_eq!(resource.arn_bytes(&cluster), arn.len());
        arn
    };
    let prefix = "arn:aws:kafka:us-east-1:000000000001";
    let id = "demo/abcd1234-0123-abcd-5678-1234abcd-1";
    assert_eq!(arn(Resource::Cluster), format!("{prefix}:cluster/{id}"));
    assert_eq!(arn(Resource::Topic("t")), format!("{prefix}:topic/{id}/t"));
    assert_eq!(arn(Resource::Group("")), format!("{prefix}:group/{id}/"));
    let transaction = format!("{prefix}:transactional-id/{id}/x");
    assert_eq!(arn(Resource::TransactionalId("x")), transaction);
}

#[test]
fn a_request_is_authorized_by_action_and_resource() {
    let map = map_with(key_with(ORDERS));
    let caller = sign_in(&map);
    let orders = Resource::Topic("orders-1");
    let authorized = authorize(&caller, Action::WriteData, orders, "request").unwrap();
    assert_eq!(authorized.permit().action(), Action::WriteData);
    assert_eq!(authorized.permit().virtual_cluster(), DEMO);
    assert_eq!(authorized.into_request(), "request");
    for (action, resource) in [
        (Action::DeleteTopic, orders),
        (Action::WriteData, Resource::Topic("invoices")),
        (Action::WriteData, Resource::Group("orders-1")),
        (Action::DescribeCluster, Resource::Cluster),
    ] {
        let denied = decide(&caller, action, resource).unwrap_err();
        assert!(!denied.explicitly());
    }
}

/// Where the policies allow everything, resources are not looked at, but for the length of their ARNs.
#[test]
fn who_may_do_everything_may_not_do_it_to_what_has_no_arn() {
    let everything = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let map = map_with(key_with(everything));
    let caller = sign_in(&map);
    let may = |name: &str| decide(&caller, Action::AlterGroup, Resource::Group(name)).is_ok();
    let prefix = Resource::Group("g").arn_bytes(&map.virtual_clusters[&DEMO]) - 1;
    let longest = "g".repeat(auth::ARN_BYTES_MAX - prefix);
    assert!(may("g") && may("") && may(&longest));
    assert!(!may(&format!("{longest}g")));
}

#[test]
fn a_refusal_names_principal_action_and_resource() {
    let map = map_with(key_with(ORDERS));
    let caller = sign_in(&map);
    let text = |name| {
        let denied = decide(&caller, Action::WriteData, Resource::Topic(name));
        denied.unwrap_err().to_string()
    };
    let start = "User: arn:aws:iam::000000000001:user/AKIDEXAMPLE is not authorized to perform: \
                 kafka-cluster:WriteData on resource: arn:aws:kafka:us-east-1:000000000001:topic/\
                 demo/abcd1234-0123-abcd-5678-1234abcd-1";
    assert_eq!(
        text("invoices"),
        format!(
            "{start}/invoices because no identity-based policy allows the \
             kafka-cluster:WriteData action"
        )
    );
    assert_eq!(
        text("orders-secret"),
        format!("{start}/orders-secret with an explicit deny in an identity-based policy")
    );
    assert!(text(&"é".repeat(20_000)).len() < 3_000);
}

#[test]
fn a_changed_policy_has_effect_on_a_live_connection() {
    let before = map_with(key_with(ALLOW_ALL));
    let caller = sign_in(&before);
    let invoices = Resource::Topic("invoices");
    assert!(decide(&caller, Action::WriteData, invoices).is_ok());

    let same = caller.refreshed(&before).unwrap();
    assert!(Arc::ptr_eq(same.policies(), caller.policies()));
    let narrowed = caller.refreshed(&map_with(key_with(ORDERS))).unwrap();
    assert!(decide(&narrowed, Action::WriteData, invoices).is_err());
    assert!(decide(&narrowed, Action::WriteData, Resource::Topic("orders")).is_ok());
}

#[test]
fn who_may_no_longer_connect_is_signed_out() {
    let caller = sign_in(&map());
    let changed = |change: fn(&mut VirtualCluster)| {
        let [mut demo, other] = clusters();
        change(&mut demo);
        caller.refreshed(&map_of([demo, other])).err()
    };
    assert_eq!(changed(|_| {}), None);
    let gone = changed(|demo| demo.access_keys.clear());
    assert_eq!(gone, Some(SignedOut::Credential));
    let other_owner = changed(|demo| {
        let key = demo.access_keys.get_mut("AKIDEXAMPLE").unwrap();
        key.principal_arn.push('2');
    });
    assert_eq!(other_owner, Some(SignedOut::Principal));
    let unreadable = changed(|demo| {
        let key = demo.access_keys.get_mut("AKIDEXAMPLE").unwrap();
        key.policies = vec!["{".to_owned()];
    });
    assert!(matches!(unreadable, Some(SignedOut::Policy(_))));
    let forbidden = changed(|demo| {
        let key = demo.access_keys.get_mut("AKIDEXAMPLE").unwrap();
        key.policies.clear();
    });
    assert!(matches!(forbidden, Some(SignedOut::NotPermitted(_))));
    let cluster_gone = caller.refreshed(&ClusterMap::default()).err();
    assert_eq!(cluster_gone, Some(SignedOut::VirtualCluster));
}

#[test]
fn a_key_that_is_made_to_end_sooner_ends_the_session_sooner() {
    let end = |minutes: i64| Some(Timestamp(NOON.0 + minutes * 60_000));
    let map_until = |expires_at| {
        map_with(AccessKey {
            expires_at,
            ..access_key("AKIDEXAMPLE", Some(TOKEN))
        })
    };
    let map = map_until(end(60));
    let payload = Request::iam().with_token(TOKEN).payload();
    let caller = done(Client::new(&map).say("AWS_MSK_IAM", payload.as_bytes()));
    let sooner = caller.refreshed(&map_until(end(5))).unwrap();
    assert_eq!(sooner.credential_expires_at(), end(5));
    let later = caller.refreshed(&map_until(end(90))).unwrap();
    assert_eq!(later.credential_expires_at(), end(60));
}

#[test]
fn re_authentication_must_keep_mechanism_and_principal() {
    let session = |name: &str| {
        let mut key = access_key("AKIDEXAMPLE", None);
        key.principal_arn = format!("arn:aws:sts::000000000001:assumed-role/app/{name}");
        map_with(key)
    };
    let (one, two) = (session("one"), session("two"));
    let caller = sign_in(&one);
    assert_eq!(caller.check_reauthentication(&sign_in(&one)), Ok(()));
    let other_session = caller.check_reauthentication(&sign_in(&two)).unwrap_err();
    assert_eq!(
        other_session.to_string(),
        "Cannot change principals during re-authentication from \
         User:arn:aws:sts::000000000001:assumed-role/app/one to \
         User:arn:aws:sts::000000000001:assumed-role/app/two"
    );
    let bearer = done(Client::new(&one).bear(&Request::bearer().frame()));
    let other_mechanism = caller.check_reauthentication(&bearer);
    let before = Mechanism::AwsMskIam;
    let now = Mechanism::OauthBearer;
    let refused = ReauthenticationRefused::Mechanism { before, now };
    assert_eq!(other_mechanism, Err(refused));
}

#[test]
fn the_same_name_in_another_virtual_cluster_is_another_principal() {
    let [demo, mut other] = clusters();
    let mut key = access_key("AKIDOTHER", None);
    key.principal_arn = "arn:aws:iam::000000000001:user/AKIDEXAMPLE".to_owned();
    crate::fixture::add_key(&mut other, key);
    let map = map_of([demo, other]);
    let request = Request {
        access_key_id: "AKIDOTHER".into(),
        host: "b.example".into(),
        ..Request::iam()
    };
    let twin = done(Client::new(&map).say("AWS_MSK_IAM", request.payload().as_bytes()));
    let caller = sign_in(&map);
    assert_eq!(caller.principal(), twin.principal());
    assert!(caller.check_reauthentication(&twin).is_err());
}

#[test]
fn mechanisms_are_known_by_their_exact_names() {
    let names = Mechanism::ENABLED.map(Mechanism::name);
    assert_eq!(
        names,
        [
            "AWS_MSK_IAM",
            "OAUTHBEARER",
            "SCRAM-SHA-256",
            "SCRAM-SHA-512"
        ]
    );
    let context = || SignInContext::new(TlsName::Absent, FakeSaltSecret::new([0; 32]));
    for name in names {
        let exchange = Exchange::start(name, context()).unwrap();
        assert_eq!(exchange.mechanism().name(), name);
    }
    let sha256 = Mechanism::Scram(ScramHash::Sha256);
    assert_eq!(Mechanism::parse("SCRAM-SHA-256"), Ok(sha256));
    for name in ["", "PLAIN", "GSSAPI", "aws_msk_iam", "SCRAM-SHA-1"] {
        let expected = UnsupportedMechanism { name: name.into() };
        assert_eq!(Exchange::start(name, context()).err(), Some(expected));
    }
}

#[test]
fn debug_prints_no_secret() {
    let map = map_with(access_key("AKIDEXAMPLE", Some(TOKEN)));
    let client = Client::new(&map);
    let payload = Request::iam().with_token(TOKEN).payload();
    let identity = done(client.say("AWS_MSK_IAM", payload.as_bytes()));
    let wrong = Request::iam().with_token("not the token").payload();
    let mut exchange = client.start("AWS_MSK_IAM");
    let refusal = client.step(&mut exchange, wrong.as_bytes());
    let debug = format!("{identity:?} {exchange:?} {refusal:?}");
    for secret in [crate::fixture::SECRET, TOKEN, "not the token"] {
        assert!(!debug.contains(secret), "{debug}");
    }
}
