//! The differences that the comparison allows, each with its reason. `docs/protocol.md` tells the same list.
//!
//! Owns: the list. Does not own: how it is applied (`compare`); an entry that nothing needs fails there.

use wire::ApiKey;

/// A difference that is allowed.
#[derive(Debug)]
pub struct Allowed {
    /// The key, or any.
    pub key: Option<ApiKey>,
    /// How the cases begin in which it is allowed.
    pub case: &'static str,
    /// The field, without indexes; what lies in it is meant as well. `*.` at its beginning: wherever it stands.
    pub field: &'static str,
    /// What Kafka says: `*` for anything, `not x` for anything but x.
    pub kafka: &'static str,
    /// What we say, likewise.
    pub ours: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// For every key and case.
const fn anywhere(
    field: &'static str,
    kafka: &'static str,
    ours: &'static str,
    reason: &'static str,
) -> Allowed {
    Allowed {
        key: None,
        case: "",
        field,
        kafka,
        ours,
        reason,
    }
}

/// For one key.
const fn of(key: ApiKey, said: [&'static str; 4], reason: &'static str) -> Allowed {
    let [case, field, kafka, ours] = said;
    Allowed {
        key: Some(key),
        case,
        field,
        kafka,
        ours,
        reason,
    }
}

/// The list.
pub const ALLOWED: &[Allowed] = &[
    anywhere(
        "*.error_message",
        "not null",
        "not null",
        "the words are our own",
    ),
    anywhere(
        "*.leader_epoch",
        "0",
        "-1",
        "leader epochs are not told yet",
    ),
    anywhere("cluster_id", "*", "*", "every cluster has an id of its own"),
    anywhere("controller_id", "1", "0", "brokers are numbered from 0"),
    anywhere("brokers[]", "*", "*", "brokers are numbered from 0"),
    anywhere(
        "brokers[].port",
        "*",
        "*",
        "every server has a port of its own",
    ),
    anywhere("*.leader_id", "1", "0", "brokers are numbered from 0"),
    anywhere("*.replica_nodes[]", "1", "0", "brokers are numbered from 0"),
    anywhere("*.isr_nodes[]", "1", "0", "brokers are numbered from 0"),
    of(
        ApiKey::ApiVersions,
        ["", "api_keys[]", "there", "absent"],
        "other keys are not served yet",
    ),
    of(
        ApiKey::ApiVersions,
        ["", "api_keys.count", "*", "*"],
        "other keys are not served yet",
    ),
    of(
        ApiKey::ApiVersions,
        ["", "finalized_features", "*", "absent"],
        "no features are told yet",
    ),
    of(
        ApiKey::ApiVersions,
        ["", "finalized_features_epoch", "*", "absent"],
        "no features are told yet",
    ),
    of(
        ApiKey::ApiVersions,
        ["", "supported_features", "*", "absent"],
        "no features are told yet",
    ),
    of(
        ApiKey::ApiVersions,
        ["second", "outcome", "closed", "answer"],
        "may be asked again",
    ),
    of(
        ApiKey::Metadata,
        ["stranger", "outcome", "closed", "answer"],
        "a stranger is told error 34",
    ),
    of(
        ApiKey::Produce,
        ["stranger", "outcome", "closed", "answer"],
        "a stranger is told error 34",
    ),
    of(
        ApiKey::Produce,
        ["null records", "outcome", "silence", "answer"],
        "Kafka fails and never answers",
    ),
    of(
        ApiKey::SaslHandshake,
        ["", "mechanisms", "*", "*"],
        "other mechanisms are served",
    ),
    of(
        ApiKey::SaslAuthenticate,
        ["", "auth_bytes", "not ", "not "],
        "salts and nonces are drawn",
    ),
    of(
        ApiKey::Fetch,
        ["", "session_id", "not 0", "0"],
        "sessions are declined",
    ),
    of(
        ApiKey::InitProducerId,
        ["transactional", "error_code", "*", "53"],
        "transactions are not served yet",
    ),
];
