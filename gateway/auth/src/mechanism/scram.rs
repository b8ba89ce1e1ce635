//! `SCRAM-SHA-256` and `SCRAM-SHA-512`, the server's side (RFC 5802, RFC 7677), as Kafka has it:
//! no channel binding, no SASLprep, names in UTF-8 as they are.
//!
//! Owns: the exchange after which both sides know that the other knows the password, or what is
//! stored for it. Differs from Kafka: users that do not exist are not told so at once; they get a
//! salt that stays the same, and fail where a wrong password fails, after the same work.
//! Delegation tokens (`tokenauth=true`) are not supported.
//!
//! What remains visible: a user's salt is the same with the TLS name and without any, where the
//! name of the user is enough to find the virtual cluster; that of a user who does not exist is
//! not. Iterations other than [`SCRAM_ITERATIONS_MIN`], or a salt of another length than
//! [`SCRAM_SALT_BYTES`], tell that a user exists.
//!
//! ```text
//!   client   n,,n=<user>,r=<nonce>
//!   server   r=<nonce><more>,s=<salt>,i=<iterations>
//!   client   c=<n,,>,r=<nonce><more>,p=<proof>
//!   server   v=<signature>
//! ```

mod failure;
mod keys;
mod message;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::ScramCredential;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use failure::{ScramFailure, ScramParameterError};
pub use keys::{
    SCRAM_ITERATIONS_MAX, SCRAM_ITERATIONS_MIN, SCRAM_SALT_BYTES, ScramHash, ScramSalts,
    scram_credential, scram_keys, scram_keys_from_salted_password,
};
use message::{ClientFinal, ClientFirst};

use super::Mechanism;
use crate::credential::{Found, find_scram_user};
use crate::mac::mac;
use crate::{CredentialId, SignInContext, SignInFailure, SignedIn, StepInput};

/// What is between the client's two messages.
pub(crate) struct AwaitingProof {
    hash: ScramHash,
    username: String,
    /// Whether there is such a user; if not, the keys below are not those of any password.
    known: bool,
    stored_key: Zeroizing<Vec<u8>>,
    server_key: Zeroizing<Vec<u8>>,
    /// `n,,` as the client sent it.
    header: String,
    /// The client's part of the nonce, and the whole of it.
    client_nonce: String,
    nonce: String,
    /// The two messages so far, as they enter the proofs.
    transcript: String,
}

/// What a user's exchange is made with, be the user real or not.
struct Challenge {
    known: bool,
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Zeroizing<Vec<u8>>,
    server_key: Zeroizing<Vec<u8>>,
}

impl AwaitingProof {
    /// Takes the client's first message; says what to answer.
    pub(crate) fn start(
        hash: ScramHash,
        message: &[u8],
        context: &SignInContext,
        input: &StepInput<'_>,
    ) -> Result<(Self, String), SignInFailure> {
        let first = ClientFirst::parse(message)?;
        if let Some(id) = &first.authorization_id
            && *id != first.username
        {
            return Err(SignInFailure::AuthorizationId {
                authorization_id: id.as_str().into(),
            });
        }
        let found = find_scram_user(input.map, context.tls_name, &first.username);
        let challenge = Challenge::of(hash, &first.username, found.as_ref(), context);
        let nonce = URL_SAFE_NO_PAD.encode(input.entropy.nonce);
        Ok(Self::answer(hash, first, challenge, &nonce))
    }

    fn answer(
        hash: ScramHash,
        first: ClientFirst<'_>,
        challenge: Challenge,
        server_nonce: &str,
    ) -> (Self, String) {
        let nonce = format!("{}{server_nonce}", first.nonce);
        let salt = STANDARD.encode(&challenge.salt);
        let reply = format!("r={nonce},s={salt},i={}", challenge.iterations);
        let awaiting = Self {
            hash,
            known: challenge.known,
            stored_key: challenge.stored_key,
            server_key: challenge.server_key,
            header: first.header.to_owned(),
            client_nonce: first.nonce.to_owned(),
            nonce,
            transcript: format!("{},{reply}", first.bare),
            username: first.username,
        };
        (awaiting, reply)
    }

