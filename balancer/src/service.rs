//! The balancer's one task: owns the catalog, decides, commits, and shows the new cluster map.
//!
//! Owns: the order of changes. Does not own: decisions (`catalog`), objects (`store`).
//! Invariants: a change is shown and answered only after it is stored; the map's version only rises.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::alter::Growth;
use catalog::decide::Birth;
use catalog::{CatalogRecord, CatalogState, cluster_map};
use control_api::{
    ControlPlane, CreatedTopic, MorePartitions, NewTopic, ProducerIdBlock, TopicChange, TopicError,
    TopicRef, Unavailable,
};
use model::{
    CatalogVersion, Clock, ClusterMap, NodeEpoch, NodeId, TopicId, TopicName, VirtualCluster,
    VirtualClusterId,
};
use object_store::ObjectStore;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info};

use crate::seal::SealingKey;
use crate::store::{CatalogStore, StoreError};

/// Requests that may wait for the balancer; at the bound the asking gateway waits.
const MAILBOX_MAX: usize = 256;

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
    SetCluster(
        Box<VirtualCluster>,
        oneshot::Sender<Result<(), Unavailable>>,
    ),
}

impl Balancer {
    /// Reads the catalog and starts to serve it.
    pub async fn start(parts: BalancerParts) -> Result<Self, StartError> {
        let mut store = CatalogStore::new(parts.store, parts.key);
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
        };
        tokio::spawn(service.run(calls));
        Ok(Self { mailbox, map })
    }

    /// Makes the catalog hold `cluster` as it is given.
    pub async fn set_cluster(&self, cluster: VirtualCluster) -> Result<(), Unavailable> {
        self.ask(|reply| Call::SetCluster(Box::new(cluster), reply))
            .await
            .ok_or(Unavailable)?
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
        self.ask(call)
            .await
            .unwrap_or_else(|| vec![Err(TopicError::Unavailable); count])
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
        self.ask(call)
            .await
            .unwrap_or_else(|| vec![Err(TopicError::Unavailable); count])
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
        self.ask(call)
            .await
            .unwrap_or_else(|| vec![Err(TopicError::Unavailable); count])
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
        self.ask(call)
            .await
            .unwrap_or_else(|| vec![Err(TopicError::Unavailable); count])
    }

    async fn allocate_producer_ids(&self) -> Result<ProducerIdBlock, Unavailable> {
        self.ask(Call::ProducerIds).await.ok_or(Unavailable)?
    }

    async fn register_node(&self, node: NodeId) -> Result<NodeEpoch, Unavailable> {
        self.ask(|reply| Call::RegisterNode(node, reply))
            .await
            .ok_or(Unavailable)?
    }
}

struct Service {
    state: CatalogState,
    store: CatalogStore,
    shown: watch::Sender<Arc<ClusterMap>>,
    clock: Arc<dyn Clock>,
    fresh_id: fn() -> [u8; 16],
}

impl Service {
    /// Runs until the last handle is gone, or the store has another writer.
    async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        while let Some(call) = calls.recv().await {
            if let Err(why @ StoreError::Fenced(_)) = self.handle(call).await {
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
            Call::SetCluster(cluster, reply) => {
                let record = catalog::set_cluster(&self.state, *cluster);
                let outcome = self.commit(record.into_iter().collect()).await;
                let _ = reply.send(if_stored((), &outcome));
                outcome
            }
        }
    }

    async fn create_topics(
        &mut self,
        cluster: VirtualClusterId,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> (
        Vec<Result<CreatedTopic, TopicError>>,
        Result<(), StoreError>,
    ) {
        // Decided one after the other on a copy, so that a request cannot collide with itself.
        let mut after = self.state.clone();
        let (at, node) = (self.clock.wall(), NodeId(0));
        let mut records = Vec::new();
        let mut results = Vec::new();
        for topic in topics {
            let birth = Birth {
                id: TopicId((self.fresh_id)()),
                at,
                node,
            };
            let decided = catalog::create_topic(&after, cluster, topic, birth);
            results.push(decided.map(|(record, created)| {
                after.replay(record.clone());
                records.push(record);
                created
            }));
        }
        if validate_only {
            let as_validated = |created| CreatedTopic {
                id: TopicId::ZERO,
                ..created
            };
            return (
                results.into_iter().map(|r| r.map(as_validated)).collect(),
                Ok(()),
            );
        }
        let outcome = self.commit(records).await;
        (unless_failed(results, &outcome), outcome)
    }

    async fn delete_topics(
        &mut self,
        cluster: VirtualClusterId,
        topics: &[TopicRef],
    ) -> (
        Vec<Result<(TopicId, TopicName), TopicError>>,
        Result<(), StoreError>,
    ) {
        let mut records = Vec::new();
        let mut results = Vec::new();
        for topic in topics {
            let decided = catalog::delete_topic(&self.state, cluster, topic);
            results.push(decided.map(|(record, gone)| {
                records.push(record);
                gone
            }));
        }
        let outcome = self.commit(records).await;
        (unless_failed(results, &outcome), outcome)
    }

    async fn create_partitions(
        &mut self,
        cluster: VirtualClusterId,
        topics: &[MorePartitions],
        validate_only: bool,
    ) -> (Vec<Result<(), TopicError>>, Result<(), StoreError>) {
        let growth = Growth {
            at: self.clock.wall(),
            node: NodeId(0),
        };
        let decide = |state: &CatalogState, more: &MorePartitions| {
            catalog::create_partitions(state, cluster, more, growth).map(Some)
        };
        self.change(topics, validate_only, decide).await
    }

    async fn alter_topics(
        &mut self,
        cluster: VirtualClusterId,
        changes: &[TopicChange],
        validate_only: bool,
    ) -> (Vec<Result<(), TopicError>>, Result<(), StoreError>) {
        let decide = |state: &CatalogState, change: &TopicChange| {
            catalog::alter_topic(state, cluster, change)
        };
        self.change(changes, validate_only, decide).await
    }

    /// Decides changes of topics one after the other, each on what those before it have left.
    async fn change<C>(
        &mut self,
        changes: &[C],
        validate_only: bool,
        decide: impl Fn(&CatalogState, &C) -> Result<Option<CatalogRecord>, TopicError>,
    ) -> (Vec<Result<(), TopicError>>, Result<(), StoreError>) {
        let mut after = self.state.clone();
        let mut records = Vec::new();
        let mut results = Vec::new();
        for change in changes {
            let decided = decide(&after, change);
            results.push(decided.map(|record| {
                if let Some(record) = record {
                    after.replay(record.clone());
                    records.push(record);
                }
            }));
        }
        if validate_only {
            return (results, Ok(()));
        }
        let outcome = self.commit(records).await;
        (unless_failed(results, &outcome), outcome)
    }

    /// Stores `records` as one change, applies them and shows the new map.
    async fn commit(&mut self, records: Vec<CatalogRecord>) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
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

/// The same for topics, each of which may have been refused before.
fn unless_failed<T>(
    results: Vec<Result<T, TopicError>>,
    outcome: &Result<(), StoreError>,
) -> Vec<Result<T, TopicError>> {
    let failed = outcome.is_err();
    let hold = |result: Result<T, TopicError>| match result {
        Ok(_) if failed => Err(TopicError::Unavailable),
        other => other,
    };
    results.into_iter().map(hold).collect()
}

#[cfg(test)]
mod tests;
