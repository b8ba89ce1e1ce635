//! What the server tells those who start it: how to reach it, the credentials, the bill.
//!
//! Owns: reading the files that it writes. Does not own: the process (`process`).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::client::{Credentials, Endpoint, SignedRequest};

/// The ready file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(
    missing_docs,
    reason = "described where it is written, in src/ready.rs"
)]
pub struct Ready {
    pub bootstrap: String,
    pub ca_file: PathBuf,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub scram_username: String,
    pub scram_password: String,
    pub admin_url: String,
    pub pid: u32,
    pub plaintext: Option<String>,
}

/// What the owner of a virtual cluster connects with.
#[derive(Clone)]
pub struct Access {
    /// The way to the cluster.
    pub endpoint: Endpoint,
    /// The name it was reached by.
    pub host: String,
    /// The region in signatures.
    pub region: String,
    /// Public half of the access key.
    pub access_key_id: String,
    /// Secret half of it.
    pub secret_access_key: String,
    /// SCRAM user.
    pub scram_username: String,
    /// SCRAM password.
    pub scram_password: String,
}

/// The file of a virtual cluster's first credentials.
#[derive(Deserialize)]
struct Secrets {
    access_key_id: String,
    secret_access_key: String,
    scram_username: String,
    scram_password: String,
}

impl Access {
    pub(super) fn first(ready: &Ready) -> Result<Self> {
        let (host, _) = ready
            .bootstrap
            .rsplit_once(':')
            .context("bootstrap has no port")?;
        Ok(Self {
            endpoint: Endpoint::tls(&ready.bootstrap, host, &ready.ca_file)?,
            host: host.to_owned(),
            region: ready.region.clone(),
            access_key_id: ready.access_key_id.clone(),
            secret_access_key: ready.secret_access_key.clone(),
            scram_username: ready.scram_username.clone(),
            scram_password: ready.scram_password.clone(),
        })
    }

    pub(super) fn to_cluster(ready: &Ready, data: &Path, cluster: &str) -> Result<Self> {
        let file = data.join(format!("secrets/{cluster}.json"));
        let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let secrets: Secrets = serde_json::from_slice(&text)?;
        let region = ready.region.clone();
        let host = format!("boot-{cluster}.c1.kafka-serverless.{region}.localhost");
        Ok(Self {
            endpoint: Endpoint::tls(&ready.bootstrap, &host, &ready.ca_file)?,
            host,
            region,
            access_key_id: secrets.access_key_id,
            secret_access_key: secrets.secret_access_key,
            scram_username: secrets.scram_username,
            scram_password: secrets.scram_password,
        })
    }

    /// Credentials for SCRAM-SHA-512.
    #[must_use]
    pub fn scram(&self) -> Credentials {
        Credentials::scram(&self.scram_username, &self.scram_password)
    }

    /// A request signed now, for AWS_MSK_IAM and OAUTHBEARER.
    #[must_use]
    pub fn signed(&self) -> SignedRequest {
        let Self {
            access_key_id,
            secret_access_key,
            region,
            host,
            ..
        } = self;
        SignedRequest::now(access_key_id, secret_access_key, region, host)
    }
}

/// One line of `tidegate usage --json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// Name of the virtual cluster.
    pub cluster: String,
    /// Bytes of committed record batches.
    pub bytes_in: u64,
    /// Bytes of record batches that were delivered.
    pub bytes_out: u64,
    /// Bytes stored now.
    pub stored_bytes: u64,
}
