//! Gives segments back: those that hold nothing a client may read, once the facts in them are not
//! needed for rebuilding state either.
//!
//! Owns: the order: first the state is written further on and durable, then segments go. Does not
//! own: what is in use (shards), files (`wal`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use partition_log::SegmentId;
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};
use wal::WalHandle;

use crate::shard::{Segments, ShardCall};

/// Looks after each interval what can go, until the node stops. `sealed` are the segments that were
/// full at the start.
pub(crate) async fn run(
    wal: WalHandle,
    shards: Arc<[mpsc::Sender<ShardCall>]>,
    mut sealed: BTreeSet<SegmentId>,
    interval: Duration,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if sweep(&wal, &shards, &mut sealed).await.is_none() {
            return;
        }
    }
}

/// One look; none where the node has stopped.
async fn sweep(
    wal: &WalHandle,
    shards: &[mpsc::Sender<ShardCall>],
    sealed: &mut BTreeSet<SegmentId>,
) -> Option<()> {
    // Only what was full before the first shard is asked can go: a segment that fills up in between
    // may hold what a shard that was asked before did not know of yet.
    let candidates = sealed.clone();
    let mut in_use = BTreeSet::new();
    for shard in shards {
        let Segments {
            in_use: used,
            newly_sealed,
        } = ask(shard, ShardCall::Segments).await?;
        in_use.extend(used);
        sealed.extend(newly_sealed);
    }
    let free: Vec<SegmentId> = candidates.difference(&in_use).copied().collect();
    let Some(newest) = free.last().copied() else {
        return Some(());
    };
    for shard in shards {
        ask(shard, |done| ShardCall::Renew(newest, done)).await?;
    }
    for segment in free {
        if let Err(why) = wal.recycle(segment) {
            warn!(segment = segment.0, %why, "a segment could not be given back");
            return None;
        }
        sealed.remove(&segment);
        info!(segment = segment.0, "a segment was given back");
    }
    Some(())
}

/// Asks a shard; none where it has stopped.
pub(crate) async fn ask<T>(
    shard: &mpsc::Sender<ShardCall>,
    call: impl FnOnce(oneshot::Sender<T>) -> ShardCall,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    shard.send(call(reply)).await.ok()?;
    answer.await.ok()
}
