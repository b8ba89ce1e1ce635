//! Metadata (key 3), versions 0-13.
//!
//! What differs from Apache Kafka: the brokers are constant, numbered from 0, and all have the
//! address that the client came by: the gateway stands for all of them. Partition p is led by
//! broker p mod n, its replicas are the next three (or all) brokers, all in sync, whatever the
//! topic's replication factor; the leader epoch is the same for ever, whatever moves inside. Broker 0 is the controller. A topic that is created by asking for it is there in the
//! same answer, with its leaders.
//!
//! As in Kafka: a topic that is named twice is told once; a topic that the caller may not describe is left out of "all topics", and is error
//! 29 without an id where it was named; an unknown id is error 100 with no name.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use auth::{Action, Resource};
use control_api::{NewTopic, TopicError};
use model::{Topic, TopicId, TopicName, VirtualCluster};
use wire::ErrorCode;
use wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};

use crate::call::{Answer, Call, TopicKey};
use crate::error::Fault;
use crate::leader_epoch;
use crate::limits::{METADATA_PARTITIONS_MAX, PARKING_MAX};
use crate::operations;
use crate::permission::{Authorized, authorize};

/// The broker that is said to be the controller.
pub(crate) const CONTROLLER: i32 = 0;

/// How many replicas a partition shows, where there are as many brokers.
const REPLICAS_SHOWN: u32 = 3;

/// First version in which topics can be asked for by id.
const VERSION_WITH_IDS: i16 = 12;

/// Answers with brokers and topics; creates topics where that is allowed.
pub(crate) async fn handle(mut call: Call, mut request: MetadataRequest) -> Answer {
    let mut room = Room(METADATA_PARTITIONS_MAX);
    let wants_all = match &request.topics {
        None => true,
        Some(topics) => topics.is_empty() && call.version() == 0,
    };
    let topics = if wants_all {
        all(&call, &request, &mut room)
    } else {
        if let Err(fault) = check_keys(&call, &mut request) {
            return call.answer(refusal(&request, call.refuse(&fault)));
        }
        merge(&mut request);
        let faults = create_missing(&mut call, &request).await;
        let asked = request.topics.as_deref().unwrap_or_default();
        let topics = asked.iter().map(|asked| {
            let found = find(&call, asked, &faults);
            let found = found.and_then(|topic| room.take(&topic).map(|()| topic));
            tell(&call, &request, asked, found)
        });
        topics.collect()
    };
    let cluster_operations = request.include_cluster_authorized_operations;
    call.answer(MetadataResponse {
        brokers: brokers(&call),
        cluster_id: Some(call.cluster.cluster_id.clone()),
        controller_id: CONTROLLER,
        topics,
        cluster_authorized_operations: if cluster_operations {
            operations::on_cluster(&call.caller)
        } else {
            i32::MIN
        },
        ..MetadataResponse::default()
    })
}

/// The same error for every topic that was named.
pub(crate) fn refusal(request: &MetadataRequest, code: ErrorCode) -> MetadataResponse {
    let named = request.topics.iter().flatten();
    let topics = named.map(|asked| MetadataResponseTopic {
        error_code: code.code(),
        name: Some(asked.name.clone().unwrap_or_default()),
        topic_id: asked.topic_id,
        ..MetadataResponseTopic::default()
    });
    MetadataResponse {
        topics: topics.collect(),
        error_code: code.code(),
        ..MetadataResponse::default()
    }
}

/// How many partitions the answer may still describe.
struct Room(usize);

impl Room {
    fn take(&mut self, topic: &Topic) -> Result<(), Fault> {
        let left = self.0.checked_sub(topic.placements.len());
        self.0 = left.ok_or(Fault::Invalid(
            "Too many partitions for one answer; ask for fewer topics.",
        ))?;
        Ok(())
    }
}

/// Topics can be asked for by id from a version on; where one is, only ids count, as in Kafka.
fn check_keys(call: &Call, request: &mut MetadataRequest) -> Result<(), Fault> {
    let Some(topics) = &mut request.topics else {
        return Ok(());
    };
    let has_id = |asked: &MetadataRequestTopic| asked.topic_id != TopicId::ZERO.0;
    if call.version() < VERSION_WITH_IDS {
        if topics.iter().any(|asked| asked.name.is_none()) {
            return Err(Fault::Invalid(
                "Topic names can not be null for versions 10 and 11.",
            ));
        }
        if topics.iter().any(has_id) {
            return Err(Fault::Invalid(
                "Topic IDs are not supported in versions 10 and 11.",
            ));
        }
    } else if topics.iter().any(has_id) {
        topics.retain(has_id);
        topics.iter_mut().for_each(|asked| asked.name = None);
    }
    Ok(())
}

