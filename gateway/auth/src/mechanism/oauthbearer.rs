//! `OAUTHBEARER` (RFC 7628) with the token of an MSK signer: a presigned URL in base64.
//!
//! Owns: the exchange and the token's form. A refusal takes two steps, so that a client hears of it
//! in the mechanism's own words before Kafka's error ends the exchange:
//!
//! ```text
//!   First ── good token: "" ──────────────────────────▶ done
//!     └───── bad token: {"status":"invalid_token"} ───▶ Failed ── 0x01 ──▶ refused
//! ```

mod frame;
mod token;

use super::signed_request::{Carrier, sign_in_by};
use crate::sigv4::Hosts;
use crate::{Mechanism, SignInContext, SignInFailure, SignedIn, StepInput};
use frame::ClientFirst;

/// The MSK signers can name the regional endpoint only, so the token is bound to no cluster; the
/// TLS name is what binds it. Clients sign in again before the token ends, so it ends the session.
const CARRIER: Carrier = Carrier {
    mechanism: Mechanism::OauthBearer,
    hosts: Hosts::OrRegionalEndpoint,
    bounds_session: true,
};

/// What a client with a bad token is told (RFC 7628, section 3.2.2).
pub(crate) const INVALID_TOKEN: &str = r#"{"status":"invalid_token"}"#;

/// Why `message` is refused, and whether the client waits to be told [`INVALID_TOKEN`].
pub(crate) enum Refused {
    /// The message is none of this mechanism's, or a good token is misused: refused at once.
    AtOnce(SignInFailure),
    /// The token is bad.
    Token(SignInFailure),
}

/// The identity of whoever made the token in the client's first `message`.
pub(crate) fn sign_in(
    message: &[u8],
    context: &SignInContext,
    input: &StepInput<'_>,
) -> Result<SignedIn, Refused> {
    let first = ClientFirst::parse(message).map_err(Refused::AtOnce)?;
    let signed_in = token::parse(first.token)
        .map_err(SignInFailure::from)
        .and_then(|request| sign_in_by(&request, &CARRIER, context, input))
        .map_err(Refused::Token)?;
    match first.authorization_id {
        Some(id) if id != signed_in.principal().name() => {
            Err(Refused::AtOnce(SignInFailure::AuthorizationId {
                authorization_id: id.as_str().into(),
            }))
        }
        _ => Ok(signed_in),
    }
}
