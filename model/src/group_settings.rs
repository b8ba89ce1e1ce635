//! How the consumer groups of a virtual cluster are run: Kafka's broker settings of the same names.

use serde::{Deserialize, Serialize};

/// Settings of consumer groups, in milliseconds where they are times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`.
    pub session_timeout_ms_min: u32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_ms_max: u32,
    /// `group.initial.rebalance.delay.ms`: how long the first member of an empty group waits for others.
    pub initial_rebalance_delay_ms: u32,
    /// `group.max.size`.
    pub members_max: u32,
    /// `offsets.retention.minutes`, in milliseconds: counted from when the group became empty.
    pub offsets_retention_ms: u64,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_bytes_max: u32,
}

impl Default for GroupSettings {
    /// Kafka's defaults; a group has at most 1000 members, where Kafka sets no bound.
    fn default() -> Self {
        Self {
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            members_max: 1_000,
            offsets_retention_ms: 7 * 24 * 60 * 60 * 1000,
            offset_metadata_bytes_max: 4_096,
        }
    }
}
