//! Produce (key 0), versions 3-13; 0-2 are advertised as in Kafka 4, and refused.
//!
//! The way of a request: authorized topic by topic, checked batch by batch, then charged and handed to
//! the lanes together, in the order in which requests and partitions came, and answered when the last
//! batch is. A batch that has to wait for the virtual cluster's rate holds up those behind it only.
//! Everything is answered partition by partition; one refusal does not touch the others.
//!
//! What differs from Apache Kafka: acks=1 and acks=-1 both wait until the batch is durable. A
//! transactional id is error 53 until transactions are served. A batch above the cluster's limit is
//! error 42, as in MSK Serverless; one above the topic's `max.message.bytes` is error 10. A timeout
//! below half a second counts as that, one above 25 s as those. While a partition is above its
//! rate, its acknowledgements come late; `throttle_time_ms` is that of the virtual cluster's limits. A batch with acks=0 that is
//! refused closes the connection, as in Kafka.

use std::iter::Enumerate;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use auth::Action;
use bytes::Bytes;
use model::{Topic, TopicId, TopicPartition};
use node_api::lane::LaneError;
use node_api::{AppendRefusal, Appended};
use quota::LimitName;
use records::Rejected;
use tokio::time::Instant;
use wire::ErrorCode;
use wire::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use crate::admission::{BatchWrite, Checked, Counter, Patience, check, hold_until, parking_time};
use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::dispatch::Step;
use crate::error::{ErrorKind, Fault};
use crate::lanes::{Arriving, Deposit, Landed, LaneOutcome, Slots, slots};
use crate::limits::{ACK_HOLD_MAX, CHECKED_AT_A_STRETCH};
use crate::permission::Authorized;

/// First version in which topics are named by id.
const VERSION_WITH_IDS: i16 = 13;

/// Authorizes, checks, charges and submits every batch of the request; what is left is to wait.
pub(crate) async fn submit(call: Call, request: ProduceRequest) -> Step {
    let is_silent = request.acks == 0;
    let whole = check_whole(&request).err();
    let timeout = parking_time(request.timeout_ms);
    let patience = Patience::begin(timeout, call.services.clock.as_ref());
    let mut topics = Vec::with_capacity(request.topic_data.len());
    let mut drafts = Vec::new();
    let mut at_a_stretch = 0;
    for (at, topic) in request.topic_data.into_iter().enumerate() {
        let drafts = (at, &mut drafts, &mut at_a_stretch);
        topics.push(check_topic(&call, topic, whole.as_ref(), drafts).await);
    }
    let arriving = hand_over(&call, &mut topics, drafts, patience).await;
    let pending = Pending {
        call,
        topics,
        arriving,
        patience,
    };
    Step::Waiting(Box::pin(pending.finish(is_silent)))
}

/// The same error for every partition.
pub(crate) fn refusal(request: &ProduceRequest, code: ErrorCode) -> ProduceResponse {
    let topics = request.topic_data.iter().map(|topic| {
        let partitions = topic.partition_data.iter();
        TopicProduceResponse {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partition_responses: partitions.map(|data| refused(data.index, code)).collect(),
        }
    });
    ProduceResponse {
        responses: topics.collect(),
        ..ProduceResponse::default()
    }
}

fn refused(index: i32, code: ErrorCode) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: code.code(),
        base_offset: -1,
        ..PartitionProduceResponse::default()
    }
}

/// What can be wrong with the request as a whole.
fn check_whole(request: &ProduceRequest) -> Result<(), Fault> {
    if request.transactional_id.is_some() {
        return Err(Fault::TransactionalId);
    }
    if !matches!(request.acks, -1..=1) {
        return Err(Fault::RequiredAcks(request.acks));
    }
    Ok(())
}

/// A request whose batches are on their way.
struct Pending {
    call: Call,
    topics: Vec<PendingTopic>,
    arriving: Arriving,
    patience: Patience,
}

struct PendingTopic {
    name: String,
    topic_id: [u8; 16],
    partitions: Vec<PendingPartition>,
}

struct PendingPartition {
    index: i32,
    append: Result<PendingAppend, Fault>,
}

struct PendingAppend {
    partition: TopicPartition,
    /// Where its outcome is told, among those of the request.
    slot: usize,
}

/// A batch that keeps to the rules, and whose it is: the partition's place in its topic, and the
/// topic's in the request.
struct Draft {
    place: (usize, usize),
    checked: Checked,
}

async fn check_topic(
    call: &Call,
    topic: TopicProduceData,
    whole: Option<&Fault>,
    (at, drafts, at_a_stretch): (usize, &mut Vec<Draft>, &mut usize),
) -> PendingTopic {
    let found = match whole {
        Some(fault) => Err(fault.clone()),
        None => {
            let key = if call.version() >= VERSION_WITH_IDS {
                TopicKey::Id(TopicId(topic.topic_id))
            } else {
                TopicKey::Name(&topic.name)
            };
            call.topic(key, Action::WriteData)
        }
    };
    let mut partitions = Vec::with_capacity(topic.partition_data.len());
    for data in topic.partition_data {
        let index = data.index;
        *at_a_stretch += data.records.as_ref().map_or(0, Bytes::len);
        if *at_a_stretch >= CHECKED_AT_A_STRETCH {
            *at_a_stretch = 0;
            tokio::task::yield_now().await;
        }
        let checked = match &found {
            Ok(topic) => check_batch(call, topic, data).await,
            Err(fault) => Err(fault.clone()),
        };
        let append = checked.map(|checked| {
            let (partition, slot) = (checked.partition, drafts.len());
            let place = (at, partitions.len());
            drafts.push(Draft { place, checked });
            PendingAppend { partition, slot }
        });
        partitions.push(PendingPartition { index, append });
    }
    PendingTopic {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions,
    }
}

