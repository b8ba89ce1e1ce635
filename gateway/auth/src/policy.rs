//! IAM policies of one principal, compiled once and asked often.
//!
//! Owns: the rule that an explicit deny wins over an allow and that nothing else is allowed.
//! Does not own: identities, ARNs of resources. Differs from AWS: no conditions, no policy
//! variables, no principals (policies are attached to identities); a document that has any of them
//! is refused as a whole, since leaving a statement out could turn a deny into an allow.
//!
//! Invariant: asking costs at most the ARN's length for each pattern, and for each byte that
//! [`WILD_PIECE_BYTES_MAX`] allows; all three are bounded.

mod document;
mod error;
mod glob;
mod statement;

use document::Document;
pub use error::{PolicyError, StatementFault};
use statement::{Arn, Effect, Statement};

use crate::Action;
use crate::action::ActionSet;

/// Most bytes of all policy documents of one principal; more is refused. AWS allows about as much:
/// ten managed policies of 6144 characters and the inline ones.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;

/// Most resource patterns of one principal; more is refused.
pub const RESOURCE_PATTERNS_MAX: usize = 1024;

/// Most bytes, over all resource patterns of one principal, of pieces that have a `?` and stand
/// between two `*`; more is refused, since these alone cannot be searched for in linear time.
pub const WILD_PIECE_BYTES_MAX: usize = 256;

/// Longest ARN that is decided about, as in AWS. Nothing is allowed on a resource whose ARN is
/// longer; Kafka's topics never are, a group's or a transactional id's may be.
pub const ARN_BYTES_MAX: usize = 2048;

/// What policies say about an action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement is about it.
    NotAllowed,
}

/// All policies of one principal.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    statements: Vec<Statement>,
    /// Actions that are allowed on every resource, whatever its ARN: no resource need be looked at.
    everywhere: ActionSet,
}

impl PolicySet {
    /// Compiles the JSON `documents`. One that is wrong makes all of them refused.
    pub fn parse(documents: &[String]) -> Result<Self, PolicyError> {
        let bytes = documents.iter().map(String::len).sum();
        if bytes > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLarge { bytes });
        }
        let mut statements = Vec::new();
        for (document, json) in (1..).zip(documents) {
            statements.extend(Document::parse(document, json)?.compile(document)?);
        }
        let patterns = statements.iter().map(Statement::patterns).sum();
        if patterns > RESOURCE_PATTERNS_MAX {
            return Err(PolicyError::TooManyResources { patterns });
        }
        let bytes = statements.iter().map(Statement::wild_piece_bytes).sum();
        if bytes > WILD_PIECE_BYTES_MAX {
            return Err(PolicyError::TooManyWildcards { bytes });
        }
        let everywhere = everywhere(&statements);
        Ok(Self {
            statements,
            everywhere,
        })
    }

    /// Whether `action` is allowed on every resource with an ARN of so many bytes. Where not, it may
    /// still be on some: [`Self::verdict`] knows.
    pub fn allows_everywhere(&self, action: Action, arn_bytes: usize) -> bool {
        self.everywhere.contains(action) && arn_bytes <= ARN_BYTES_MAX
    }

    /// What the policies say about `action` on the resource called `arn`.
    pub fn verdict(&self, action: Action, arn: &str) -> Verdict {
        let arn = Some(arn).filter(|arn| arn.len() <= ARN_BYTES_MAX);
        let Some(arn) = arn.and_then(Arn::split) else {
            return Verdict::NotAllowed;
        };
        let mut verdict = Verdict::NotAllowed;
        for statement in &self.statements {
            if statement.applies(action, &arn) {
                match statement.effect() {
                    Effect::Deny => return Verdict::Denied,
                    Effect::Allow => verdict = Verdict::Allowed,
                }
            }
        }
        verdict
    }
}

/// What some statement allows on every resource, and none denies on any.
fn everywhere(statements: &[Statement]) -> ActionSet {
    let allows = |action: &Action| {
        let about = |s: &&Statement| s.actions().contains(*action);
        let mut about = statements.iter().filter(about).peekable();
        let is_denied = about.clone().any(|s| s.effect() == Effect::Deny);
        !is_denied && about.any(Statement::is_about_every_resource)
    };
    Action::ALL.into_iter().filter(allows).collect()
}

#[cfg(test)]
mod tests;
