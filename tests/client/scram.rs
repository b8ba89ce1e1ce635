//! A client's side of SCRAM (RFC 5802), without channel binding.
//!
//! Owns: the exchange as text. Does not own: the frames it travels in. Written apart from the server's side, so that
//! a mistake there is not repeated here.

use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The hash of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScramHash {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl ScramHash {
    /// The mechanism's name.
    #[must_use]
    pub const fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn mac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn salting(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// One exchange.
pub struct ScramClient {
    hash: ScramHash,
    password: String,
    nonce: String,
    first_bare: String,
    server_signature: Vec<u8>,
}

impl ScramClient {
    /// Begins an exchange.
    ///
    /// # Panics
    /// If the operating system has no randomness to give.
    #[must_use]
    pub fn new(hash: ScramHash, username: &str, password: &str) -> Self {
        let mut nonce = [0; 18];
        rand::fill(&mut nonce).expect("the operating system has randomness to give");
        let nonce = STANDARD.encode(nonce);
        let username = username.replace('=', "=3D").replace(',', "=2C");
        Self {
            hash,
            password: password.to_owned(),
            first_bare: format!("n={username},r={nonce}"),
            nonce,
            server_signature: Vec::new(),
        }
    }

    /// The client's first message.
    #[must_use]
    pub fn first(&self) -> String {
        format!("n,,{}", self.first_bare)
    }

    /// The client's last message, or none where the server's first one breaks the rules.
    pub fn last(&mut self, server_first: &str) -> Option<String> {
        let fields = fields(server_first);
        let [('r', nonce), ('s', salt), ('i', iterations)] = fields[..] else {
            return None;
        };
        let extends = nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len();
        let salt = STANDARD.decode(salt).ok()?;
        let iterations: u32 = iterations.parse().ok().filter(|count| *count >= 4096)?;
        if !extends {
            return None;
        }
        let mut salted = vec![0; self.hash.digest().output_len()];
        let password = self.password.as_bytes();
        let iterations = iterations.try_into().ok()?;
        pbkdf2::derive(
            self.hash.salting(),
            iterations,
            &salt,
            password,
            &mut salted,
        );
        let without_proof = format!("c={},r={nonce}", STANDARD.encode("n,,"));
        let message = format!("{},{server_first},{without_proof}", self.first_bare);
        let proof = self.prove(&salted, &message);
        Some(format!("{without_proof},p={}", STANDARD.encode(proof)))
    }

    /// Whether the server's last message proves that it knows the password, too.
    #[must_use]
    pub fn trusts(&self, server_final: &str) -> bool {
        let expected = format!("v={}", STANDARD.encode(&self.server_signature));
        !self.server_signature.is_empty() && server_final == expected
    }

    fn prove(&mut self, salted: &[u8], message: &str) -> Vec<u8> {
        let client_key = self.sign(salted, "Client Key");
        let stored_key = digest::digest(self.hash.digest(), &client_key);
        let client_signature = self.sign(stored_key.as_ref(), message);
        let server_key = self.sign(salted, "Server Key");
        self.server_signature = self.sign(&server_key, message);
        let pairs = client_key.iter().zip(client_signature);
        pairs.map(|(key, mask)| key ^ mask).collect()
    }

    fn sign(&self, key: &[u8], text: &str) -> Vec<u8> {
        let key = hmac::Key::new(self.hash.mac(), key);
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    }
}

/// `a=1,b=2` as pairs.
fn fields(text: &str) -> Vec<(char, &str)> {
    let pair = |field: &str| -> Option<(char, usize)> {
        let name = field.chars().next()?;
        field[name.len_utf8()..]
            .starts_with('=')
            .then_some((name, name.len_utf8() + 1))
    };
    let split = |field| pair(field).map(|(name, value_at)| (name, &field[value_at..]));
    text.split(',').filter_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc() {
        let mut client = ScramClient::new(ScramHash::Sha256, "user", "pencil");
        client.nonce = "rOprNGfwEbeRWgbNEkqO".to_owned();
        client.first_bare = "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned();
        let server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let last = client.last(server_first).unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(last, expected);
        assert!(client.trusts("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!client.trusts("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
    }

    #[test]
    fn a_nonce_that_does_not_extend_ours_is_refused() {
        let mut client = ScramClient::new(ScramHash::Sha512, "user", "pencil");
        assert_eq!(
            client.last("r=else,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
            None
        );
        let own = format!("r={},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", client.nonce);
        assert_eq!(client.last(&own), None);
        assert!(!client.trusts("v="));
    }
}
