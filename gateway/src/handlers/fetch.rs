//! Fetch (key 1), versions 4-18.
//!
//! The gateway alone judges `min_bytes` and `max_wait`; nodes are only read where they are said to
//! have something (`news`).
//!
//! What differs from Apache Kafka: fetch sessions are declined (session id 0; continuing one is
//! error 70, after which clients send full requests). `max_bytes` is cut to the cluster's limit,
//! and while memory is short further. A batch larger than every limit may come with other batches
//! up to `max_bytes`. A partition above its rate counts as empty until it may be read again, without a
//! throttle. The virtual cluster's rate is charged by what is answered: `throttle_time_ms` is the debt
//! after it, and while that is a second or more fetches are answered without records. A partition that
//! is read too slowly is empty this time; its marks are -1 if nothing is known of it. Followers are
//! served as consumers; there is no preferred replica. `read_committed` reads up to the last stable offset,
//! which is the high watermark until transactions are served.

use std::time::Duration;

use model::{FetchOverLimit, Offset, Topic, TopicId};
use node_api::{LogBounds, ReadError};
use quota::LimitName;
use tokio::time::Instant;
use wire::messages::fetch::{
    EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchableTopicResponse, PartitionData,
};
use wire::{ErrorCode, Records};

use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::error::Fault;
use crate::leader_epoch;
use crate::limits::FETCH_WAIT_MAX;
use crate::memory::{Held, Memory};

mod plan;
mod poll;
mod round;

use plan::{Part, Plan, Terms};

/// First version in which topics are named by id.
const VERSION_WITH_IDS: i16 = 13;

/// First version that may carry batches of zstd (KIP-110).
const VERSION_WITH_ZSTD: i16 = 10;

/// The isolation level of a client that wants committed records only.
const READ_COMMITTED: i8 = 1;

/// Reads until the request's conditions are met.
pub(crate) async fn handle(call: Call, request: FetchRequest) -> Answer {
    if request.session_epoch > 0 {
        let code = call.refuse(&Fault::FetchSession);
        return call.answer(FetchResponse {
            error_code: code.code(),
            ..FetchResponse::default()
        });
    }
    if let Err(fault) = check_size(&call, &request) {
        return call.answer(refusal(&request, call.refuse(&fault)));
    }
    let (slots, parts) = sort_out(&call, &request.topics);
    let has_error = slots.iter().flatten().any(Result::is_err);
    let polled = {
        let mut interest = call
            .client
            .interest
            .lock()
            .expect("nothing panics while it is held");
        interest.set(parts.iter().map(|part| part.partition))
    };
    let terms = terms(&call, &request);
    let is_throttled = terms.bytes_max == 0 && request.max_bytes > 0;
    let mut plan = Plan::new(parts, terms, has_error);
    if is_throttled {
        plan.hurry();
        call.slow_down(call.gate.egress_throttle());
    }
    let source = Memory::new(&call.services.fetch_memory, Some(call.gate.fetch_memory()));
    let memory = poll::run(&call.services, &mut plan, &polled, &source).await;
    respond(&call, request, slots, plan, memory)
}

/// An error for the whole request.
pub(crate) fn refusal(request: &FetchRequest, code: ErrorCode) -> FetchResponse {
    let responses = request.topics.iter().map(|topic| FetchableTopicResponse {
        topic: topic.topic.clone(),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|asked| PartitionData {
                partition_index: asked.partition,
                error_code: code.code(),
                high_watermark: -1,
                aborted_transactions: None,
                records: Some(Records::default()),
                ..PartitionData::default()
            })
            .collect(),
    });
    FetchResponse {
        error_code: code.code(),
        responses: responses.collect(),
        ..FetchResponse::default()
    }
}

/// What becomes of each partition of a topic: the part of the plan that reads it, or an error.
type Slots = Vec<Result<usize, Fault>>;

/// Every partition of the request: those that can be read become parts of the plan.
fn sort_out(call: &Call, topics: &[FetchTopic]) -> (Vec<Slots>, Vec<Part>) {
    let mut readable = call.client.readable_topics.lock();
    let readable = readable.as_mut().expect("nothing panics while it is held");
    readable.begin(call, topics.len());
    let mut parts = Vec::new();
    let too_old_for_zstd = call.version() < VERSION_WITH_ZSTD;
    let slots = topics.iter().enumerate().map(|(place, asked)| {
        let key = if call.version() >= VERSION_WITH_IDS {
            TopicKey::Id(TopicId(asked.topic_id))
        } else {
            TopicKey::Name(&asked.topic)
        };
        let topic = readable.topic(call, place, key);
        let partitions = asked.partitions.iter().map(|asked| {
            let topic = *topic.as_ref().map_err(Fault::clone)?;
            if too_old_for_zstd && topic.config.compression_type == "zstd" {
                return Err(Fault::CompressionType);
            }
            parts.push(part(topic, asked)?);
            Ok(parts.len() - 1)
        });
        partitions.collect()
    });
    let slots = slots.collect();
    readable.end();
    (slots, parts)
}

