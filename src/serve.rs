//! `tidegate serve`: balancer, node and gateway in one process, everything under one folder.
//!
//! ```text
//!   data/  tidegate.toml (if wanted)   secrets/ master.key, <cluster>[.<user>].json   tls/ ca.pem, server.*
//!          store/ the catalog          wal/ the write-ahead log              admin.json
//! ```
//!
//! Start: catalog, node (recovers its log), gateway, then the ready file. Stop, on SIGINT or
//! SIGTERM: the gateway answers what is under way, the node makes everything durable.

use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use balancer::{
    AdminSource, Balancer, BalancerParts, LimitUse, SealingKey, UsageRecordRow, UsageRefusal,
    UsageRequest, UsageRow, UsageWindow, serve_admin,
};
use control_api::ControlPlane;
use gateway::{
    DeliveredByTopic, FakeSaltSecret, Gateway, GatewayParts, LimitsView, Listener, ListenerKind,
    Nodes,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use model::{Clock, GatewayIncarnation, NodeId};
use node_api::NodeTransport;
use nodes::{Node, NodeConfig, NodeParts};
use object_store::local::LocalFileSystem;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::bill::Bill;
use crate::bootstrap::{Bootstrapped, bootstrap, certificate_names};
use crate::clock::SystemClock;
use crate::config::{Config, Flags};
use crate::credentials::{fill_random, find_or_draw_key, random, write_passing_secret};
use crate::development_ca::{self, Tls};
use crate::ready::Ready;
use crate::standard_output::print;
use crate::topic_metrics::TopicMetrics;
use crate::usage::AdminAccess;

/// From the signal to the end of the process, whatever is still under way.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How often metrics that wait for a scrape are folded.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// File descriptors that are not for clients: segments, the catalog, listeners, the admin pages.
const FILES_RESERVED: u64 = 256;

/// File descriptors that are counted on where the system does not say how many there are.
const FILES_ASSUMED: u64 = 1024;

/// The embedded node.
const NODE: NodeId = NodeId(0);

/// Runs until the process is told to stop.
pub fn serve(flags: &Flags) -> Result<()> {
    let mut config = Config::load(flags)?;
    crate::logging::start(&config)?;
    open_files(&mut config);
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("data: creating {}", config.data.display()))?;
    // Held until the process ends, however it ends.
    let _lock = lock(&config.data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(usize::from(config.threads()))
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(run(&config));
    runtime.shutdown_background();
    outcome
}

/// Keeps a second server away from the folder, before it touches anything in it.
fn lock(data: &Path) -> Result<File> {
    let path = data.join("lock");
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("data: {} is in use by another server", data.display())
        }
        Err(TryLockError::Error(why)) => {
            Err(why).with_context(|| format!("locking {}", path.display()))
        }
    }
}

/// Takes as many file descriptors as the system gives, and keeps connections below that: the log
/// must always be able to open its next file.
fn open_files(config: &mut Config) {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(FILES_ASSUMED);
    let places = usize::try_from(limit.saturating_sub(FILES_RESERVED)).unwrap_or(usize::MAX);
    if config.gateway.connections_max > places {
        warn!(
            limit,
            connections_max = places,
            "fewer connections, for want of file descriptors"
        );
        config.gateway.connections_max = places.max(1);
    }
}

async fn run(config: &Config) -> Result<()> {
    // Signals are asked for first, so that one that comes during the start is not lost.
    let mut stop = StopSignal::new()?;
    let tls = development_ca::prepare(&config.data, &certificate_names(config))?;
    let metrics = start_metrics()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(config.clock_offset_file.clone())?);
    let balancer = start_balancer(config, &clock).await?;
    let node = start_node(config, &balancer, &clock).await?;
    let is_first_start = !config.data.join("secrets").join("fake-salt.key").exists();
    let clusters = bootstrap(config, &balancer, &config.data.join("secrets")).await?;
    let doors = open_doors(config, &clusters, &tls).await?;
    let gateway = start_gateway(config, &balancer, &node, (&clock, doors))?;
    let healthy = Arc::new(AtomicBool::new(true));
    let source = Source {
        healthy: Arc::clone(&healthy),
        metrics,
        topics: TopicMetrics::default(),
        delivered: gateway.delivered_by_topic(),
        bill: Bill {
            balancer: balancer.clone(),
            node: node.clone(),
            clock: Arc::clone(&clock),
        },
        limits: gateway.limits(),
    };
    let admin = start_admin(config, source).await?;
    let ready = ready(&clusters, gateway.local_addrs(), &tls, admin)?;
    if let Some(file) = &config.ready_file {
        ready.write(file)?;
    }
    // Secrets are for a person, or for whoever starts the server the first time; not for a journal.
    greet(&ready, is_first_start || std::io::stdout().is_terminal()).context("greeting")?;

    let failed = tokio::select! {
        () = stop.wait() => false,
        () = node.failed() => true,
        () = balancer.failed() => true,
    };
    healthy.store(false, Ordering::Relaxed);
    info!("stopping");
    let stopped = async {
        gateway.shutdown();
        gateway.join().await;
        node.shutdown().await;
    };
    if tokio::time::timeout(STOP_WITHIN, stopped).await.is_err() {
        warn!("not everything under way could be finished in time");
    }
    if failed {
        bail!("the server has failed (the log above says how); a new start finds what is durable");
    }
    Ok(())
}

