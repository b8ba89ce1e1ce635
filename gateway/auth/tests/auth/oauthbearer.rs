//! OAUTHBEARER: the vectors, the orders of the published signers, and what is refused.

use auth::{IamFailure, SignInFailure, Step, session_lifetime_ms};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use model::Timestamp;

use crate::fixture::{Client, NOON, TOKEN, access_key, denied, done, map, map_of, map_with};
use crate::fixture::{add_key, clusters};
use crate::signer::{Request, encode, encode_bytes, frame, token};

/// The token of V1, to the letter.
const V1: &str = "aHR0cHM6Ly9rYWZrYS51cy1lYXN0LTEuYW1hem9uYXdzLmNvbS8_QWN0aW9uPWthZmthLWNsdXN0ZXIlM0FDb25uZWN0JlgtQW16LUFsZ29yaXRobT1BV1M0LUhNQUMtU0hBMjU2JlgtQW16LUNyZWRlbnRpYWw9QUtJREVYQU1QTEUlMkYyMDI2MDExNSUyRnVzLWVhc3QtMSUyRmthZmthLWNsdXN0ZXIlMkZhd3M0X3JlcXVlc3QmWC1BbXotRGF0ZT0yMDI2MDExNVQxMjAwMDBaJlgtQW16LUV4cGlyZXM9OTAwJlgtQW16LVNpZ25lZEhlYWRlcnM9aG9zdCZYLUFtei1TaWduYXR1cmU9NmM4ZGFiOGEwYmM4NmUwNTkxODhjNDlmNTA1ODU5ODY4MGNjOTY4ZGRjZWYyZTlmOWUxMTE1NWU5NzQyNDk5OCZVc2VyLUFnZW50PWF3cy1tc2staWFtLXNhc2wtc2lnbmVyLXB5dGhvbiUyRjEuMC4y";
const V2: &str = "8a3a9dc20d4a8a9f650a14abd10795a41d79a7ab0c73b0ee4552332b4fa760e5";
const V3: &str = "d88d3b4d67be8cfdc757a3c0ecca2ba3270168b8257c5efae6eb5579130838a3";

fn vector(expires: &str, signature: &str) -> Request {
    Request {
        expires: expires.into(),
        signature: Some(signature.into()),
        ..Request::bearer().with_token(TOKEN)
    }
}

