//! Appends one coordinator's batches to its partition, as a gateway would.
//!
//! Owns: one lane with a gateway incarnation of its own, drawn for one tenure of the coordinator.
//! Does not own: order, repeats and timers (`node_api::lane::Lane`); what is written (`journal`).
//!
//! One batch is under way at a time, and it is never given up: a lost append or answer is sent again
//! under the same append id. Whoever aborts the task ends the tenure.

use std::sync::Arc;
use std::time::Duration;

use coordinator::StoredRecord;
use model::{
    ByteCount, CatalogVersion, GatewayIncarnation, Instant, LaneId, Limits, Placement, Timestamp,
    TopicConfig, TopicPartition, VirtualClusterId,
};
use node_api::lane::{Lane, LaneError, Submission};
use node_api::{Appended, LaneChannel};
use records::{BatchBuilder, BatchRules, Codec, NewRecord, ValidBatch, validate};
use tokio::sync::mpsc;

use crate::coordinators::Around;
use crate::limits::LANE_REOPEN_AFTER;

/// Version of the Produce request whose rules our own batches follow.
const PRODUCE_VERSION: i16 = 9;

/// The lane's timers are looked at least this often, however far they are.
const LOOK_UP_MAX: Duration = Duration::from_secs(3600);

/// A batch to be written, and the cluster map it was made under.
pub(super) struct Outgoing {
    pub(super) batch: ValidBatch,
    pub(super) map_version: CatalogVersion,
}

/// See the file's header.
pub(super) struct Writer {
    around: Arc<Around>,
    partition: TopicPartition,
    placement: Placement,
    gateway: GatewayIncarnation,
    lane: Lane,
    channel: Option<LaneChannel>,
}

impl Writer {
    pub(super) fn new(
        around: Arc<Around>,
        partition: TopicPartition,
        placement: Placement,
    ) -> Self {
        let mut drawn = [0; 8];
        (around.random)(&mut drawn);
        let gateway = GatewayIncarnation(u64::from_le_bytes(drawn));
        Self {
            around,
            partition,
            placement,
            gateway,
            lane: Lane::new(gateway, LaneId::of(partition)),
            channel: None,
        }
    }

    /// Writes each batch and tells what became of it, until no more can come.
    pub(super) async fn run<T>(
        mut self,
        mut batches: mpsc::Receiver<Outgoing>,
        landed: mpsc::Sender<T>,
        report: impl Fn(Result<Appended, LaneError>) -> T,
    ) {
        while let Some(outgoing) = batches.recv().await {
            let outcome = self.append(outgoing).await;
            if landed.send(report(outcome)).await.is_err() {
                return;
            }
        }
    }

    async fn append(&mut self, outgoing: Outgoing) -> Result<Appended, LaneError> {
        self.lane.submit(Submission {
            virtual_cluster: VirtualClusterId::SYSTEM,
            partition: self.partition,
            leader_epoch: self.placement.leader_epoch,
            map_version: outgoing.map_version,
            batch: outgoing.batch,
            give_up_at: Instant(u64::MAX),
        });
        loop {
            let now = self.around.clock.now();
            self.lane.handle_timeout(now);
            self.transmit(now).await;
            if let Some(completion) = self.lane.poll_completion() {
                return completion.outcome;
            }
            self.receive(now).await;
        }
    }

    /// Sends what is due. What a broken channel loses, the lane's timer sends again.
    async fn transmit(&mut self, now: Instant) {
        while let Some(append) = self.lane.poll_transmit(now) {
            if self.channel.is_none() {
                let lane = LaneId::of(self.partition);
                let opening = self.around.transport.open_lane(self.gateway, lane);
                self.channel = Some(opening.await);
            }
            let channel = self.channel.as_ref().expect("it was opened");
            if channel.appends.send(append).await.is_err() {
                self.break_off().await;
            }
        }
    }

    /// Waits for a reply or a timer, and handles it.
    async fn receive(&mut self, now: Instant) {
        let due = self.lane.poll_timeout().map(|at| at.saturating_since(now));
        let pause = due.unwrap_or(LOOK_UP_MAX).min(LOOK_UP_MAX);
        let Some(channel) = &mut self.channel else {
            return tokio::time::sleep(pause).await;
        };
        tokio::select! {
            reply = channel.replies.recv() => match reply {
                Some(reply) => self.lane.handle_reply(self.around.clock.now(), &reply),
                None => self.break_off().await,
            },
            () = tokio::time::sleep(pause) => {}
        }
    }

    /// The channel is of no use any more; it is opened again for what is sent next.
    async fn break_off(&mut self) {
        self.channel = None;
        tokio::time::sleep(LANE_REOPEN_AFTER).await;
    }
}

/// One batch of our own.
pub(crate) fn batch(records: &[StoredRecord], now: Timestamp) -> ValidBatch {
    let mut builder = BatchBuilder::new(Codec::Uncompressed);
    for record in records {
        builder.push(&NewRecord {
            timestamp: now,
            key: Some(&record.key),
            value: record.value.as_deref(),
            headers: &[],
        });
    }
    // The topic's limits are for clients; ours are the coordinator's and the journal's.
    let rules = BatchRules {
        batch_bytes_max: ByteCount(u64::MAX),
        cluster_batch_bytes_max: ByteCount(u64::MAX),
        ..BatchRules::of_topic(
            PRODUCE_VERSION,
            &TopicConfig::default(),
            &Limits::provisioned(),
        )
    };
    validate(builder.build(), &rules, now).expect("a batch of our own follows the rules")
}