    /// Takes the client's second message; says what to answer, and who the client is.
    pub(crate) fn finish(
        self,
        message: &[u8],
        context: &SignInContext,
        input: &StepInput<'_>,
    ) -> Result<(String, SignedIn), SignInFailure> {
        let reply = self.check(message)?;
        let found = find_scram_user(input.map, context.tls_name, &self.username);
        let cluster = match found {
            Some(Found {
                cluster,
                credential: Some(_),
            }) => cluster,
            // Deleted since the first message.
            _ => return Err(self.unknown().into()),
        };
        let identity = SignedIn::establish(
            cluster,
            Mechanism::Scram(self.hash),
            CredentialId::ScramUser(self.username.into()),
            None,
        )?;
        Ok((reply, identity))
    }

    /// The answer to the client's second message, if it has proven to know the password.
    fn check(&self, message: &[u8]) -> Result<String, ScramFailure> {
        let last = ClientFinal::parse(message, self.hash)?;
        if last.channel_binding != self.header.as_bytes() {
            return Err(ScramFailure::ChannelBinding);
        }
        if !self.is_nonce(last.nonce) {
            return Err(ScramFailure::Nonce);
        }
        let transcript = format!("{},{}", self.transcript, last.without_proof);
        let proven = self.proves(&last.proof, &transcript);
        let signature = mac(self.hash.hmac(), &self.server_key, transcript.as_bytes());
        match (self.known, proven) {
            (true, true) => Ok(format!("v={}", STANDARD.encode(&*signature))),
            (true, false) => Err(ScramFailure::Proof {
                username: self.username.as_str().into(),
            }),
            (false, _) => Err(self.unknown()),
        }
    }

    /// Whether the client's second message names the nonce of this exchange. librdkafka before 2.6.1
    /// (Debian's kcat has 2.0.2) puts its own part before the whole a second time; the proof covers
    /// the message as it was sent, so nothing is lost by taking it.
    fn is_nonce(&self, named: &str) -> bool {
        named == self.nonce || named.strip_prefix(&*self.client_nonce) == Some(&*self.nonce)
    }

    /// Whether `proof` is made with the key that the stored key is the hash of.
    fn proves(&self, proof: &[u8], transcript: &str) -> bool {
        let signature = mac(self.hash.hmac(), &self.stored_key, transcript.as_bytes());
        let pairs = proof.iter().zip(signature.iter());
        let client_key = Zeroizing::new(pairs.map(|(a, b)| a ^ b).collect::<Vec<u8>>());
        let stored_key = self.hash.digest(&client_key);
        stored_key.ct_eq(&self.stored_key).into()
    }

    fn unknown(&self) -> ScramFailure {
        ScramFailure::UnknownUser {
            username: self.username.as_str().into(),
        }
    }
}

impl Challenge {
    /// That of the user that was found, or one that stays the same for a name and what the TLS
    /// name selects. The latter is made in any case, so that both take the same time.
    fn of(
        hash: ScramHash,
        username: &str,
        found: Option<&Found<'_, ScramCredential>>,
        context: &SignInContext,
    ) -> Self {
        let realm = mac(
            hash.hmac(),
            context.fake_salt.bytes(),
            &context.tls_name.realm(),
        );
        let fake = |purpose: u8| {
            let data = [&[purpose], username.as_bytes()].concat();
            mac(hash.hmac(), &realm, &data)
        };
        let (salt, stored_key, server_key) = (fake(b's'), fake(b'c'), fake(b'v'));
        match found.and_then(|found| found.credential) {
            Some(user) => Self::real(hash, user),
            None => Self {
                known: false,
                iterations: SCRAM_ITERATIONS_MIN,
                salt: salt[..SCRAM_SALT_BYTES].to_vec(),
                stored_key,
                server_key,
            },
        }
    }

    fn real(hash: ScramHash, user: &ScramCredential) -> Self {
        let keys = hash.keys_of(user);
        Self {
            known: true,
            iterations: user.iterations,
            salt: keys.salt.clone(),
            stored_key: Zeroizing::new(keys.stored_key.clone()),
            server_key: Zeroizing::new(keys.server_key.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
