//! Sign-in and permission, as pure state.
//!
//! Owns: the SASL exchange of each mechanism, the proof that a client holds a credential, the
//! identity that follows from it, how long a session lasts, IAM policies and the decision whether
//! a principal may do something. Does not own: where credentials are kept (the cluster map has
//! them), frames and error codes of Kafka, closing connections, clocks and randomness: time and
//! entropy come in as arguments.
//!
//! ```text
//!   Exchange::start ─▶ step ─▶ Continue ─▶ step ─▶ Done { SignedIn } ─▶ authorize ─▶ Authorized<T>
//!                        └──────────┴───────────▶ Refuse                  └────────▶ Denied
//! ```
//!
//! Invariants: only an exchange makes a [`SignedIn`], only [`decide`] makes a [`Permit`], only
//! [`authorize`] makes an [`Authorized`]. What a tenant is told never says whether a key, a user
//! or a virtual cluster exists. `Debug` prints no secret.

mod action;
mod context;
mod credential;
mod decide;
mod exchange;
mod failure;
mod identity;
mod mac;
mod mechanism;
mod policy;
mod resource;
mod session;
mod sigv4;

pub use action::Action;
pub use context::{CLOCK_SKEW_MS, FakeSaltSecret, SignInContext, TlsName, UnknownName};
pub use decide::{Authorized, Denied, Permit, authorize, decide};
pub use exchange::{Entropy, Exchange, Refusal, SASL_FRAME_BYTES_MAX, Step, StepInput};
pub use failure::{Excerpt, SignInFailure};
pub use identity::{
    CredentialId, Principal, PrincipalKind, ReauthenticationRefused, SignedIn, SignedOut,
};
pub use mechanism::scram::{
    SCRAM_ITERATIONS_MAX, SCRAM_ITERATIONS_MIN, SCRAM_SALT_BYTES, ScramFailure, ScramHash,
    ScramParameterError, ScramSalts, scram_credential, scram_keys, scram_keys_from_salted_password,
};
pub use mechanism::{Mechanism, UnsupportedMechanism};
pub use policy::{
    ARN_BYTES_MAX, POLICY_BYTES_MAX, PolicyError, PolicySet, RESOURCE_PATTERNS_MAX, StatementFault,
    Verdict, WILD_PIECE_BYTES_MAX,
};
pub use resource::Resource;
pub use session::{SESSION_LIFETIME_FLOOR_MS, session_lifetime_ms};
pub use sigv4::{EXPIRES_SECONDS_MAX, IamFailure};
