//! Makes TLS connections of sockets.
//!
//! Owns: how the configuration is completed for that. Does not own: the handshake (`handshake`), how
//! long it may take: dropping the future of [`TlsAcceptor::accept`] closes the socket.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use tokio::net::TcpStream;

use crate::handshake::Handshake;
use crate::stream::TlsStream;
use crate::witness::Witness;

/// Accepts TLS connections with one configuration. Clones share tickets and sessions.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    records_per_key_max: u64,
}

impl TlsAcceptor {
    /// Accepts by this configuration, with two things that are ours: keys may be taken out of a
    /// connection, and nothing comes before the handshake's end (no early data).
    pub fn new(config: &ServerConfig) -> Self {
        let mut config = config.clone();
        config.enable_secret_extraction = true;
        config.max_early_data_size = 0;
        config.send_half_rtt_data = false;
        Self {
            config: Arc::new(config),
            records_per_key_max: u64::MAX,
        }
    }

    /// Replaces keys sooner than their ciphers need it.
    #[cfg(test)]
    pub(crate) fn with_records_per_key(mut self, records: u64) -> Self {
        self.records_per_key_max = records;
        self
    }

    /// Shakes hands. A client that is refused is told by an alert where TLS has one.
    ///
    /// # Errors
    ///
    /// The socket's; [`io::ErrorKind::UnexpectedEof`] where the client goes;
    /// [`io::ErrorKind::InvalidData`] with a [`rustls::Error`] in it for what rustls refuses.
    pub async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream> {
        let witness = Arc::new(Witness::new(Arc::clone(&self.config.cert_resolver)));
        let mut config = ServerConfig::clone(&self.config);
        config.cert_resolver = Arc::<Witness>::clone(&witness);
        let connection =
            UnbufferedServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
        let finished = Handshake::new(socket, connection).run().await?;
        finished.into_stream(witness.name(), self.records_per_key_max)
    }
}
