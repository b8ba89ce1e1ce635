//! The limits of a virtual cluster as data: MSK Serverless's numbers are the default plan.
//!
//! Source: AWS, "MSK Serverless quota". They are kept per virtual cluster and changeable while
//! running, since AWS itself has changed most of them over the years.

use serde::{Deserialize, Serialize};

use crate::units::{ByteCount, ByteRate};

/// What becomes of a fetch whose `max_bytes` is above the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FetchOverLimit {
    /// It is served with the limit, as if it had asked for that.
    #[default]
    Clamp,
    /// It is refused with INVALID_REQUEST, as MSK Serverless does.
    Refuse,
}

/// Every limit of one virtual cluster. MB are decimal, MiB binary, as AWS prints them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes per second that all producers together may write.
    pub ingress_bytes_per_s: ByteRate,
    /// Bytes per second that all consumers together may read.
    pub egress_bytes_per_s: ByteRate,
    /// Bytes per second into one partition.
    pub partition_ingress_bytes_per_s: ByteRate,
    /// Bytes per second out of one partition.
    pub partition_egress_bytes_per_s: ByteRate,
    /// Seconds of unused partition allocation that may be spent later; 0 turns bursts off.
    pub partition_burst_s: u32,
    /// Client connections at one time.
    pub connections_max: u32,
    /// New connections per second.
    pub connection_attempts_per_s: u32,
    /// Requests per second, all kinds.
    pub requests_per_s: u32,
    /// Topic-management requests per second.
    pub topic_requests_per_s: u32,
    /// Largest record batch.
    pub message_bytes_max: ByteCount,
    /// Largest `max_bytes` that one fetch is served with.
    pub fetch_bytes_max: ByteCount,
    /// What becomes of a fetch that asks for more.
    pub fetch_over_limit: FetchOverLimit,
    /// Consumer groups.
    pub consumer_groups_max: u32,
    /// Partitions of topics that are not compacted.
    pub partitions_max: u32,
    /// Partitions of compacted topics.
    pub compacted_partitions_max: u32,
    /// Partitions created and deleted within five minutes.
    pub partition_changes_per_5_min: u32,
    /// Largest compacted partition.
    pub compacted_partition_bytes_max: ByteCount,
    /// Longest retention that may be set; none is without limit.
    pub retention_ms_max: Option<u64>,
    /// `retention.bytes` of topics whose owner has set none; none keeps everything.
    pub retention_bytes_default: Option<ByteCount>,
}

impl Limits {
    /// The `serverless` plan: MSK Serverless's quotas.
    pub fn serverless() -> Self {
        Self {
            ingress_bytes_per_s: ByteRate::mb_per_s(200),
            egress_bytes_per_s: ByteRate::mb_per_s(400),
            partition_ingress_bytes_per_s: ByteRate::mb_per_s(5),
            partition_egress_bytes_per_s: ByteRate::mb_per_s(10),
            partition_burst_s: 0,
            connections_max: 3000,
            connection_attempts_per_s: 100,
            requests_per_s: 15_000,
            topic_requests_per_s: 2,
            message_bytes_max: ByteCount(8 * 1024 * 1024),
            fetch_bytes_max: ByteCount(55_000_000),
            fetch_over_limit: FetchOverLimit::Clamp,
            consumer_groups_max: 500,
            partitions_max: 2400,
            compacted_partitions_max: 120,
            partition_changes_per_5_min: 250,
            compacted_partition_bytes_max: ByteCount(250_000_000_000),
            retention_ms_max: None,
            retention_bytes_default: Some(ByteCount(250 * 1024 * 1024 * 1024)),
        }
    }

    /// The `provisioned` plan: nothing is held back but what protects the process itself.
    pub fn provisioned() -> Self {
        Self {
            ingress_bytes_per_s: ByteRate::UNLIMITED,
            egress_bytes_per_s: ByteRate::UNLIMITED,
            partition_ingress_bytes_per_s: ByteRate::UNLIMITED,
            partition_egress_bytes_per_s: ByteRate::UNLIMITED,
            partition_burst_s: 0,
            connections_max: 100_000,
            connection_attempts_per_s: 10_000,
            requests_per_s: u32::MAX,
            topic_requests_per_s: u32::MAX,
            message_bytes_max: ByteCount(15 * 1024 * 1024),
            fetch_bytes_max: ByteCount(256 * 1024 * 1024),
            fetch_over_limit: FetchOverLimit::Clamp,
            consumer_groups_max: u32::MAX,
            partitions_max: 1_000_000,
            compacted_partitions_max: 1_000_000,
            partition_changes_per_5_min: u32::MAX,
            compacted_partition_bytes_max: ByteCount(u64::MAX),
            retention_ms_max: None,
            retention_bytes_default: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::serverless()
    }
}