#[track_caller]
fn failure(step: Step) -> IamFailure {
    match denied(step) {
        SignInFailure::Iam(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// Flips each bit of each name and value but the user agent's, and of the host; none may be let in.
fn every_changed_bit_is_noticed(client: &Client<'_>, request: &Request) {
    let parameters = request.parameters();
    let query = |parameters: &[(Vec<u8>, Vec<u8>)]| {
        let pairs = parameters.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{}={}", encode_bytes(name), encode_bytes(value)))
            .collect();
        pairs.join("&")
    };
    let plain: Vec<(Vec<u8>, Vec<u8>)> = parameters
        .iter()
        .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
        .collect();
    let url = |parameters: &[_]| format!("https://{}/?{}", request.host, query(parameters));
    done(client.bear(&frame(&token(&url(&plain)))));
    let free = parameters.iter().position(|(name, _)| name == "User-Agent");
    for (i, (name, value)) in plain.iter().enumerate() {
        for bit in 0..(name.len() + value.len()) * 8 {
            let mut changed = plain.clone();
            let (byte, mask) = (bit / 8, 1 << (bit % 8));
            match byte.checked_sub(name.len()) {
                None => changed[i].0[byte] ^= mask,
                Some(_) if Some(i) == free => continue,
                Some(byte) => changed[i].1[byte] ^= mask,
            }
            failure(client.bear(&frame(&token(&url(&changed)))));
        }
    }
    for bit in 0..request.host.len() * 8 {
        let mut url = url(&plain).into_bytes();
        let at = "https://".len() + bit / 8;
        let before = url[at];
        url[at] ^= 1 << (bit % 8);
        // Hosts of URLs are the same in either case.
        if !url[at].eq_ignore_ascii_case(&before) {
            let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(url);
            failure(client.bear(&frame(&token)));
        }
    }
}

#[test]
fn v1_is_let_in_and_no_bit_of_it_may_change() {
    let map = map();
    let Step::Done { reply, .. } = Client::new(&map).bear(&frame(V1)) else {
        panic!("V1 is good");
    };
    assert!(reply.is_empty());
    let request = Request {
        user_agent: Some("aws-msk-iam-sasl-signer-python/1.0.2".into()),
        ..Request::bearer()
    };
    assert_eq!(token(&request.url(&request.parameters())), V1);
    every_changed_bit_is_noticed(&Client::named(&map, "a.example"), &request);
}

#[test]
fn v2_and_v3_are_let_in_and_no_bit_of_them_may_change() {
    let map = map_with(access_key("AKIDEXAMPLE", Some(TOKEN)));
    let client = Client::named(&map, "a.example");
    every_changed_bit_is_noticed(&client, &vector("900", V2));
    every_changed_bit_is_noticed(&client, &vector("456.789", V3));
}

#[test]
fn the_orders_of_all_published_signers_are_taken() {
    let map = map_with(access_key("AKIDEXAMPLE", Some(TOKEN)));
    let request = vector("900", V2);
    let parameters = request.parameters();
    let [action, algorithm, credential, date, expires] = [
        "Action",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
    ];
    let [headers, security, signature, agent] = [
        "X-Amz-SignedHeaders",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "User-Agent",
    ];
    let python = [
        action, algorithm, credential, date, expires, headers, security, signature, agent,
    ];
    let javascript = [
        action, agent, algorithm, credential, date, expires, security, signature, headers,
    ];
    let mut go = python;
    go.sort_unstable();
    let dotnet = [
        action, expires, security, agent, algorithm, credential, date, headers, signature,
    ];
    for order in [python, javascript, go, dotnet] {
        let ordered = order.map(|wanted| {
            let mut found = parameters.iter().filter(|(name, _)| name == wanted);
            found.next().unwrap().clone()
        });
        done(Client::new(&map).bear(&frame(&token(&request.url(&ordered)))));
    }
}

/// What aws-msk-iam-auth 2.3.9 makes, with a shorter user agent.
#[test]
fn the_signer_of_java_leaves_the_path_out() {
    let url = "https://kafka.us-east-1.amazonaws.com?Action=kafka-cluster%3AConnect\
        &X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE%2Bsession%2Ftoken%3D%3D\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261123T003057Z&X-Amz-SignedHeaders=host\
        &X-Amz-Expires=900\
        &X-Amz-Credential=AKIDEXAMPLE%2F20261123%2Fus-east-1%2Fkafka-cluster%2Faws4_request\
        &X-Amz-Signature=eb534b643abef1008a188657789dd4568cf8f806e7a43eaed6209a081f540bd4\
        &User-Agent=aws-msk-iam-auth%2F2.3.9";
    let map = map_with(access_key("AKIDEXAMPLE", Some(TOKEN)));
    let client = Client::new(&map).at(Timestamp(1_795_393_857_000));
    done(client.bear(&frame(&token(url))));
    done(client.bear(&frame(&token(&url.replace("com?", "com/?")))));
    let no_query = url.replace('?', "&");
    let failure = failure(client.bear(&frame(&token(&no_query))));
    assert!(matches!(failure, IamFailure::Malformed { .. }), "{failure}");
}

#[test]
fn a_session_ends_with_its_token() {
    let lifetime = |map, request: &Request, after_ms| {
        let now = Timestamp(NOON.0 + after_ms);
        let identity = done(Client::new(map).at(now).bear(&request.frame()));
        session_lifetime_ms(&identity, now, None)
    };
    let map = map();
    assert_eq!(lifetime(&map, &Request::bearer(), 1_651), 898_349);
    assert_eq!(lifetime(&map, &Request::bearer(), 899_999), 10_000);
    let mut key = access_key("AKIDEXAMPLE", Some(TOKEN));
    key.expires_at = Some(Timestamp(NOON.0 + 60_000));
    let map = map_with(key);
    assert_eq!(lifetime(&map, &vector("900", V2), 0), 60_000);
}

#[test]
fn hosts_are_the_regional_endpoint_or_the_virtual_clusters_names() {
    let map = map();
    let client = Client::new(&map);
    let to = |host: &str| Request {
        host: host.into(),
        ..Request::bearer()
    };
    for host in [
        "kafka.us-east-1.amazonaws.com",
        "kafka.us-east-1.amazonaws.com.cn",
        "a.example",
    ] {
        done(client.bear(&to(host).frame()));
    }
    for host in [
        "kafka.us-east-2.amazonaws.com",
        "kafka.us-east-1.amazonaws.com.evil.example",
        "evil.kafka.us-east-1.amazonaws.com",
        "kafka.us-east-1.amazonaws.com:443",
        "x@kafka.us-east-1.amazonaws.com",
        "b.example",
        "",
    ] {
        let failure = failure(client.bear(&to(host).frame()));
        assert!(
            matches!(failure, IamFailure::Host { .. }),
            "{host}: {failure}"
        );
    }
    // URLs name hosts in either case; the lower one is signed.
    let request = Request::bearer();
    let url = request.url(&request.parameters());
    let url = url.replace("kafka.us-east-1.amazonaws", "KAFKA.us-east-1.AmazonAWS");
    done(client.bear(&frame(&token(&url))));
    // A foreign region is refused as such, though its own endpoint is named.
    let abroad = Request {
        region: "us-east-2".into(),
        ..to("kafka.us-east-2.amazonaws.com")
    };
    let failure = failure(client.bear(&abroad.frame()));
    assert!(matches!(failure, IamFailure::Region { .. }));
}

#[test]
fn urls_of_another_form_are_refused() {
    let map = map();
    let client = Client::new(&map);
    let mut spoilt = Vec::new();
    for (scheme, path) in [
        ("http", "/"),
        ("HTTPS", "/"),
        ("https", "//"),
        ("https", "/x"),
    ] {
        spoilt.push(Request {
            scheme: scheme.into(),
            path: path.into(),
            ..Request::bearer()
        });
    }
    for request in spoilt {
        let failure = failure(client.bear(&request.frame()));
        assert!(matches!(failure, IamFailure::Malformed { .. }), "{failure}");
    }
    let twice = Request {
        twice: Some("X-Amz-Date"),
        ..Request::bearer()
    };
    let failure_twice = failure(client.bear(&twice.frame()));
    assert!(matches!(failure_twice, IamFailure::Duplicate { .. }));
}

#[test]
fn tokens_may_be_padded() {
    let map = map();
    for extra in ["", "x", "xx"] {
        let request = Request {
            user_agent: Some(extra.into()),
            ..Request::bearer()
        };
        let url = request.url(&request.parameters());
        done(Client::new(&map).bear(&frame(&URL_SAFE.encode(&url))));
    }
}

#[test]
fn signed_parameters_that_are_not_known_count_and_unsigned_ones_do_not_pass() {
    let map = map();
    let extra = vec![("X-Amz-Later a+b".to_owned(), "ü /+~".to_owned())];
    let request = Request {
        extra,
        ..Request::bearer()
    };
    done(Client::new(&map).bear(&request.frame()));
    let url = request.url(&request.parameters());
    let added = format!("{url}&X-Amz-Later={}", encode("x"));
    let failure_added = failure(Client::new(&map).bear(&frame(&token(&added))));
    assert!(matches!(failure_added, IamFailure::Signature { .. }));
    // `+` is no space.
    let plus = url.replace("%20", "+");
    let failure_plus = failure(Client::new(&map).bear(&frame(&token(&plus))));
    assert!(matches!(failure_plus, IamFailure::Signature { .. }));
}

#[test]
fn an_authorization_id_must_be_the_principals_own() {
    let map = map();
    let client = Client::new(&map);
    let named = |id: &str| format!("n,a={id},\x01auth=Bearer {V1}\x01\x01").into_bytes();
    let arn = "arn:aws:iam::000000000001:user/AKIDEXAMPLE";
    done(client.say("OAUTHBEARER", &named(arn)));
    let failure = denied(client.say("OAUTHBEARER", &named("admin")));
    assert!(matches!(failure, SignInFailure::AuthorizationId { .. }));
}

#[test]
fn a_bad_frame_is_refused_at_once_and_a_bad_token_in_two_steps() {
    let map = map();
    let client = Client::new(&map);
    let failure = denied(client.say("OAUTHBEARER", b"n,,"));
    assert!(matches!(failure, SignInFailure::Malformed { .. }));

    let bad = frame("eyJhbGciOiJub25lIn0.e30.");
    for answer in [&b"\x01"[..], b"", &frame(V1)] {
        let mut exchange = client.start("OAUTHBEARER");
        let step = client.step(&mut exchange, &bad);
        assert!(matches!(step, Step::Continue(_)));
        let failure = denied(client.step(&mut exchange, answer));
        let malformed = matches!(failure, SignInFailure::Iam(IamFailure::Malformed { .. }));
        assert!(malformed, "{failure}");
        let after = client.step(&mut exchange, &frame(V1));
        assert_eq!(denied(after), SignInFailure::Over);
    }
}

#[test]
fn a_token_opens_the_virtual_cluster_of_its_key_only() {
    let map = map();
    done(Client::named(&map, "a.example").bear(&frame(V1)));
    for name in ["b.example", "c.example"] {
        let failure = failure(Client::named(&map, name).bear(&frame(V1)));
        assert!(matches!(failure, IamFailure::UnknownKey { .. }), "{name}");
    }
    // The same id with the same secret in another virtual cluster is another key.
    let [demo, mut other] = clusters();
    add_key(&mut other, access_key("AKIDEXAMPLE", None));
    let map = map_of([demo, other]);
    let identity = done(Client::named(&map, "b.example").bear(&frame(V1)));
    assert_eq!(identity.virtual_cluster(), crate::fixture::OTHER);
}