async fn start_balancer(config: &Config, clock: &Arc<dyn Clock>) -> Result<Balancer> {
    let folder = config.data.join("store");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
    let key = find_or_draw_key(&config.data.join("secrets/master.key"))?;
    let parts = BalancerParts {
        store: Arc::new(store),
        key: SealingKey::new(&key),
        clock: Arc::clone(clock),
        fresh_id: || {
            uuid::Builder::from_random_bytes(random())
                .into_uuid()
                .into_bytes()
        },
    };
    Ok(Balancer::start(parts).await?)
}

async fn start_node(config: &Config, balancer: &Balancer, clock: &Arc<dyn Clock>) -> Result<Node> {
    let parts = NodeParts {
        config: NodeConfig {
            node: NODE,
            folder: config.data.join("wal"),
            shards: shards(config.threads()),
            segment_bytes: config.segment_bytes,
            tail_cache_bytes: config.tail_cache_bytes,
            retention_check_interval: Duration::from_millis(config.retention_check_interval_ms),
            new_wal_id: u64::from_le_bytes(random()),
        },
        control: Arc::new(balancer.clone()),
        clock: Arc::clone(clock),
        random: Arc::new(fill_random),
    };
    Node::start(parts).await.context("starting the node")
}

/// Most shards of a node.
const SHARDS_MAX: u16 = 8;

/// One shard a thread, as a power of two so that lanes divide evenly.
fn shards(threads: u16) -> u16 {
    1 << threads.min(SHARDS_MAX).ilog2()
}

fn start_gateway(
    config: &Config,
    balancer: &Balancer,
    node: &Node,
    (clock, listeners): (&Arc<dyn Clock>, Vec<Listener>),
) -> Result<Gateway> {
    let transport: Arc<dyn NodeTransport> = Arc::new(node.transport());
    let fake_salt = find_or_draw_key(&config.data.join("secrets/fake-salt.key"))?;
    let parts = GatewayParts {
        config: config.gateway.clone(),
        listeners,
        control: Arc::new(balancer.clone()),
        nodes: Arc::new(Nodes::new([(NODE, transport)])),
        clock: Arc::clone(clock),
        incarnation: GatewayIncarnation(u64::from_le_bytes(random())),
        random: Arc::new(fill_random),
        fake_salt: FakeSaltSecret::new(fake_salt),
    };
    Gateway::start(parts).context("gateway")
}

/// Binds every listener: TLS first, then the plaintext ones in the order of the clusters. With
/// 127.0.0.1 also ::1, where the machine has it, for clients resolve `localhost` to either.
async fn open_doors(
    config: &Config,
    clusters: &[Bootstrapped],
    tls: &Tls,
) -> Result<Vec<Listener>> {
    let kind = ListenerKind::Tls(Arc::clone(&tls.server));
    let socket = bind(config.listen)
        .await
        .with_context(|| format!("listen: {}", config.listen))?;
    let address = socket.local_addr()?;
    let mut doors = vec![Listener {
        socket,
        kind: kind.clone(),
    }];
    for cluster in clusters {
        let Some(listen) = cluster.config.plaintext_listen else {
            continue;
        };
        let socket = bind(listen)
            .await
            .with_context(|| format!("plaintext_listen: {listen}"))?;
        doors.push(Listener {
            socket,
            kind: ListenerKind::Plaintext(cluster.id),
        });
    }
    if address.ip() == IpAddr::from(Ipv4Addr::LOCALHOST) {
        let second = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port());
        match bind(second).await {
            Ok(socket) => doors.push(Listener { socket, kind }),
            Err(why) => info!(%second, %why, "not listening on this one"),
        }
    }
    Ok(doors)
}

async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

fn start_metrics() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .context("starting metrics")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(METRICS_UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

async fn start_admin(config: &Config, source: Source) -> Result<SocketAddr> {
    let wanted = config.admin_address();
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| format!("admin_listen: {wanted}"))?;
    let address = listener.local_addr()?;
    let access = AdminAccess {
        address,
        token: hex::encode(random::<32>()),
    };
    write_passing_secret(
        &AdminAccess::file(&config.data),
        &serde_json::to_vec_pretty(&access)?,
    )?;
    tokio::spawn(serve_admin(listener, Arc::new(source), access.token));
    Ok(address)
}

