//! One request on its way through a handler, and the answer that comes of it.
//!
//! Owns: what every handler needs to know of a request, finding the topics it names. Does not own:
//! what a request means (`handlers`), the order of answers (`connection`).
//!
//! Invariant: a request sees one cluster map and one virtual cluster from beginning to end; a topic
//! is only found by whoever may do what it is wanted for.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use auth::{Action, Resource};
use control_api::TopicError;
use model::{ClusterMap, Topic, TopicId, TopicPartition, VirtualCluster};
use quota::Throttle;
use tokio::time::Instant;
use wire::{ErrorCode, RequestHeader, Response, Segments};

use crate::client::Client;
use crate::connection::Parcel;
use crate::error::Fault;
use crate::gates::Gate;
use crate::limits::{PARKING_MIN, REFUSAL_THROTTLE_MAX};
use crate::memory::Held;
use crate::mute::Mute;
use crate::permission::{Authorized, Caller, authorize};
use crate::services::Services;

/// See the file's header.
pub(crate) struct Call {
    pub(crate) header: RequestHeader,
    /// Length of the frame that the request's bytes are slices of.
    pub(crate) frame_bytes: usize,
    /// What is reserved for the frame: whoever keeps its bytes beyond the request keeps this.
    pub(crate) memory: Arc<Held>,
    pub(crate) map: Arc<ClusterMap>,
    pub(crate) cluster: Arc<VirtualCluster>,
    pub(crate) caller: Caller,
    pub(crate) client: Arc<Client>,
    pub(crate) services: Arc<Services>,
    /// The limits of the virtual cluster.
    pub(crate) gate: Arc<Gate>,
    /// Until when the client is told to hold back.
    pub(crate) throttle: Mute,
    /// How long the request has to wait before it is carried out.
    pub(crate) park: Duration,
}

/// What a client calls a topic.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TopicKey<'a> {
    Name(&'a str),
    Id(TopicId),
}

impl TopicKey<'_> {
    /// Whether `topic` is called so.
    pub(crate) fn is_of(self, topic: &Topic) -> bool {
        match self {
            Self::Name(name) => topic.name.as_str() == name,
            Self::Id(id) => topic.id == id,
        }
    }
}

impl Call {
    /// The request's version.
    pub(crate) fn version(&self) -> i16 {
        self.header.api_version
    }

    /// How long the control plane may take, where the client waits for `wanted`: what the request has waited
    /// before is taken off.
    pub(crate) fn patience(&self, wanted: Duration) -> Duration {
        wanted.saturating_sub(self.park).max(PARKING_MIN)
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

    /// Every topic of the virtual cluster to which the caller may do `action`, ascending by name.
    pub(crate) fn topics(&self, action: Action) -> impl Iterator<Item = &Arc<Topic>> {
        self.topics_from("", action)
    }

    /// The same, from this name on.
    pub(crate) fn topics_from<'a>(
        &'a self,
        start: &'a str,
        action: Action,
    ) -> impl Iterator<Item = &'a Arc<Topic>> {
        let topics = self.map.topics_by_name.get(&self.cluster.id);
        let from = (Bound::Included(start), Bound::Unbounded);
        let topics = topics
            .into_iter()
            .flat_map(move |topics| topics.range::<str, _>(from));
        let topics = topics.map(|(_, topic)| topic);
        topics.filter(move |topic| {
            let resource = Resource::Topic(topic.name.as_str());
            self.caller.may(action, resource)
        })
    }

    /// What is answered for a part of the request that fails; counts it.
    pub(crate) fn refuse(&self, fault: &Fault) -> ErrorCode {
        self.services.metrics.error(fault.kind());
        if let Some(limit) = fault.limit() {
            self.gate.refuse(limit);
        }
        fault.code()
    }

    /// The same for a change of topics. THROTTLING_QUOTA_EXCEEDED comes with the time after which there
    /// is room again; before the version that has it the refusal is POLICY_VIOLATION, which every client
    /// knows. (Kafka lets older versions pass and slows them down, which keeps to no limit.)
    pub(crate) fn refuse_change(&self, fault: &Fault, version_with_quota: i16) -> ErrorCode {
        let code = self.refuse(fault);
        let Fault::Topic(TopicError::TooManyChanges { retry_after_ms, .. }) = fault else {
            return code;
        };
        if self.version() < version_with_quota {
            return ErrorCode::PolicyViolation;
        }
        let wait = Duration::from_millis(*retry_after_ms);
        self.throttle.extend(wait.min(REFUSAL_THROTTLE_MAX));
        code
    }

    /// The client is slowed down: it is told so by the answer, and not read meanwhile.
    pub(crate) fn slow_down(&self, throttle: Throttle) {
        // What waits before it is carried out is told what is left after that.
        let told = throttle.park + throttle.told;
        self.throttle.extend(told);
        self.client.mute.extend(throttle.mute.max(told));
    }

    /// The answer, encoded; with what is left of the throttle, in whole milliseconds.
    pub(crate) fn answer(&self, response: impl Into<Response>) -> Answer {
        let mut response = response.into();
        if let Some(until) = self.throttle.until() {
            let left = until.saturating_duration_since(Instant::now());
            response.set_throttle_time_ms(i32::try_from(left.as_millis()).unwrap_or(i32::MAX));
        }
        Answer::new(&self.header, &response)
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
