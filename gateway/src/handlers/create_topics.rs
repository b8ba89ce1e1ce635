//! CreateTopics (key 19), versions 2-7.
//!
//! What differs from Apache Kafka: a replica assignment is checked against the virtual brokers, and
//! then only its number of partitions and replicas counts, since placement is not the client's;
//! limits of the virtual cluster are error 42, as in MSK Serverless; properties that have no effect
//! here are accepted and shown. Topics are there when the answer is, so the timeout only bounds the
//! wait for the catalog.
//!
//! As in Kafka: a name that stands twice in a request is refused once with error 42; properties are
//! null, with error 29 beside them, for a caller that may not read them.

use std::collections::{BTreeMap, HashSet};

use auth::{Action, Resource};
use control_api::{CreatedTopic, NewTopic, TopicError};
use wire::ErrorCode;
use wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfigs, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};

use crate::admission::parking_time;
use crate::call::{Answer, Call};
use crate::error::Fault;
use crate::permission::{Authorized, authorize};
use crate::topic_config;

/// First version whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599).
pub(crate) const VERSION_WITH_QUOTA: i16 = 6;

/// Stands for the cluster's default number of partitions or replicas.
const DEFAULT: i32 = -1;

/// Creates what can be created; one failure does not touch the other topics.
pub(crate) async fn handle(call: Call, request: CreateTopicsRequest) -> Answer {
    let mut counts = BTreeMap::<&str, u32>::new();
    for topic in &request.topics {
        *counts.entry(&topic.name).or_default() += 1;
    }
    let mut results = Vec::new();
    let mut authorized = Vec::new();
    for topic in &request.topics {
        match counts.get_mut(topic.name.as_str()) {
            Some(1) => match check(&call, topic) {
                Ok(new) => authorized.push(new.into_request()),
                Err(fault) => results.push(refused(&call, &topic.name, &fault)),
            },
            Some(count @ 2..) => {
                *count = 0;
                let twice = Fault::Invalid("Duplicate topic name.");
                results.push(refused(&call, &topic.name, &twice));
            }
            // It was refused where it stood first.
            Some(0) | None => {}
        }
    }
    results.extend(create(&call, &request, authorized).await);
    call.answer(CreateTopicsResponse {
        topics: results,
        ..CreateTopicsResponse::default()
    })
}

/// The same error for every topic.
pub(crate) fn refusal(request: &CreateTopicsRequest, code: ErrorCode) -> CreateTopicsResponse {
    let topics = request.topics.iter().map(|topic| CreatableTopicResult {
        name: topic.name.clone(),
        error_code: code.code(),
        ..CreatableTopicResult::default()
    });
    CreateTopicsResponse {
        topics: topics.collect(),
        ..CreateTopicsResponse::default()
    }
}

/// Whoever may not create the topic is not told what else is wrong with it.
fn check(call: &Call, topic: &CreatableTopic) -> Result<Authorized<NewTopic>, Fault> {
    let resource = Resource::Topic(&topic.name);
    let right = authorize(&call.caller, Action::CreateTopic, resource, ())?;
    let (partitions, replication_factor) = if topic.assignments.is_empty() {
        (topic.num_partitions, topic.replication_factor)
    } else {
        assigned(topic, call.cluster.virtual_brokers)?
    };
    let new = NewTopic {
        name: topic.name.clone(),
        partitions: number_of_partitions(partitions)?,
        replication_factor: replicas(replication_factor)?,
        configs: topic
            .configs
            .iter()
            .map(|config| (config.name.clone(), config.value.clone()))
            .collect(),
    };
    Ok(right.with(|()| new))
}

fn number_of_partitions(partitions: i32) -> Result<Option<u32>, Fault> {
    match u32::try_from(partitions) {
        Ok(1..) => Ok(u32::try_from(partitions).ok()),
        Err(_) if partitions == DEFAULT => Ok(None),
        Ok(0) | Err(_) => Err(Fault::Topic(TopicError::InvalidPartitions {
            reason: "Number of partitions must be larger than 0, or -1 to use the default value."
                .to_owned(),
        })),
    }
}

fn replicas(replication_factor: i16) -> Result<Option<i16>, Fault> {
    match replication_factor {
        1.. => Ok(Some(replication_factor)),
        -1 => Ok(None),
        0 | ..-1 => Err(Fault::Topic(TopicError::InvalidReplicationFactor {
            reason: "Replication factor must be larger than 0, or -1 to use the default value."
                .to_owned(),
        })),
    }
}

