//! A producer as real ones behave: up to five requests in flight on one connection, and whatever was not answered is
//! sent again, in order, on the next.
//!
//! Owns: batches, numbers, sequences, what is unanswered. Does not own: when the connection breaks (`kill9`), what the
//! log must look like (`ledger`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use model::{ProducerEpoch, ProducerId};
use records::ProducerFields;
use wire::messages::produce::ProduceRequest;
use wire::sample::XorShift;

use crate::client::{CallError, Client, partition_of, produce_request};
use crate::ledger::{Ledger, Tag, Violation, batch};

/// Requests that a producer has in flight; Kafka's clients allow as many to idempotent producers.
pub const IN_FLIGHT_MAX: usize = 5;

/// Why a producer stopped.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The connection broke, or the server misbehaved on it.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A batch was refused.
    #[error("{tag:?} of partition {partition} was refused with error {code}")]
    Refused {
        /// Which batch.
        tag: Tag,
        /// For which partition.
        partition: i32,
        /// Kafka's error code.
        code: i16,
    },
    /// An acknowledgement contradicts another.
    #[error(transparent)]
    Violation(#[from] Violation),
}

impl LoadError {
    /// Whether the connection is gone, rather than the server at fault.
    #[must_use]
    pub const fn is_connection(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_connection())
    }
}

/// What a producer writes to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The topic.
    pub topic: String,
    /// Its partitions, from 0.
    pub partitions: i32,
    /// Largest value of a record; sizes are drawn up to it.
    pub value_bytes_max: usize,
}

/// Sequences of one producer in one partition.
#[derive(Clone, Copy, Debug, Default)]
struct Next {
    number: u32,
    sequence: i32,
}

/// A batch that was sent, or is to be sent again.
#[derive(Clone, Debug)]
struct Pending {
    partition: i32,
    tag: Tag,
    batch: Bytes,
}

/// See the file's header.
pub struct Producer {
    producer: u32,
    identity: Option<(ProducerId, ProducerEpoch)>,
    target: Target,
    next: BTreeMap<i32, Next>,
    unanswered: VecDeque<Pending>,
    numbers: XorShift,
    resent_batches: u64,
}

impl Producer {
    /// A producer, idempotent if it has an identity. `producer` is its name in tags, and the seed of its choices.
    #[must_use]
    pub fn new(
        producer: u32,
        identity: Option<(ProducerId, ProducerEpoch)>,
        target: &Target,
        seed: u64,
    ) -> Self {
        Self {
            producer,
            identity,
            target: target.clone(),
            next: BTreeMap::new(),
            unanswered: VecDeque::new(),
            numbers: XorShift::new(seed ^ u64::from(producer) << 32),
            resent_batches: 0,
        }
    }

    /// How many batches were sent more than once.
    #[must_use]
    pub const fn resent_batches(&self) -> u64 {
        self.resent_batches
    }

    /// Sends on a fresh connection: first what is unanswered, then new batches while `more` says so, and waits for
    /// all answers.
    ///
    /// # Errors
    /// Any [`LoadError`]; what is unanswered is kept for the next connection.
    pub async fn run(
        &mut self,
        client: &mut Client,
        ledger: &Mutex<Ledger>,
        mut more: impl FnMut() -> bool,
    ) -> Result<(), LoadError> {
        self.resent_batches += self.unanswered.len() as u64;
        for pending in self.unanswered.clone() {
            self.send(client, &pending).await?;
        }
        loop {
            while self.unanswered.len() < IN_FLIGHT_MAX && more() {
                let pending = self.draw();
                self.unanswered.push_back(pending.clone());
                self.send(client, &pending).await?;
            }
            if self.unanswered.is_empty() {
                return Ok(());
            }
            self.receive(client, ledger).await?;
        }
    }

    async fn send(&self, client: &mut Client, pending: &Pending) -> Result<(), LoadError> {
        let batch = pending.batch.clone();
        let request = produce_request(&self.target.topic, pending.partition, batch, -1);
        Ok(client.send(request).await?)
    }

    async fn receive(
        &mut self,
        client: &mut Client,
        ledger: &Mutex<Ledger>,
    ) -> Result<(), LoadError> {
        let answer = partition_of(client.receive::<ProduceRequest>().await?)?;
        let pending = self.unanswered.pop_front();
        let Pending {
            partition,
            tag,
            batch,
        } = pending.expect("answers come to requests");
        if answer.error_code != 0 {
            let code = answer.error_code;
            return Err(LoadError::Refused {
                tag,
                partition,
                code,
            });
        }
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ledger.acknowledge(partition, tag, answer.base_offset, &batch)?)
    }

    /// A new batch of one to three records.
    fn draw(&mut self) -> Pending {
        let partition = self.numbers.below(self.target.partitions as usize) as i32;
        let records = 1 + self.numbers.below(3) as u32;
        let value_bytes = self.numbers.below(self.target.value_bytes_max);
        let next = self.next.entry(partition).or_default();
        let tag = Tag {
            producer: self.producer,
            number: next.number,
        };
        let fields = self
            .identity
            .map(|(producer_id, producer_epoch)| ProducerFields {
                producer_id,
                producer_epoch,
                base_sequence: next.sequence,
            });
        next.number += 1;
        next.sequence += records as i32;
        let batch = batch(tag, fields, records, value_bytes);
        Pending {
            partition,
            tag,
            batch,
        }
    }
}
