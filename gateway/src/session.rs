//! Who is on the other end of a connection: from nobody, by SASL, to a caller.
//!
//! Owns: the states of a sign-in, the life of a session, re-authentication. Does not own: the proof
//! (`auth`), frames, the delay before a refusal (`connection`).
//!
//! ```text
//!             SaslHandshake            token ... last token
//!   Nobody ------------------> SigningIn ------------------> SignedIn <---+
//!                                  |                            |         | token ... last token,
//!                                  v refused: closed            v         | by the same principal
//!                                                     SaslHandshake: SigningIn (again)
//! ```
//!
//! After SaslHandshake v0 tokens come raw, each in a frame of its own, without header. On a live
//! connection everything happens in the order of requests: what came before is served as the former
//! caller, what comes between SaslHandshake and the last token is refused.
//!
//! Invariants: without a proof there is no caller; a session that has ended serves no request but
//! those of SASL; a changed policy or deleted credential has effect on the next request.

use std::sync::Arc;
use std::time::Duration;

use auth::{Exchange, Mechanism, Refusal, SignInContext, SignedIn, SignedOut, Step, StepInput};
use bytes::Bytes;
use model::{CatalogVersion, ClusterMap, VirtualClusterId};
use tokio::time::Instant;
use wire::ErrorCode;
use wire::messages::sasl_authenticate::SaslAuthenticateResponse;
use wire::messages::sasl_handshake::SaslHandshakeResponse;

use crate::client::Door;
use crate::handlers::{sasl_authenticate, sasl_handshake};
use crate::permission::Caller;
use crate::services::Services;

/// See the file's header.
pub(crate) struct Session {
    services: Arc<Services>,
    door: Door,
    state: State,
    /// Whether the client has ever proven who it is.
    was_known: bool,
}

enum State {
    Nobody,
    SigningIn(Box<SigningIn>),
    SignedIn(Box<Live>),
    /// By the plaintext listener.
    Anonymous(Caller),
    /// A sign-in was refused; nothing is accepted any more.
    Refused,
}

struct SigningIn {
    exchange: Exchange,
    is_raw: bool,
    /// The session that is to be prolonged.
    before: Option<Live>,
}

struct Live {
    signed_in: Arc<SignedIn>,
    /// The map that `signed_in` was refreshed with.
    map_version: CatalogVersion,
    ends_at: Option<Instant>,
}

/// Whether a connection goes on after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    GoOn,
    /// The answer is held back a little, then the connection is closed.
    Close,
}

/// Why a request finds no caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCaller {
    /// Nobody has signed in yet: error 34.
    #[error("a request came before the sign-in was over")]
    NotSignedIn,
    /// The connection is closed without an answer, as Kafka does.
    #[error("the session has ended")]
    Ended,
    /// So it is here.
    #[error(transparent)]
    SignedOut(#[from] SignedOut),
}

/// What comes of a token.
enum TokenOutcome {
    Continue(Bytes),
    /// The client is in, for so many milliseconds, or for ever (0).
    Done(Bytes, i64),
    Refused(String),
}

impl Session {
    pub(crate) fn new(services: Arc<Services>, door: Door) -> Self {
        let state = match door {
            Door::Tls(_) => State::Nobody,
            Door::Plaintext(cluster) => State::Anonymous(Caller::Anonymous(cluster)),
        };
        Self {
            services,
            door,
            was_known: matches!(state, State::Anonymous(_)),
            state,
        }
    }

    /// Whether the client has ever proven who it is, even if it was refused since.
    pub(crate) fn was_known(&self) -> bool {
        self.was_known
    }

    /// Whether the next frame is a token without a header.
    pub(crate) fn expects_raw_token(&self) -> bool {
        matches!(&self.state, State::SigningIn(signing_in) if signing_in.is_raw)
    }

    /// Whether the client has proven who it is, be it that it is about to do so again.
    pub(crate) fn is_known(&self) -> bool {
        match &self.state {
            State::SignedIn(_) | State::Anonymous(_) => true,
            State::SigningIn(signing_in) => signing_in.before.is_some(),
            State::Nobody | State::Refused => false,
        }
    }

    /// The virtual cluster of a client that has just signed in, or has before.
    pub(crate) fn virtual_cluster(&self) -> Option<VirtualClusterId> {
        match &self.state {
            State::SignedIn(live) => Some(live.signed_in.virtual_cluster()),
            State::Anonymous(caller) => Some(caller.virtual_cluster()),
            State::Nobody | State::SigningIn(_) | State::Refused => None,
        }
    }

    /// Who makes a request, by the newest map.
    pub(crate) fn caller(&mut self, map: &ClusterMap) -> Result<Caller, NoCaller> {
        match &mut self.state {
            State::Anonymous(caller) => Ok(caller.clone()),
            State::SignedIn(live) => {
                if live.ends_at.is_some_and(|at| at <= Instant::now()) {
                    return Err(NoCaller::Ended);
                }
                if live.map_version != map.version {
                    live.signed_in = Arc::new(live.signed_in.refreshed(map)?);
                    live.map_version = map.version;
                }
                Ok(Caller::SignedIn(Arc::clone(&live.signed_in)))
            }
            State::Nobody | State::SigningIn(_) | State::Refused => Err(NoCaller::NotSignedIn),
        }
    }

