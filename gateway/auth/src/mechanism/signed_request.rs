//! Signing in by a presigned request, whichever mechanism carries it.

use super::Mechanism;
use crate::credential::find_access_key;
use crate::sigv4::{Hosts, IamFailure, Rules, SignedRequest};
use crate::{CredentialId, SignInContext, SignInFailure, SignedIn, StepInput};

/// What differs between the mechanisms that carry a signed request.
pub(super) struct Carrier {
    pub(super) mechanism: Mechanism,
    pub(super) hosts: Hosts,
    /// Whether the session ends with the request's validity.
    pub(super) bounds_session: bool,
}

/// The identity of whoever signed `request`.
pub(super) fn sign_in_by(
    request: &SignedRequest,
    carrier: &Carrier,
    context: &SignInContext,
    input: &StepInput<'_>,
) -> Result<SignedIn, SignInFailure> {
    let id = request.access_key_id()?;
    let found = find_access_key(input.map, context.tls_name, id);
    let rules = Rules {
        hosts: carrier.hosts,
        now: input.now,
        clock_skew_ms: context.clock_skew_ms,
    };
    let request_expires_at = request.verify(found.as_ref(), &rules)?;
    let found = found.ok_or_else(|| IamFailure::UnknownKey {
        access_key_id: id.into(),
    })?;
    SignedIn::establish(
        found.cluster,
        carrier.mechanism,
        CredentialId::AccessKey(id.into()),
        carrier.bounds_session.then_some(request_expires_at),
    )
}
