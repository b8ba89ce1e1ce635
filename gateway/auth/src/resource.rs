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
        let mut arn = cluster.arn(self.kind(), self.name());
        if self.has_empty_name() {
            arn.push('/');
        }
        arn
    }

    /// The length of that ARN.
    pub fn arn_bytes(self, cluster: &VirtualCluster) -> usize {
        cluster.arn_bytes(self.kind(), self.name()) + usize::from(self.has_empty_name())
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Topic(_) => "topic",
            Self::Group(_) => "group",
            Self::TransactionalId(_) => "transactional-id",
        }
    }
}

impl<'a> Resource<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Cluster => "",
            Self::Topic(name) | Self::Group(name) | Self::TransactionalId(name) => name,
        }
    }

    /// Kafka allows empty names for groups of old clients. The slash before one is kept: without it the
    /// ARN would be one that no resource of this kind has.
    fn has_empty_name(self) -> bool {
        self != Self::Cluster && self.name().is_empty()
    }
}
