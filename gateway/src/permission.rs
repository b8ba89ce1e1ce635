//! Who makes a request, and whether it may.
//!
//! Owns: the proof that a request was permitted. Does not own: policies (`auth`), what a refusal is
//! answered with (`error`).
//!
//! Invariant: an [`Authorized`] is made by [`authorize`] only. Whoever came by the plaintext
//! listener may do everything within its virtual cluster: the listener is bound to loopback only.

use std::sync::Arc;

use auth::{Action, Denied, Resource, SignedIn};
use model::VirtualClusterId;

/// Who makes a request.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// A client that has signed in.
    SignedIn(Arc<SignedIn>),
    /// Whoever reaches the plaintext listener of this virtual cluster.
    Anonymous(VirtualClusterId),
}

impl Caller {
    /// The virtual cluster that the caller sees.
    pub(crate) fn virtual_cluster(&self) -> VirtualClusterId {
        match self {
            Self::SignedIn(signed_in) => signed_in.virtual_cluster(),
            Self::Anonymous(cluster) => *cluster,
        }
    }

    /// Whether the two may do the same for the same reason: it is one principal, and what it is granted
    /// was not looked up anew in between.
    pub(crate) fn has_the_rights_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::SignedIn(a), Self::SignedIn(b)) => {
                a.virtual_cluster() == b.virtual_cluster()
                    && a.principal() == b.principal()
                    && Arc::ptr_eq(a.policies(), b.policies())
            }
            (Self::Anonymous(a), Self::Anonymous(b)) => a == b,
            (Self::SignedIn(_) | Self::Anonymous(_), _) => false,
        }
    }

    /// Whether the caller may do `action` to `resource` of its virtual cluster.
    pub(crate) fn may(&self, action: Action, resource: Resource<'_>) -> bool {
        authorize(self, action, resource, ()).is_ok()
    }
}

/// A request, or a part of one, that its sender may make.
#[derive(Debug)]
pub(crate) struct Authorized<T> {
    request: T,
}

impl<T> Authorized<T> {
    /// What was permitted.
    pub(crate) fn request(&self) -> &T {
        &self.request
    }

    /// A part of what was permitted.
    pub(crate) fn with<'a, U>(&'a self, part: impl FnOnce(&'a T) -> U) -> Authorized<U> {
        Authorized {
            request: part(&self.request),
        }
    }

    /// What was permitted, for the step after the last that asks for the proof.
    pub(crate) fn into_request(self) -> T {
        self.request
    }
}

/// `request`, if `caller` may do `action` to `resource` of its virtual cluster.
pub(crate) fn authorize<T>(
    caller: &Caller,
    action: Action,
    resource: Resource<'_>,
    request: T,
) -> Result<Authorized<T>, Denied> {
    if let Caller::SignedIn(signed_in) = caller {
        auth::decide(signed_in, action, resource)?;
    }
    Ok(Authorized { request })
}
