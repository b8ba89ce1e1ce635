//! What an action is done to, within one virtual cluster.
//!
//! Owns: the kinds of resources and their ARNs. A resource has no virtual cluster of its own: its
//! ARN is made for the cluster that the caller signed in to, so none of another tenant can be
//! named.

use model::VirtualCluster;

/// A resource of the caller's virtual cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource<'a> {
    /// The virtual cluster itself.
    Cluster,
    /// A topic, by name; it need not exist.
    Topic(&'a str),
    /// A consumer group, by id.
    Group(&'a str),
    /// A transactional id.
    TransactionalId(&'a str),
}

impl Resource<'_> {
    /// The resource's ARN in `cluster`, e.g. `arn:aws:kafka:<region>:<account>:topic/<cluster
    /// name>/<uuid>/<topic>`.
    pub fn arn(self, cluster: &VirtualCluster) -> String {
        match self {
            Self::Cluster => cluster.arn("cluster", ""),
            Self::Topic(name) => named(cluster, "topic", name),
            Self::Group(name) => named(cluster, "group", name),
            Self::TransactionalId(name) => named(cluster, "transactional-id", name),
        }
    }
}

/// Keeps the slash before an empty name, which Kafka allows for groups of old clients: without it
/// the ARN would be one that no resource of this kind has.
fn named(cluster: &VirtualCluster, kind: &str, name: &str) -> String {
    let mut arn = cluster.arn(kind, name);
    if name.is_empty() {
        arn.push('/');
    }
    arn
}
