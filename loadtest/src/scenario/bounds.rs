//! What a scenario may say: every number within its bounds, refused by its name.
//!
//! Owns: the bounds. Does not own: the keys (see `scenario`), the bars (see `bars`).

use anyhow::{Result, bail, ensure};

use super::{Bulk, Consume, Open, Scenario};
use crate::payload::HEADER_BYTES;

/// Topics of one run.
const TOPICS_MAX: usize = 100;
/// Partitions of each topic.
const PARTITIONS_MAX: usize = 1_000;
/// Bytes of one message; servers take 1 MiB with all around it.
const MESSAGE_BYTES_MAX: usize = 1_000_000;
/// Offers of one open loop.
const OFFERS_MAX: usize = 100;
/// Messages per second of one offer; one thread paces them all.
const RATE_MAX: u64 = 200_000;
/// Length of an open loop.
const SECONDS_MAX: u64 = 3_600;
/// Payload of one bulk run.
const MEGABYTES_MAX: u64 = 100_000;
/// Longest linger.
const LINGER_MS_MAX: u64 = 10_000;
/// Largest batch.
const BATCH_BYTES_MAX: u64 = 100_000_000;

impl Scenario {
    /// Refuses what cannot be run.
    ///
    /// # Errors
    /// The key, and why.
    pub(super) fn check(&self) -> Result<()> {
        within("topics", self.topics, 1, TOPICS_MAX)?;
        within("partitions", self.partitions, 1, PARTITIONS_MAX)?;
        within(
            "message_bytes",
            self.message_bytes,
            HEADER_BYTES,
            MESSAGE_BYTES_MAX,
        )?;
        within(
            "producer.linger_ms",
            self.producer.linger_ms,
            0,
            LINGER_MS_MAX,
        )?;
        if let Some(bytes) = self.producer.batch_bytes {
            within("producer.batch_bytes", bytes, 1, BATCH_BYTES_MAX)?;
        }
        match (&self.open, &self.bulk) {
            (Some(open), None) => self.check_open(open),
            (None, Some(bulk)) => self.check_bulk(*bulk),
            _ => bail!("exactly one of [open] and [bulk] must be there"),
        }?;
        self.bars.check(self.open.as_ref())
    }

    fn check_open(&self, open: &Open) -> Result<()> {
        within("open.seconds", open.seconds, 1, SECONDS_MAX)?;
        within("open.warm_up_seconds", open.warm_up_seconds, 0, SECONDS_MAX)?;
        within(
            "the number of open.offers",
            open.offers.len(),
            1,
            OFFERS_MAX,
        )?;
        for offer in &open.offers {
            let key = |key| format!("{key} of the offer {:?}", offer.name);
            within(
                &key("messages_per_second"),
                offer.messages_per_second,
                1,
                RATE_MAX,
            )?;
            for partition in &offer.partitions {
                within(&key("partitions"), *partition, 0, self.partitions - 1)?;
            }
            if let Some(megabytes) = offer.waiting_megabytes_max {
                within(&key("waiting_megabytes_max"), megabytes, 1, MEGABYTES_MAX)?;
            }
            let twins = open.offers.iter().filter(|other| other.name == offer.name);
            ensure!(twins.count() == 1, "two offers are called {:?}", offer.name);
        }
        self.offer_of_slots(open).map(drop)
    }

    fn check_bulk(&self, bulk: Bulk) -> Result<()> {
        within("bulk.megabytes", bulk.megabytes, 1, MEGABYTES_MAX)?;
        ensure!(
            self.consume == Consume::Assignment,
            "consume: bulk reads by \"assignment\""
        );
        Ok(())
    }
}

fn within<T: PartialOrd + std::fmt::Display>(key: &str, value: T, min: T, max: T) -> Result<()> {
    ensure!(
        min <= value && value <= max,
        "{key} is {value}, and must be from {min} to {max}"
    );
    Ok(())
}
