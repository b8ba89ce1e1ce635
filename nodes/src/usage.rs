//! Seals the usage of minutes that are over, and hands it to the balancer.
//!
//! Owns: when that is done, and that a batch is handed over until it is kept. Does not own: what is
//! counted and sealed (the log, `quota::Meters`), where it is kept (`balancer`).
//!
//! ```text
//!   a minute is over ─▶ seal frame ─▶ durable ─▶ record_usage ─▶ kept ─▶ the next seal frame says so
//!                           │                        │
//!          crash: nothing has happened      crash: the batch is in the log, and is handed over
//!                                           again as it is, whether it was kept or not
//! ```
//!
//! Invariants: a batch is handed over only when it is durable in the log; the next one is sealed only
//! when this one is kept.

use std::sync::Arc;

use control_api::{ControlPlane, RecordUsageError};
use metrics::counter;
use model::Clock;
use quota::{Minute, SealedUsage, UsageSource};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tracing::{error, warn};
use wal::WalHandle;

use crate::limits::USAGE_LOOK_EVERY;
use crate::shard::ShardCall;

/// See the file's header.
pub(crate) struct UsageSealer {
    pub(crate) source: UsageSource,
    pub(crate) wal: WalHandle,
    /// The shard that writes seal frames.
    pub(crate) shard: mpsc::Sender<ShardCall>,
    pub(crate) control: Arc<dyn ControlPlane>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl UsageSealer {
    /// Runs until the node stops.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(USAGE_LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut on_its_way, mut stored_below) = (None, 0);
        let (mut looked_in, mut refused_in) = (None, None);
        loop {
            ticks.tick().await;
            let minute = Some(Minute::of(self.clock.wall()));
            if on_its_way.is_none() && looked_in != minute {
                let Some(sealed) = self.seal(stored_below).await else {
                    return;
                };
                (on_its_way, looked_in) = (sealed, minute);
            }
            // What was refused will be refused again, so it is not asked at every turn.
            let wanted = on_its_way.as_ref().filter(|_| refused_in != minute);
            let Some(batch): Option<&SealedUsage> = wanted else {
                continue;
            };
            let sent = self.control.record_usage(self.source, batch.clone()).await;
            match sent {
                Ok(()) => {
                    stored_below = batch.sequence + 1;
                    // More may be over by now.
                    (on_its_way, looked_in) = (None, None);
                }
                Err(why @ RecordUsageError::Unavailable(_)) => {
                    counter!("tidegate_usage_not_kept_total").increment(1);
                    warn!(sequence = batch.sequence, %why, "usage is handed over again");
                }
                Err(why @ RecordUsageError::Conflict { .. }) => {
                    counter!("tidegate_usage_refused_total").increment(1);
                    error!(sequence = batch.sequence, %why, "usage was refused");
                    refused_in = minute;
                }
            }
        }
    }

    /// Seals what is over, if anything is and no batch is on its way. Gives the batch that is to be
    /// handed over, once it is durable; nothing where the node has stopped.
    async fn seal(&self, stored_below: u64) -> Option<Option<SealedUsage>> {
        let meters = self.wal.meters().await.ok()?;
        let minute = Minute::of(self.clock.wall());
        let sealed = meters.sealed();
        let is_free = sealed.is_none_or(|batch| batch.sequence < stored_below);
        if is_free && meters.has_to_seal(minute) {
            let (done, durable) = oneshot::channel();
            let call = ShardCall::Seal { stored_below, done };
            self.shard.send(call).await.ok()?;
            durable.await.ok()?;
        }
        let sealed = self.wal.meters().await.ok()?.sealed().cloned();
        Some(sealed.filter(|batch| batch.sequence >= stored_below))
    }
}
