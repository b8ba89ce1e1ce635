//! What the balancer offers to gateways and nodes: the cluster map to watch, and the few changes
//! that they ask for. None of it is on the data path.
//!
//! Owns: requests, answers and errors. Does not own: the decisions (`catalog`).

use std::sync::Arc;

use async_trait::async_trait;
pub use model::topic_request::{
    ConfigChange, CreatedTopic, MorePartitions, NewTopic, PropertyChange, TopicChange, TopicError,
    TopicRef,
};
use model::{ClusterMap, NodeEpoch, NodeId, TopicId, TopicName, VirtualClusterId};
use quota::{SealedUsage, UsageOrigin, UsageSource};
use tokio::sync::watch;

/// The catalog could not be reached or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control plane is not available")]
pub struct Unavailable;

/// Why a batch of sealed usage was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordUsageError {
    /// It may be kept or not: send it again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Another batch is kept under its number: a bug, or two logs under one name. The one that was
    /// kept first stays.
    #[error("usage batch {sequence} of {} epoch {} is kept with other content", origin.source, origin.epoch)]
    Conflict {
        /// Whose batch.
        origin: UsageOrigin,
        /// Its number.
        sequence: u64,
    },
}

/// Producer ids that the caller alone may hand out: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// First id.
    pub start: i64,
    /// End, exclusive.
    pub end: i64,
}

/// The control plane, as gateways and nodes see it.
#[async_trait]
pub trait ControlPlane: Send + Sync + 'static {
    /// The cluster map, now and whenever it changes. Every answer below is already in it.
    fn watch(&self) -> watch::Receiver<Arc<ClusterMap>>;

    /// Creates topics, each on its own: one failure does not touch the others. With
    /// `validate_only` all checks are made and nothing else.
    async fn create_topics(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<NewTopic>,
        validate_only: bool,
    ) -> Vec<Result<CreatedTopic, TopicError>>;

    /// Deletes topics, each on its own; gives back id and name of what is gone.
    async fn delete_topics(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<TopicRef>,
    ) -> Vec<Result<(TopicId, TopicName), TopicError>>;

    /// Gives topics more partitions, each topic on its own. With `validate_only` all checks are made
    /// and nothing else.
    async fn create_partitions(
        &self,
        cluster: VirtualClusterId,
        topics: Vec<MorePartitions>,
        validate_only: bool,
    ) -> Vec<Result<(), TopicError>>;

    /// Changes properties of topics, each topic on its own: of one topic all changes are made, or
    /// none. With `validate_only` all checks are made and nothing else.
    async fn alter_topics(
        &self,
        cluster: VirtualClusterId,
        changes: Vec<TopicChange>,
        validate_only: bool,
    ) -> Vec<Result<(), TopicError>>;

    /// Hands out producer ids that were never handed out before (as KIP-730 does).
    async fn allocate_producer_ids(&self) -> Result<ProducerIdBlock, Unavailable>;

    /// Registers the start of a node: gives it an epoch above all its earlier ones.
    async fn register_node(&self, node: NodeId) -> Result<NodeEpoch, Unavailable>;

    /// Keeps a batch of sealed usage for good. The same batch may come again; it counts once.
    async fn record_usage(
        &self,
        source: UsageSource,
        usage: SealedUsage,
    ) -> Result<(), RecordUsageError>;
}
