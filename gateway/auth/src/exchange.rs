//! One sign-in on one connection: the client speaks, we answer, until it is in or out.
//!
//! Owns: the state between messages, and what a tenant is told. Does not own: frames, the order of
//! requests, the delay before a refusal. Invariant: each message is looked at once; after `Done`
//! or `Refuse` nothing is accepted any more.
//!
//! ```text
//!   AWS_MSK_IAM, OAUTHBEARER   First ─▶ Over            (OAUTHBEARER's bad token: First ─▶ Failed ─▶ Over)
//!   SCRAM                      First ─▶ Proof ─▶ Over
//! ```

use std::fmt;

use bytes::Bytes;
use model::{ClusterMap, Timestamp};
use uuid::Builder;

use crate::mechanism::oauthbearer::{self, Refused};
use crate::mechanism::scram::{AwaitingProof, ScramHash};
use crate::mechanism::{Mechanism, UnsupportedMechanism, iam};
use crate::{SignInContext, SignInFailure, SignedIn};

/// Largest message of a client; a larger one is refused unread. A session token may have some
/// thousand bytes and is encoded up to three times.
pub const SASL_FRAME_BYTES_MAX: usize = 64 * 1024;

/// Random bytes for one step, drawn anew for each.
#[derive(Clone, Copy)]
pub struct Entropy {
    /// Becomes the id that the tenant is told and our log has.
    pub request_id: [u8; 16],
    /// Becomes the server's part of a SCRAM nonce.
    pub nonce: [u8; 24],
}

/// What a step is taken with.
#[derive(Clone, Copy)]
pub struct StepInput<'a> {
    /// Where credentials are looked up.
    pub map: &'a ClusterMap,
    /// The wall clock.
    pub now: Timestamp,
    /// Fresh random bytes.
    pub entropy: Entropy,
}

/// What comes of a client's message.
#[derive(Debug)]
pub enum Step {
    /// Send this and wait for the client's next message.
    Continue(Bytes),
    /// The client is in.
    Done {
        /// The last message to send; may be empty.
        reply: Bytes,
        /// Who it is.
        identity: SignedIn,
    },
    /// SASL_AUTHENTICATION_FAILED (58), then close.
    Refuse(Refusal),
}

/// A refused sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The id of the refusal; it stands in the texts of IAM, as in AWS's.
    pub request_id: String,
    /// What the tenant is told.
    pub reason: String,
    /// What our log says.
    pub detail: SignInFailure,
}

/// A sign-in under way.
pub struct Exchange {
    mechanism: Mechanism,
    context: SignInContext,
    state: State,
}

enum State {
    First,
    /// OAUTHBEARER: the client was told that its token is bad and answers with 0x01.
    Failed(SignInFailure),
    /// SCRAM: the client was given its salt and answers with its proof.
    Proof(Box<AwaitingProof>),
    Over,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("mechanism", &self.mechanism)
            .finish_non_exhaustive()
    }
}

/// What a step comes to, before it is put into words.
enum Outcome {
    Continue(State, String),
    Done(String, SignedIn),
}

impl Exchange {
    /// A sign-in by the mechanism that the client named in SaslHandshake.
    pub fn start(mechanism: &str, context: SignInContext) -> Result<Self, UnsupportedMechanism> {
        Ok(Self {
            mechanism: Mechanism::parse(mechanism)?,
            context,
            state: State::First,
        })
    }

    /// The mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Takes the client's next message.
    pub fn step(&mut self, client_bytes: &[u8], input: &StepInput<'_>) -> Step {
        let state = std::mem::replace(&mut self.state, State::Over);
        let request_id = Builder::from_random_bytes(input.entropy.request_id)
            .into_uuid()
            .to_string();
        match self.advance(state, client_bytes, input, &request_id) {
            Ok(Outcome::Continue(next, challenge)) => {
                self.state = next;
                Step::Continue(challenge.into())
            }
            Ok(Outcome::Done(reply, identity)) => Step::Done {
                reply: reply.into(),
                identity,
            },
            Err(detail) => Step::Refuse(Refusal {
                reason: self.reason(&detail, &request_id),
                request_id,
                detail,
            }),
        }
    }

    fn advance(
        &self,
        state: State,
        message: &[u8],
        input: &StepInput<'_>,
        request_id: &str,
    ) -> Result<Outcome, SignInFailure> {
        let bytes = message.len();
        if bytes > SASL_FRAME_BYTES_MAX {
            return Err(SignInFailure::FrameTooLarge { bytes });
        }
        match state {
            State::First => self.first(message, input, request_id),
            State::Failed(failure) => Err(failure),
            State::Proof(awaiting) => {
                let (reply, identity) = awaiting.finish(message, &self.context, input)?;
                Ok(Outcome::Done(reply, identity))
            }
            State::Over => Err(SignInFailure::Over),
        }
    }

    fn first(
        &self,
        message: &[u8],
        input: &StepInput<'_>,
        request_id: &str,
    ) -> Result<Outcome, SignInFailure> {
        match self.mechanism {
            Mechanism::AwsMskIam => {
                let identity = iam::sign_in(message, &self.context, input)?;
                Ok(Outcome::Done(iam::reply(request_id), identity))
            }
            Mechanism::OauthBearer => self.bearer(message, input),
            Mechanism::Scram(hash) => self.scram(hash, message, input),
        }
    }

    fn bearer(&self, message: &[u8], input: &StepInput<'_>) -> Result<Outcome, SignInFailure> {
        match oauthbearer::sign_in(message, &self.context, input) {
            Ok(identity) => Ok(Outcome::Done(String::new(), identity)),
            Err(Refused::Token(failure)) => {
                let challenge = oauthbearer::INVALID_TOKEN.to_owned();
                Ok(Outcome::Continue(State::Failed(failure), challenge))
            }
            Err(Refused::AtOnce(failure)) => Err(failure),
        }
    }

    fn scram(
        &self,
        hash: ScramHash,
        message: &[u8],
        input: &StepInput<'_>,
    ) -> Result<Outcome, SignInFailure> {
        let (awaiting, challenge) = AwaitingProof::start(hash, message, &self.context, input)?;
        let next = State::Proof(Box::new(awaiting));
        Ok(Outcome::Continue(next, challenge))
    }

    /// Says the same for every failure that could tell what exists. Whoever has proven its
    /// identity and may not connect is told what it lacks.
    fn reason(&self, failure: &SignInFailure, request_id: &str) -> String {
        match (failure, self.mechanism) {
            (SignInFailure::NotPermitted(denied), _) => {
                format!("[{request_id}]: Access denied: {denied}")
            }
            (_, Mechanism::AwsMskIam | Mechanism::OauthBearer) => {
                format!("[{request_id}]: Access denied")
            }
            (_, Mechanism::Scram(_)) => format!(
                "Authentication failed during authentication due to invalid credentials \
                 with SASL mechanism {}",
                self.mechanism
            ),
        }
    }
}
