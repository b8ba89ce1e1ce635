//! Why a signed request was refused, in the order of the checks.

use crate::Excerpt;

/// Why a signed request was refused. For the log: the tenant is told "Access denied" for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IamFailure {
    /// The payload or the token is not what the format prescribes.
    #[error("the signed request is malformed: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The payload has a version that is not known.
    #[error("unknown payload version {version}")]
    Version {
        /// The version.
        version: Excerpt,
    },
    /// A parameter occurs twice.
    #[error("parameter {name} occurs twice")]
    Duplicate {
        /// Its name.
        name: Excerpt,
    },
    /// A parameter is missing.
    #[error("parameter {name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// Another action was signed.
    #[error("signed for action {action}")]
    Action {
        /// The action.
        action: Excerpt,
    },
    /// Another algorithm was used.
    #[error("signed by algorithm {algorithm}")]
    Algorithm {
        /// The algorithm.
        algorithm: Excerpt,
    },
    /// The credential is not of five parts.
    #[error("credential {credential} has not five parts")]
    Credential {
        /// The credential.
        credential: Excerpt,
    },
    /// The scope names another service or ends otherwise.
    #[error("signed for service {service}, {terminator}")]
    Scope {
        /// The service.
        service: Excerpt,
        /// The last part.
        terminator: Excerpt,
    },
    /// The scope names another region than the virtual cluster's.
    #[error("signed for region {region}")]
    Region {
        /// The region.
        region: Excerpt,
    },
    /// The scope's day is not that of the date.
    #[error("the scope is of {scope_date}, the date is {date}")]
    ScopeDate {
        /// The scope's day.
        scope_date: Excerpt,
        /// The date.
        date: Excerpt,
    },
    /// Not exactly the host was signed.
    #[error("signed headers {signed_headers}")]
    SignedHeaders {
        /// What was signed.
        signed_headers: Excerpt,
    },
    /// The host is none of the virtual cluster's names.
    #[error("signed for host {host}")]
    Host {
        /// The host.
        host: Excerpt,
    },
    /// The date is none.
    #[error("date {date} is not of the form yyyyMMddTHHmmssZ")]
    Date {
        /// The date.
        date: Excerpt,
    },
    /// The time of validity is none.
    #[error("{expires} is not a number of seconds")]
    Expires {
        /// The time of validity.
        expires: Excerpt,
    },
    /// The date lies in the future.
    #[error("signed {ahead_ms} ms ahead of our clock")]
    Future {
        /// How far ahead.
        ahead_ms: i64,
    },
    /// The time of validity is over.
    #[error("expired {late_ms} ms ago")]
    Expired {
        /// For how long.
        late_ms: i64,
    },
    /// No such key, here.
    #[error("no access key {access_key_id}")]
    UnknownKey {
        /// The key's id.
        access_key_id: Excerpt,
    },
    /// A temporary key came with another token than its own.
    #[error("access key {access_key_id} came with a wrong session token")]
    SessionToken {
        /// The key's id.
        access_key_id: Excerpt,
    },
    /// A temporary key came without its token.
    #[error("access key {access_key_id} came without its session token")]
    SessionTokenMissing {
        /// The key's id.
        access_key_id: Excerpt,
    },
    /// A permanent key came with a token.
    #[error("access key {access_key_id} has no session token, but one came")]
    SessionTokenUnexpected {
        /// The key's id.
        access_key_id: Excerpt,
    },
    /// A temporary key has ended.
    #[error("access key {access_key_id} has expired")]
    KeyExpired {
        /// The key's id.
        access_key_id: Excerpt,
    },
    /// The signature is not that of the key.
    #[error("wrong signature for access key {access_key_id}")]
    Signature {
        /// The key's id.
        access_key_id: Excerpt,
    },
}
