//! The limit on partitions created and deleted in five minutes: judged here, by the time of the command,
//! because there is one catalog, however many gateways there are.
//!
//! Owns: the rule. Does not own: the window ([`model::PartitionChanges`]).
//!
//! Whoever decides a change of partitions asks for [`ChangeBudget::spend`] first, and puts the record
//! of [`ChangeBudget::record`] beside its own.

use model::topic_request::TopicError;
use model::{PartitionChanges, Timestamp, VirtualClusterId};

use crate::record::CatalogRecord;
use crate::state::CatalogState;

/// What one request may still create and delete.
#[derive(Clone, Debug)]
pub struct ChangeBudget {
    cluster: VirtualClusterId,
    at: Timestamp,
    ceiling: u32,
    window: PartitionChanges,
    spent: u32,
}

impl ChangeBudget {
    /// The budget of `cluster` at `at`; none is left of a virtual cluster that is not there.
    pub fn new(state: &CatalogState, cluster: VirtualClusterId, at: Timestamp) -> Self {
        let owner = state.clusters.get(&cluster);
        let window = state.partition_changes.get(&cluster);
        Self {
            cluster,
            at,
            ceiling: owner.map_or(0, |owner| owner.limits.partition_changes_per_5_min),
            window: window.cloned().unwrap_or_default(),
            spent: 0,
        }
    }

    /// Takes `partitions` that are created out of the budget, all or none.
    pub fn spend(&mut self, partitions: u32) -> Result<(), TopicError> {
        self.charge(partitions, partitions)
    }

    /// The same for a topic that is deleted. One that is larger than the ceiling counts as large as
    /// that: it needs the whole window, but goes, as it may be older than the limit.
    pub fn spend_on_deletion(&mut self, partitions: u32) -> Result<(), TopicError> {
        self.charge(partitions, partitions.min(self.ceiling.max(1)))
    }

    fn charge(&mut self, asked: u32, charged: u32) -> Result<(), TopicError> {
        if self.is_unlimited() {
            return Ok(());
        }
        let retry_after_ms = self.window.wait_ms(self.at, charged, self.ceiling);
        if retry_after_ms > 0 {
            return Err(TopicError::TooManyChanges {
                ceiling: self.ceiling,
                used: self.window.within(self.at),
                asked,
                retry_after_ms,
            });
        }
        self.window.add(self.at, charged);
        self.spent += charged;
        Ok(())
    }

    /// What was spent, for the catalog to remember; none where nothing was.
    pub fn record(self) -> Option<CatalogRecord> {
        (self.spent > 0).then_some(CatalogRecord::PartitionsChanged {
            cluster: self.cluster,
            at: self.at,
            partitions: self.spent,
        })
    }

    /// Without a limit nothing need be remembered.
    fn is_unlimited(&self) -> bool {
        self.ceiling == u32::MAX
    }
}
