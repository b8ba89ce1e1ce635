//! The balancer's one task: owns the catalog, decides, commits, and shows the new cluster map.
//!
//! Owns: the order of changes. Does not own: decisions (`catalog`), those about the topics of one
//! request (`topics`), objects (`store`).
//! Invariants: a change is shown and answered only after it is stored; the map's version only rises.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use catalog::{CatalogRecord, CatalogState, cluster_map};
use control_api::{
    ControlPlane, CreatedTopic, MorePartitions, NewTopic, ProducerIdBlock, RecordUsageError,
    TopicChange, TopicError, TopicRef, Unavailable,
};
use model::{
    CatalogVersion, Clock, ClusterMap, NodeEpoch, NodeId, TopicId, TopicName, VirtualCluster,
    VirtualClusterId,
};
use object_store::ObjectStore;
use quota::{Amounts, Minute, OpenUsage, SealedUsage, UsageOrigin, UsageSource};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tracing::{error, info};

use crate::seal::SealingKey;
use crate::service::sealer::Sealer;
use crate::store::{CatalogStore, StoreError};
use crate::usage_store::{KeptUsage, UsageStore};

mod sealer;
mod topics;

/// Requests that may wait for the balancer; at the bound the asking gateway waits.
const MAILBOX_MAX: usize = 256;

/// How often it is looked whether a minute is over whose usage can be sealed.
const USAGE_LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a balancer is made of.
pub struct BalancerParts {
    /// Where the catalog is kept.
    pub store: Arc<dyn ObjectStore>,
    /// What it is sealed with.
    pub key: SealingKey,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Draws a fresh random topic id.
    pub fresh_id: fn() -> [u8; 16],
}

/// Why a balancer could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The catalog could not be read.
    #[error("reading the catalog: {0}")]
    Load(#[from] StoreError),
}

/// A running balancer; clones speak to the same one, and it stops when the last is gone.
#[derive(Clone)]
pub struct Balancer {
    mailbox: mpsc::Sender<Call>,
    usage: Arc<UsageStore>,
    map: watch::Receiver<Arc<ClusterMap>>,
}

enum Call {
    CreateTopics {
        cluster: VirtualClusterId,
        topics: Vec<NewTopic>,
        validate_only: bool,
        reply: oneshot::Sender<Vec<Result<CreatedTopic, TopicError>>>,
    },
    DeleteTopics {
        cluster: VirtualClusterId,
        topics: Vec<TopicRef>,
        reply: oneshot::Sender<Vec<Result<(TopicId, TopicName), TopicError>>>,
    },
    CreatePartitions {
        cluster: VirtualClusterId,
        topics: Vec<MorePartitions>,
        validate_only: bool,
        reply: oneshot::Sender<Vec<Result<(), TopicError>>>,
    },
    AlterTopics {
        cluster: VirtualClusterId,
        changes: Vec<TopicChange>,
        validate_only: bool,
        reply: oneshot::Sender<Vec<Result<(), TopicError>>>,
    },
    ProducerIds(oneshot::Sender<Result<ProducerIdBlock, Unavailable>>),
    RegisterNode(NodeId, oneshot::Sender<Result<NodeEpoch, Unavailable>>),
    Usage(oneshot::Sender<(OpenUsage, BTreeMap<VirtualClusterId, Amounts>)>),
    SetCluster(
        Box<VirtualCluster>,
        oneshot::Sender<Result<(), Unavailable>>,
    ),
}

impl Balancer {
    /// Reads the catalog and starts to serve it.
    pub async fn start(parts: BalancerParts) -> Result<Self, StartError> {
        let key = Arc::new(parts.key);
        let usage = Arc::new(UsageStore::new(Arc::clone(&parts.store), Arc::clone(&key)));
        let mut store = CatalogStore::new(parts.store, key);
        let state = store.load().await?;
        info!(
            version = state.version.0,
            topics = state.topics.len(),
            "catalog loaded"
        );
        let first = Arc::new(cluster_map(&state, &ClusterMap::default()));
        let (shown, map) = watch::channel(first);
        let (mailbox, calls) = mpsc::channel(MAILBOX_MAX);
        let (clock, fresh_id) = (parts.clock, parts.fresh_id);
        let service = Service {
            state,
            store,
            shown,
            clock,
            fresh_id,
            sealer: Sealer::new(Arc::clone(&usage)),
        };
        tokio::spawn(service.run(calls));
        Ok(Self {
            mailbox,
            usage,
            map,
        })
    }

