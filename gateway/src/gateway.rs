//! A running gateway: starts its tasks, stops them in order.
//!
//! Owns: the life of everything in this crate. Does not own: what it is given, see
//! [`GatewayParts`].
//!
//! ```text
//!   shutdown: drain signal -> connections finish -> last usage report -> lanes stop
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use auth::FakeSaltSecret;
use control_api::ControlPlane;
use model::{Clock, GatewayIncarnation};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::GatewayConfig;
use crate::egress::{EgressMeter, Reporter};
use crate::gates::{self, Gates, LimitsView};
use crate::lanes::Lanes;
use crate::limits::RECOMPRESSIONS_MAX;
use crate::listener::{self, Listener, ListenerKind};
use crate::metrics::Metrics;
use crate::news::{self, News};
use crate::producer_ids::ProducerIds;
use crate::router::{Nodes, Router};
use crate::services::{FillRandom, Services};
use crate::traffic::{DeliveredByTopic, Traffic};

/// What a gateway is made of.
pub struct GatewayParts {
    /// Its settings.
    pub config: GatewayConfig,
    /// Where clients come in; at least one.
    pub listeners: Vec<Listener>,
    /// The control plane.
    pub control: Arc<dyn ControlPlane>,
    /// The storage nodes.
    pub nodes: Arc<Nodes>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This life of this gateway; never used before.
    pub incarnation: GatewayIncarnation,
    /// Chance, fit for secrets.
    pub random: Arc<FillRandom>,
    /// Key of the salts of SCRAM users that do not exist; kept over restarts.
    pub fake_salt: FakeSaltSecret,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A plaintext listener is bound to an address that others can reach.
    #[error("the plaintext listener {0} must be bound to a loopback address")]
    PlaintextNotLoopback(SocketAddr),
    /// A request of the largest size would wait for ever.
    #[error("{memory} of {memory_bytes} bytes is less than the largest request, {request_bytes}")]
    Memory {
        /// The setting.
        memory: &'static str,
        /// Its value.
        memory_bytes: usize,
        /// What it must hold.
        request_bytes: usize,
    },
    /// A socket has no address.
    #[error("a listener has no address: {0}")]
    Socket(#[from] std::io::Error),
}

/// A running gateway.
pub struct Gateway {
    addresses: Vec<SocketAddr>,
    drain: watch::Sender<bool>,
    listeners: JoinSet<()>,
    stop_reports: watch::Sender<bool>,
    reporter: JoinSet<()>,
    background: JoinSet<()>,
    limits: LimitsView,
    traffic: Arc<Traffic>,
}

impl Gateway {
    /// Starts a gateway; clients are served when this returns.
    ///
    /// # Errors
    /// [`StartError`], if the parts do not fit together.
    pub fn start(parts: GatewayParts) -> Result<Self, StartError> {
        check(&parts)?;
        let addresses = parts
            .listeners
            .iter()
            .map(|listener| listener.socket.local_addr());
        let addresses = addresses.collect::<Result<_, _>>()?;
        let (drain, draining) = watch::channel(false);
        let (stop_reports, reports_stopped) = watch::channel(false);
        let mut background = JoinSet::new();
        let (services, listeners) = services(parts, draining, &mut background);
        let limits = LimitsView {
            gates: Arc::clone(&services.gates),
            router: Arc::clone(&services.router),
            clock: Arc::clone(&services.clock),
        };
        background.spawn(gates::publish(limits.clone()));
        let traffic = Arc::clone(&services.traffic);
        let mut reporter = JoinSet::new();
        reporter.spawn(
            Reporter {
                meter: Arc::clone(&services.egress),
                lanes: Arc::clone(&services.lanes),
                router: Arc::clone(&services.router),
                clock: Arc::clone(&services.clock),
            }
            .run(reports_stopped),
        );
        let mut listening = JoinSet::new();
        for listener in listeners {
            listening.spawn(listener::run(listener, Arc::clone(&services)));
        }
        Ok(Self {
            addresses,
            drain,
            listeners: listening,
            stop_reports,
            reporter,
            background,
            limits,
            traffic,
        })
    }

    /// What was delivered by topic since the start.
    pub fn delivered_by_topic(&self) -> DeliveredByTopic {
        DeliveredByTopic {
            traffic: Arc::clone(&self.traffic),
        }
    }

    /// The addresses of the listeners, in the order in which they were given.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The limits of the virtual clusters, as this gateway gives them out.
    pub fn limits(&self) -> LimitsView {
        self.limits.clone()
    }

    /// Begins to shut down: nothing is accepted or read any more, what is under way is answered.
    pub fn shutdown(&self) {
        self.drain.send_replace(true);
    }

    /// Waits until the gateway has shut down. Nodes and control plane are needed until then.
    pub async fn join(mut self) {
        while self.listeners.join_next().await.is_some() {}
        self.stop_reports.send_replace(true);
        while self.reporter.join_next().await.is_some() {}
        self.background.shutdown().await;
    }
}

fn check(parts: &GatewayParts) -> Result<(), StartError> {
    for listener in &parts.listeners {
        let address = listener.socket.local_addr()?;
        let is_open = matches!(listener.kind, ListenerKind::Plaintext(_));
        if is_open && !address.ip().is_loopback() {
            return Err(StartError::PlaintextNotLoopback(address));
        }
    }
    let config = &parts.config;
    let memories = [
        (
            "request_memory_bytes",
            config.request_memory_bytes,
            config.request_bytes_max,
        ),
        (
            "sign_in_memory_bytes",
            config.sign_in_memory_bytes,
            config.sign_in_request_bytes_max,
        ),
        (
            "fetch_memory_bytes",
            config.fetch_memory_bytes,
            crate::limits::FETCH_SHARE_MIN as usize,
        ),
    ];
    for (memory, memory_bytes, request_bytes) in memories {
        if memory_bytes < request_bytes {
            return Err(StartError::Memory {
                memory,
                memory_bytes,
                request_bytes,
            });
        }
    }
    Ok(())
}

/// What the connections share; starts the lanes and what follows the cluster map.
pub(crate) fn services(
    parts: GatewayParts,
    draining: watch::Receiver<bool>,
    background: &mut JoinSet<()>,
) -> (Arc<Services>, Vec<Listener>) {
    let router = Arc::new(Router::new(parts.control.watch(), parts.nodes));
    background.spawn(Arc::clone(&router).follow());
    let lanes = Lanes::start(parts.incarnation, &router, &parts.clock, background);
    let news = Arc::new(News::new(Arc::clone(&router)));
    background.spawn(news::run(Arc::clone(&news), parts.incarnation));
    let config = parts.config;
    let memory = |bytes: usize| Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)));
    let services = Services {
        connections: memory(config.connections_max),
        request_memory: memory(config.request_memory_bytes),
        sign_in_memory: memory(config.sign_in_memory_bytes),
        fetch_memory: memory(config.fetch_memory_bytes),
        gates: Arc::new(Gates::new(&config, Arc::clone(&parts.clock))),
        recompressions: Semaphore::new(RECOMPRESSIONS_MAX),
        config,
        clock: parts.clock,
        control: parts.control,
        router,
        lanes: Arc::new(lanes),
        news,
        egress: Arc::new(EgressMeter::default()),
        traffic: Arc::new(Traffic::default()),
        producer_ids: ProducerIds::new(),
        metrics: Metrics::register(),
        random: parts.random,
        fake_salt: parts.fake_salt,
        draining,
    };
    (Arc::new(services), parts.listeners)
}