    /// SaslHandshake.
    pub(crate) fn handshake(
        &mut self,
        mechanism: &str,
        version: i16,
    ) -> (SaslHandshakeResponse, Fate) {
        let illegal = sasl_handshake::refusal(ErrorCode::IllegalSaslState);
        let is_raw = version == 0;
        let before = match std::mem::replace(&mut self.state, State::Refused) {
            State::Nobody => None,
            State::SignedIn(live) if is_raw => {
                self.state = State::SignedIn(live);
                return (illegal, Fate::GoOn);
            }
            State::SignedIn(live) => Some(*live),
            State::Anonymous(caller) => {
                self.state = State::Anonymous(caller);
                return (illegal, Fate::GoOn);
            }
            State::SigningIn(_) | State::Refused => return (illegal, Fate::Close),
        };
        let Ok(exchange) = Exchange::start(mechanism, self.context()) else {
            let unsupported = ErrorCode::UnsupportedSaslMechanism;
            return (sasl_handshake::refusal(unsupported), Fate::Close);
        };
        self.state = State::SigningIn(Box::new(SigningIn {
            exchange,
            is_raw,
            before,
        }));
        (sasl_handshake::accepted(), Fate::GoOn)
    }

    /// SaslAuthenticate.
    pub(crate) fn authenticate(&mut self, token: &[u8]) -> (SaslAuthenticateResponse, Fate) {
        if !matches!(self.state, State::SigningIn(_)) {
            self.state = State::Refused;
            let illegal = sasl_authenticate::refusal(ErrorCode::IllegalSaslState);
            return (illegal, Fate::Close);
        }
        match self.token(token) {
            TokenOutcome::Continue(reply) => (sasl_authenticate::token(reply, 0), Fate::GoOn),
            TokenOutcome::Done(reply, lifetime_ms) => {
                (sasl_authenticate::token(reply, lifetime_ms), Fate::GoOn)
            }
            TokenOutcome::Refused(reason) => (sasl_authenticate::failed(reason), Fate::Close),
        }
    }

    /// A token without a header: the token to send back, or none where the connection is to be
    /// closed.
    pub(crate) fn raw_token(&mut self, token: &[u8]) -> Option<Bytes> {
        match self.token(token) {
            TokenOutcome::Continue(reply) | TokenOutcome::Done(reply, _) => Some(reply),
            TokenOutcome::Refused(_) => None,
        }
    }

    fn context(&self) -> SignInContext {
        let tls_name = match self.door {
            Door::Tls(name) => name,
            Door::Plaintext(cluster) => auth::TlsName::Cluster(cluster),
        };
        SignInContext::new(tls_name, self.services.fake_salt.clone())
    }

    fn token(&mut self, token: &[u8]) -> TokenOutcome {
        let State::SigningIn(mut signing_in) = std::mem::replace(&mut self.state, State::Refused)
        else {
            panic!("tokens come in a sign-in only");
        };
        let mechanism = signing_in.exchange.mechanism();
        if let Some(refused) = changed_mechanism(&signing_in) {
            return self.refuse(mechanism, None, refused);
        }
        let map = self.services.router.map();
        let input = StepInput {
            map: &map,
            now: self.services.clock.wall(),
            entropy: self.services.entropy(),
        };
        match signing_in.exchange.step(token, &input) {
            Step::Continue(reply) => {
                self.state = State::SigningIn(signing_in);
                TokenOutcome::Continue(reply)
            }
            Step::Done { reply, identity } => {
                self.enter(signing_in.before.as_ref(), identity, &map, reply)
            }
            Step::Refuse(refusal) => {
                let reason = refusal.reason.clone();
                self.refuse(mechanism, Some(&refusal), reason)
            }
        }
    }

    fn enter(
        &mut self,
        before: Option<&Live>,
        signed_in: SignedIn,
        map: &ClusterMap,
        reply: Bytes,
    ) -> TokenOutcome {
        if let Some(before) = before
            && let Err(refused) = before.signed_in.check_reauthentication(&signed_in)
        {
            return self.refuse(signed_in.mechanism(), None, refused.to_string());
        }
        let now = self.services.clock.wall();
        let reauth_ms_max = self.services.config.reauth_ms_max;
        let lifetime_ms = auth::session_lifetime_ms(&signed_in, now, Some(reauth_ms_max));
        let lifetime = u64::try_from(lifetime_ms).ok().filter(|&ms| ms > 0);
        tracing::debug!(
            principal = %signed_in.principal(),
            virtual_cluster = signed_in.virtual_cluster().0,
            mechanism = %signed_in.mechanism(),
            lifetime_ms,
            "signed in",
        );
        if before.is_some() {
            self.services.metrics.sign_ins_renewed.increment(1);
        }
        self.was_known = true;
        self.state = State::SignedIn(Box::new(Live {
            signed_in: Arc::new(signed_in),
            map_version: map.version,
            ends_at: lifetime.map(|ms| Instant::now() + Duration::from_millis(ms)),
        }));
        TokenOutcome::Done(reply, lifetime_ms)
    }

    /// Logs what the tenant is not told.
    fn refuse(
        &self,
        mechanism: Mechanism,
        refusal: Option<&Refusal>,
        reason: String,
    ) -> TokenOutcome {
        self.services.metrics.sign_ins_failed.increment(1);
        match refusal {
            Some(refusal) => tracing::info!(
                %mechanism,
                request_id = refusal.request_id,
                detail = %refusal.detail,
                "sign-in refused",
            ),
            None => tracing::info!(%mechanism, detail = reason, "sign-in refused"),
        }
        TokenOutcome::Refused(reason)
    }
}

/// A session is prolonged by the mechanism that it began with; as in Kafka, that is said when the
/// token comes.
fn changed_mechanism(signing_in: &SigningIn) -> Option<String> {
    let before = signing_in.before.as_ref()?.signed_in.mechanism();
    let now = signing_in.exchange.mechanism();
    (before != now).then(|| {
        format!(
            "SASL mechanism '{now}' requested by client is not supported for re-authentication \
             of mechanism '{before}'"
        )
    })
}
