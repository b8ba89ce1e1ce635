//! The checks of a signed request: each on its own, and their order.

use auth::{IamFailure, SignInFailure, TlsName};
use model::{ClusterMap, Timestamp};

use crate::fixture::{Client, DEMO, NOON, TOKEN, access_key, denied, done, map, map_with};
use crate::signer::Request;

/// A check: how to fail it, and what is then logged.
type Check = (&'static str, fn(&mut Request), fn(&IamFailure) -> bool);

/// In the order that they are made in. Those of the access key itself come after these.
const CHECKS: [Check; 16] = [
    (
        "version",
        |r| r.version = "2020_10_23".into(),
        |f| matches!(f, IamFailure::Version { .. }),
    ),
    (
        "duplicate",
        |r| r.twice = Some("Action"),
        |f| matches!(f, IamFailure::Duplicate { .. }),
    ),
    (
        "missing",
        |r| r.without = Some("X-Amz-SignedHeaders"),
        |f| matches!(f, IamFailure::Missing { .. }),
    ),
    (
        "action",
        |r| r.action = "kafka-cluster:connect".into(),
        |f| matches!(f, IamFailure::Action { .. }),
    ),
    (
        "algorithm",
        |r| r.algorithm = "AWS4-HMAC-SHA1".into(),
        |f| matches!(f, IamFailure::Algorithm { .. }),
    ),
    (
        "credential",
        |r| r.terminator = "aws4_request/".into(),
        |f| matches!(f, IamFailure::Credential { .. }),
    ),
    (
        "terminator",
        |r| r.terminator = "aws4_reques".into(),
        |f| matches!(f, IamFailure::Scope { .. }),
    ),
    (
        "service",
        |r| r.service = "kafka".into(),
        |f| matches!(f, IamFailure::Scope { .. }),
    ),
    (
        "region",
        |r| r.region = "us-east-2".into(),
        |f| matches!(f, IamFailure::Region { .. }),
    ),
    (
        "scope date",
        |r| r.scope_date = "20260114".into(),
        |f| matches!(f, IamFailure::ScopeDate { .. }),
    ),
    (
        "signed headers",
        |r| r.signed_headers = "host;user-agent".into(),
        |f| matches!(f, IamFailure::SignedHeaders { .. }),
    ),
    (
        "host",
        |r| r.host = "evil.example".into(),
        |f| matches!(f, IamFailure::Host { .. }),
    ),
    (
        "date",
        |r| r.date = "20260115T1200Z".into(),
        |f| matches!(f, IamFailure::Date { .. }),
    ),
    (
        "expires",
        |r| r.expires = "soon".into(),
        |f| matches!(f, IamFailure::Expires { .. }),
    ),
    (
        "time",
        |r| r.date = "20260115T114459Z".into(),
        |f| matches!(f, IamFailure::Expired { .. }),
    ),
    (
        "key",
        |r| r.access_key_id = "AKIDNOBODY".into(),
        |f| matches!(f, IamFailure::UnknownKey { .. }),
    ),
];

#[track_caller]
fn failure(client: &Client<'_>, request: &Request) -> IamFailure {
    let payload = request.payload();
    match denied(client.say("AWS_MSK_IAM", payload.as_bytes())) {
        SignInFailure::Iam(failure) => failure,
        other => panic!("{other:?}"),
    }
}

fn demo(map: &ClusterMap) -> Client<'_> {
    Client {
        tls_name: TlsName::Cluster(DEMO),
        ..Client::new(map)
    }
}

#[test]
fn each_check_is_made_and_in_order() {
    let map = map();
    let client = demo(&map);
    for (i, (name, _, expected)) in CHECKS.iter().enumerate() {
        let mut alone = Request::iam();
        (CHECKS[i].1)(&mut alone);
        let failure_alone = failure(&client, &alone);
        assert!(expected(&failure_alone), "{name}: {failure_alone}");

        // This one and all that come after it; the earlier spoils last what two of them spoil.
        let mut with_later = Request::iam();
        with_later.signature = Some("0".repeat(64));
        for (_, spoil, _) in CHECKS[i..].iter().rev() {
            spoil(&mut with_later);
        }
        let failure_with_later = failure(&client, &with_later);
        assert!(
            expected(&failure_with_later),
            "{name}: {failure_with_later}"
        );
    }
}

#[test]
fn without_a_virtual_cluster_to_hold_it_against_a_key_is_unknown() {
    let map = map();
    let request = Request {
        access_key_id: "AKIDNOBODY".into(),
        region: "us-east-2".into(),
        host: "evil.example".into(),
        ..Request::iam()
    };
    let failure = failure(&Client::new(&map), &request);
    assert!(matches!(failure, IamFailure::UnknownKey { .. }));
}