fn ready(
    clusters: &[Bootstrapped],
    addresses: &[SocketAddr],
    tls: &Tls,
    admin: SocketAddr,
) -> Result<Ready> {
    let first = clusters
        .first()
        .context("at least one virtual cluster is configured")?;
    let address = *addresses.first().context("the gateway listens")?;
    let ca_file = std::path::absolute(&tls.ca_file)?;
    let plaintext = first.config.plaintext_listen.and(addresses.get(1));
    Ok(Ready {
        bootstrap: format!("{}:{}", bootstrap_host(address), address.port()),
        ca_file: path_text(&ca_file)?,
        region: first.config.region.clone(),
        credentials: first.credentials.clone(),
        users: first.users.clone(),
        admin_url: format!("http://{admin}"),
        pid: std::process::id(),
        plaintext: plaintext.map(ToString::to_string),
    })
}

/// `localhost` where that reaches the listener, for it is in the certificate.
fn bootstrap_host(address: SocketAddr) -> String {
    let ip = address.ip();
    if ip.is_loopback() || ip.is_unspecified() {
        "localhost".to_owned()
    } else {
        ip.to_string()
    }
}

fn path_text(path: &Path) -> Result<String> {
    Ok(path
        .to_str()
        .context("the data folder's path is not UTF-8")?
        .to_owned())
}

/// What a person who has just started the server wants to know.
fn greet(ready: &Ready, shows_secrets: bool) -> io::Result<()> {
    let shown = |secret: &str| {
        if shows_secrets {
            secret.to_owned()
        } else {
            HIDDEN.to_owned()
        }
    };
    let (bootstrap, ca_file, user) = (
        &ready.bootstrap,
        &ready.ca_file,
        &ready.credentials.scram_username,
    );
    let password = shown(&ready.credentials.scram_password);
    print(format_args!(
        "Tidegate serves clients at {bootstrap} (TLS; AWS_MSK_IAM, OAUTHBEARER, SCRAM-SHA-256/512)

  CA certificate     {ca_file}
  region             {region}
  access key         {key}
  secret key         {secret}
  SCRAM user         {user}
  SCRAM password     {password}
  health, metrics    {admin}/healthz  {admin}/metrics

Try it:

  kc() {{ kcat -b {bootstrap} -X security.protocol=SASL_SSL -X sasl.mechanisms=SCRAM-SHA-512 \\
    -X sasl.username={user} -X sasl.password={password} -X ssl.ca.location={ca_file} \"$@\"; }}
  echo hello | kc -P -t greetings
  kc -C -t greetings -o beginning -e

",
        region = ready.region,
        key = ready.credentials.access_key_id,
        secret = shown(&ready.credentials.secret_access_key),
        admin = ready.admin_url,
    ))
}

/// Stands for a secret where none is shown.
const HIDDEN: &str = "(in the data folder, secrets/)";

/// SIGINT or SIGTERM; a second one ends the process at once.
struct StopSignal {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    fn new() -> Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).context("asking for SIGINT")?;
        let terminate = signal(SignalKind::terminate()).context("asking for SIGTERM")?;
        Ok(Self {
            interrupt,
            terminate,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Where the admin pages get their figures.
struct Source {
    healthy: Arc<AtomicBool>,
    metrics: PrometheusHandle,
    topics: TopicMetrics,
    delivered: DeliveredByTopic,
    bill: Bill,
    limits: LimitsView,
}

#[async_trait]
impl AdminSource for Source {
    fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }

    async fn topic_metrics(&self) -> String {
        let map = self.bill.balancer.watch().borrow().clone();
        let committed = self.bill.node.topic_traffic().await;
        let topics = self.topics.render(&map, &committed, &self.delivered);
        topics + &self.bill.node.lag_metrics()
    }

    async fn usage(&self) -> Vec<UsageRow> {
        self.bill.totals().await
    }

    async fn usage_windows(&self, request: UsageRequest) -> Result<Vec<UsageWindow>, UsageRefusal> {
        self.bill.windows(request).await
    }

    async fn usage_records(
        &self,
        request: UsageRequest,
    ) -> Result<Vec<UsageRecordRow>, UsageRefusal> {
        self.bill.records(request).await
    }

    async fn limits(&self) -> Vec<LimitUse> {
        let rows = self.limits.rows().into_iter();
        rows.map(|row| LimitUse {
            tenant: row.tenant.0,
            cluster: row.cluster,
            limit: row.limit.label().to_owned(),
            used: row.figures.used,
            ceiling: row.figures.limit(),
            throttle_seconds: row.figures.throttled.as_secs_f64(),
            refused: row.figures.refused,
        })
        .collect()
    }
}
