//! A gateway's insides, with a fake node and control plane, and connections over in-memory pipes.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth::{SCRAM_ITERATIONS_MIN, SCRAM_SALT_BYTES, ScramSalts, TlsName, scram_credential};
use bytes::Bytes;
use model::{
    Clock, GROUPS_TOPIC, GatewayIncarnation, Instant, Limits, NodeId, TenantId, Timestamp,
    TopicConfig, TopicId, TopicPartition, VirtualCluster, VirtualClusterId,
};
use node_api::group::GROUP_SHARDS;
use records::{BatchBuilder, Codec, NewRecord};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::fake_control::FakeControl;
use super::fake_node::FakeNode;
use super::peer::Peer;
use crate::client::{Client, Door};
use crate::config::GatewayConfig;
use crate::gateway::{GatewayParts, services};
use crate::router::Nodes;
use crate::services::Services;

/// The virtual cluster of most tests.
pub(super) const CLUSTER: VirtualClusterId = VirtualClusterId(1);
/// Another tenant's.
pub(super) const OTHER_CLUSTER: VirtualClusterId = VirtualClusterId(2);

/// A user that may do everything.
pub(super) const ADMIN: &str = "admin";
/// A user that may connect, and read topics that begin with `public`.
pub(super) const READER: &str = "reader";
/// A user that may connect, do everything to groups that begin with `team`, read topics that begin with `public`,
/// and describe topics that begin with `listed`.
pub(super) const MEMBER: &str = "member";
pub(super) const PASSWORD: &str = "pencil";

/// Milliseconds that the wall clock shows when a test begins.
pub(super) const WALL_START: i64 = 1_790_000_000_000;

const PIPE_BYTES: usize = 1 << 20;

/// Time as tokio has it, which tests move by hand.
pub(super) struct TestClock {
    start: tokio::time::Instant,
}

impl TestClock {
    pub(super) fn new() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant(self.start.elapsed().as_nanos() as u64)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(WALL_START + self.start.elapsed().as_millis() as i64)
    }
}

/// See the file's header.
pub(super) struct World {
    pub(super) services: Arc<Services>,
    pub(super) node: FakeNode,
    pub(super) control: Arc<FakeControl>,
    pub(super) drain: watch::Sender<bool>,
    _background: JoinSet<()>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(GatewayConfig::default())
    }

    pub(super) fn with(config: GatewayConfig) -> Self {
        let node = FakeNode::new();
        let control = Arc::new(FakeControl::new());
        control.put_cluster(cluster(CLUSTER));
        control.put_cluster(cluster(OTHER_CLUSTER));
        let (drain, draining) = watch::channel(false);
        let mut background = JoinSet::new();
        let parts = parts(config, &node, &control);
        let (services, _) = services(parts, draining, &mut background);
        Self {
            services,
            node,
            control,
            drain,
            _background: background,
        }
    }

    /// A connection by the plaintext listener.
    pub(super) fn connect(&self) -> Peer {
        self.connect_by(Door::Plaintext(CLUSTER))
    }

    /// A connection by TLS whose client named the virtual cluster.
    pub(super) fn connect_tls(&self) -> Peer {
        self.connect_by(Door::Tls(TlsName::Cluster(CLUSTER)))
    }

    pub(super) fn connect_by(&self, door: Door) -> Peer {
        let (client_end, server_end) = tokio::io::duplex(PIPE_BYTES);
        let client = Client::new(
            "192.0.2.1:4711".parse().unwrap(),
            door,
            "boot.example".to_owned(),
            9098,
            Arc::clone(&self.services.news),
        );
        let services = Arc::clone(&self.services);
        let task = tokio::spawn(crate::connection::serve(server_end, client, services));
        Peer::new(client_end, task)
    }

    /// Adds a topic of the tests' virtual cluster.
    pub(super) fn topic(&self, name: &str, partitions: u32) -> TopicId {
        self.topic_with(name, partitions, TopicConfig::default())
    }

    pub(super) fn topic_with(&self, name: &str, partitions: u32, config: TopicConfig) -> TopicId {
        let id = self.control.put_topic(CLUSTER, name, partitions, config);
        self.services.router.refresh();
        id
    }

    /// Adds a topic of one partition to the other tenant's virtual cluster.
    pub(super) fn foreign_topic(&self, name: &str) -> TopicId {
        let config = TopicConfig::default();
        let id = self.control.put_topic(OTHER_CLUSTER, name, 1, config);
        self.services.router.refresh();
        id
    }

    /// Adds the topic that holds the groups' state.
    pub(super) fn groups(&self) -> TopicId {
        let system = VirtualClusterId::SYSTEM;
        let config = TopicConfig::default();
        let id = self
            .control
            .put_topic(system, GROUPS_TOPIC, GROUP_SHARDS, config);
        self.services.router.refresh();
        id
    }

    /// Changes the tests' virtual cluster.
    pub(super) fn change_cluster(&self, change: impl FnOnce(&mut VirtualCluster)) {
        let map = self.control.map();
        let mut cluster = VirtualCluster::clone(&map.virtual_clusters[&CLUSTER]);
        change(&mut cluster);
        self.control.put_cluster(cluster);
        self.services.router.refresh();
    }

    /// Lets [`READER`] do one thing more to the virtual cluster.
    pub(super) fn let_reader(&self, action: &str) {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"arn:aws:kafka:*:*:cluster/*"}}]}}"#
        );
        self.change_cluster(|cluster| {
            let reader = cluster.scram_users.get_mut(READER).expect("it is there");
            reader.policies.push(policy);
        });
    }
}

