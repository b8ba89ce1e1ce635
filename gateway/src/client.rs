//! What is known of a client by the way it came, for as long as its connection lasts.
//!
//! Owns: address, listener, advertised name, place, mute, interest in news, topics that it fetches. Does not own: who the client
//! is (`session`).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use auth::TlsName;
use model::VirtualClusterId;
use tokio::time::Instant;

use crate::gates::Place;
use crate::mute::Mute;
use crate::news::{Interest, News};
use crate::readable_topics::ReadableTopics;

/// By which listener a client came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// TLS, where it has to sign in.
    Tls(TlsName),
    /// The plaintext listener of a virtual cluster, where it has every right.
    Plaintext(VirtualClusterId),
}

/// See the file's header.
pub(crate) struct Client {
    pub(crate) peer: SocketAddr,
    pub(crate) door: Door,
    /// The host by which the client reached us, as Metadata advertises it.
    pub(crate) advertised_host: String,
    pub(crate) advertised_port: u16,
    /// Shared with appends that are under way.
    pub(crate) mute: Arc<Mute>,
    /// Its place among the connections of its virtual cluster, once that is known.
    pub(crate) place: OnceLock<Place>,
    /// Which partitions the client polls. Fetches of a connection run one at a time.
    pub(crate) interest: Mutex<Interest>,
    /// Which topics its last fetch named.
    pub(crate) readable_topics: Mutex<ReadableTopics>,
    /// Fetches so far: each starts with another partition.
    turns: AtomicUsize,
}

impl Client {
    pub(crate) fn new(
        peer: SocketAddr,
        door: Door,
        advertised_host: String,
        advertised_port: u16,
        news: Arc<News>,
    ) -> Self {
        Self {
            peer,
            door,
            advertised_host,
            advertised_port,
            mute: Arc::new(Mute::new(Instant::now())),
            place: OnceLock::new(),
            interest: Mutex::new(Interest::new(news)),
            readable_topics: Mutex::default(),
            turns: AtomicUsize::new(0),
        }
    }

    /// The virtual cluster, where the way that the client came tells it.
    pub(crate) fn known_cluster(&self) -> Option<VirtualClusterId> {
        match self.door {
            Door::Plaintext(cluster) | Door::Tls(TlsName::Cluster(cluster)) => Some(cluster),
            Door::Tls(TlsName::Absent | TlsName::Unknown(_)) => None,
        }
    }

    /// Where in its order the client's next fetch begins, so that large partitions do not starve
    /// those behind them.
    pub(crate) fn next_turn(&self) -> usize {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }
}
