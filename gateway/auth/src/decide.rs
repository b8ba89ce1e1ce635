//! The one place where a principal is permitted something.
//!
//! Owns: the proof of permission. Does not own: which requests need which actions, error codes.
//! Invariants: a [`Permit`] is made by [`decide`] only, an [`Authorized`] by [`authorize`] only;
//! nothing is permitted that no policy allows.

use std::fmt;

use model::VirtualClusterId;

use crate::{ARN_BYTES_MAX, Action, Principal, Resource, SignedIn, Verdict};

/// Proof that an action on a resource was allowed. Good for that one request: policies change.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    action: Action,
    virtual_cluster: VirtualClusterId,
}

impl Permit {
    /// What was allowed.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The virtual cluster that the resource belongs to.
    pub fn virtual_cluster(&self) -> VirtualClusterId {
        self.virtual_cluster
    }
}

/// A request together with the proof that its sender may make it.
#[derive(Debug)]
pub struct Authorized<T> {
    permit: Permit,
    request: T,
}

impl<T> Authorized<T> {
    /// The proof.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The request.
    pub fn request(&self) -> &T {
        &self.request
    }

    /// The request, for the step after the last that asks for the proof.
    pub fn into_request(self) -> T {
        self.request
    }
}

/// A refusal. Its text may be told to the tenant: it names the principal, action and resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    principal: Principal,
    action: Action,
    resource: String,
    explicitly: bool,
}

impl Denied {
    /// What was refused.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whether a policy denies it, rather than none allowing it.
    pub fn explicitly(&self) -> bool {
        self.explicitly
    }
}

impl std::error::Error for Denied {}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action, resource, ..
        } = self;
        let principal = self.principal.name();
        write!(f, "User: {principal} is not authorized to perform: ")?;
        write!(f, "{action} on resource: {resource} ")?;
        if self.explicitly {
            f.write_str("with an explicit deny in an identity-based policy")
        } else {
            write!(
                f,
                "because no identity-based policy allows the {action} action"
            )
        }
    }
}

/// Whether `caller` may do `action` to `resource` of its own virtual cluster.
pub fn decide(caller: &SignedIn, action: Action, resource: Resource<'_>) -> Result<Permit, Denied> {
    let permit = || Permit {
        action,
        virtual_cluster: caller.virtual_cluster(),
    };
    // Most principals are allowed what they do on all resources: then the ARN need not be made.
    let policies = caller.policies();
    if policies.allows_everywhere(action, resource.arn_bytes(caller.cluster())) {
        return Ok(permit());
    }
    let arn = resource.arn(caller.cluster());
    let verdict = caller.policies().verdict(action, &arn);
    if verdict == Verdict::Allowed {
        return Ok(permit());
    }
    Err(Denied {
        principal: caller.principal().clone(),
        action,
        resource: cut(arn),
        explicitly: verdict == Verdict::Denied,
    })
}

/// `request`, if `caller` may do `action` to `resource` of its own virtual cluster.
pub fn authorize<T>(
    caller: &SignedIn,
    action: Action,
    resource: Resource<'_>,
    request: T,
) -> Result<Authorized<T>, Denied> {
    let permit = decide(caller, action, resource)?;
    Ok(Authorized { permit, request })
}

/// A client chooses the names in an ARN: what is longer than an ARN may be is not repeated to it.
fn cut(mut arn: String) -> String {
    arn.truncate(arn.floor_char_boundary(ARN_BYTES_MAX));
    arn
}
