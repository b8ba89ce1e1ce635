//! The cluster map: an immutable snapshot of the catalog that gateways route by and nodes obey.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    CatalogVersion, GroupSettings, LeaderEpoch, Limits, NodeId, PartitionChanges, TenantId,
    Timestamp, TopicConfig, TopicId, TopicName, TopicPartition, VirtualClusterId,
};

/// Where a partition lives: one owner, named by a leader epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The owner.
    pub node: NodeId,
    /// Its leadership's number.
    pub leader_epoch: LeaderEpoch,
}

/// A topic of a virtual cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its UUID.
    pub id: TopicId,
    /// Its name within the virtual cluster.
    pub name: TopicName,
    /// The virtual cluster it belongs to.
    pub virtual_cluster: VirtualClusterId,
    /// What its owner has set.
    pub config: TopicConfig,
    /// Where each partition lives; the index is the partition's.
    pub placements: Vec<Placement>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An IAM access key of a virtual cluster's principal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The key's public half.
    pub access_key_id: String,
    /// The key's secret half. Never logged: see this type's `Debug`.
    pub secret_access_key: String,
    /// Set for temporary credentials: the token that must come with the key.
    pub session_token: Option<String>,
    /// Set for temporary credentials: when they end.
    pub expires_at: Option<Timestamp>,
    /// The principal's ARN, e.g. `arn:aws:iam::000000000001:user/demo`.
    pub principal_arn: String,
    /// IAM policy documents (JSON) that are attached to the principal.
    pub policies: Vec<String>,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey")
            .field("access_key_id", &self.access_key_id)
            .field("principal_arn", &self.principal_arn)
            .finish_non_exhaustive()
    }
}

/// A SCRAM user: only what the server needs, the password cannot be got from it (RFC 5802).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScramCredential {
    /// The user's name.
    pub username: String,
    /// PBKDF2 iterations, 4096 to 16384 as Kafka has them.
    pub iterations: u32,
    /// Salt, StoredKey and ServerKey for SCRAM-SHA-256.
    pub sha256: ScramKeys,
    /// Salt, StoredKey and ServerKey for SCRAM-SHA-512.
    pub sha512: ScramKeys,
    /// IAM policy documents (JSON) that are attached to the user.
    pub policies: Vec<String>,
}

/// The stored part of a SCRAM credential for one hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScramKeys {
    /// Random salt.
    pub salt: Vec<u8>,
    /// `H(ClientKey)`.
    pub stored_key: Vec<u8>,
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: Vec<u8>,
}

impl std::fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramCredential")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// What a tenant sees as its Kafka cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualCluster {
    /// Its id.
    pub id: VirtualClusterId,
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// Its name, as in its ARNs.
    pub name: String,
    /// Kafka's cluster id, as in Metadata; also the UUID in its ARNs.
    pub cluster_id: String,
    /// AWS-like account number, as in its ARNs.
    pub account: String,
    /// Region, as in its ARNs and in SigV4 scopes.
    pub region: String,
    /// Names a client may reach it by: certificate names, SNI, hosts that signatures may name, and
    /// what Metadata advertises to who came by it.
    pub advertised_names: Vec<String>,
    /// Its limits.
    pub limits: Limits,
    /// Whether asking for an unknown topic creates it (`auto.create.topics.enable`).
    pub auto_create_topics: bool,
    /// Partitions of a topic whose creator does not say (`num.partitions`).
    pub default_partitions: u32,
    /// Replication factors that CreateTopics accepts; -1 stands for the default.
    pub replication_factors: Vec<i16>,
    /// How many brokers Metadata shows; ids 0 to n-1.
    pub virtual_brokers: u32,
    /// How its consumer groups are run.
    #[serde(default)]
    pub groups: GroupSettings,
    /// Its access keys, by access key id.
    pub access_keys: BTreeMap<String, AccessKey>,
    /// Its SCRAM users, by name.
    pub scram_users: BTreeMap<String, ScramCredential>,
}

impl VirtualCluster {
    /// `arn:aws:kafka:<region>:<account>:<kind>/<name>/<uuid>`, with `/<resource>` unless empty.
    pub fn arn(&self, kind: &str, resource: &str) -> String {
        self.arn_parts(kind, resource).concat()
    }

    /// The length of that ARN, for those who need not know more of it.
    pub fn arn_bytes(&self, kind: &str, resource: &str) -> usize {
        let parts = self.arn_parts(kind, resource);
        parts.into_iter().map(str::len).sum()
    }

    fn arn_parts<'a>(&'a self, kind: &'a str, resource: &'a str) -> [&'a str; 12] {
        let Self {
            region,
            account,
            name,
            cluster_id,
            ..
        } = self;
        let (head, slash) = ("arn:aws:kafka:", "/");
        let last = if resource.is_empty() { "" } else { slash };
        [
            head, region, ":", account, ":", kind, slash, name, slash, cluster_id, last, resource,
        ]
    }
}

/// Everything that gateways route by and nodes obey, as of one catalog version.
///
/// Topics and virtual clusters that did not change are shared between versions.
#[derive(Clone, Debug, Default)]
pub struct ClusterMap {
    /// The version of the catalog this was made from.
    pub version: CatalogVersion,
    /// Virtual clusters by id.
    pub virtual_clusters: BTreeMap<VirtualClusterId, Arc<VirtualCluster>>,
    /// Topics by id.
    pub topics: BTreeMap<TopicId, Arc<Topic>>,
    /// Topics of each virtual cluster by name.
    pub topics_by_name: BTreeMap<VirtualClusterId, Arc<BTreeMap<TopicName, Arc<Topic>>>>,
    /// Which virtual cluster an access key belongs to.
    pub access_key_owner: BTreeMap<String, VirtualClusterId>,
    /// Which virtual cluster an advertised name (lower case) belongs to.
    pub name_owner: BTreeMap<String, VirtualClusterId>,
    /// The virtual cluster that a SCRAM user signs in to when the TLS name does not tell, by user.
    /// Holds only names that one virtual cluster alone uses.
    pub scram_user_owner: BTreeMap<String, VirtualClusterId>,
    /// Partitions that each virtual cluster has created and deleted of late.
    pub partition_changes: BTreeMap<VirtualClusterId, PartitionChanges>,
}

impl ClusterMap {
    /// The topic called `name` in `cluster`.
    pub fn topic_by_name(&self, cluster: VirtualClusterId, name: &str) -> Option<&Arc<Topic>> {
        self.topics_by_name.get(&cluster)?.get(name)
    }

    /// The topic with `id`, if it belongs to `cluster`: an id of another tenant does not exist.
    pub fn topic_by_id(&self, cluster: VirtualClusterId, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics
            .get(&id)
            .filter(|topic| topic.virtual_cluster == cluster)
    }

    /// Where `partition` lives.
    pub fn placement(&self, partition: TopicPartition) -> Option<Placement> {
        let topic = self.topics.get(&partition.topic)?;
        topic.placements.get(partition.partition as usize).copied()
    }
}