    /// Makes the catalog hold `cluster` as it is given.
    pub async fn set_cluster(&self, cluster: VirtualCluster) -> Result<(), Unavailable> {
        self.ask(|reply| Call::SetCluster(Box::new(cluster), reply))
            .await
            .ok_or(Unavailable)?
    }

    /// Every batch of sealed usage that is kept.
    pub async fn kept_usage(&self) -> Result<Vec<KeptUsage>, StoreError> {
        self.usage.read_all().await
    }

    /// What the catalog has counted: what is open of it, and what each virtual cluster has used in all.
    pub async fn catalog_usage(
        &self,
    ) -> Result<(OpenUsage, BTreeMap<VirtualClusterId, Amounts>), Unavailable> {
        self.ask(Call::Usage).await.ok_or(Unavailable)
    }

    /// Waits until the balancer can serve no more: the store has another writer.
    pub async fn failed(&self) {
        self.mailbox.closed().await;
    }

    async fn ask<T>(&self, call: impl FnOnce(oneshot::Sender<T>) -> Call) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(call(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Asks about `count` topics; each of them is unavailable where the balancer is gone.
    async fn ask_of_topics<T: Clone>(
        &self,
        count: usize,
        call: impl FnOnce(oneshot::Sender<Vec<Result<T, TopicError>>>) -> Call,
    ) -> Vec<Result<T, TopicError>> {
        let answers = self.ask(call).await;
        answers.unwrap_or_else(|| vec![Err(TopicError::Unavailable); count])
    }
}

#[async_trait]
impl ControlPlane for Balancer {
    fn watch(&self) -> watch::Receiver<Arc<ClusterMap>> {
        self.map.clone()
    }

    async fn create_topics(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<NewTopic>,
        validate_only: bool,
    ) -> Vec<Result<CreatedTopic, TopicError>> {
        let count = topics.len();
        let call = |reply| Call::CreateTopics {
            cluster,
            topics,
            validate_only,
            reply,
        };
        self.ask_of_topics(count, call).await
    }

    async fn delete_topics(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<TopicRef>,
    ) -> Vec<Result<(TopicId, TopicName), TopicError>> {
        let count = topics.len();
        let call = |reply| Call::DeleteTopics {
            cluster,
            topics,
            reply,
        };
        self.ask_of_topics(count, call).await
    }

    async fn create_partitions(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<MorePartitions>,
        validate_only: bool,
    ) -> Vec<Result<(), TopicError>> {
        let count = topics.len();
        let call = |reply| Call::CreatePartitions {
            cluster,
            topics,
            validate_only,
            reply,
        };
        self.ask_of_topics(count, call).await
    }

    async fn alter_topics(
        &self,
        cluster: VirtualClusterId,
        changes: Vec<TopicChange>,
        validate_only: bool,
    ) -> Vec<Result<(), TopicError>> {
        let count = changes.len();
        let call = |reply| Call::AlterTopics {
            cluster,
            changes,
            validate_only,
            reply,
        };
        self.ask_of_topics(count, call).await
    }

    async fn allocate_producer_ids(&self) -> Result<ProducerIdBlock, Unavailable> {
        self.ask(Call::ProducerIds).await.ok_or(Unavailable)?
    }

    async fn register_node(&self, node: NodeId) -> Result<NodeEpoch, Unavailable> {
        self.ask(|reply| Call::RegisterNode(node, reply))
            .await
            .ok_or(Unavailable)?
    }

    async fn record_usage(
        &self,
        source: UsageSource,
        usage: SealedUsage,
    ) -> Result<(), RecordUsageError> {
        self.usage.keep(source, &usage).await?;
        let epoch = usage.epoch;
        let origin = UsageOrigin { source, epoch };
        self.usage.merge_if_due(origin, usage.sequence).await;
        Ok(())
    }
}

struct Service {
    state: CatalogState,
    store: CatalogStore,
    shown: watch::Sender<Arc<ClusterMap>>,
    clock: Arc<dyn Clock>,
    fresh_id: fn() -> [u8; 16],
    sealer: Sealer,
}

impl Service {
    /// Runs until the last handle is gone, or the store has another writer.
    async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        let mut ticks = tokio::time::interval(USAGE_LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                call = calls.recv() => match call {
                    Some(call) => self.handle(call).await,
                    None => return,
                },
                _ = ticks.tick() => self.seal_usage().await,
            };
            if let Err(why @ StoreError::Fenced(_)) = outcome {
                error!(%why, "the balancer stops");
                return;
            }
            if let Err(why) = self.store.snapshot_if_due(&self.state).await {
                error!(%why, "no catalog snapshot was written; the next change tries again");
            }
        }
    }

