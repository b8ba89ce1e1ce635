//! Signing in, by each mechanism.
//!
//! Owns: the order of the frames. Does not own: what is in them (`scram`, the crate `signer`).

use bytes::Bytes;
use wire::messages::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use wire::messages::sasl_handshake::SaslHandshakeRequest;

use super::{CallError, Client, ScramClient, ScramHash, SignedRequest};

/// What a client signs in with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A user name and a password.
    Scram {
        /// Which SCRAM.
        hash: ScramHash,
        /// The user.
        username: String,
        /// The password.
        password: String,
    },
    /// An access key, by AWS_MSK_IAM.
    MskIam(SignedRequest),
    /// An access key, by the token of the MSK signers.
    OauthBearer(SignedRequest),
}

impl Credentials {
    /// A user name and a password, by SCRAM-SHA-512.
    #[must_use]
    pub fn scram(username: &str, password: &str) -> Self {
        Self::Scram {
            hash: ScramHash::Sha512,
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }

    /// The mechanism's name.
    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::Scram { hash, .. } => hash.mechanism(),
            Self::MskIam(_) => "AWS_MSK_IAM",
            Self::OauthBearer(_) => "OAUTHBEARER",
        }
    }
}

/// A session that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// After how many milliseconds the client must sign in again; 0 for never.
    pub lifetime_ms: i64,
}

/// Why a client is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// There was no answer, or none that could be understood.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The server refused.
    #[error("refused with error {code}: {message}")]
    Refused {
        /// Kafka's error code.
        code: i16,
        /// The server's words.
        message: String,
    },
    /// The server did not prove what it should.
    #[error("the server is not trusted: {0:?}")]
    NotTrusted(String),
}

impl SignInError {
    /// Whether the connection is gone, rather than the server at fault.
    #[must_use]
    pub const fn is_connection(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_connection())
    }
}

impl Client {
    /// Signs in, or signs in anew on a live connection.
    ///
    /// # Errors
    /// Any [`SignInError`].
    pub async fn sign_in(&mut self, credentials: &Credentials) -> Result<Session, SignInError> {
        self.handshake(credentials.mechanism()).await?;
        match credentials {
            Credentials::Scram {
                hash,
                username,
                password,
            } => {
                let scram = ScramClient::new(*hash, username, password);
                self.sign_in_by_scram(scram).await
            }
            Credentials::MskIam(request) => {
                let answer = self.authenticate(request.iam_payload()).await?;
                let proof: serde_json::Value =
                    serde_json::from_slice(&answer.auth_bytes).unwrap_or_default();
                if proof["version"] != "2020_10_22" || !proof["request-id"].is_string() {
                    return Err(not_trusted(&answer));
                }
                Ok(session(&answer))
            }
            Credentials::OauthBearer(request) => self.sign_in_by_token(request).await,
        }
    }

    /// Chooses a mechanism.
    ///
    /// # Errors
    /// Any [`SignInError`]; [`SignInError::Refused`] lists what the server has.
    pub async fn handshake(&mut self, mechanism: &str) -> Result<(), SignInError> {
        let mechanism = mechanism.to_owned();
        let answer = self.call(SaslHandshakeRequest { mechanism }).await?;
        match answer.error_code {
            0 => Ok(()),
            code => Err(SignInError::Refused {
                code,
                message: answer.mechanisms.join(","),
            }),
        }
    }

    async fn sign_in_by_scram(&mut self, mut scram: ScramClient) -> Result<Session, SignInError> {
        let answer = self.authenticate(scram.first()).await?;
        let last = std::str::from_utf8(&answer.auth_bytes)
            .ok()
            .and_then(|server_first| scram.last(server_first))
            .ok_or_else(|| not_trusted(&answer))?;
        let answer = self.authenticate(last).await?;
        let server_final = String::from_utf8_lossy(&answer.auth_bytes);
        if scram.trusts(&server_final) {
            Ok(session(&answer))
        } else {
            Err(not_trusted(&answer))
        }
    }

    async fn sign_in_by_token(&mut self, request: &SignedRequest) -> Result<Session, SignInError> {
        let answer = self.authenticate(request.bearer_frame()).await?;
        if answer.auth_bytes.is_empty() {
            return Ok(session(&answer));
        }
        // A refusal comes as a challenge, which the client answers before it gets the error (RFC 7628).
        let answer = self.authenticate("\x01".to_owned()).await?;
        Err(not_trusted(&answer))
    }

    async fn authenticate(
        &mut self,
        token: String,
    ) -> Result<SaslAuthenticateResponse, SignInError> {
        let auth_bytes = Bytes::from(token);
        let answer = self.call(SaslAuthenticateRequest { auth_bytes }).await?;
        match answer.error_code {
            0 => Ok(answer),
            code => Err(SignInError::Refused {
                code,
                message: answer.error_message.unwrap_or_default(),
            }),
        }
    }
}

fn session(answer: &SaslAuthenticateResponse) -> Session {
    Session {
        lifetime_ms: answer.session_lifetime_ms,
    }
}

fn not_trusted(answer: &SaslAuthenticateResponse) -> SignInError {
    SignInError::NotTrusted(String::from_utf8_lossy(&answer.auth_bytes).into_owned())
}
