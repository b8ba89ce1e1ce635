//! CreatePartitions (key 37), versions 0-3.
//!
//! What differs from Apache Kafka: assignments are checked against the virtual brokers, and are
//! otherwise without effect, since placement is not the client's; limits of the virtual cluster are
//! error 42, as in MSK Serverless. Partitions are there when the answer is. As in Kafka: one result
//! for each topic; a name that stands twice in a request is refused once with error 42.

use std::collections::BTreeMap;

use auth::{Action, Resource};
use control_api::MorePartitions;
use wire::ErrorCode;
use wire::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};

use crate::admission::parking_time;
use crate::call::{Answer, Call};
use crate::error::Fault;
use crate::permission::{Authorized, authorize};

/// First version whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599).
pub(crate) const VERSION_WITH_QUOTA: i16 = 3;

/// Adds what can be added; one failure does not touch the other topics.
pub(crate) async fn handle(call: Call, request: CreatePartitionsRequest) -> Answer {
    let mut counts = BTreeMap::<String, u32>::new();
    for topic in &request.topics {
        *counts.entry(topic.name.clone()).or_default() += 1;
    }
    let mut results = Vec::new();
    let mut authorized = Vec::new();
    for topic in request.topics {
        match counts.get_mut(&topic.name).map(std::mem::take) {
            Some(1) => {
                let name = topic.name.clone();
                match check(&call, topic) {
                    Ok(more) => authorized.push(more.into_request()),
                    Err(fault) => results.push(refused(&call, name, &fault)),
                }
            }
            Some(2..) => {
                let twice = Fault::Invalid("Duplicate topic name.");
                results.push(refused(&call, topic.name, &twice));
            }
            // It was refused where it stood first.
            Some(0) | None => {}
        }
    }
    let patience = call.patience(parking_time(request.timeout_ms));
    let creating = create(&call, authorized, request.validate_only, patience);
    results.extend(creating.await);
    call.answer(CreatePartitionsResponse {
        results,
        ..CreatePartitionsResponse::default()
    })
}

/// The same error for every topic.
pub(crate) fn refusal(
    request: &CreatePartitionsRequest,
    code: ErrorCode,
) -> CreatePartitionsResponse {
    let topics = request.topics.iter();
    let results = topics.map(|topic| CreatePartitionsTopicResult {
        name: topic.name.clone(),
        error_code: code.code(),
        ..CreatePartitionsTopicResult::default()
    });
    CreatePartitionsResponse {
        results: results.collect(),
        ..CreatePartitionsResponse::default()
    }
}

fn check(call: &Call, topic: CreatePartitionsTopic) -> Result<Authorized<MorePartitions>, Fault> {
    let resource = Resource::Topic(&topic.name);
    let right = authorize(&call.caller, Action::AlterTopic, resource, ())?;
    let assignments = topic.assignments.map(|assignments| {
        let brokers = assignments.into_iter().map(|one| one.broker_ids);
        brokers.collect()
    });
    let more = MorePartitions {
        name: topic.name,
        count: topic.count,
        assignments,
    };
    Ok(right.with(|()| more))
}

/// Asks the control plane, for as long as the client waits.
async fn create(
    call: &Call,
    topics: Vec<MorePartitions>,
    validate_only: bool,
    patience: std::time::Duration,
) -> Vec<CreatePartitionsTopicResult> {
    if topics.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
    let control = &call.services.control;
    let creating = control.create_partitions(call.cluster.id, topics, validate_only);
    let outcomes = tokio::time::timeout(patience, creating).await;
    call.services.router.refresh();
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(_) => {
            let names = names.into_iter();
            return names
                .map(|name| refused(call, name, &Fault::TimedOut))
                .collect();
        }
    };
    let outcomes = names.into_iter().zip(outcomes);
    outcomes
        .map(|(name, outcome)| match outcome {
            Ok(()) => CreatePartitionsTopicResult {
                name,
                ..CreatePartitionsTopicResult::default()
            },
            Err(error) => refused(call, name, &error.into()),
        })
        .collect()
}

fn refused(call: &Call, name: String, fault: &Fault) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult {
        name,
        error_code: call.refuse_change(fault, VERSION_WITH_QUOTA).code(),
        error_message: Some(fault.text()),
    }
}