async fn check_batch(
    call: &Call,
    topic: &Authorized<Arc<Topic>>,
    data: PartitionProduceData,
) -> Result<Checked, Fault> {
    let partition = partition_of(topic.request(), data.index)?;
    let write = topic.with(|topic| BatchWrite {
        topic,
        partition,
        records: data.records.unwrap_or_default(),
    });
    check(call, write).await
}

/// Charges the batches and hands them to the lanes, all at once unless one of them has to wait.
async fn hand_over(
    call: &Call,
    topics: &mut [PendingTopic],
    drafts: Vec<Draft>,
    patience: Patience,
) -> Arriving {
    let shared = (
        Some(Arc::clone(&call.client.mute)),
        Some(Arc::clone(&call.memory)),
    );
    let (slots, arriving) = slots(drafts.len(), shared);
    let mut counted = Counted {
        deposits: Vec::with_capacity(drafts.len()),
        drafts: drafts.into_iter().enumerate(),
        topics,
        slots,
    };
    let lanes = &call.services.lanes;
    while let Some((park, deposit)) = counted.admit(Counter::open(call, patience)) {
        lanes.submit(std::mem::take(&mut counted.deposits)).await;
        tokio::time::sleep(park).await;
        counted.deposits.push(deposit);
    }
    lanes.submit(counted.deposits).await;
    arriving
}

/// The batches of a request, while they are charged.
struct Counted<'a> {
    drafts: Enumerate<vec::IntoIter<Draft>>,
    topics: &'a mut [PendingTopic],
    slots: Slots,
    /// They were charged, and need not wait.
    deposits: Vec<Deposit>,
}

impl Counted<'_> {
    /// Charges batches up to the first that has to wait, which is given back, with for how long.
    fn admit(&mut self, mut counter: Counter<'_>) -> Option<(Duration, Deposit)> {
        for (slot, Draft { place, checked }) in self.drafts.by_ref() {
            let (topic, partition) = place;
            match counter.admit(checked) {
                Ok((admitted, park)) => {
                    let slot = self.slots.slot(slot);
                    let deposit = Deposit { admitted, slot };
                    if !park.is_zero() {
                        return Some((park, deposit));
                    }
                    self.deposits.push(deposit);
                }
                Err(fault) => self.topics[topic].partitions[partition].append = Err(fault),
            }
        }
        None
    }
}

impl Pending {
    /// Waits for every batch, and for the holds that the nodes ask for.
    async fn finish(self, silent: bool) -> Answer {
        let mut responses = Vec::with_capacity(self.topics.len());
        let Patience {
            started_at,
            timeout,
            ..
        } = self.patience;
        let outcomes = self.arriving.all().await;
        let (mut held, mut held_until) = (Duration::ZERO, None);
        let mut has_failed = false;
        for topic in self.topics {
            let mut partition_responses = Vec::with_capacity(topic.partitions.len());
            for PendingPartition { index, append } in topic.partitions {
                let landed = append.and_then(|append| {
                    let outcome = outcomes.of(append.slot);
                    settle(&self.call, append.partition, outcome)
                });
                let response = match landed {
                    Ok(Landed { appended, at }) => {
                        let hold = appended.ack_delay.min(ACK_HOLD_MAX);
                        held += hold;
                        if !hold.is_zero() {
                            let until = hold_until(&appended, at, started_at, timeout);
                            held_until = held_until.max(Some(until));
                        }
                        acknowledged(index, &appended)
                    }
                    Err(fault) => {
                        has_failed = true;
                        explained(&self.call, index, &fault)
                    }
                };
                partition_responses.push(response);
            }
            responses.push(TopicProduceResponse {
                name: topic.name,
                topic_id: topic.topic_id,
                partition_responses,
            });
        }
        self.call.gate.held(LimitName::PartitionIngress, held);
        if let Some(until) = held_until
            && until > Instant::now()
        {
            tokio::time::sleep_until(until).await;
        }
        match (silent, has_failed) {
            (false, _) => self.call.answer(ProduceResponse {
                responses,
                ..ProduceResponse::default()
            }),
            (true, false) => Answer::none(),
            (true, true) => Answer::close(),
        }
    }
}

/// What became of a batch.
fn settle(call: &Call, partition: TopicPartition, outcome: LaneOutcome) -> Result<Landed, Fault> {
    outcome.map_err(|error| match error {
        LaneError::Refused(AppendRefusal::Closed)
            if call.services.router.route(partition).is_none() =>
        {
            Fault::UnknownTopicOrPartition
        }
        error => {
            let fault = Fault::from(error);
            if fault.kind() == ErrorKind::Service {
                tracing::warn!(%partition, %fault, "append failed");
            }
            fault
        }
    })
}

fn acknowledged(index: i32, appended: &Appended) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        base_offset: appended.base_offset.to_wire(),
        log_append_time_ms: appended.log_append_time.map_or(-1, |time| time.0),
        log_start_offset: appended.log_start_offset.to_wire(),
        ..PartitionProduceResponse::default()
    }
}

fn explained(call: &Call, index: i32, fault: &Fault) -> PartitionProduceResponse {
    let record_errors = match fault {
        Fault::Batch(Rejected::InvalidRecords { errors, .. }) => errors
            .iter()
            .map(|(index, fault)| BatchIndexAndErrorMessage {
                batch_index: i32::try_from(*index).unwrap_or(i32::MAX),
                batch_index_error_message: Some(fault.to_string()),
            })
            .collect(),
        _ => Vec::new(),
    };
    PartitionProduceResponse {
        record_errors,
        error_message: Some(fault.text()),
        ..refused(index, call.refuse(fault))
    }
}
