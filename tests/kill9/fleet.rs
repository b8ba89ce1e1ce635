//! One tenant's producers, its topic and its ledger.
//!
//! Owns: draining, reading on, comparing the bill. Does not own: when the server is killed (`kill9`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use model::{ProducerEpoch, ProducerId};

use crate::audit::read_on;
use crate::client::Client;
use crate::ledger::{Ledger, Promise, Totals};
use crate::load::{LoadError, Producer, Target};
use crate::process::{Access, Server};

/// Producers of a tenant, each on a connection of its own.
const PRODUCERS: u32 = 3;

/// Partitions, fewer than producers, so that several write to one.
const PARTITIONS: i32 = 2;

/// Largest value of a record.
const VALUE_BYTES_MAX: usize = 12_000;

/// Gateways report what they delivered once a second.
const REPORTED_WITHIN: Duration = Duration::from_secs(10);

/// How often the bill is looked at until then.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// See the file's header.
pub(super) struct Fleet {
    pub(super) cluster: &'static str,
    pub(super) producers: Vec<Producer>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    promise: Promise,
    target: Target,
    /// Bytes of batches that reached the readers.
    delivered_bytes: u64,
}

impl Fleet {
    /// Idempotent producers: each batch once, in order.
    pub(super) async fn idempotent(
        cluster: &'static str,
        access: &Access,
        seed: u64,
    ) -> Result<Self> {
        let mut fleet = Self::new(cluster, Promise::ExactlyOnce, access).await?;
        let mut client = Client::open(&access.endpoint, &access.scram()).await?;
        for name in 0..PRODUCERS {
            let answer = client.init_producer_id().await?;
            ensure!(
                answer.error_code == 0,
                "InitProducerId: error {}",
                answer.error_code
            );
            let id = (
                ProducerId(answer.producer_id),
                ProducerEpoch(answer.producer_epoch),
            );
            fleet
                .producers
                .push(Producer::new(name, Some(id), &fleet.target, seed));
        }
        Ok(fleet)
    }

    /// Producers that send again what was not answered: each acknowledged batch at least once.
    pub(super) async fn repeating(
        cluster: &'static str,
        access: &Access,
        seed: u64,
    ) -> Result<Self> {
        let mut fleet = Self::new(cluster, Promise::AtLeastOnce, access).await?;
        let producers = (0..PRODUCERS).map(|name| Producer::new(name, None, &fleet.target, seed));
        fleet.producers = producers.collect();
        Ok(fleet)
    }

    async fn new(cluster: &'static str, promise: Promise, access: &Access) -> Result<Self> {
        let topic = format!("kill9-{cluster}");
        let mut client = Client::open(&access.endpoint, &access.scram()).await?;
        let created = client.create_topic(&topic, PARTITIONS).await?;
        ensure!(
            created.error_code == 0,
            "creating {topic}: error {}",
            created.error_code
        );
        Ok(Self {
            cluster,
            producers: Vec::new(),
            ledger: Arc::new(Mutex::new(Ledger::new(promise))),
            promise,
            target: Target {
                topic,
                partitions: PARTITIONS,
                value_bytes_max: VALUE_BYTES_MAX,
            },
            delivered_bytes: 0,
        })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends again what was not answered, until all of it is.
    pub(super) async fn drain(&mut self, access: &Access) -> Result<()> {
        for producer in &mut self.producers {
            let mut client = Client::open(&access.endpoint, &access.scram()).await?;
            producer.run(&mut client, &self.ledger, || false).await?;
        }
        Ok(())
    }

    /// Reads what was appended since the last time, and compares it with what was acknowledged and with the bill.
    pub(super) async fn audit(&mut self, server: &Server, access: &Access) -> Result<()> {
        let mut client = Client::open(&access.endpoint, &access.scram()).await?;
        let Target {
            topic, partitions, ..
        } = &self.target;
        let delivered = read_on(&mut client, topic, *partitions, &self.ledger).await?;
        self.check_bytes_in(server.usage(self.cluster)?.bytes_in)?;
        self.delivered_bytes += delivered;
        self.await_bytes_out(server).await
    }

    /// Acknowledged <= billed = read back; all three are equal where every batch comes once.
    fn check_bytes_in(&self, billed: u64) -> Result<()> {
        let Totals {
            acknowledged_bytes,
            read_bytes,
            ..
        } = self.ledger().totals();
        ensure!(
            billed == read_bytes,
            "billed {billed} bytes in, read back {read_bytes}"
        );
        let is_right = match self.promise {
            Promise::ExactlyOnce => acknowledged_bytes == billed,
            Promise::AtLeastOnce => acknowledged_bytes <= billed,
        };
        ensure!(
            is_right,
            "acknowledged {acknowledged_bytes} bytes, billed {billed}"
        );
        Ok(())
    }

    /// What was delivered stands on the bill as soon as the gateway has reported it, and stays there.
    pub(super) async fn await_bytes_out(&self, server: &Server) -> Result<()> {
        let delivered = self.delivered_bytes;
        let deadline = Instant::now() + REPORTED_WITHIN;
        loop {
            let billed = server.usage(self.cluster)?.bytes_out;
            if billed == delivered {
                return Ok(());
            }
            let may_grow = billed < delivered && Instant::now() < deadline;
            ensure!(
                may_grow,
                "{}: billed {billed} bytes out, delivered {delivered}",
                self.cluster
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// One line about the tenant.
    pub(super) fn figures(&self) -> String {
        let Totals {
            acknowledged_batches,
            acknowledged_bytes,
            read_batches,
            read_bytes,
        } = self.ledger().totals();
        let resent: u64 = self.producers.iter().map(Producer::resent_batches).sum();
        format!(
            "{}: acknowledged {acknowledged_batches} batches ({acknowledged_bytes} B), read back \
             {read_batches} ({read_bytes} B), sent again {resent}",
            self.cluster
        )
    }
}

/// Produces until the connection breaks, which is how a killed server looks.
pub(super) async fn load(
    producer: &mut Producer,
    access: &Access,
    ledger: &Mutex<Ledger>,
) -> Result<()> {
    let mut client = match Client::open(&access.endpoint, &access.scram()).await {
        Ok(client) => client,
        Err(error) if error.is_connection() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    match producer.run(&mut client, ledger, || true).await {
        Ok(()) => Ok(()),
        Err(LoadError::Call(error)) if error.is_connection() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
