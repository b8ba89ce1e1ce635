//! The configured virtual clusters, put into the catalog at each start: settings follow the
//! configuration, identity and credentials stay as they were made at the first start.

use std::path::Path;

use anyhow::{Context, Result};
use balancer::Balancer;
use control_api::{ControlPlane, NewTopic};
use model::{AccessKey, ClusterMap, ScramCredential, TenantId, VirtualCluster, VirtualClusterId};

use crate::config::{ClusterConfig, Config};
use crate::credentials::{FirstCredentials, random};

/// Gives the demo user everything on its own cluster.
const FULL_ACCESS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kafka-cluster:*","Resource":"*"}]}"#;

/// Name of the virtual cluster that owns the internal topics.
pub const SYSTEM: &str = "system";

/// How long the records of what gateways have delivered are kept.
const DELIVERED_KEPT_MS: &str = "60000";

/// PBKDF2 iterations of SCRAM users made here; Kafka's own default.
const SCRAM_ITERATIONS: u32 = 4096;

/// A configured virtual cluster as it stands in the catalog.
pub struct Bootstrapped {
    /// Its id.
    pub id: VirtualClusterId,
    /// Its settings.
    pub config: ClusterConfig,
    /// What its first user signs in with.
    pub credentials: FirstCredentials,
}

/// Names of every configured cluster, for the certificate; the first cluster's come first.
pub fn certificate_names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, (name, cluster)) in config.clusters.iter().enumerate() {
        names.extend(cluster_names(config, index, name, cluster));
    }
    names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
    names
}

fn cluster_names(
    config: &Config,
    index: usize,
    name: &str,
    cluster: &ClusterConfig,
) -> Vec<String> {
    let mut names = vec![aws_like_name(config, name, cluster)];
    if index == 0 {
        names.push("localhost".to_owned());
        names.extend(config.names.iter().cloned());
    }
    names.extend(cluster.names.iter().cloned());
    names
}

fn aws_like_name(config: &Config, name: &str, cluster: &ClusterConfig) -> String {
    format!(
        "boot-{name}.c1.kafka-serverless.{}.{}",
        cluster.region, config.domain
    )
}

/// Puts every configured cluster into the catalog.
pub async fn bootstrap(
    config: &Config,
    balancer: &Balancer,
    secrets: &Path,
) -> Result<Vec<Bootstrapped>> {
    let mut done = Vec::new();
    set_system_cluster(balancer).await?;
    for (index, (name, cluster)) in config.clusters.iter().enumerate() {
        let file = secrets.join(format!("{name}.json"));
        let credentials = FirstCredentials::find_or_draw(&file, name)?;
        let map = balancer.watch().borrow().clone();
        let mut wanted = identity(&map, name, &credentials)?;
        apply(
            &mut wanted,
            cluster,
            cluster_names(config, index, name, cluster),
        )?;
        add_access_key(&mut wanted, name, &credentials);
        let id = wanted.id;
        balancer
            .set_cluster(wanted)
            .await
            .context("writing the catalog")?;
        done.push(Bootstrapped {
            id,
            config: cluster.clone(),
            credentials,
        });
    }
    Ok(done)
}

/// The cluster as the catalog has it, or a new one with an identity of its own.
fn identity(
    map: &ClusterMap,
    name: &str,
    credentials: &FirstCredentials,
) -> Result<VirtualCluster> {
    if let Some(known) = map
        .virtual_clusters
        .values()
        .find(|known| known.name == name && known.id != VirtualClusterId::SYSTEM)
    {
        return Ok(known.as_ref().clone());
    }
    let last = map.virtual_clusters.keys().last().map_or(0, |id| id.0);
    let user = scram_user(credentials)?;
    Ok(VirtualCluster {
        id: VirtualClusterId(last + 1),
        name: name.to_owned(),
        cluster_id: format!(
            "{}-s1",
            uuid::Builder::from_random_bytes(random()).into_uuid()
        ),
        scram_users: [(user.username.clone(), user)].into(),
        ..system_cluster()
    })
}

