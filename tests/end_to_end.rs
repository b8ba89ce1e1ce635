//! The real binary, started by each test on a folder of its own and spoken to over TLS.
//!
//! Owns: starting it. Does not own: the client and the process (`tests::client`, `tests::process`). A target of the
//! root package, so that cargo builds the binary before it.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod administration;
mod bad_input;
mod limits;
mod names;
mod restart;
mod tenants;

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tests::client::Client;
use tests::process::{Access, Launch, Server};

/// How long a hostile connection may stay open where nothing else is said.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);

/// A running server. It is ended before its folder is removed.
struct Site {
    server: Server,
    access: Access,
    _folder: TempDir,
}

fn launch(folder: &Path) -> Launch {
    Launch::new(Path::new(env!("CARGO_BIN_EXE_tidegate")), folder)
}

impl Site {
    fn start() -> Self {
        Self::start_with(|launch| launch)
    }

    /// Starts with settings.
    fn start_with(settings: impl FnOnce(Launch) -> Launch) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = settings(launch(folder.path())).start().unwrap();
        let access = server.access().unwrap();
        Self {
            server,
            access,
            _folder: folder,
        }
    }

    /// A client that has signed in.
    async fn client(&self) -> Client {
        signed_in(&self.access).await
    }

    /// A connection that has not.
    async fn stranger(&self) -> Client {
        let mut client = Client::connect(&self.access.endpoint).await.unwrap();
        client.set_patience(CLOSED_WITHIN);
        client
    }

    /// After whatever was done to it, the server lives and serves.
    async fn check(mut self) {
        self.server.check_health().unwrap();
        let mut client = self.client().await;
        let all = client.metadata(None).await.unwrap();
        assert!(!all.brokers.is_empty());
    }
}

async fn signed_in(access: &Access) -> Client {
    Client::open(&access.endpoint, &access.scram())
        .await
        .unwrap()
}
