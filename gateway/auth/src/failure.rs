//! Why a sign-in failed: facts for our log, none of them for the tenant.
//!
//! Owns: the error that joins those of the mechanisms. Invariant: no variant carries a secret, and
//! text that a client chose is cut and escaped.

use std::fmt;

use crate::{Denied, IamFailure, PolicyError, ScramFailure};

/// Longest piece of a client's text that is kept for the log, in characters; the rest is cut.
const EXCERPT_CHARS_MAX: usize = 128;

/// Text that a client chose, cut and escaped so that it can stand in a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

impl From<&str> for Excerpt {
    fn from(text: &str) -> Self {
        let end = text.char_indices().nth(EXCERPT_CHARS_MAX);
        Self(text[..end.map_or(text.len(), |(i, _)| i)].to_owned())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a sign-in failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInFailure {
    /// The client's message is longer than [`crate::SASL_FRAME_BYTES_MAX`].
    #[error("the message has {bytes} bytes")]
    FrameTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The client's message is not what the mechanism prescribes.
    #[error("the message is malformed: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Another message came after the last one.
    #[error("the exchange is over")]
    Over,
    /// The client asks to act as someone else than its credential's principal.
    #[error("the client asks to act as {authorization_id}")]
    AuthorizationId {
        /// Whom it asks to be.
        authorization_id: Excerpt,
    },
    /// A signed request was refused.
    #[error(transparent)]
    Iam(#[from] IamFailure),
    /// A SCRAM exchange was refused.
    #[error(transparent)]
    Scram(#[from] ScramFailure),
    /// A policy of the principal cannot be read, so nothing can be decided for it.
    #[error("the principal's policies cannot be read: {0}")]
    Policy(#[from] PolicyError),
    /// The credential is good, but its principal may not connect.
    #[error(transparent)]
    NotPermitted(#[from] Denied),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        let excerpt = Excerpt::from(&*format!("a\n\"{}", "é".repeat(1000)));
        let text = excerpt.to_string();
        assert!(text.starts_with(r#""a\n\"éé"#));
        assert_eq!(text.chars().count(), 128 + 2 + 2);
    }
}
