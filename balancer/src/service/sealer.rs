//! Hands over the batches of usage that the catalog seals.
//!
//! Owns: what is known of the batch that is on its way. Does not own: when windows are sealed
//! (`catalog`), or where batches are kept ([`UsageStore`]).

use std::sync::Arc;

use catalog::CatalogState;
use control_api::RecordUsageError;
use metrics::counter;
use quota::{Minute, UsageOrigin, UsageSource};
use tracing::{error, warn};

use crate::usage_store::UsageStore;

/// See the file's header.
pub(super) struct Sealer {
    store: Arc<UsageStore>,
    kept_below: u64,
    looked_in: Option<Minute>,
    refused_in: Option<Minute>,
}

impl Sealer {
    pub(super) fn new(store: Arc<UsageStore>) -> Self {
        Self {
            store,
            kept_below: 0,
            looked_in: None,
            refused_in: None,
        }
    }

    /// All batches numbered below this are kept, as far as is known.
    pub(super) fn kept_below(&self) -> u64 {
        self.kept_below
    }

    /// Whether this is the first look in `minute`.
    pub(super) fn looks_in(&mut self, minute: Minute) -> bool {
        self.looked_in.replace(minute) != Some(minute)
    }

    /// Hands over the batch that is on its way. Says whether there is one that is not kept even now.
    pub(super) async fn hand_over(&mut self, state: &CatalogState, minute: Minute) -> bool {
        let on_its_way = state.usage.on_its_way();
        let Some(batch) = on_its_way.filter(|batch| batch.sequence >= self.kept_below) else {
            return false;
        };
        if self.refused_in == Some(minute) {
            return true;
        }
        match self.store.keep(UsageSource::Balancer, batch).await {
            Ok(()) => {
                self.kept_below = batch.sequence + 1;
                self.merge(batch.epoch, batch.sequence);
                return false;
            }
            Err(why @ RecordUsageError::Unavailable(_)) => {
                counter!("tidegate_usage_not_kept_total").increment(1);
                warn!(sequence = batch.sequence, %why, "usage is handed over again");
            }
            Err(why @ RecordUsageError::Conflict { .. }) => {
                counter!("tidegate_usage_refused_total").increment(1);
                error!(sequence = batch.sequence, %why, "usage was refused");
                self.refused_in = Some(minute);
            }
        }
        true
    }

    /// In a task of its own: the catalog serves nobody while its own task waits.
    fn merge(&self, epoch: u64, sequence: u64) {
        let store = Arc::clone(&self.store);
        let source = UsageSource::Balancer;
        let origin = UsageOrigin { source, epoch };
        tokio::spawn(async move { store.merge_if_due(origin, sequence).await });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use object_store::ObjectStore;
    use object_store::memory::InMemory;
    use quota::SealedUsage;

    use super::*;
    use crate::seal::SealingKey;

    #[tokio::test]
    async fn old_batches_are_merged_while_nobody_waits_for_it() {
        let objects = Arc::new(InMemory::new());
        let key = Arc::new(SealingKey::new(&[1; 32]));
        let store = Arc::new(UsageStore::new(Arc::clone(&objects) as _, key));
        for sequence in 0..=512 {
            let batch = SealedUsage {
                epoch: 0,
                sequence,
                before: Minute(1),
                runs: Vec::new(),
            };
            let kept = store.keep(UsageSource::Balancer, &batch).await;
            assert_eq!(kept, Ok(()));
        }
        assert_eq!(objects.list(None).count().await, 513);
        Sealer::new(Arc::clone(&store)).merge(0, 512);
        // The tests' tasks share a thread, and this one gives way until the other is done.
        let merged = async {
            while objects.list(None).count().await != 258 {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(30);
        tokio::time::timeout(patience, merged)
            .await
            .expect("it is merged");
        let kept = store.read_all().await.expect("is whole");
        assert_eq!(kept.len(), 513);
    }
}
