//! The ready file: written once clients are served, so that scripts need not guess.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::credentials::{UserCredentials, write_passing_secret};

/// How to reach and sign in to the server.
#[derive(Serialize)]
pub struct Ready {
    /// `host:port` of the first virtual cluster, TLS with sign-in.
    pub bootstrap: String,
    /// The certificate to trust, PEM.
    pub ca_file: String,
    /// Region for signatures.
    pub region: String,
    /// What its first user signs in with: the key for AWS_MSK_IAM and OAUTHBEARER, the rest for SCRAM.
    #[serde(flatten)]
    pub credentials: UserCredentials,
    /// The same of its further users, by their names.
    pub users: BTreeMap<String, UserCredentials>,
    /// Health, metrics and usage.
    pub admin_url: String,
    /// The server's process.
    pub pid: u32,
    /// `host:port` of the extra listener without TLS, if there is one.
    pub plaintext: Option<String>,
}

impl Ready {
    /// Writes the file, whole or not at all.
    pub fn write(&self, file: &Path) -> Result<()> {
        write_passing_secret(file, &serde_json::to_vec_pretty(self)?)
    }
}
