//! The last gate before the log: an authorized batch is checked against the topic's rules and the
//! virtual cluster's limits, and what the node says of its quota is turned into waiting.
//!
//! Owns: which batches may be appended, how long an append may take, how long its acknowledgement
//! is held. Does not own: the rules themselves (`records`), the buckets (the partition's owner has
//! them), the reading of the connection (`mute`).
//!
//! How a partition's limit is felt: the batch is appended at once and its acknowledgement is held
//! until the partition is out of debt; further in debt the connection is not read either.
//! `throttle_time_ms` stays 0 for it, since a Java client would stop every partition of the connection.
//!
//! How the virtual cluster's limit is felt: Kafka's way (KIP-219). A batch is charged here, appended, and
//! answered with `throttle_time_ms`; the connection is not read meanwhile. A batch that comes while
//! the virtual cluster is far in debt waits before it is submitted.
//!
//! Invariant: an [`Admitted`] is made here only.

use std::time::Duration;

use bytes::Bytes;
use model::{Clock, Instant, Topic, TopicPartition, VirtualClusterId};
use node_api::Appended;
use quota::throttle::TOLD_MAX;
use quota::{Flow, Throttle};
use records::{BatchRules, Rejected, ValidBatch, validate};

use crate::call::Call;
use crate::error::Fault;
use crate::gates::Ingress;
use crate::limits::{
    ACK_HOLD_MAX, BATCH_SHARE_MIN, PARKING_MAX, PARKING_MIN, RECOMPRESS_INLINE_BYTES_MAX,
    SHARED_FRAME_BYTES_MAX,
};
use crate::permission::Authorized;

/// A batch that a caller may write, as it came.
pub(crate) struct BatchWrite<'a> {
    pub(crate) topic: &'a Topic,
    pub(crate) partition: TopicPartition,
    pub(crate) records: Bytes,
}

/// A batch that a caller may write and that keeps to the rules. It is not charged yet.
pub(crate) struct Checked {
    pub(crate) partition: TopicPartition,
    batch: ValidBatch,
}

/// A batch that may be appended.
pub(crate) struct Admitted {
    pub(crate) virtual_cluster: VirtualClusterId,
    pub(crate) partition: TopicPartition,
    pub(crate) batch: ValidBatch,
    /// When it is answered with REQUEST_TIMED_OUT if nothing was heard of it.
    pub(crate) give_up_at: Instant,
}

/// How long the batches of one request may take, all together, counted from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) started_at: tokio::time::Instant,
    pub(crate) timeout: Duration,
    give_up_at: Instant,
}

impl Patience {
    /// Of a request that begins now.
    pub(crate) fn begin(timeout: Duration, clock: &dyn Clock) -> Self {
        Self {
            started_at: tokio::time::Instant::now(),
            timeout,
            give_up_at: clock.now() + timeout,
        }
    }

    /// How much longer its batches may wait for the virtual cluster's rate, `elapsed` after its start.
    fn park_left(&self, elapsed: Duration) -> Duration {
        let park_max = Flow::Ingress.park_max().min(self.timeout / 2);
        park_max.saturating_sub(elapsed)
    }
}

/// The throttle of a request that began `elapsed` ago, cut to what it may still stop its connection
/// for. What is owed stays owed.
fn cut(throttle: Throttle, elapsed: Duration) -> Throttle {
    let mute_left = Flow::Ingress.mute_max().saturating_sub(elapsed);
    Throttle {
        mute: throttle.mute.min(mute_left),
        ..throttle
    }
}

/// What the sender of a batch is told that would have to wait for too long: it must not come again at once.
const OVERDUE: Throttle = Throttle {
    park: Duration::ZERO,
    told: TOLD_MAX,
    mute: TOLD_MAX,
};

/// Checks a batch against the rules of its topic. One whose topic names another codec is compressed anew.
pub(crate) async fn check(
    call: &Call,
    write: Authorized<BatchWrite<'_>>,
) -> Result<Checked, Fault> {
    let BatchWrite {
        topic,
        partition,
        records,
    } = write.into_request();
    let rules = BatchRules::of_topic(call.version(), &topic.config, &call.cluster.limits);
    let records = apart(records, call.frame_bytes);
    let now = call.services.clock.wall();
    let mut batch = validate(records, &rules, now)?;
    if batch.is_transactional() {
        return Err(Fault::TransactionalId);
    }
    if let Some(codec) = batch.needs_codec(&rules) {
        let batch_bytes = batch.bytes().len();
        let recompress = move || batch.recompress(codec, &rules, now);
        batch = off_the_path(call, batch_bytes, recompress).await?;
    }
    Ok(Checked { partition, batch })
}

/// Charges batches of one request and admits them, at one moment: the limits of their virtual cluster
/// are locked meanwhile. Behind a batch that has to wait the next is admitted when it has waited.
pub(crate) struct Counter<'a> {
    call: &'a Call,
    patience: Patience,
    /// Since the request began.
    elapsed: Duration,
    ingress: Ingress<'a>,
}

impl<'a> Counter<'a> {
    pub(crate) fn open(call: &'a Call, patience: Patience) -> Self {
        Self {
            call,
            patience,
            elapsed: patience.started_at.elapsed(),
            ingress: call.gate.ingress(),
        }
    }

