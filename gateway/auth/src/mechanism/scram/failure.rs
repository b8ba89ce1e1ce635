//! Why a SCRAM exchange, or the making of a SCRAM credential, failed.

use crate::Excerpt;

/// Why a SCRAM exchange was refused. For the log: the tenant is told the same for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramFailure {
    /// A message is not what RFC 5802 prescribes.
    #[error("the SCRAM message is malformed: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The client asks for channel binding, or its two messages differ in what they say of it.
    #[error("channel binding was asked for or changed")]
    ChannelBinding,
    /// The client demands an extension that is not known.
    #[error("an unknown extension is mandatory")]
    MandatoryExtension,
    /// The client wants to sign in by a delegation token.
    #[error("delegation tokens are not supported")]
    DelegationToken,
    /// The nonce is not the one of this exchange.
    #[error("the nonce is of another exchange")]
    Nonce,
    /// No such user, here.
    #[error("no user {username}")]
    UnknownUser {
        /// The name.
        username: Excerpt,
    },
    /// The proof is not that of the user's password.
    #[error("wrong password for user {username}")]
    Proof {
        /// The name.
        username: Excerpt,
    },
}

/// Why no SCRAM credential can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramParameterError {
    /// The number of iterations is not one that Kafka takes.
    #[error(
        "iterations must be between {min} and {max}, not {iterations}",
        min = super::SCRAM_ITERATIONS_MIN,
        max = super::SCRAM_ITERATIONS_MAX
    )]
    Iterations {
        /// The number.
        iterations: u32,
    },
    /// The user has no name.
    #[error("the user name is empty")]
    EmptyUsername,
    /// The password, salted or not, is empty.
    #[error("the password is empty")]
    EmptyPassword,
    /// The salt is empty.
    #[error("the salt is empty")]
    EmptySalt,
}