#[test]
fn every_required_key_is_required() {
    let map = map();
    for name in [
        "version",
        "host",
        "Action",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ] {
        let request = Request {
            without: Some(name),
            ..Request::iam()
        };
        let failure = failure(&demo(&map), &request);
        assert_eq!(failure, IamFailure::Missing { name });
    }
    let request = Request {
        without: Some("User-Agent"),
        ..Request::iam()
    };
    let payload = request.payload();
    done(demo(&map).say("AWS_MSK_IAM", payload.as_bytes()));
}

#[test]
fn a_request_is_good_from_five_minutes_before_its_date_until_it_expires() {
    let map = map();
    let said_at = |offset_ms, expires: &str| {
        let request = Request {
            expires: expires.into(),
            ..Request::iam()
        };
        let client = demo(&map).at(Timestamp(NOON.0 + offset_ms));
        client.say("AWS_MSK_IAM", request.payload().as_bytes())
    };
    let failed = |offset_ms, expires| denied(said_at(offset_ms, expires));
    done(said_at(-300_000, "900"));
    let ahead_ms = 300_001;
    let future = IamFailure::Future { ahead_ms }.into();
    assert_eq!(failed(-300_001, "900"), future);

    let late_ms = 1;
    let expired: SignInFailure = IamFailure::Expired { late_ms }.into();
    done(said_at(900_000, "900"));
    assert_eq!(failed(900_001, "900"), expired);
    // What asks for longer gets the limit; a fraction is cut off.
    done(said_at(900_000, "1200"));
    assert_eq!(failed(900_001, "1200"), expired);
    done(said_at(456_000, "456.789"));
    assert_eq!(failed(456_001, "456.789"), expired);
    done(said_at(0, "0"));
    assert_eq!(failed(1, "0"), expired);
}

#[test]
fn a_day_may_end_between_signing_and_arrival() {
    let map = map();
    let request = Request {
        date: "20260114T235959Z".into(),
        scope_date: "20260114".into(),
        ..Request::iam()
    };
    let midnight = Timestamp(NOON.0 - 12 * 3_600_000);
    let client = demo(&map).at(midnight);
    done(client.say("AWS_MSK_IAM", request.payload().as_bytes()));
}

#[test]
fn temporary_keys_need_their_token_and_permanent_ones_must_have_none() {
    let mut temporary = access_key("AKIDEXAMPLE", Some(TOKEN));
    temporary.expires_at = Some(Timestamp(NOON.0 + 1));
    let map = map_with(temporary);
    let client = demo(&map);
    let access_key_id = || "AKIDEXAMPLE".into();
    let with = |token: &str| Request::iam().with_token(token);
    done(client.say("AWS_MSK_IAM", with(TOKEN).payload().as_bytes()));
    assert_eq!(
        failure(&client, &with("FwoGZXIvYXdzEXAMPLE")),
        IamFailure::SessionToken {
            access_key_id: access_key_id()
        }
    );
    assert_eq!(
        failure(&client, &Request::iam()),
        IamFailure::SessionTokenMissing {
            access_key_id: access_key_id()
        }
    );
    let later = demo(&map).at(Timestamp(NOON.0 + 1));
    assert_eq!(
        failure(&later, &with(TOKEN)),
        IamFailure::KeyExpired {
            access_key_id: access_key_id()
        }
    );

    let map = map_with(access_key("AKIDEXAMPLE", None));
    for token in [TOKEN, ""] {
        assert_eq!(
            failure(&demo(&map), &with(token)),
            IamFailure::SessionTokenUnexpected {
                access_key_id: access_key_id()
            }
        );
    }
}

#[test]
fn a_wrong_secret_is_a_wrong_signature() {
    let map = map();
    let request = Request {
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ".into(),
        ..Request::iam()
    };
    let access_key_id = "AKIDEXAMPLE".into();
    let expected = IamFailure::Signature { access_key_id };
    assert_eq!(failure(&demo(&map), &request), expected);
    // The secret that stands in for a missing key opens nothing.
    let request = Request {
        secret: "0".repeat(40),
        access_key_id: "AKIDNOBODY".into(),
        ..Request::iam()
    };
    let failure = failure(&demo(&map), &request);
    assert!(matches!(failure, IamFailure::UnknownKey { .. }));
    // In upper case a signature is another text.
    let signature = Some(Request::iam().signature().to_uppercase());
    let request = Request {
        signature,
        ..Request::iam()
    };
    let failure = self::failure(&demo(&map), &request);
    assert!(matches!(failure, IamFailure::Signature { .. }));
}
