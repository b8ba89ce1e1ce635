//! DeleteTopics (key 20), versions 1-6; version 6 also by id.
//!
//! What differs from Apache Kafka: nothing that is known. Topics are gone when the answer is there.
//! As in Kafka: a topic that stands twice is refused with error 42, an unknown id is error 100, and a
//! name that the caller may not describe is not told.

use std::collections::HashMap;

use auth::{Action, Resource};
use control_api::TopicRef;
use model::{TopicId, TopicName};
use wire::ErrorCode;
use wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

use crate::admission::parking_time;
use crate::call::{Answer, Call, TopicKey};
use crate::error::Fault;
use crate::permission::authorize;

/// First version whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599).
pub(crate) const VERSION_WITH_QUOTA: i16 = 5;

/// Deletes what can be deleted; one failure does not touch the other topics.
pub(crate) async fn handle(call: Call, mut request: DeleteTopicsRequest) -> Answer {
    let asked = asked(&mut request);
    let mut counts = HashMap::<_, u32>::new();
    for topic in &asked {
        *counts
            .entry((topic.name.clone(), topic.topic_id))
            .or_default() += 1;
    }
    let mut responses = Vec::new();
    let mut authorized = Vec::new();
    for topic in asked {
        let count = counts.get_mut(&(topic.name.clone(), topic.topic_id));
        match count.map(std::mem::take) {
            Some(1) => match check(&call, &topic) {
                Ok(reference) => authorized.push((topic, reference)),
                Err(fault) => responses.push(refused(&call, topic, &fault)),
            },
            Some(2..) => {
                let twice = Fault::Invalid("Duplicate topic in the request.");
                responses.push(refused(&call, topic, &twice));
            }
            // It was refused where it stood first.
            Some(0) | None => {}
        }
    }
    responses.extend(delete(&call, request.timeout_ms, authorized).await);
    call.answer(DeleteTopicsResponse {
        responses,
        ..DeleteTopicsResponse::default()
    })
}

/// The same error for every topic.
pub(crate) fn refusal(request: &DeleteTopicsRequest, code: ErrorCode) -> DeleteTopicsResponse {
    let responses = asked(&mut request.clone())
        .into_iter()
        .map(|topic| DeletableTopicResult {
            name: topic.name,
            topic_id: topic.topic_id,
            error_code: code.code(),
            ..DeletableTopicResult::default()
        });
    DeleteTopicsResponse {
        responses: responses.collect(),
        ..DeleteTopicsResponse::default()
    }
}

/// The topics of the request in the form of version 6.
fn asked(request: &mut DeleteTopicsRequest) -> Vec<DeleteTopicState> {
    let by_name = std::mem::take(&mut request.topic_names).into_iter();
    let by_name = by_name.map(|name| DeleteTopicState {
        name: Some(name),
        topic_id: TopicId::ZERO.0,
    });
    let mut asked = std::mem::take(&mut request.topics);
    asked.extend(by_name);
    asked
}

fn check(call: &Call, topic: &DeleteTopicState) -> Result<TopicRef, Fault> {
    let id = TopicId(topic.topic_id);
    match &topic.name {
        Some(_) if id != TopicId::ZERO => Err(Fault::Invalid(
            "Topic name and topic ID can not both be specified.",
        )),
        Some(name) => {
            authorize(&call.caller, Action::DeleteTopic, Resource::Topic(name), ())?;
            Ok(TopicRef::Name(name.clone()))
        }
        None if id == TopicId::ZERO => {
            Err(Fault::Invalid("Neither topic name nor id were specified."))
        }
        None => {
            call.topic(TopicKey::Id(id), Action::DeleteTopic)?;
            Ok(TopicRef::Id(id))
        }
    }
}

async fn delete(
    call: &Call,
    timeout_ms: i32,
    authorized: Vec<(DeleteTopicState, TopicRef)>,
) -> Vec<DeletableTopicResult> {
    if authorized.is_empty() {
        return Vec::new();
    }
    let (topics, references): (Vec<_>, Vec<_>) = authorized.into_iter().unzip();
    let deleting = call
        .services
        .control
        .delete_topics(call.cluster.id, references);
    let patience = call.patience(parking_time(timeout_ms));
    let Ok(outcomes) = tokio::time::timeout(patience, deleting).await else {
        let topics = topics.into_iter();
        return topics
            .map(|topic| refused(call, topic, &Fault::TimedOut))
            .collect();
    };
    call.services.router.refresh();
    let outcomes = topics.into_iter().zip(outcomes);
    outcomes
        .map(|(topic, outcome)| match outcome {
            Ok((id, name)) => deleted(call, topic, id, &name),
            Err(error) => refused(call, topic, &error.into()),
        })
        .collect()
}

fn deleted(
    call: &Call,
    topic: DeleteTopicState,
    id: TopicId,
    name: &TopicName,
) -> DeletableTopicResult {
    let may_know = call
        .caller
        .may(Action::DescribeTopic, Resource::Topic(name.as_str()));
    DeletableTopicResult {
        name: topic.name.or_else(|| may_know.then(|| name.to_string())),
        topic_id: id.0,
        ..DeletableTopicResult::default()
    }
}

fn refused(call: &Call, topic: DeleteTopicState, fault: &Fault) -> DeletableTopicResult {
    DeletableTopicResult {
        name: topic.name,
        topic_id: topic.topic_id,
        error_code: call.refuse_change(fault, VERSION_WITH_QUOTA).code(),
        error_message: Some(fault.text()),
    }
}