/// Leaves each topic in the request once, where it stood first.
fn merge(request: &mut MetadataRequest) {
    let mut seen = HashSet::new();
    if let Some(topics) = &mut request.topics {
        topics.retain(|asked| seen.insert((asked.name.clone(), asked.topic_id)));
    }
}

/// Every broker, with the address that the client came by.
pub(crate) fn brokers(call: &Call) -> Vec<MetadataResponseBroker> {
    let broker = |node_id| MetadataResponseBroker {
        node_id,
        host: call.client.advertised_host.clone(),
        port: i32::from(call.client.advertised_port),
        rack: None,
    };
    (0..broker_count(&call.cluster))
        .map(|id| broker(id as i32))
        .collect()
}

/// Brokers that the virtual cluster shows; their ids go from 0 up.
pub(crate) fn broker_count(cluster: &VirtualCluster) -> u32 {
    cluster.virtual_brokers.max(1)
}

/// Every topic that the caller may describe.
fn all(call: &Call, request: &MetadataRequest, room: &mut Room) -> Vec<MetadataResponseTopic> {
    call.topics(Action::DescribeTopic)
        .map(|topic| match room.take(topic) {
            Ok(()) => describe(call, request, topic),
            Err(fault) => MetadataResponseTopic {
                error_code: call.refuse(&fault).code(),
                name: Some(topic.name.to_string()),
                topic_id: topic.id.0,
                ..MetadataResponseTopic::default()
            },
        })
        .collect()
}

/// One topic that was asked for by name or id.
fn tell(
    call: &Call,
    request: &MetadataRequest,
    asked: &MetadataRequestTopic,
    found: Result<Arc<Topic>, Fault>,
) -> MetadataResponseTopic {
    let by_id = asked.name.is_none();
    match found {
        Ok(topic) => describe(call, request, &topic),
        Err(fault) => MetadataResponseTopic {
            error_code: call.refuse(&fault).code(),
            name: if by_id && call.version() >= VERSION_WITH_IDS {
                None
            } else {
                Some(asked.name.clone().unwrap_or_default())
            },
            topic_id: if by_id {
                asked.topic_id
            } else {
                TopicId::ZERO.0
            },
            topic_authorized_operations: rights_without(call, request, asked, &fault),
            ..MetadataResponseTopic::default()
        },
    }
}

/// What the caller may do to a topic that is named and cannot be shown: told as for one that is
/// there, unless it may not be described.
fn rights_without(
    call: &Call,
    request: &MetadataRequest,
    asked: &MetadataRequestTopic,
    fault: &Fault,
) -> i32 {
    let may_know = matches!(fault, Fault::UnknownTopicOrPartition | Fault::TopicName(_));
    match &asked.name {
        Some(name) if may_know && request.include_topic_authorized_operations => {
            operations::on_topic(&call.caller, name)
        }
        _ => i32::MIN,
    }
}

/// Why topics that were to be created were not.
type Faults = BTreeMap<String, Fault>;

fn find(call: &Call, asked: &MetadataRequestTopic, faults: &Faults) -> Result<Arc<Topic>, Fault> {
    let key = match &asked.name {
        None => TopicKey::Id(TopicId(asked.topic_id)),
        Some(name) => TopicKey::Name(name),
    };
    let topic = call.topic(key, Action::DescribeTopic);
    if let (Err(Fault::UnknownTopicOrPartition), TopicKey::Name(name)) = (&topic, key) {
        TopicName::parse(name)?;
        if let Some(fault) = faults.get(name) {
            return Err(fault.clone());
        }
    }
    topic.map(Authorized::into_request)
}

/// Creates the topics that were named and do not exist, where request, cluster and policies allow.
/// Gives back why it did not.
async fn create_missing(call: &mut Call, request: &MetadataRequest) -> Faults {
    let (mut missing, mut faults) = missing(call, request);
    within_budget(call, &mut missing, &mut faults);
    if !missing.is_empty() {
        create(call, missing, &mut faults).await;
    }
    faults
}

/// Whether the request would create a topic.
pub(crate) fn creates(call: &Call, request: &MetadataRequest) -> bool {
    !missing(call, request).0.is_empty()
}

