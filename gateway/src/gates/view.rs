//! The limits of every virtual cluster with their use, as they are shown to people and programs.
//!
//! Owns: which figures are shown, and where those come from that no gate has. Does not own: the form in
//! which they are shown (metrics, JSON, a table).

use std::sync::Arc;

use model::{Clock, ClusterMap, TenantId, VirtualCluster};
use quota::{Figures, LimitName};

use super::Gates;
use crate::router::Router;

/// One limit of one virtual cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitRow {
    /// The owner.
    pub tenant: TenantId,
    /// Name of the virtual cluster.
    pub cluster: String,
    /// Which limit.
    pub limit: LimitName,
    /// Its use, ceiling, throttle time and refusals at this gateway.
    pub figures: Figures,
}

/// Looks at the limits; outlives the gateway without keeping it.
#[derive(Clone)]
pub struct LimitsView {
    pub(crate) gates: Arc<Gates>,
    pub(crate) router: Arc<Router>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl LimitsView {
    /// Every limit of every virtual cluster of a tenant, by virtual cluster.
    pub fn rows(&self) -> Vec<LimitRow> {
        let map = self.router.map();
        let clusters = map.virtual_clusters.values();
        clusters
            .filter(|cluster| cluster.tenant.0 != 0)
            .flat_map(|cluster| self.rows_of(&map, cluster))
            .collect()
    }

    fn rows_of(&self, map: &ClusterMap, cluster: &VirtualCluster) -> Vec<LimitRow> {
        let gate = self.gates.known(cluster.id);
        let row = |limit: LimitName| {
            let figures = gate.as_ref().map(|gate| gate.figures(limit));
            let figures = figures.unwrap_or_default();
            LimitRow {
                tenant: cluster.tenant,
                cluster: cluster.name.clone(),
                limit,
                figures: Figures {
                    used: figures.used.or_else(|| self.used(map, cluster, limit)),
                    ceiling: limit.ceiling(&cluster.limits),
                    ..figures
                },
            }
        };
        LimitName::ALL.into_iter().map(row).collect()
    }

    /// The use that the cluster map knows, and none of what nobody has asked for yet.
    fn used(&self, map: &ClusterMap, cluster: &VirtualCluster, limit: LimitName) -> Option<u64> {
        // By the rule that the catalog refuses by.
        let partitions = |compacted: bool| {
            let topics = map.topics_by_name.get(&cluster.id)?.values();
            let topics = topics.filter(|t| t.config.cleanup_policy.compacts() == compacted);
            Some(topics.map(|topic| topic.placements.len() as u64).sum())
        };
        match limit {
            LimitName::Partitions => partitions(false).or(Some(0)),
            LimitName::CompactedPartitions => partitions(true).or(Some(0)),
            LimitName::PartitionChanges => {
                let changes = map.partition_changes.get(&cluster.id);
                Some(changes.map_or(0, |changes| changes.within(self.clock.wall()).into()))
            }
            LimitName::Ingress
            | LimitName::Egress
            | LimitName::Connections
            | LimitName::ConnectionAttempts
            | LimitName::Requests
            | LimitName::TopicRequests => Some(0),
            LimitName::PartitionIngress
            | LimitName::PartitionEgress
            | LimitName::MessageBytes
            | LimitName::FetchBytes
            | LimitName::ConsumerGroups
            | LimitName::CompactedPartitionBytes => None,
        }
    }
}
