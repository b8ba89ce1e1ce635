//! Hands over the batches of usage that the catalog seals.
//!
//! Owns: what is known of the batch that is on its way. Does not own: when windows are sealed
//! (`catalog`), or where batches are kept ([`UsageStore`]).

use std::sync::Arc;

use catalog::CatalogState;
use control_api::RecordUsageError;
use metrics::counter;
use quota::{Minute, UsageSource};
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
}
