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

/// For every key.
const fn any(
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

/// The list.
pub const ALLOWED: &[Allowed] = &[any(
    "*.error_message",
    "not null",
    "not null",
    "words are ours",
)];
