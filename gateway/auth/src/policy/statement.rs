//! One statement of a policy, compiled.
//!
//! Owns: whether it applies to an action on a resource. A statement about other services is kept
//! and never applies: policies that also serve elsewhere can be attached as they are.

use serde::Deserialize;

use super::StatementFault;
use super::document::{OneOrMany, RawStatement};
use super::glob::Glob;
use crate::Action;
use crate::action::ActionSet;

/// The service's prefix in the names of actions.
const SERVICE: &str = "kafka-cluster";

/// Parts of an ARN: `arn`, partition, service, region, account, and the resource, which alone may
/// hold colons.
const ARN_PARTS: usize = 6;

/// What a statement does to what it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// A compiled statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    effect: Effect,
    actions: ActionSet,
    resources: Vec<ResourcePattern>,
    /// Whether it is about all resources but `resources`.
    resources_negated: bool,
}

impl Statement {
    /// Checks and compiles a statement as written.
    pub(super) fn compile(raw: RawStatement) -> Result<Self, StatementFault> {
        if raw.condition {
            return Err(StatementFault::Condition);
        }
        if raw.principal || raw.not_principal {
            return Err(StatementFault::Principal);
        }
        let (actions, negated) =
            either(raw.action, raw.not_action).ok_or(StatementFault::Actions)?;
        let actions = actions
            .iter()
            .try_fold(ActionSet::default(), |set, pattern| {
                Ok(set.union(actions_called(pattern)?))
            })?;
        let (resources, resources_negated) =
            either(raw.resource, raw.not_resource).ok_or(StatementFault::Resources)?;
        let resources = resources
            .iter()
            .map(|pattern| ResourcePattern::parse(pattern));
        Ok(Self {
            effect: raw.effect,
            actions: if negated {
                actions.complement()
            } else {
                actions
            },
            resources: resources.collect::<Result<_, _>>()?,
            resources_negated,
        })
    }

    pub(super) fn effect(&self) -> Effect {
        self.effect
    }

    /// The actions that it is about.
    pub(super) fn actions(&self) -> ActionSet {
        self.actions
    }

    /// Whether it is about all resources, whatever their ARN.
    pub(super) fn is_about_every_resource(&self) -> bool {
        let is_every = |pattern| matches!(pattern, &ResourcePattern::Every);
        !self.resources_negated && self.resources.iter().any(is_every)
    }

    /// Whether it is about `action` on the resource called `arn`.
    pub(super) fn applies(&self, action: Action, arn: &Arn<'_>) -> bool {
        self.actions.contains(action)
            && self.resources.iter().any(|pattern| pattern.matches(arn)) != self.resources_negated
    }

    /// How many resource patterns it has.
    pub(super) fn patterns(&self) -> usize {
        self.resources.len()
    }

    /// See [`Glob::wild_piece_bytes`].
    pub(super) fn wild_piece_bytes(&self) -> usize {
        let patterns = self.resources.iter();
        patterns.map(ResourcePattern::wild_piece_bytes).sum()
    }
}

/// The one list that is there and not empty, and whether it is the negated one.
fn either(
    plain: Option<OneOrMany<String>>,
    negated: Option<OneOrMany<String>>,
) -> Option<(Vec<String>, bool)> {
    let (list, is_negated) = match (plain, negated) {
        (Some(list), None) => (list.0, false),
        (None, Some(list)) => (list.0, true),
        _ => return None,
    };
    (!list.is_empty()).then_some((list, is_negated))
}

/// The actions that `pattern` stands for; none where it is of another service. Case does not
/// matter. A pattern of our service that stands for nothing is a mistake and refused.
fn actions_called(pattern: &str) -> Result<ActionSet, StatementFault> {
    if pattern == "*" {
        return Ok(Action::ALL.into_iter().collect());
    }
    let action = pattern.to_owned();
    let Some((service, _)) = pattern.split_once(':') else {
        return Err(StatementFault::ActionForm { action });
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if service.is_empty() || !service.bytes().all(allowed) {
        return Err(StatementFault::ActionForm { action });
    }
    if !service.eq_ignore_ascii_case(SERVICE) {
        return Ok(ActionSet::default());
    }
    let glob = Glob::new(&pattern.to_ascii_lowercase());
    let called = |action: &Action| glob.matches(&action.name().to_ascii_lowercase());
    let actions: ActionSet = Action::ALL.into_iter().filter(called).collect();
    if actions.is_empty() {
        return Err(StatementFault::UnknownAction { action });
    }
    Ok(actions)
}

/// A pattern for ARNs. In IAM a `*` crosses `/` but no colon before the resource's part.
#[derive(Clone, Debug)]
enum ResourcePattern {
    Every,
    Arn(Box<[Glob; ARN_PARTS]>),
}

impl ResourcePattern {
    fn parse(pattern: &str) -> Result<Self, StatementFault> {
        let resource = || pattern.to_owned();
        if pattern == "*" {
            return Ok(Self::Every);
        }
        if pattern.contains("${") {
            return Err(StatementFault::Variable {
                resource: resource(),
            });
        }
        let arn = Arn::split(pattern).ok_or_else(|| StatementFault::ResourceForm {
            resource: resource(),
        })?;
        Ok(Self::Arn(Box::new(arn.0.map(Glob::new))))
    }

    fn matches(&self, arn: &Arn<'_>) -> bool {
        match self {
            Self::Every => true,
            Self::Arn(globs) => globs
                .iter()
                .zip(arn.0)
                .all(|(glob, part)| glob.matches(part)),
        }
    }

    fn wild_piece_bytes(&self) -> usize {
        match self {
            Self::Every => 0,
            Self::Arn(globs) => globs.iter().map(Glob::wild_piece_bytes).sum(),
        }
    }
}

/// An ARN, or a pattern for one, in its six parts.
pub(super) struct Arn<'a>([&'a str; ARN_PARTS]);

impl<'a> Arn<'a> {
    pub(super) fn split(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(ARN_PARTS, ':');
        let mut array = [""; ARN_PARTS];
        for part in &mut array {
            *part = parts.next()?;
        }
        (array[0] == "arn").then_some(Self(array))
    }
}
