//! OffsetForLeaderEpoch (key 23), versions 2-4.
//!
//! Every log has one leader epoch, so its end is the log's: the high watermark. An epoch above or
//! below it has no end (-1, -1), as in Kafka for an epoch that the log does not have.
//!
//! What differs from Apache Kafka: a partition whose owner does not answer in time is error 5.

use auth::Action;
use futures_util::{StreamExt, stream};
use node_api::OffsetQuery;
use tokio::time::Instant;
use wire::ErrorCode;
use wire::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};

use super::list_offsets::ask;
use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::error::Fault;
use crate::leader_epoch;
use crate::limits::{PARKING_MAX, READS_IN_PARALLEL_MAX};
use crate::permission::Authorized;

/// Looks the ends up, in parallel.
pub(crate) async fn handle(call: Call, request: OffsetForLeaderEpochRequest) -> Answer {
    let lookups = request.topics.iter().flat_map(|topic| {
        let found = call.topic(TopicKey::Name(&topic.topic), Action::DescribeTopic);
        let found = found.map(Authorized::into_request);
        topic.partitions.iter().map(move |asked| {
            let topic = found.as_ref().map_err(Fault::clone);
            let partition = topic.and_then(|topic| partition_of(topic, asked.partition));
            (asked.clone(), partition)
        })
    });
    let lookups: Vec<_> = lookups.collect();
    let give_up_at = Instant::now() + PARKING_MAX;
    let lookups = lookups.into_iter().map(|(asked, partition)| {
        let call = &call;
        async move {
            let found = async {
                let partition = partition?;
                leader_epoch::check(asked.current_leader_epoch)?;
                ask(call, partition, OffsetQuery::Latest, give_up_at).await
            };
            match found.await {
                Ok(found) => end_of(&asked, found.bounds.high_watermark.to_wire()),
                Err(fault) => refused(asked.partition, call.refuse(&fault)),
            }
        }
    });
    let found: Vec<_> = stream::iter(lookups)
        .buffered(READS_IN_PARALLEL_MAX)
        .collect()
        .await;
    let mut found = found.into_iter();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| OffsetForLeaderTopicResult {
            partitions: found.by_ref().take(topic.partitions.len()).collect(),
            topic: topic.topic,
        });
    call.answer(OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    })
}

/// The same error for every partition.
pub(crate) fn refusal(
    request: &OffsetForLeaderEpochRequest,
    code: ErrorCode,
) -> OffsetForLeaderEpochResponse {
    let topics = request
        .topics
        .iter()
        .map(|topic| OffsetForLeaderTopicResult {
            topic: topic.topic.clone(),
            partitions: topic
                .partitions
                .iter()
                .map(|asked| refused(asked.partition, code))
                .collect(),
        });
    OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    }
}

fn refused(partition: i32, code: ErrorCode) -> EpochEndOffset {
    EpochEndOffset {
        error_code: code.code(),
        partition,
        ..EpochEndOffset::default()
    }
}

fn end_of(asked: &OffsetForLeaderPartition, high_watermark: i64) -> EpochEndOffset {
    let end = EpochEndOffset {
        partition: asked.partition,
        ..EpochEndOffset::default()
    };
    if asked.leader_epoch == leader_epoch::SHOWN {
        EpochEndOffset {
            leader_epoch: leader_epoch::SHOWN,
            end_offset: high_watermark,
            ..end
        }
    } else {
        end
    }
}