/// The topics that are to be created, and why others that do not exist are not.
fn missing(call: &Call, request: &MetadataRequest) -> (BTreeMap<String, NewTopic>, Faults) {
    let mut faults = Faults::new();
    let mut missing = BTreeMap::new();
    if !request.allow_auto_topic_creation || !call.cluster.auto_create_topics {
        return (missing, faults);
    }
    let named = request.topics.iter().flatten();
    let names = named.filter_map(|asked| asked.name.as_deref());
    let is_there = |name: &&str| call.map.topic_by_name(call.cluster.id, name).is_some();
    for name in names.filter(|name| !is_there(name)) {
        let found = call.topic(TopicKey::Name(name), Action::DescribeTopic);
        let is_missing = matches!(found, Err(Fault::UnknownTopicOrPartition));
        if is_missing && TopicName::parse(name).is_ok() {
            match authorize(&call.caller, Action::CreateTopic, Resource::Topic(name), ()) {
                Ok(_) => drop(missing.insert(name.to_owned(), new_topic(name))),
                Err(denied) => drop(faults.insert(name.to_owned(), denied.into())),
            }
        }
    }
    (missing, faults)
}

/// Leaves what there is room for among the changes of partitions, by the map; the catalog has the last word.
fn within_budget(call: &Call, missing: &mut BTreeMap<String, NewTopic>, faults: &mut Faults) {
    let ceiling = call.cluster.limits.partition_changes_per_5_min;
    let Some(changes) = call.map.partition_changes.get(&call.cluster.id) else {
        return;
    };
    if ceiling == u32::MAX {
        return;
    }
    let now = call.services.clock.wall();
    let asked = call.cluster.default_partitions;
    let retry_after_ms = changes.wait_ms(now, asked, ceiling);
    if retry_after_ms > 0 {
        let spent = TopicError::TooManyChanges {
            ceiling,
            used: changes.within(now),
            asked,
            retry_after_ms,
        };
        let names = std::mem::take(missing).into_keys();
        faults.extend(names.map(|name| (name, Fault::Topic(spent.clone()))));
    }
}

async fn create(call: &mut Call, missing: BTreeMap<String, NewTopic>, faults: &mut Faults) {
    let (names, topics): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
    let services = &call.services;
    let creating = services
        .control
        .create_topics(call.cluster.id, topics, false);
    let Ok(outcomes) = tokio::time::timeout(call.patience(PARKING_MAX), creating).await else {
        faults.extend(names.into_iter().map(|name| (name, Fault::TimedOut)));
        return;
    };
    for (name, outcome) in names.into_iter().zip(outcomes) {
        match outcome {
            // Someone else has created it meanwhile, which is as good.
            Ok(_) | Err(TopicError::AlreadyExists { .. }) => {}
            Err(error) => drop(faults.insert(name, error.into())),
        }
    }
    services.router.refresh();
    call.map = services.router.map();
}

fn new_topic(name: &str) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions: None,
        replication_factor: None,
        configs: Vec::new(),
    }
}

fn describe(call: &Call, request: &MetadataRequest, topic: &Topic) -> MetadataResponseTopic {
    let brokers = broker_count(&call.cluster);
    let partitions = 0..topic.placements.len() as u32;
    MetadataResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id.0,
        partitions: partitions
            .map(|partition| partition_of(partition, brokers))
            .collect(),
        topic_authorized_operations: if request.include_topic_authorized_operations {
            operations::on_topic(&call.caller, topic.name.as_str())
        } else {
            i32::MIN
        },
        ..MetadataResponseTopic::default()
    }
}

/// Who leads and holds a partition, where there are so many brokers.
pub(super) fn partition_of(partition: u32, brokers: u32) -> MetadataResponsePartition {
    let replicas = 0..REPLICAS_SHOWN.min(brokers);
    let replicas: Vec<_> = replicas
        .map(|replica| ((partition % brokers + replica) % brokers) as i32)
        .collect();
    MetadataResponsePartition {
        partition_index: partition as i32,
        leader_id: replicas[0],
        leader_epoch: leader_epoch::SHOWN,
        isr_nodes: replicas.clone(),
        replica_nodes: replicas,
        ..MetadataResponsePartition::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_and_replicas_go_round_the_brokers() {
        let shown = |partition, brokers| partition_of(partition, brokers).replica_nodes;
        assert_eq!(shown(0, 3), [0, 1, 2]);
        assert_eq!(shown(4, 3), [1, 2, 0]);
        assert_eq!(shown(4, 1), [0]);
        assert_eq!(shown(u32::MAX, 6), [3, 4, 5]);
        assert_eq!(partition_of(7, 6).leader_id, 1);
    }
}
