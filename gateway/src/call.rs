//! One request on its way through a handler, and the answer that comes of it.
//!
//! Owns: what every handler needs to know of a request, finding the topics it names. Does not own:
//! what a request means (`handlers`), the order of answers (`connection`).
//!
//! Invariant: a request sees one cluster map and one virtual cluster from beginning to end; a topic
//! is only found by whoever may do what it is wanted for.

use std::sync::Arc;

use auth::{Action, Resource};
use model::{ClusterMap, Topic, TopicId, TopicPartition, VirtualCluster};
use wire::{ErrorCode, RequestHeader, Response, Segments};

use crate::client::Client;
use crate::connection::Parcel;
use crate::error::Fault;
use crate::permission::{Authorized, Caller, authorize};
use crate::services::Services;

/// See the file's header.
pub(crate) struct Call {
    pub(crate) header: RequestHeader,
    /// Length of the frame that the request's bytes are slices of.
    pub(crate) frame_bytes: usize,
    pub(crate) map: Arc<ClusterMap>,
    pub(crate) cluster: Arc<VirtualCluster>,
    pub(crate) caller: Caller,
    pub(crate) client: Arc<Client>,
    pub(crate) services: Arc<Services>,
}

/// What a client calls a topic.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TopicKey<'a> {
    Name(&'a str),
    Id(TopicId),
}

impl Call {
    /// The request's version.
    pub(crate) fn version(&self) -> i16 {
        self.header.api_version
    }

    /// The topic, if the caller may do `action` to it. Whether it exists is told only to those.
    ///
    /// Ids are no secret: nobody can guess one, so an unknown id is called so (as in Kafka).
    pub(crate) fn topic(
        &self,
        key: TopicKey<'_>,
        action: Action,
    ) -> Result<Authorized<Arc<Topic>>, Fault> {
        let cluster = self.cluster.id;
        match key {
            TopicKey::Name(name) => {
                let right = authorize(&self.caller, action, Resource::Topic(name), ())?;
                let topic = self.map.topic_by_name(cluster, name);
                let topic = topic.ok_or(Fault::UnknownTopicOrPartition)?;
                Ok(right.with(|()| Arc::clone(topic)))
            }
            TopicKey::Id(id) => {
                let topic = self.map.topic_by_id(cluster, id);
                let topic = topic.ok_or(Fault::UnknownTopicId)?;
                let resource = Resource::Topic(topic.name.as_str());
                Ok(authorize(
                    &self.caller,
                    action,
                    resource,
                    Arc::clone(topic),
                )?)
            }
        }
    }

    /// What is answered for a part of the request that fails; counts it.
    pub(crate) fn refuse(&self, fault: &Fault) -> ErrorCode {
        self.services.metrics.error(fault.kind());
        fault.code()
    }

    /// The answer, encoded.
    pub(crate) fn answer(&self, response: impl Into<Response>) -> Answer {
        Answer::new(&self.header, &response.into())
    }
}

/// The partition of a topic that a client numbers `index`.
pub(crate) fn partition_of(topic: &Topic, index: i32) -> Result<TopicPartition, Fault> {
    let partition = u32::try_from(index).ok();
    partition
        .filter(|&partition| (partition as usize) < topic.placements.len())
        .map(|partition| TopicPartition {
            topic: topic.id,
            partition,
        })
        .ok_or(Fault::UnknownTopicOrPartition)
}

/// What leaves for a request.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The frame; none for a produce request with acks=0.
    pub(crate) segments: Option<Segments>,
    pub(crate) parcel: Parcel,
    /// Whether the connection is closed after it.
    pub(crate) closes: bool,
}

impl Answer {
    pub(crate) fn new(header: &RequestHeader, response: &Response) -> Self {
        Self {
            segments: Some(response.encode(header.correlation_id, header.api_version)),
            ..Self::default()
        }
    }

    /// Nothing is sent; the connection goes on.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Nothing is sent, and the connection is closed.
    pub(crate) fn close() -> Self {
        Self {
            closes: true,
            ..Self::default()
        }
    }

    /// The same, and the connection is closed after it.
    pub(crate) fn closing(self) -> Self {
        Self {
            closes: true,
            ..self
        }
    }
}
