//! Sending: every message carries its partition, its number there and its due time.
//!
//! Owns: the numbers. Does not own: when a message is sent (see `open` and `bulk`).

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::BaseRecord;

use crate::events::delivery_note;
use crate::patience::GivenUp;
use crate::payload::{Header, Payload};
use crate::scenario::Scenario;
use crate::topics::Topics;

/// A message without a key, with a note for its acknowledgement.
pub type Record<'a> = BaseRecord<'a, (), [u8], usize>;

/// Why a client did not take a message, without the message, which is not sent from there again.
pub fn refusal(sent: Result<(), (KafkaError, Record<'_>)>) -> Result<(), KafkaError> {
    sent.map_err(|(error, _)| error)
}

/// Numbers and stamps messages.
pub struct Sender<'a> {
    payload: Payload,
    topics: &'a Topics,
    partitions: usize,
    sent: Vec<u64>,
}

impl<'a> Sender<'a> {
    /// For a run that has sent nothing yet.
    pub fn new(scenario: &Scenario, topics: &'a Topics, payload: Payload) -> Self {
        Self {
            payload,
            topics,
            partitions: scenario.partitions,
            sent: vec![0; scenario.slots()],
        }
    }

    /// How many each partition was sent.
    pub fn sent(&self) -> &[u64] {
        &self.sent
    }

    /// Gives a client the next message of a partition; false if its queue is full.
    ///
    /// # Errors
    /// The client refuses for another reason.
    pub fn offer(
        &mut self,
        slot: usize,
        (offer, due_ns): (usize, u64),
        send: impl FnOnce(Record<'_>) -> Result<(), KafkaError>,
    ) -> Result<bool, GivenUp> {
        let sequence = self.sent[slot];
        let bytes = self.payload.stamp(Header {
            slot,
            sequence,
            due_ns,
        });
        let topic = self.topics.name(slot / self.partitions);
        let record = Record::with_opaque_to(topic, delivery_note(offer, due_ns))
            .partition((slot % self.partitions) as i32)
            .payload(bytes);
        match send(record) {
            Ok(()) => {
                self.sent[slot] += 1;
                Ok(true)
            }
            Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) => Ok(false),
            Err(error) => Err(GivenUp::ClientError(error.to_string())),
        }
    }
}