    /// Admits a batch, with how long it waits for the virtual cluster's rate before it is submitted; or
    /// says why not.
    pub(crate) fn admit(&mut self, checked: Checked) -> Result<(Admitted, Duration), Fault> {
        let Checked { partition, batch } = checked;
        let patience = self.patience.park_left(self.elapsed);
        let charged = self.ingress.charge(batch.bytes().len(), patience);
        let Ok(throttle) = charged else {
            self.call.slow_down(OVERDUE);
            return Err(Fault::TimedOut);
        };
        self.call.slow_down(cut(throttle, self.elapsed));
        let give_up_at = self.patience.give_up_at;
        let admitted = Admitted {
            virtual_cluster: self.call.cluster.id,
            partition,
            batch,
            give_up_at: give_up_at.max(self.ingress.now() + PARKING_MIN),
        };
        Ok((admitted, throttle.park))
    }
}

/// Compresses a batch anew without holding up other connections: a large one on a thread of its own,
/// of which there are a few at a time.
async fn off_the_path(
    call: &Call,
    batch_bytes: usize,
    recompress: impl FnOnce() -> Result<ValidBatch, Rejected> + Send + 'static,
) -> Result<ValidBatch, Fault> {
    if batch_bytes <= RECOMPRESS_INLINE_BYTES_MAX {
        return Ok(recompress()?);
    }
    let place = call.services.recompressions.acquire().await;
    let _place = place.expect("the semaphore is never closed");
    let made = tokio::task::spawn_blocking(recompress).await;
    Ok(made.expect("compressing does not panic, and is not cancelled")?)
}

/// The batch, copied where it would keep a large frame alive for a small part of it: nodes cache
/// batches long after their request is answered and its memory is given back.
fn apart(records: Bytes, frame_bytes: usize) -> Bytes {
    let is_large = frame_bytes > SHARED_FRAME_BYTES_MAX;
    if is_large && records.len().saturating_mul(BATCH_SHARE_MIN) < frame_bytes {
        Bytes::copy_from_slice(&records)
    } else {
        records
    }
}

/// Admits a batch of our own to a partition of the system. It is never given up: whether it was
/// appended must not stay in doubt.
pub(crate) fn admit_own(partition: TopicPartition, batch: ValidBatch) -> Admitted {
    Admitted {
        virtual_cluster: VirtualClusterId::SYSTEM,
        partition,
        batch,
        give_up_at: Instant(u64::MAX),
    }
}

/// How long an append may wait for its node.
pub(crate) fn parking_time(timeout_ms: i32) -> Duration {
    let wanted = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    wanted.clamp(PARKING_MIN, PARKING_MAX)
}

/// Until when an acknowledgement is held that came at `answered_at`: for what the node asks, counted
/// from then, but never so long that the client would give up waiting for what it sent at
/// `submitted_at`.
pub(crate) fn hold_until(
    appended: &Appended,
    answered_at: tokio::time::Instant,
    submitted_at: tokio::time::Instant,
    timeout: Duration,
) -> tokio::time::Instant {
    let wanted = answered_at + appended.ack_delay.min(ACK_HOLD_MAX);
    wanted.min(submitted_at + ACK_HOLD_MAX.min(timeout * 2 / 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_waits_as_long_as_the_client_does_within_our_bounds() {
        assert_eq!(parking_time(10_000), Duration::from_secs(10));
        assert_eq!(parking_time(60_000), PARKING_MAX);
        assert_eq!(parking_time(0), PARKING_MIN);
        assert_eq!(parking_time(-1), PARKING_MIN);
    }

    #[test]
    fn an_acknowledgement_is_never_held_until_the_client_gives_up() {
        let appended = |ack_delay| Appended {
            base_offset: model::Offset::ZERO,
            log_start_offset: model::Offset::ZERO,
            log_append_time: None,
            ack_delay,
            stop_reading: Duration::ZERO,
        };
        let second = Duration::from_secs(1);
        let start = tokio::time::Instant::now();
        let held = |ack_delay, answered_after, timeout| {
            let until = hold_until(&appended(ack_delay), start + answered_after, start, timeout);
            until.saturating_duration_since(start)
        };
        assert_eq!(held(second, Duration::ZERO, 30 * second), second);
        assert_eq!(held(second, 3 * second, 30 * second), 4 * second);
        assert_eq!(held(100 * second, second, 60 * second), ACK_HOLD_MAX);
        assert_eq!(held(100 * second, second, 15 * second), 10 * second);
    }

    #[test]
    fn a_small_batch_does_not_keep_its_large_frame() {
        let frame = Bytes::from(vec![7; 2 * SHARED_FRAME_BYTES_MAX]);
        let is_copied = |bytes: usize, frame_bytes| {
            let records = frame.slice(..bytes);
            let kept = apart(records.clone(), frame_bytes);
            assert_eq!(kept, records);
            kept.as_ptr() != records.as_ptr()
        };
        assert!(is_copied(1000, frame.len()));
        assert!(!is_copied(frame.len() / BATCH_SHARE_MIN, frame.len()));
        assert!(!is_copied(1000, SHARED_FRAME_BYTES_MAX));
    }
}
