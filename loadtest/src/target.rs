//! A server under load, and how a client reaches it.
//!
//! Owns: reading a ready file, the rule that only this machine is loaded unless told otherwise. Does not own: secrets
//! beyond the client's settings; they are never shown.

use std::fmt;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// One server.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is called in reports.
    pub name: String,
    /// `host:port`, several separated by commas.
    pub bootstrap: String,
    /// Its certificate authority; without one the connection is not encrypted.
    pub ca_file: Option<PathBuf>,
    /// What signs producers and consumers in.
    pub sign_in: SignIn,
    /// What signs in who makes the topics: never a token, since the `rdkafka` crate's admin client fetches none.
    pub admin_sign_in: SignIn,
    /// Its process, if it runs on this machine and is known.
    pub pid: Option<u32>,
    /// Whether it may be on another machine.
    pub may_be_remote: bool,
}

/// How a client signs in.
#[derive(Clone)]
pub enum SignIn {
    /// Not at all.
    Nobody,
    /// OAUTHBEARER with the token of the MSK signers.
    MskIam {
        /// The access key's public half.
        access_key_id: String,
        /// Its secret half.
        secret_access_key: String,
        /// The region that is signed.
        region: String,
    },
    /// SCRAM-SHA-512.
    Scram {
        /// The user.
        username: String,
        /// The password.
        password: String,
    },
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::MskIam { .. } => "MskIam(…)",
            Self::Scram { .. } => "Scram(…)",
        })
    }
}

/// What a ready file says; what else it says is not our business.
#[derive(Deserialize)]
struct Ready {
    bootstrap: String,
    ca_file: Option<PathBuf>,
    region: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    scram_username: Option<String>,
    scram_password: Option<String>,
    pid: Option<u32>,
}

impl Target {
    /// The server that a ready file describes.
    ///
    /// # Errors
    /// The file cannot be read, or lacks what is needed.
    pub fn from_ready_file(name: &str, file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("the ready file {} cannot be read", file.display()))?;
        let ready: Ready = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a ready file", file.display()))?;
        let scram = ready.scram_username.zip(ready.scram_password);
        let (username, password) = scram.with_context(|| {
            format!(
                "{} has no SCRAM user, who would make the topics",
                file.display()
            )
        })?;
        let admin_sign_in = SignIn::Scram { username, password };
        let key = ready.access_key_id.zip(ready.secret_access_key);
        let sign_in = match key.zip(ready.region) {
            Some(((access_key_id, secret_access_key), region)) => SignIn::MskIam {
                access_key_id,
                secret_access_key,
                region,
            },
            None => admin_sign_in.clone(),
        };
        Ok(Self {
            name: name.to_owned(),
            bootstrap: ready.bootstrap,
            ca_file: ready.ca_file,
            sign_in,
            admin_sign_in,
            pid: ready.pid,
            may_be_remote: false,
        })
    }

    /// Refuses an address that is not this machine's own, unless that was allowed.
    ///
    /// # Errors
    /// The address.
    pub fn refuse_remote(&self) -> Result<()> {
        self.bootstrap
            .split(',')
            .try_for_each(|address| self.refuse_address(address.trim()))
    }

    /// The same of one `host:port`, which the server may have told.
    ///
    /// # Errors
    /// The address.
    pub fn refuse_address(&self, address: &str) -> Result<()> {
        if self.may_be_remote {
            return Ok(());
        }
        let mut found = address
            .to_socket_addrs()
            .with_context(|| format!("{}: {address:?} is not a host and a port", self.name))?;
        ensure!(
            found.all(|address| address.ip().is_loopback()),
            "{}: {address} is another machine; --allow-remote puts load on it all the same",
            self.name
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Target> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Target::from_ready_file("x", file.path())
    }

    #[test]
    fn an_access_key_goes_before_a_user() {
        let target = read(
            r#"{"bootstrap": "localhost:1", "ca_file": "/ca", "region": "us-east-1", "access_key_id": "a",
                "secret_access_key": "s", "scram_username": "u", "scram_password": "p", "pid": 3, "new": 1}"#,
        );
        let target = target.unwrap();
        assert!(matches!(target.sign_in, SignIn::MskIam { .. }));
        assert_eq!(target.pid, Some(3));
        assert!(!format!("{target:?}").contains("\"s\""));
    }

    #[test]
    fn a_user_will_do() {
        let target =
            read(r#"{"bootstrap": "localhost:1", "scram_username": "u", "scram_password": "p"}"#);
        assert!(matches!(target.unwrap().sign_in, SignIn::Scram { .. }));
    }

    #[test]
    fn what_is_no_ready_file_is_said() {
        assert!(format!("{:#}", read("{}").unwrap_err()).contains("bootstrap"));
        let said = read(r#"{"bootstrap": "localhost:1"}"#).unwrap_err();
        assert!(said.to_string().contains("no SCRAM user"), "{said}");
    }

    #[test]
    fn other_machines_are_refused_unless_allowed() {
        let mut target = read(r#"{"bootstrap": "127.0.0.1:1,192.0.2.1:9", "scram_username": "u", "scram_password": "p"}"#)
            .unwrap();
        let said = target.refuse_remote().unwrap_err();
        assert!(said.to_string().contains("192.0.2.1:9"), "{said}");
        target.may_be_remote = true;
        target.refuse_remote().unwrap();
        target.may_be_remote = false;
        target.bootstrap = "[::1]:9,127.0.0.1:1".to_owned();
        target.refuse_remote().unwrap();
        target.bootstrap = "127.0.0.1".to_owned();
        assert!(target.refuse_remote().is_err());
    }
}
