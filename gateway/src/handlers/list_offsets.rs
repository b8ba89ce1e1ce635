//! ListOffsets (key 2), versions 1-11.
//!
//! Timestamps: -1 latest (the last stable offset for `read_committed`), -2 earliest, -3 the record
//! with the largest timestamp (v7), -4 earliest local (v8), otherwise the first record at or after
//! the time. There is no tiered storage in Kafka's sense, so -4 is the same as -2, and -5 (v9) and
//! -6 (v11) find nothing, as in a Kafka without it. A special timestamp that the version does not
//! have is error 35.
//!
//! What differs from Apache Kafka: a partition whose owner does not answer in time is error 5.

use std::collections::HashSet;

use auth::Action;
use futures_util::{StreamExt, stream};
use model::{Offset, Timestamp, TopicPartition};
use node_api::{FindOffset, FoundOffset, OffsetQuery};
use tokio::time::Instant;
use wire::ErrorCode;
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};

use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::error::Fault;
use crate::leader_epoch;
use crate::limits::{PARKING_MAX, READS_IN_PARALLEL_MAX};
use crate::owner::ask_owner;
use crate::permission::Authorized;

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Node(OffsetQuery),
    /// What tiered storage would have: nothing.
    Tiered,
}

/// Looks the offsets up, in parallel.
pub(crate) async fn handle(call: Call, request: ListOffsetsRequest) -> Answer {
    // From now, not from when it came: it may have stood long behind others of its connection.
    let give_up_at = Instant::now() + PARKING_MAX;
    let wanted = sort_out(&call, &request);
    let lookups = wanted
        .into_iter()
        .map(|wanted| find(&call, request.isolation_level, wanted, give_up_at));
    let found: Vec<_> = stream::iter(lookups)
        .buffered(READS_IN_PARALLEL_MAX)
        .collect()
        .await;
    let mut found = found.into_iter();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| ListOffsetsTopicResponse {
            partitions: found.by_ref().take(topic.partitions.len()).collect(),
            name: topic.name,
        });
    call.answer(ListOffsetsResponse {
        topics: topics.collect(),
        ..ListOffsetsResponse::default()
    })
}

/// The same error for every partition.
pub(crate) fn refusal(request: &ListOffsetsRequest, code: ErrorCode) -> ListOffsetsResponse {
    let topics = request.topics.iter().map(|topic| ListOffsetsTopicResponse {
        name: topic.name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|asked| refused(asked.partition_index, code))
            .collect(),
    });
    ListOffsetsResponse {
        topics: topics.collect(),
        ..ListOffsetsResponse::default()
    }
}

fn refused(partition_index: i32, code: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: code.code(),
        ..ListOffsetsPartitionResponse::default()
    }
}

/// One partition's lookup, and its index in the answer.
struct Lookup {
    index: i32,
    asked: Result<(TopicPartition, Wanted), Fault>,
}

/// Every partition of the request in order: what is to be looked up, or why not.
fn sort_out(call: &Call, request: &ListOffsetsRequest) -> Vec<Lookup> {
    let mut lookups = Vec::new();
    let mut seen = HashSet::new();
    for topic in &request.topics {
        let found = call.topic(TopicKey::Name(&topic.name), Action::DescribeTopic);
        let found = found.map(Authorized::into_request);
        for asked in &topic.partitions {
            let once = seen.insert((topic.name.as_str(), asked.partition_index));
            let lookup = if once {
                found
                    .as_ref()
                    .map_err(Fault::clone)
                    .and_then(|topic| partition_of(topic, asked.partition_index))
                    .and_then(|partition| {
                        leader_epoch::check(asked.current_leader_epoch)?;
                        Ok((partition, wanted(asked, call.version())?))
                    })
            } else {
                Err(Fault::Invalid("A partition is named twice."))
            };
            lookups.push(Lookup {
                index: asked.partition_index,
                asked: lookup,
            });
        }
    }
    lookups
}

fn wanted(asked: &ListOffsetsPartition, version: i16) -> Result<Wanted, Fault> {
    let (wanted, since) = match asked.timestamp {
        -1 => (Wanted::Node(OffsetQuery::Latest), 1),
        -2 | -4 => {
            let since = if asked.timestamp == -2 { 1 } else { 8 };
            (Wanted::Node(OffsetQuery::Earliest), since)
        }
        -3 => (Wanted::Node(OffsetQuery::MaxTimestamp), 7),
        -5 => (Wanted::Tiered, 9),
        -6 => (Wanted::Tiered, 11),
        time if time >= 0 => (Wanted::Node(OffsetQuery::AtOrAfter(Timestamp(time))), 1),
        _ => (Wanted::Tiered, i16::MAX),
    };
    if version < since {
        return Err(Fault::UnsupportedVersion(
            "This version has no such special timestamp.",
        ));
    }
    Ok(wanted)
}

async fn find(
    call: &Call,
    isolation_level: i8,
    lookup: Lookup,
    give_up_at: Instant,
) -> ListOffsetsPartitionResponse {
    let Lookup { index, asked } = lookup;
    let found = match asked {
        Ok((_, Wanted::Tiered)) => Ok(None),
        Ok((partition, Wanted::Node(query))) => {
            let found = ask(call, partition, query, give_up_at).await;
            found.map(|found| answer_of(query, &found, isolation_level))
        }
        Err(fault) => Err(fault),
    };
    match found {
        Ok(found) => {
            let (offset, timestamp) = found.map_or((-1, -1), |(offset, timestamp)| {
                (offset.to_wire(), timestamp.0)
            });
            ListOffsetsPartitionResponse {
                partition_index: index,
                offset,
                timestamp,
                leader_epoch: if offset < 0 {
                    leader_epoch::NONE
                } else {
                    leader_epoch::SHOWN
                },
                ..ListOffsetsPartitionResponse::default()
            }
        }
        Err(fault) => refused(index, call.refuse(&fault)),
    }
}

fn answer_of(
    query: OffsetQuery,
    found: &FoundOffset,
    isolation_level: i8,
) -> Option<(Offset, Timestamp)> {
    let committed_only = isolation_level == 1;
    match query {
        OffsetQuery::Latest if committed_only => {
            Some((found.bounds.last_stable_offset, Timestamp::NONE))
        }
        OffsetQuery::Latest
        | OffsetQuery::Earliest
        | OffsetQuery::MaxTimestamp
        | OffsetQuery::AtOrAfter(_) => found.found,
    }
}

/// Asks the partition's owner, again while there is none, until the client gives up.
pub(super) async fn ask(
    call: &Call,
    partition: TopicPartition,
    query: OffsetQuery,
    give_up_at: Instant,
) -> Result<FoundOffset, Fault> {
    ask_owner(call, partition, give_up_at, |node, route| {
        node.find_offset(FindOffset {
            partition,
            map_version: route.map_version,
            query,
        })
    })
    .await
}
