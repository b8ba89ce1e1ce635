//! Balancer, one node and a gateway in this process, as `tidegate serve` composes them, but with a plaintext listener
//! and with a transport of the test's choice between gateway and node.
//!
//! Owns: the composition and its stop. Does not own: what the transport does (`lanes::faulty`).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use balancer::{Balancer, BalancerParts, SealingKey};
use control_api::{ControlPlane, NewTopic};
use gateway::{
    FakeSaltSecret, Gateway, GatewayConfig, GatewayParts, Listener, ListenerKind, Nodes,
};
use model::{
    ByteCount, Clock, GatewayIncarnation, GroupSettings, Limits, NodeId, TenantId, Timestamp,
    VirtualCluster, VirtualClusterId,
};
use node_api::{NodeTransport, UsageTotal};
use nodes::{Node, NodeConfig, NodeParts};
use object_store::memory::InMemory;
use tokio::net::TcpListener;

use crate::client::Endpoint;

/// The tenant's cluster.
const CLUSTER: VirtualClusterId = VirtualClusterId(1);

const NODE: NodeId = NodeId(0);

/// Small, so that a test fills several.
const SEGMENT_BYTES: u64 = 1 << 20;

const TAIL_CACHE_BYTES: usize = 4 << 20;

/// A running composition.
pub struct Embedded {
    gateway: Gateway,
    node: Node,
    address: SocketAddr,
}

impl Embedded {
    /// Starts everything on an empty folder; `between` stands between gateway and node.
    ///
    /// # Errors
    /// If a part does not start.
    pub async fn start(
        folder: &Path,
        between: impl FnOnce(Arc<dyn NodeTransport>) -> Arc<dyn NodeTransport>,
    ) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock(Instant::now()));
        let balancer = start_balancer(&clock).await?;
        let control: Arc<dyn ControlPlane> = Arc::new(balancer);
        let node = start_node(folder, &control, &clock).await?;
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let listener = Listener {
            socket,
            kind: ListenerKind::Plaintext(CLUSTER),
        };
        let transport = between(Arc::new(node.transport()));
        let parts = GatewayParts {
            config: GatewayConfig::default(),
            listeners: vec![listener],
            control,
            nodes: Arc::new(Nodes::new([(NODE, transport)])),
            clock,
            incarnation: GatewayIncarnation(u64::from_le_bytes(random())),
            random: Arc::new(|bytes: &mut [u8]| fill_random(bytes)),
            fake_salt: FakeSaltSecret::new(random()),
        };
        let gateway = Gateway::start(parts)?;
        Ok(Self {
            gateway,
            node,
            address,
        })
    }

    /// The way in.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::plain(&self.address.to_string())
    }

    /// What the tenant has used.
    ///
    /// # Errors
    /// If nothing is known of it.
    pub async fn usage(&self) -> Result<UsageTotal> {
        let totals = self.node.transport().usage().await;
        let total = totals
            .into_iter()
            .find(|total| total.virtual_cluster == CLUSTER);
        total.context("no usage of the tenant")
    }

    /// Stops everything in order.
    pub async fn stop(self) {
        self.gateway.shutdown();
        self.gateway.join().await;
        self.node.shutdown().await;
    }
}

async fn start_balancer(clock: &Arc<dyn Clock>) -> Result<Balancer> {
    let parts = BalancerParts {
        store: Arc::new(InMemory::new()),
        key: SealingKey::new(&random()),
        clock: Arc::clone(clock),
        fresh_id: random,
    };
    let balancer = Balancer::start(parts).await?;
    balancer
        .set_cluster(cluster(VirtualClusterId::SYSTEM, 0, "system"))
        .await?;
    let internal = [(model::USAGE_TOPIC, 1), (model::GROUPS_TOPIC, 64)];
    let internal = internal.map(|(name, partitions)| NewTopic {
        name: name.to_owned(),
        partitions: Some(partitions),
        replication_factor: None,
        configs: Vec::new(),
    });
    for created in balancer
        .create_topics(VirtualClusterId::SYSTEM, internal.into(), false)
        .await
    {
        created?;
    }
    balancer.set_cluster(cluster(CLUSTER, 1, "demo")).await?;
    Ok(balancer)
}

fn cluster(id: VirtualClusterId, tenant: u32, name: &str) -> VirtualCluster {
    VirtualCluster {
        id,
        tenant: TenantId(tenant),
        name: name.to_owned(),
        cluster_id: name.to_owned(),
        account: format!("{tenant:012}"),
        region: "us-east-1".to_owned(),
        advertised_names: Vec::new(),
        limits: Limits {
            message_bytes_max: ByteCount(SEGMENT_BYTES / 4),
            ..Limits::provisioned()
        },
        auto_create_topics: false,
        default_partitions: 1,
        replication_factors: vec![1, 3, -1],
        virtual_brokers: 1,
        groups: GroupSettings {
            initial_rebalance_delay_ms: 0,
            ..GroupSettings::default()
        },
        access_keys: Default::default(),
        scram_users: Default::default(),
    }
}

async fn start_node(
    folder: &Path,
    control: &Arc<dyn ControlPlane>,
    clock: &Arc<dyn Clock>,
) -> Result<Node> {
    let parts = NodeParts {
        config: NodeConfig {
            node: NODE,
            folder: folder.join("wal"),
            shards: 2,
            segment_bytes: SEGMENT_BYTES,
            tail_cache_bytes: TAIL_CACHE_BYTES,
            retention_check_interval: Duration::from_secs(30),
            new_wal_id: u64::from_le_bytes(random()),
        },
        control: Arc::clone(control),
        clock: Arc::clone(clock),
        random: Arc::new(|bytes: &mut [u8]| fill_random(bytes)),
    };
    Ok(Node::start(parts).await?)
}

fn fill_random(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the operating system has randomness to give");
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// The operating system's clocks.
struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> model::Instant {
        model::Instant(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn wall(&self) -> Timestamp {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Timestamp(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }
}
