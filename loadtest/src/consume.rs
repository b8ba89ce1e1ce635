//! Reading: every message is held against what was sent.
//!
//! Owns: the ledger, and the last question, whether the partitions hold just what was acknowledged. Does not own: the
//! loops (see `open` and `bulk`).

use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::events::Events;
use crate::payload::{BodyCheck, Header, Payload};
use crate::scenario::Scenario;
use crate::topics::Topics;
use crate::verify::Ledger;

/// Judges what a consumer delivers.
pub struct Reader<'a> {
    topics: &'a Topics,
    payload: Payload,
    check: BodyCheck,
    partitions: usize,
    slots: usize,
    ledger: Ledger,
    first_damage: Option<String>,
}

impl<'a> Reader<'a> {
    /// For a run that has read nothing yet.
    pub fn new(scenario: &Scenario, topics: &'a Topics, payload: Payload) -> Self {
        Self {
            topics,
            payload,
            check: scenario.payload_check,
            partitions: scenario.partitions,
            slots: scenario.slots(),
            ledger: Ledger::new(scenario.slots()),
            first_damage: None,
        }
    }

    /// A message came; its header, if it is sound.
    pub fn take(&mut self, message: &BorrowedMessage<'_>) -> Option<Header> {
        let found = message.payload().unwrap_or_default();
        match self.payload.read(found, self.check) {
            Ok(header) if self.belongs(&header, message) => {
                self.ledger.seen(header.slot, header.sequence);
                Some(header)
            }
            Ok(header) => self.damaged(message, &format!("{header:?} does not belong there")),
            Err(damage) => self.damaged(message, &damage.to_string()),
        }
    }

    /// How many different messages came.
    pub fn distinct(&self) -> u64 {
        self.ledger.distinct()
    }

    fn belongs(&self, header: &Header, message: &BorrowedMessage<'_>) -> bool {
        header.slot < self.slots
            && (header.slot % self.partitions) as i32 == message.partition()
            && self.topics.name(header.slot / self.partitions) == message.topic()
    }

    fn damaged(&mut self, message: &BorrowedMessage<'_>, how: &str) -> Option<Header> {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
        let describe = || format!("{topic} {partition} at offset {offset}: {how}");
        self.first_damage.get_or_insert_with(describe);
        self.ledger.damaged();
        None
    }

    /// The verdict, when all was read: each message once, in order, and nothing else in the partitions.
    ///
    /// # Errors
    /// What is wrong, with numbers.
    pub fn settle(&self, sent: &[u64]) -> Result<()> {
        let found = self.ledger.settle(sent);
        ensure!(
            found.is_clean(),
            "of {} messages {} were lost, {} came twice, {} out of order, {} damaged{}",
            sent.iter().sum::<u64>(),
            found.lost,
            found.duplicates,
            found.out_of_order,
            found.damaged,
            self.first_damage
                .as_ref()
                .map_or_else(String::new, |first| format!(", the first: {first}"))
        );
        for (slot, sent) in sent.iter().enumerate() {
            let (topic, partition) = (
                self.topics.name(slot / self.partitions),
                slot % self.partitions,
            );
            let held = self.topics.messages_in(topic, partition)?;
            ensure!(
                held == *sent,
                "{topic} {partition} holds {held} messages, and {sent} were sent"
            );
        }
        Ok(())
    }
}

/// Assigns all partitions from their beginnings: at offset 0, since the topics are fresh. librdkafka would look up any
/// other name of the beginning, and waits half a second if it does not know the leader yet.
///
/// # Errors
/// The client refuses.
pub fn assign_all(
    consumer: &BaseConsumer<Events>,
    topics: &Topics,
    partitions: usize,
) -> Result<()> {
    let mut all = TopicPartitionList::new();
    for name in topics.names() {
        for partition in 0..partitions {
            all.add_partition_offset(name, partition as i32, Offset::Offset(0))?;
        }
    }
    consumer
        .assign(&all)
        .context("the partitions cannot be assigned")
}
