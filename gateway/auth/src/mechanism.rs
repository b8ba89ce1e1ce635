//! The SASL mechanisms, by their names on the wire.
//!
//! Owns: which are enabled. Each has a file of its own below; a new one is a variant here, a state
//! in `exchange` and that file.

pub(crate) mod iam;
pub(crate) mod oauthbearer;
mod saslname;
pub(crate) mod scram;
mod signed_request;

use std::fmt;

use crate::Excerpt;
use scram::ScramHash;

/// A mechanism that can be signed in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// `AWS_MSK_IAM`: a signed request as JSON.
    AwsMskIam,
    /// `OAUTHBEARER` (RFC 7628) with a token of an MSK signer: a signed request as URL.
    OauthBearer,
    /// `SCRAM-SHA-256` or `SCRAM-SHA-512` (RFC 5802, RFC 7677).
    Scram(ScramHash),
}

impl Mechanism {
    /// What is enabled, in the order that SaslHandshake lists it in.
    pub const ENABLED: [Self; 4] = [
        Self::AwsMskIam,
        Self::OauthBearer,
        Self::Scram(ScramHash::Sha256),
        Self::Scram(ScramHash::Sha512),
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsMskIam => "AWS_MSK_IAM",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Scram(ScramHash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(ScramHash::Sha512) => "SCRAM-SHA-512",
        }
    }

    /// The enabled mechanism called `name`; case matters.
    pub fn parse(name: &str) -> Result<Self, UnsupportedMechanism> {
        let mut enabled = Self::ENABLED.into_iter();
        enabled
            .find(|mechanism| mechanism.name() == name)
            .ok_or_else(|| UnsupportedMechanism { name: name.into() })
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No enabled mechanism is called so: UNSUPPORTED_SASL_MECHANISM (33), with the list of enabled
/// ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no SASL mechanism {name} is enabled")]
pub struct UnsupportedMechanism {
    /// What was asked for.
    pub name: Excerpt,
}
