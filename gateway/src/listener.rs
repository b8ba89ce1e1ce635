//! Accepts connections, takes TLS off them, and hands them on.
//!
//! Owns: the bound on connections, the TLS handshake, what is known of a client by the way it came.
//! Does not own: the sockets' addresses and certificates (the root package binds and loads them),
//! what is said on a connection (`connection`).
//!
//! Invariants: a connection above the bound is closed as soon as it is accepted; when the gateway
//! drains, nothing more is accepted, and what is open is finished or cut off in time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth::TlsName;
use gateway_tls::{TlsAcceptor, TlsStream};
use model::VirtualClusterId;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::client::{Client, Door};
use crate::connection;
use crate::services::{Services, is_set};

/// After accepting fails (no file descriptors are left, say), it is tried again after this time.
const ACCEPT_RETRY_AFTER: Duration = Duration::from_millis(100);

/// Where clients come in.
pub struct Listener {
    /// A bound socket.
    pub socket: TcpListener,
    /// What is spoken on it.
    pub kind: ListenerKind,
}

/// What is spoken on a listener.
#[derive(Clone)]
pub enum ListenerKind {
    /// TLS; clients sign in.
    Tls(Arc<rustls::ServerConfig>),
    /// Plain TCP; clients have every right in this virtual cluster. Loopback only.
    Plaintext(VirtualClusterId),
}

/// How a listener takes a connection on.
#[derive(Clone)]
enum Reception {
    Tls(TlsAcceptor),
    Plaintext(VirtualClusterId),
}

/// Accepts until the gateway drains, then waits for the connections; gives up on those that are
/// still open after the drain timeout.
pub(crate) async fn run(listener: Listener, services: Arc<Services>) {
    let mut draining = services.draining.clone();
    let mut connections = JoinSet::new();
    let reception = match &listener.kind {
        ListenerKind::Tls(config) => Reception::Tls(TlsAcceptor::new(config)),
        ListenerKind::Plaintext(cluster) => Reception::Plaintext(*cluster),
    };
    loop {
        tokio::select! {
            () = is_set(&mut draining) => break,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
            }
            accepted = listener.socket.accept() => match accepted {
                Ok((socket, peer)) => {
                    admit(&mut connections, socket, peer, &reception, &services);
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting failed");
                    tokio::time::sleep(ACCEPT_RETRY_AFTER).await;
                }
            },
        }
    }
    drop(listener);
    let patience = Duration::from_millis(services.config.drain_timeout_ms);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, finished).await.is_err() {
        tracing::warn!(open = connections.len(), "connections cut off at shutdown");
        connections.shutdown().await;
    }
}

fn admit(
    connections: &mut JoinSet<()>,
    socket: TcpStream,
    peer: SocketAddr,
    reception: &Reception,
    services: &Arc<Services>,
) {
    let metrics = &services.metrics;
    let Ok(place) = Arc::clone(&services.connections).try_acquire_owned() else {
        metrics.connections_refused.increment(1);
        tracing::debug!(%peer, "connection refused: there are too many");
        return;
    };
    metrics.connections_accepted.increment(1);
    metrics.connections.increment(1);
    let reception = reception.clone();
    let services = Arc::clone(services);
    connections.spawn(async move {
        let open = Open {
            services,
            _place: place,
        };
        if let Err(error) = receive(socket, peer, reception, &open.services).await {
            tracing::info!(%peer, %error, "connection refused");
        }
    });
}

/// Counts a connection for as long as its task lives, however that ends.
struct Open {
    services: Arc<Services>,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.services.metrics.connections.decrement(1);
    }
}

async fn receive(
    socket: TcpStream,
    peer: SocketAddr,
    reception: Reception,
    services: &Arc<Services>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let local = socket.local_addr()?;
    let services = Arc::clone(services);
    match reception {
        Reception::Plaintext(cluster) => {
            let host = local.ip().to_canonical().to_string();
            let client = client(peer, local, Door::Plaintext(cluster), host, &services);
            connection::serve(socket, client, services).await;
        }
        Reception::Tls(acceptor) => {
            let stream = shake_hands(&acceptor, socket, &services).await?;
            let name = stream.server_name();
            let door = Door::Tls(TlsName::resolve(name, &services.router.map()));
            let host = name.map_or_else(|| local.ip().to_canonical().to_string(), str::to_owned);
            let client = client(peer, local, door, host, &services);
            connection::serve(stream, client, services).await;
        }
    }
    Ok(())
}

async fn shake_hands(
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    services: &Services,
) -> io::Result<TlsStream> {
    let patience = Duration::from_millis(services.config.handshake_timeout_ms);
    let mut draining = services.draining.clone();
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(patience, acceptor.accept(socket)) => shaken,
        () = is_set(&mut draining) => {
            return Err(io::Error::other("the gateway shuts down"));
        }
    };
    let stream = shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    stream.inspect_err(|_| services.metrics.handshakes_failed.increment(1))
}

/// What is known of the client; Metadata advertises the name it came by, so that it comes back by
/// the same.
fn client(
    peer: SocketAddr,
    local: SocketAddr,
    door: Door,
    host: String,
    services: &Services,
) -> Client {
    let port = services.config.advertised_port.unwrap_or(local.port());
    Client::new(peer, door, host, port, Arc::clone(&services.news))
}