pub(super) fn parts(
    config: GatewayConfig,
    node: &FakeNode,
    control: &Arc<FakeControl>,
) -> GatewayParts {
    let nodes = Nodes::new([(NodeId(0), Arc::new(node.clone()) as Arc<_>)]);
    GatewayParts {
        config,
        listeners: Vec::new(),
        control: Arc::clone(control) as Arc<_>,
        nodes: Arc::new(nodes),
        clock: Arc::new(TestClock::new()),
        incarnation: GatewayIncarnation(1),
        random: Arc::new(|bytes: &mut [u8]| bytes.fill(7)),
        fake_salt: auth::FakeSaltSecret::new([9; 32]),
    }
}

/// A virtual cluster with the tests' users.
pub(super) fn cluster(id: VirtualClusterId) -> VirtualCluster {
    let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kafka-cluster:*","Resource":"*"}]}"#;
    let public = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"kafka-cluster:Connect","Resource":"*"},
        {"Effect":"Allow","Action":["kafka-cluster:DescribeTopic","kafka-cluster:ReadData"],"Resource":"arn:aws:kafka:*:*:topic/*/public*"}]}"#;
    let team = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"kafka-cluster:Connect","Resource":"*"},
        {"Effect":"Allow","Action":["kafka-cluster:AlterGroup","kafka-cluster:DescribeGroup","kafka-cluster:DeleteGroup"],
         "Resource":"arn:aws:kafka:*:*:group/*/team*"},
        {"Effect":"Allow","Action":"kafka-cluster:DescribeTopic","Resource":"arn:aws:kafka:*:*:topic/*/listed*"},
        {"Effect":"Allow","Action":["kafka-cluster:DescribeTopic","kafka-cluster:ReadData"],"Resource":"arn:aws:kafka:*:*:topic/*/public*"}]}"#;
    let salts = ScramSalts {
        sha256: [1; SCRAM_SALT_BYTES],
        sha512: [2; SCRAM_SALT_BYTES],
    };
    let user = |name: &str, policy: &str| {
        let credential = scram_credential(name, PASSWORD, SCRAM_ITERATIONS_MIN, &salts).unwrap();
        let policies = vec![policy.to_owned()];
        (
            name.to_owned(),
            model::ScramCredential {
                policies,
                ..credential
            },
        )
    };
    let scram_users = if id == CLUSTER {
        BTreeMap::from([
            user(ADMIN, everything),
            user(READER, public),
            user(MEMBER, team),
        ])
    } else {
        BTreeMap::new()
    };
    VirtualCluster {
        id,
        tenant: TenantId(id.0),
        name: format!("cluster-{}", id.0),
        cluster_id: format!("uuid-{}", id.0),
        account: "000000000001".to_owned(),
        region: "us-east-1".to_owned(),
        advertised_names: vec![format!("boot-{}.example", id.0)],
        limits: Limits::serverless(),
        auto_create_topics: true,
        default_partitions: 2,
        replication_factors: vec![1, 3, -1],
        virtual_brokers: 3,
        groups: model::GroupSettings::default(),
        access_keys: BTreeMap::new(),
        scram_users,
    }
}

pub(super) fn partition(topic: TopicId, partition: u32) -> TopicPartition {
    TopicPartition { topic, partition }
}

/// A batch of one record with this value.
pub(super) fn batch(value: &[u8]) -> Bytes {
    batch_at(WALL_START, value)
}

pub(super) fn batch_at(timestamp: i64, value: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    builder.push(&NewRecord {
        timestamp: Timestamp(timestamp),
        key: None,
        value: Some(value),
        headers: &[],
    });
    builder.build()
}
