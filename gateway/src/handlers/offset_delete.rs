//! OffsetDelete (key 47), version 0.
//!
//! As in Kafka, a topic that the caller may not read is error 29, one that is unknown 3, one that a member of the group
//! reads 86; where nothing is left to delete, the group is not looked at; an error of the group stands alone, without
//! topics.
//!
//! What differs from Apache Kafka: topics are answered in the order of the request.

use auth::Action;
use model::{TopicName, TopicPartition};
use node_api::group::DeleteOffsets;
use node_api::{GroupError, GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;
use crate::permission::Authorized;

/// What becomes of each partition of the request, in its order.
type Outcomes = Vec<Result<(), Fault>>;

/// Deletes what can be deleted.
pub(crate) async fn handle(call: Call, request: OffsetDeleteRequest) -> Answer {
    match delete(&call, &request).await {
        Ok(outcomes) => call.answer(respond(&call, request, outcomes)),
        Err(fault) => call.answer(refusal(call.refuse(&fault))),
    }
}

/// Nothing was deleted.
pub(crate) fn refusal(code: ErrorCode) -> OffsetDeleteResponse {
    OffsetDeleteResponse {
        error_code: code.code(),
        ..OffsetDeleteResponse::default()
    }
}

fn respond(call: &Call, request: OffsetDeleteRequest, outcomes: Outcomes) -> OffsetDeleteResponse {
    let mut outcomes = outcomes.into_iter();
    let topics = request.topics.into_iter();
    let topics = topics.map(|topic| OffsetDeleteResponseTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .iter()
            .zip(outcomes.by_ref())
            .map(|(partition, outcome)| OffsetDeleteResponsePartition {
                partition_index: partition.partition_index,
                error_code: outcome.map_or_else(|fault| call.refuse(&fault).code(), |()| 0),
            })
            .collect(),
    });
    OffsetDeleteResponse {
        topics: topics.collect(),
        ..OffsetDeleteResponse::default()
    }
}

async fn delete(call: &Call, request: &OffsetDeleteRequest) -> Result<Outcomes, Fault> {
    let coordinators = Coordinators::new(call);
    let group = coordinators.members(Action::DeleteGroup, &request.group_id)?;
    let (outcomes, partitions) = sort_out(call, request);
    if partitions.is_empty() {
        return Ok(outcomes);
    }
    let delete = GroupRequest::DeleteOffsets(DeleteOffsets { partitions });
    let GroupReply::DeleteOffsets(deleted) = coordinators.ask(&group, delete).await? else {
        return Err(wrong_reply());
    };
    Ok(settle(outcomes, deleted?))
}

/// Each partition that was handed over gets what the coordinator says of it.
fn settle(outcomes: Outcomes, deleted: Vec<Result<(), GroupError>>) -> Outcomes {
    let mut deleted = deleted.into_iter();
    let outcomes = outcomes.into_iter().map(|outcome| {
        outcome?;
        Ok(deleted.next().ok_or_else(wrong_reply)??)
    });
    outcomes.collect()
}

/// Whose offset can be deleted, and for each partition of the request whether it can.
fn sort_out(
    call: &Call,
    request: &OffsetDeleteRequest,
) -> (Outcomes, Vec<(TopicPartition, TopicName)>) {
    let mut partitions = Vec::new();
    let mut outcomes = Vec::new();
    for asked in &request.topics {
        let topic = call
            .topic(TopicKey::Name(&asked.name), Action::ReadData)
            .map(Authorized::into_request);
        for asked in &asked.partitions {
            let topic = topic.as_ref().map_err(Fault::clone);
            let partition = topic.and_then(|topic| {
                let key = partition_of(topic, asked.partition_index)?;
                Ok((key, topic.name.clone()))
            });
            outcomes.push(partition.map(|partition| partitions.push(partition)));
        }
    }
    (outcomes, partitions)
}
