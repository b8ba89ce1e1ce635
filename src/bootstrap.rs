//! The configured virtual clusters, put into the catalog at each start: settings follow the
//! configuration (users, too), identity and credentials stay as they were first made.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use balancer::Balancer;
use control_api::{ControlPlane, NewTopic};
use model::{AccessKey, ClusterMap, ScramCredential, TenantId, VirtualCluster, VirtualClusterId};

use crate::config::{ClusterConfig, Config};
use crate::credentials::{UserCredentials, random};

/// Gives a cluster's first user everything on it.
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
    pub credentials: UserCredentials,
    /// The same of its further users, by their names.
    pub users: BTreeMap<String, UserCredentials>,
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
        let credentials = UserCredentials::find_or_draw(&file, name)?;
        let users = further_users(name, cluster, secrets)?;
        let map = balancer.watch().borrow().clone();
        let mut wanted = identity(&map, name);
        apply(
            &mut wanted,
            cluster,
            cluster_names(config, index, name, cluster),
        )?;
        set_users(&mut wanted, &credentials, &users, cluster)?;
        let id = wanted.id;
        balancer
            .set_cluster(wanted)
            .await
            .context("writing the catalog")?;
        done.push(Bootstrapped {
            id,
            config: cluster.clone(),
            credentials,
            users,
        });
    }
    Ok(done)
}

/// What the cluster's configured users sign in with.
fn further_users(
    cluster: &str,
    config: &ClusterConfig,
    secrets: &Path,
) -> Result<BTreeMap<String, UserCredentials>> {
    let find = |user: &String| {
        // Neither name has a dot, so no two files are one.
        let file = secrets.join(format!("{cluster}.{user}.json"));
        Ok((user.clone(), UserCredentials::find_or_draw(&file, user)?))
    };
    config.users.keys().map(find).collect()
}

/// The cluster as the catalog has it, or a new one with an identity of its own.
fn identity(map: &ClusterMap, name: &str) -> VirtualCluster {
    if let Some(known) = map
        .virtual_clusters
        .values()
        .find(|known| known.name == name && known.id != VirtualClusterId::SYSTEM)
    {
        return known.as_ref().clone();
    }
    let last = map.virtual_clusters.keys().last().map_or(0, |id| id.0);
    VirtualCluster {
        id: VirtualClusterId(last + 1),
        name: name.to_owned(),
        cluster_id: format!(
            "{}-s1",
            uuid::Builder::from_random_bytes(random()).into_uuid()
        ),
        ..system_cluster()
    }
}

/// Makes the cluster's users those of its configuration: the first one may do everything, each
/// other what its policies say. Who no longer stands there can no longer sign in.
fn set_users(
    wanted: &mut VirtualCluster,
    first: &UserCredentials,
    further: &BTreeMap<String, UserCredentials>,
    config: &ClusterConfig,
) -> Result<()> {
    wanted.access_keys.clear();
    let before = std::mem::take(&mut wanted.scram_users);
    let full_access = vec![FULL_ACCESS.to_owned()];
    let mut users = vec![(first, full_access)];
    for (name, credentials) in further {
        users.push((credentials, config.users[name].policy_documents()));
    }
    for (credentials, policies) in users {
        let key = access_key(wanted, credentials, policies.clone());
        wanted.access_keys.insert(key.access_key_id.clone(), key);
        let username = &credentials.scram_username;
        // Drawing salts anew would change the catalog at each start.
        let known = match before.get(username) {
            Some(known) => known.clone(),
            None => scram_user(credentials)?,
        };
        let user = ScramCredential { policies, ..known };
        wanted.scram_users.insert(username.clone(), user);
    }
    Ok(())
}

fn access_key(
    cluster: &VirtualCluster,
    credentials: &UserCredentials,
    policies: Vec<String>,
) -> AccessKey {
    let user = &credentials.scram_username;
    AccessKey {
        access_key_id: credentials.access_key_id.clone(),
        secret_access_key: credentials.secret_access_key.clone(),
        session_token: None,
        expires_at: None,
        principal_arn: format!("arn:aws:iam::{}:user/{user}", cluster.account),
        policies,
    }
}

fn scram_user(credentials: &UserCredentials) -> Result<ScramCredential> {
    let salts = auth::ScramSalts {
        sha256: random(),
        sha512: random(),
    };
    let UserCredentials {
        scram_username,
        scram_password,
        ..
    } = credentials;
    Ok(auth::scram_credential(
        scram_username,
        scram_password,
        SCRAM_ITERATIONS,
        &salts,
    )?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(folder: &Path, user: &str) -> UserCredentials {
        UserCredentials::find_or_draw(&folder.join(user), user).expect("are drawn")
    }

    #[test]
    fn users_follow_the_configuration_and_keep_their_credentials() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = drawn(folder.path(), "demo");
        let reader = drawn(folder.path(), "reader");
        let key = reader.access_key_id.clone();
        let toml = "policies = [{ Version = \"2012-10-17\", Statement = [] }]";
        let mut config = ClusterConfig::default();
        let user = toml::from_str(toml).expect("is right");
        config.users.insert("reader".to_owned(), user);
        let users = BTreeMap::from([("reader".to_owned(), reader)]);
        let mut cluster = system_cluster();
        set_users(&mut cluster, &first, &users, &config).expect("is right");
        assert_eq!(cluster.access_keys.len(), 2);
        let policies = config.users["reader"].policy_documents();
        assert_eq!(cluster.access_keys[&key].policies, policies);
        assert_eq!(cluster.scram_users["reader"].policies, policies);
        assert_eq!(cluster.scram_users["demo"].policies, [FULL_ACCESS]);

        let before = cluster.clone();
        set_users(&mut cluster, &first, &users, &config).expect("is right");
        assert_eq!(
            cluster, before,
            "a start that changes nothing writes nothing"
        );

        config.users.clear();
        set_users(&mut cluster, &first, &BTreeMap::new(), &config).expect("is right");
        let left: Vec<_> = cluster.scram_users.keys().collect();
        assert_eq!(left, ["demo"], "who was taken out cannot sign in");
        assert_eq!(cluster.access_keys.len(), 1);
    }
}