fn part(topic: &Topic, asked: &FetchPartition) -> Result<Part, Fault> {
    let partition = partition_of(topic, asked.partition)?;
    leader_epoch::check(asked.current_leader_epoch)?;
    if asked.last_fetched_epoch > leader_epoch::SHOWN {
        // Kafka could not say either where the client's log left its own.
        return Err(out_of_range(LogBounds::default()));
    }
    let bytes_max = u32::try_from(asked.partition_max_bytes).unwrap_or(0);
    // No offset below zero was ever in a log; the bounds are not known without asking.
    let offset = Offset::from_wire(asked.fetch_offset);
    let offset = offset.ok_or_else(|| out_of_range(LogBounds::default()))?;
    Ok(Part::new(partition, offset, bytes_max))
}

/// Where the virtual cluster wants it so, a fetch that asks for more than it may is refused.
fn check_size(call: &Call, request: &FetchRequest) -> Result<(), Fault> {
    let limits = &call.cluster.limits;
    let asked = u64::try_from(request.max_bytes).unwrap_or(0);
    if limits.fetch_over_limit == FetchOverLimit::Refuse && asked > limits.fetch_bytes_max.0 {
        return Err(Fault::FetchTooLarge {
            limit: limits.fetch_bytes_max.0,
            asked,
        });
    }
    Ok(())
}

fn out_of_range(bounds: LogBounds) -> Fault {
    Fault::Read(ReadError::OutOfRange { bounds })
}

fn terms(call: &Call, request: &FetchRequest) -> Terms {
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let limit = call
        .cluster
        .limits
        .fetch_bytes_max
        .min(call.gate.egress_room());
    let limit = u32::try_from(limit.0).unwrap_or(u32::MAX);
    Terms {
        min_bytes: u32::try_from(request.min_bytes).unwrap_or(0),
        bytes_max: u32::try_from(request.max_bytes).unwrap_or(0).min(limit),
        deadline: Instant::now() + max_wait.min(FETCH_WAIT_MAX),
        read_committed: request.isolation_level == READ_COMMITTED,
        turn: call.client.next_turn(),
    }
}

fn respond(
    call: &Call,
    request: FetchRequest,
    slots: Vec<Slots>,
    mut plan: Plan,
    memory: Option<Held>,
) -> Answer {
    let read_committed = request.isolation_level == READ_COMMITTED;
    let mut metered = 0;
    let mut by_topic: Vec<(TopicId, u64)> = Vec::new();
    let topics = request.topics.into_iter().zip(slots);
    let responses = topics.map(|(topic, slots)| FetchableTopicResponse {
        topic: topic.topic,
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .zip(slots)
            .map(|(asked, slot)| {
                let id = slot
                    .as_ref()
                    .ok()
                    .map(|part| plan.parts[*part].partition.topic);
                let data = partition_data(call, asked, slot, &mut plan.parts);
                let bytes = data.records.as_ref().map_or(0, Records::len) as u64;
                metered += bytes;
                by_topic.extend(id.filter(|_| bytes > 0).map(|id| (id, bytes)));
                PartitionData {
                    aborted_transactions: read_committed.then(Vec::new),
                    ..data
                }
            })
            .collect(),
    });
    let response = FetchResponse {
        responses: responses.collect(),
        ..FetchResponse::default()
    };
    call.gate.held(LimitName::PartitionEgress, plan.held());
    call.slow_down(call.gate.egress(metered));
    let mut answer = call.answer(response);
    answer.parcel.metered = (metered > 0).then_some((call.cluster.id, metered));
    answer.parcel.topics = by_topic;
    answer.parcel.memory = memory;
    answer
}

fn partition_data(
    call: &Call,
    asked: &FetchPartition,
    slot: Result<usize, Fault>,
    parts: &mut [Part],
) -> PartitionData {
    let (bounds, segments, fault) = match slot {
        Ok(part) => {
            let part = &mut parts[part];
            let segments = std::mem::take(&mut part.segments);
            (part.bounds, segments, part.fault.take())
        }
        Err(fault) => (None, Vec::new(), Some(fault)),
    };
    let diverging_epoch = diverging_epoch(asked, fault.as_ref());
    let fault = fault.filter(|_| diverging_epoch.is_none());
    let mark = |of: fn(&LogBounds) -> Offset| bounds.as_ref().map_or(-1, |b| of(b).to_wire());
    PartitionData {
        partition_index: asked.partition,
        diverging_epoch: diverging_epoch.unwrap_or_default(),
        error_code: fault.map_or(0, |fault| call.refuse(&fault).code()),
        high_watermark: mark(|bounds| bounds.high_watermark),
        last_stable_offset: mark(|bounds| bounds.last_stable_offset),
        log_start_offset: mark(|bounds| bounds.log_start_offset),
        records: Some(Records::new(segments)),
        ..PartitionData::default()
    }
}

/// Where the client's log left ours, for one that says which epoch its last record has: it has more
/// of it than we do (KIP-595). Told instead of an error.
fn diverging_epoch(asked: &FetchPartition, fault: Option<&Fault>) -> Option<EpochEndOffset> {
    let Some(Fault::Read(ReadError::OutOfRange { bounds })) = fault else {
        return None;
    };
    let end_offset = bounds.high_watermark.to_wire();
    let is_beyond = asked.fetch_offset > end_offset;
    (asked.last_fetched_epoch == leader_epoch::SHOWN && is_beyond).then_some(EpochEndOffset {
        epoch: leader_epoch::SHOWN,
        end_offset,
    })
}