fn scram_user(credentials: &FirstCredentials) -> Result<ScramCredential> {
    let salts = auth::ScramSalts {
        sha256: random(),
        sha512: random(),
    };
    let FirstCredentials {
        scram_username,
        scram_password,
        ..
    } = credentials;
    let mut user =
        auth::scram_credential(scram_username, scram_password, SCRAM_ITERATIONS, &salts)?;
    user.policies = vec![FULL_ACCESS.to_owned()];
    Ok(user)
}

fn apply(wanted: &mut VirtualCluster, config: &ClusterConfig, names: Vec<String>) -> Result<()> {
    wanted.tenant = TenantId(config.tenant);
    wanted.account = format!("{:012}", config.tenant);
    wanted.region.clone_from(&config.region);
    wanted.advertised_names = names;
    wanted.limits = config.effective_limits()?;
    wanted.auto_create_topics = config.auto_create_topics;
    wanted.default_partitions = config.default_partitions;
    wanted
        .replication_factors
        .clone_from(&config.replication_factors);
    wanted.virtual_brokers = config.virtual_brokers;
    wanted.groups = config.groups;
    Ok(())
}

fn add_access_key(wanted: &mut VirtualCluster, name: &str, credentials: &FirstCredentials) {
    let key = AccessKey {
        access_key_id: credentials.access_key_id.clone(),
        secret_access_key: credentials.secret_access_key.clone(),
        session_token: None,
        expires_at: None,
        principal_arn: format!("arn:aws:iam::{}:user/{name}", wanted.account),
        policies: vec![FULL_ACCESS.to_owned()],
    };
    wanted
        .access_keys
        .entry(key.access_key_id.clone())
        .or_insert(key);
}

/// The owner of the internal topics: nobody can sign in to it, and it has no limits.
fn system_cluster() -> VirtualCluster {
    VirtualCluster {
        id: VirtualClusterId::SYSTEM,
        tenant: TenantId(0),
        name: SYSTEM.to_owned(),
        cluster_id: SYSTEM.to_owned(),
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        advertised_names: Vec::new(),
        limits: model::Limits::provisioned(),
        auto_create_topics: false,
        default_partitions: 1,
        replication_factors: vec![1, -1],
        virtual_brokers: 1,
        groups: model::GroupSettings::default(),
        access_keys: Default::default(),
        scram_users: Default::default(),
    }
}

async fn set_system_cluster(balancer: &Balancer) -> Result<()> {
    balancer
        .set_cluster(system_cluster())
        .await
        .context("writing the catalog")?;
    let system = VirtualClusterId::SYSTEM;
    let map = balancer.watch().borrow().clone();
    let missing: Vec<_> = system_topics()
        .into_iter()
        .filter(|topic| map.topic_by_name(system, &topic.name).is_none())
        .collect();
    for created in balancer.create_topics(system, missing, false).await {
        created.context("creating the internal topics")?;
    }
    Ok(())
}

/// The internal topics: what gateways have delivered, and the state of consumer groups, which goes
/// when its coordinators say so and at no other time. What was delivered is in the meters of the log
/// as soon as it is committed, and nobody reads it again; kept for longer, it would hold every segment,
/// since each second of reading adds to it.
fn system_topics() -> [NewTopic; 2] {
    let topic = |name: &str, partitions, configs| NewTopic {
        name: name.to_owned(),
        partitions: Some(partitions),
        replication_factor: None,
        configs,
    };
    let unlimited = |name: &str| (name.to_owned(), Some("-1".to_owned()));
    let delivered = (
        "retention.ms".to_owned(),
        Some(DELIVERED_KEPT_MS.to_owned()),
    );
    let kept = vec![unlimited("retention.ms"), unlimited("retention.bytes")];
    [
        topic(model::USAGE_TOPIC, 1, vec![delivered]),
        topic(model::GROUPS_TOPIC, coordinator::GROUP_SHARDS, kept),
    ]
}
