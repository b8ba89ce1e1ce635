//! Counts what was delivered, and writes it down: each second one report to the usage partition of
//! the system, through the same lanes as everything else.
//!
//! Owns: bytes that were delivered and are in no report yet. Does not own: the report's form
//! (`quota`), that it counts once (its append id sees to that).
//!
//! Invariant: a byte is in the sums or in one report under way. A report is never given up while the
//! gateway lives, since it might be in the log; one that was refused goes back into the sums.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use model::{ByteCount, Clock, ClusterMap, TopicPartition, USAGE_TOPIC, VirtualClusterId};
use node_api::lane::LaneError;
use quota::EgressReport;
use records::{BatchBuilder, BatchRules, Codec, NewRecord, ValidBatch, validate};
use tokio::sync::watch;

use crate::admission::admit_own;
use crate::lanes::Lanes;
use crate::limits::{EGRESS_FLUSH_MAX, EGRESS_REPORT_EVERY};
use crate::router::Router;
use crate::services::is_set;

/// Version of the Produce request whose rules our own batches follow.
const PRODUCE_VERSION: i16 = 9;

/// Sums of delivered bytes, by virtual cluster. Bounded by the number of virtual clusters.
#[derive(Default)]
pub(crate) struct EgressMeter {
    delivered: Mutex<BTreeMap<VirtualClusterId, ByteCount>>,
}

impl EgressMeter {
    /// Bytes of record batches that are in the client's socket.
    pub(crate) fn add(&self, cluster: VirtualClusterId, bytes: u64) {
        let mut delivered = self.delivered();
        let sum = delivered.entry(cluster).or_default();
        sum.0 += bytes;
    }

    fn take(&self) -> BTreeMap<VirtualClusterId, ByteCount> {
        std::mem::take(&mut *self.delivered())
    }

    fn put_back(&self, report: &EgressReport) {
        for (cluster, bytes) in report.entries() {
            self.add(cluster, bytes.0);
        }
    }

    fn delivered(&self) -> std::sync::MutexGuard<'_, BTreeMap<VirtualClusterId, ByteCount>> {
        self.delivered
            .lock()
            .expect("nothing panics while it is held")
    }
}

/// Writes the reports.
pub(crate) struct Reporter {
    pub(crate) meter: Arc<EgressMeter>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) router: Arc<Router>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reporter {
    /// Reports each second, and once more when `stopped` turns true: then nothing is delivered any
    /// more.
    pub(crate) async fn run(self, mut stopped: watch::Receiver<bool>) {
        loop {
            let is_last = tokio::select! {
                () = tokio::time::sleep(EGRESS_REPORT_EVERY) => false,
                () = is_set(&mut stopped) => true,
            };
            let patience = async {
                is_set(&mut stopped).await;
                tokio::time::sleep(EGRESS_FLUSH_MAX).await;
            };
            tokio::select! {
                () = self.report() => {}
                () = patience => {
                    tracing::error!("delivered bytes of the last moments are not written down");
                    return;
                }
            }
            if is_last {
                return;
            }
        }
    }

    /// Writes down what was delivered since the last report, if anything was.
    async fn report(&self) {
        for report in EgressReport::split(&self.meter.take()) {
            if let Err(why) = self.append(&report).await {
                tracing::warn!(why, "a usage report is tried again");
                self.meter.put_back(&report);
            }
        }
    }

    async fn append(&self, report: &EgressReport) -> Result<(), &'static str> {
        let partition = usage_partition(&self.router.map());
        let partition = partition.ok_or("there is no usage partition")?;
        let batch = self.batch(report);
        match self.lanes.append(admit_own(partition, batch)).await {
            Ok(_) => Ok(()),
            Err(LaneError::Refused(_)) => Err("the usage partition refused it"),
            // It is never given up.
            Err(LaneError::TimedOut) => Err("the lane was stopped"),
        }
    }

    fn batch(&self, report: &EgressReport) -> ValidBatch {
        let now = self.clock.wall();
        let mut value = Vec::new();
        report.encode(&mut value);
        let mut batch = BatchBuilder::new(Codec::Uncompressed);
        batch.push(&NewRecord {
            timestamp: now,
            key: None,
            value: Some(&value),
            headers: &[],
        });
        let rules = BatchRules::of_topic(
            PRODUCE_VERSION,
            &model::TopicConfig::default(),
            &model::Limits::default(),
        );
        validate(batch.build(), &rules, now).expect("a batch of our own follows the rules")
    }
}

fn usage_partition(map: &ClusterMap) -> Option<TopicPartition> {
    let topic = map.topic_by_name(VirtualClusterId::SYSTEM, USAGE_TOPIC)?;
    (!topic.placements.is_empty()).then_some(TopicPartition {
        topic: topic.id,
        partition: 0,
    })
}
