//! A client's side of SCRAM, written apart from the crate's.

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub struct ScramClient {
    mac: hmac::Algorithm,
    hash: &'static digest::Algorithm,
    salting: pbkdf2::Algorithm,
    header: String,
    bare: String,
    password: String,
    server_signature: Vec<u8>,
}

impl ScramClient {
    pub fn new(mechanism: &str, username: &str, password: &str) -> Self {
        let (mac, hash, salting) = match mechanism {
            "SCRAM-SHA-256" => (
                hmac::HMAC_SHA256,
                &digest::SHA256,
                pbkdf2::PBKDF2_HMAC_SHA256,
            ),
            "SCRAM-SHA-512" => (
                hmac::HMAC_SHA512,
                &digest::SHA512,
                pbkdf2::PBKDF2_HMAC_SHA512,
            ),
            other => panic!("{other}"),
        };
        let escaped = username.replace('=', "=3D").replace(',', "=2C");
        Self {
            mac,
            hash,
            salting,
            header: "n,,".to_owned(),
            bare: format!("n={escaped},r=fyko+d2lbbFgONRv9qkxdawL"),
            password: password.to_owned(),
            server_signature: Vec::new(),
        }
    }

    pub fn with_header(self, header: &str) -> Self {
        Self {
            header: header.to_owned(),
            ..self
        }
    }

    pub fn with_extension(self, extension: &str) -> Self {
        Self {
            bare: format!("{},{extension}", self.bare),
            ..self
        }
    }

    pub fn first(&self) -> String {
        format!("{}{}", self.header, self.bare)
    }

    /// Salt and iterations of the server's first message.
    pub fn salt(server_first: &str) -> (Vec<u8>, u32) {
        let (rest, iterations) = server_first.rsplit_once(",i=").unwrap();
        let (_, salt) = rest.rsplit_once(",s=").unwrap();
        (STANDARD.decode(salt).unwrap(), iterations.parse().unwrap())
    }

    pub fn last(&mut self, server_first: &str) -> String {
        let (nonce, _) = server_first.split_once(',').unwrap();
        assert!(nonce.starts_with("r=fyko+d2lbbFgONRv9qkxdawL"));
        assert!(nonce.len() > "r=fyko+d2lbbFgONRv9qkxdawL".len() + 16);
        let (salt, iterations) = Self::salt(server_first);
        assert!(iterations >= 4096);
        let mut salted = vec![0; self.hash.output_len()];
        let iterations = iterations.try_into().unwrap();
        let password = self.password.as_bytes();
        pbkdf2::derive(self.salting, iterations, &salt, password, &mut salted);

        let without_proof = format!("c={},{nonce}", STANDARD.encode(&self.header));
        let message = format!("{},{server_first},{without_proof}", self.bare);
        let client_key = self.hmac(&salted, "Client Key");
        let stored_key = digest::digest(self.hash, &client_key);
        let client_signature = self.hmac(stored_key.as_ref(), &message);
        let mut proof = client_key;
        for (byte, mask) in proof.iter_mut().zip(client_signature) {
            *byte ^= mask;
        }
        let server_key = self.hmac(&salted, "Server Key");
        self.server_signature = self.hmac(&server_key, &message);
        format!("{without_proof},p={}", STANDARD.encode(proof))
    }

    /// Whether the server has proven to know the password, too.
    pub fn trusts(&self, server_final: &str) -> bool {
        server_final == format!("v={}", STANDARD.encode(&self.server_signature))
    }

    fn hmac(&self, key: &[u8], data: &str) -> Vec<u8> {
        let key = hmac::Key::new(self.mac, key);
        hmac::sign(&key, data.as_bytes()).as_ref().to_vec()
    }
}
