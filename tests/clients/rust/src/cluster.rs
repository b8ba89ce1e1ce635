//! The server under test, as its ready file and `SIGN_IN` have it.

use std::fmt::{self, Display};
use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The counter of sign-ins on connections that were signed in.
const RENEWALS: &str = "tidegate_gateway_sign_ins_renewed_total ";

/// The ready file.
#[derive(Deserialize)]
pub struct Cluster {
    /// `host:port` that clients connect to.
    pub bootstrap: String,
    /// The authority of the server's certificate, in PEM.
    pub ca_file: PathBuf,
    /// The region that signatures are for.
    pub region: String,
    /// Who may do everything.
    #[serde(flatten)]
    pub owner: Credentials,
    /// Who else there is.
    pub users: Users,
    admin_url: String,
}

/// The further users of the configuration.
#[derive(Deserialize)]
pub struct Users {
    /// Who may only read.
    pub reader: Credentials,
}

/// How one user signs in, by either mechanism.
#[derive(Clone, Deserialize)]
pub struct Credentials {
    /// The access key's public half.
    pub access_key_id: String,
    /// Its secret half.
    pub secret_access_key: String,
    /// SCRAM's user name.
    pub scram_username: String,
    /// SCRAM's password.
    pub scram_password: String,
}

impl Credentials {
    /// The same user with secrets that are not theirs.
    #[must_use]
    pub fn with_wrong_secret(&self) -> Self {
        Self {
            secret_access_key: format!("not {}", self.secret_access_key),
            scram_password: format!("not {}", self.scram_password),
            ..self.clone()
        }
    }
}

/// The mechanisms that both libraries have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// With the token of [`crate::token`].
    OauthBearer,
    /// SCRAM-SHA-512.
    Scram,
}

impl SignIn {
    /// What `SIGN_IN` names.
    ///
    /// # Errors
    /// If it names neither.
    pub fn from_environment() -> Result<Self> {
        match std::env::var("SIGN_IN").as_deref() {
            Ok("oauthbearer") => Ok(Self::OauthBearer),
            Ok("scram") => Ok(Self::Scram),
            other => bail!("SIGN_IN is oauthbearer or scram, not {other:?}"),
        }
    }
}

impl Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OauthBearer => "OAUTHBEARER",
            Self::Scram => "SCRAM-SHA-512",
        })
    }
}

impl Cluster {
    /// Reads the ready file that the first argument names.
    ///
    /// # Errors
    /// If there is none, or something is missing in it.
    pub fn from_arguments() -> Result<Self> {
        let path = std::env::args().nth(1).context("usage: READY_FILE")?;
        let file = File::open(&path).with_context(|| path.clone())?;
        serde_json::from_reader(file).context(path)
    }

    /// How often a client has signed in on a connection that was signed in.
    ///
    /// # Errors
    /// If the server does not tell.
    pub async fn renewals(&self) -> Result<u64> {
        let address = self.admin_url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut page = String::new();
        stream.read_to_string(&mut page).await?;
        let line = page.lines().find_map(|line| line.strip_prefix(RENEWALS));
        line.context("the metrics lack the renewed sign-ins")?
            .parse()
            .context("renewed sign-ins")
    }
}