/// The numbers of partitions and replicas that an assignment stands for.
fn assigned(topic: &CreatableTopic, brokers: u32) -> Result<(i32, i16), Fault> {
    if topic.num_partitions != DEFAULT || i32::from(topic.replication_factor) != DEFAULT {
        return Err(Fault::Invalid(
            "With a replica assignment, partitions and replication factor must be -1.",
        ));
    }
    let mut indexes: Vec<_> = topic
        .assignments
        .iter()
        .map(|a| a.partition_index)
        .collect();
    indexes.sort_unstable();
    if !indexes
        .iter()
        .copied()
        .eq(0..topic.assignments.len() as i32)
    {
        return Err(Fault::ReplicaAssignment(
            "Partitions should be a consecutive 0-based integer sequence.",
        ));
    }
    let replicas = topic.assignments[0].broker_ids.len();
    for CreatableReplicaAssignment { broker_ids, .. } in &topic.assignments {
        let distinct: HashSet<_> = broker_ids.iter().collect();
        let known = |&&id: &&i32| u32::try_from(id).is_ok_and(|id| id < brokers);
        if broker_ids.len() != replicas || distinct.len() != replicas || replicas == 0 {
            return Err(Fault::ReplicaAssignment(
                "All partitions need the same number of replicas, and no broker twice.",
            ));
        }
        if !distinct.iter().all(known) {
            return Err(Fault::ReplicaAssignment(
                "A broker of the assignment is unknown.",
            ));
        }
    }
    Ok((
        topic.assignments.len() as i32,
        i16::try_from(replicas).unwrap_or(i16::MAX),
    ))
}

/// Asks the control plane, for as long as the client waits.
async fn create(
    call: &Call,
    request: &CreateTopicsRequest,
    topics: Vec<NewTopic>,
) -> Vec<CreatableTopicResult> {
    if topics.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
    let control = &call.services.control;
    let creating = control.create_topics(call.cluster.id, topics, request.validate_only);
    let patience = call.patience(parking_time(request.timeout_ms));
    let Ok(outcomes) = tokio::time::timeout(patience, creating).await else {
        let names = names.iter();
        return names
            .map(|name| refused(call, name, &Fault::TimedOut))
            .collect();
    };
    call.services.router.refresh();
    let outcomes = names.iter().zip(outcomes);
    outcomes
        .map(|(name, outcome)| match outcome {
            Ok(created) => describe(call, created),
            Err(error) => refused(call, name, &error.into()),
        })
        .collect()
}

fn refused(call: &Call, name: &str, fault: &Fault) -> CreatableTopicResult {
    CreatableTopicResult {
        name: name.to_owned(),
        error_code: call.refuse_change(fault, VERSION_WITH_QUOTA).code(),
        error_message: Some(fault.text()),
        ..CreatableTopicResult::default()
    }
}

fn describe(call: &Call, created: CreatedTopic) -> CreatableTopicResult {
    let result = CreatableTopicResult {
        name: created.name.to_string(),
        topic_id: created.id.0,
        ..CreatableTopicResult::default()
    };
    let action = Action::DescribeTopicDynamicConfiguration;
    if !call
        .caller
        .may(action, Resource::Topic(created.name.as_str()))
    {
        return CreatableTopicResult {
            topic_config_error_code: ErrorCode::TopicAuthorizationFailed.code(),
            configs: None,
            ..result
        };
    }
    let properties = topic_config::describe(&created.config, &call.cluster.limits).into_iter();
    let configs = properties.map(|property| CreatableTopicConfigs {
        name: property.is.name.to_owned(),
        value: Some(property.written),
        config_source: property.source.code(),
        ..CreatableTopicConfigs::default()
    });
    CreatableTopicResult {
        num_partitions: i32::try_from(created.partitions).unwrap_or(i32::MAX),
        replication_factor: created.replication_factor,
        configs: Some(configs.collect()),
        ..result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(assignments: &[(i32, &[i32])]) -> CreatableTopic {
        CreatableTopic {
            num_partitions: DEFAULT,
            replication_factor: -1,
            assignments: assignments
                .iter()
                .map(
                    |&(partition_index, broker_ids)| CreatableReplicaAssignment {
                        partition_index,
                        broker_ids: broker_ids.to_vec(),
                    },
                )
                .collect(),
            ..CreatableTopic::default()
        }
    }

    #[test]
    fn an_assignment_counts_as_its_numbers() {
        let sound = topic(&[(1, &[2, 0]), (0, &[0, 1])]);
        assert_eq!(assigned(&sound, 3).unwrap(), (2, 2));
        for unsound in [
            topic(&[(1, &[0])]),
            topic(&[(0, &[0]), (0, &[1])]),
            topic(&[(0, &[0, 1]), (1, &[1])]),
            topic(&[(0, &[0, 0])]),
            topic(&[(0, &[])]),
            topic(&[(0, &[3])]),
            topic(&[(0, &[-1])]),
        ] {
            let code = assigned(&unsound, 3).unwrap_err().code();
            assert_eq!(code, ErrorCode::InvalidReplicaAssignment, "{unsound:?}");
        }
        let both = CreatableTopic {
            num_partitions: 2,
            ..topic(&[(0, &[0])])
        };
        assert_eq!(
            assigned(&both, 3).unwrap_err().code(),
            ErrorCode::InvalidRequest
        );
    }

    #[test]
    fn numbers_below_one_are_refused_but_for_the_default() {
        assert_eq!(number_of_partitions(-1).unwrap(), None);
        assert_eq!(number_of_partitions(6).unwrap(), Some(6));
        assert_eq!(replicas(-1).unwrap(), None);
        assert_eq!(replicas(3).unwrap(), Some(3));
        for number in [0, -2] {
            let code = number_of_partitions(number).unwrap_err().code();
            assert_eq!(code, ErrorCode::InvalidPartitions);
            let code = replicas(number as i16).unwrap_err().code();
            assert_eq!(code, ErrorCode::InvalidReplicationFactor);
        }
    }
}