    /// Handles one call. A reply that nobody waits for any more is dropped on purpose.
    async fn handle(&mut self, call: Call) -> Result<(), StoreError> {
        match call {
            Call::CreateTopics {
                cluster,
                topics,
                validate_only,
                reply,
            } => {
                let (results, outcome) = self.create_topics(cluster, &topics, validate_only).await;
                let _ = reply.send(results);
                outcome
            }
            Call::DeleteTopics {
                cluster,
                topics,
                reply,
            } => {
                let (results, outcome) = self.delete_topics(cluster, &topics).await;
                let _ = reply.send(results);
                outcome
            }
            Call::CreatePartitions {
                cluster,
                topics,
                validate_only,
                reply,
            } => {
                let growing = self.create_partitions(cluster, &topics, validate_only);
                let (results, outcome) = growing.await;
                let _ = reply.send(results);
                outcome
            }
            Call::AlterTopics {
                cluster,
                changes,
                validate_only,
                reply,
            } => {
                let altering = self.alter_topics(cluster, &changes, validate_only);
                let (results, outcome) = altering.await;
                let _ = reply.send(results);
                outcome
            }
            Call::ProducerIds(reply) => {
                let (record, (start, end)) = catalog::allocate_producer_ids(&self.state);
                let outcome = self.commit(vec![record]).await;
                let block = ProducerIdBlock { start, end };
                let _ = reply.send(if_stored(block, &outcome));
                outcome
            }
            Call::RegisterNode(node, reply) => {
                let (record, epoch) = catalog::register_node(&self.state, node);
                let outcome = self.commit(vec![record]).await;
                let _ = reply.send(if_stored(epoch, &outcome));
                outcome
            }
            Call::Usage(reply) => {
                let now = self.clock.wall();
                let usage = (self.state.open_usage(now), self.state.used_in_all(now));
                let _ = reply.send(usage);
                Ok(())
            }
            Call::SetCluster(cluster, reply) => {
                let record = catalog::set_cluster(&self.state, *cluster);
                let outcome = self.commit(record.into_iter().collect()).await;
                let _ = reply.send(if_stored((), &outcome));
                outcome
            }
        }
    }

    /// Hands over the batch of sealed usage that is on its way, or seals the next one.
    async fn seal_usage(&mut self) -> Result<(), StoreError> {
        let minute = Minute::of(self.clock.wall());
        if self.sealer.hand_over(&self.state, minute).await {
            return Ok(());
        }
        if self.sealer.looks_in(minute) && self.state.has_to_seal(minute) {
            let kept_below = self.sealer.kept_below();
            self.commit(vec![CatalogRecord::UsageSealed { kept_below }])
                .await?;
            self.sealer.hand_over(&self.state, minute).await;
        }
        Ok(())
    }

    /// Stores `records` as one change, applies them and shows the new map.
    async fn commit(&mut self, records: Vec<CatalogRecord>) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let at = self.state.usage.time_of_change(self.clock.wall());
        let records = [vec![CatalogRecord::TimePassed { at }], records].concat();
        for record in &records {
            let checked = self.state.check(record);
            assert!(
                checked.is_ok(),
                "a decision breaks an invariant: {checked:?}"
            );
        }
        let version = CatalogVersion(self.state.version.0 + 1);
        if let Err(why) = self.store.commit(version, &records).await {
            error!(version = version.0, %why, "the catalog could not be written");
            return Err(why);
        }
        records
            .into_iter()
            .for_each(|record| self.state.replay(record));
        self.state.version = version;
        self.shown
            .send_modify(|map| *map = Arc::new(cluster_map(&self.state, map)));
        Ok(())
    }
}

/// What was decided holds only if it was stored.
fn if_stored<T>(decided: T, outcome: &Result<(), StoreError>) -> Result<T, Unavailable> {
    outcome.as_ref().map(|()| decided).map_err(|_| Unavailable)
}

#[cfg(test)]
mod tests;
