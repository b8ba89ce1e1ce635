//! What a run does, as a file says it: see `loadtest/scenarios/` and `docs/loadtest.md`.
//!
//! Owns: the keys, the scenarios that are built in, what flags override. Does not own: doing it.
//!
//! Invariant: a [`Scenario`] that was read can be run: every number lies within its bounds, and exactly one of
//! `[open]` and `[bulk]` is there. An unknown key or an impossible value is refused by its name.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::bars::Bars;
use crate::payload::BodyCheck;

/// The scenarios that can be run by their names.
const BUILT_IN: &[(&str, &str)] = &[
    ("game", include_str!("../scenarios/game.toml")),
    ("bulk-15k-5", include_str!("../scenarios/bulk-15k-5.toml")),
    ("bulk-15k-50", include_str!("../scenarios/bulk-15k-50.toml")),
    ("bulk-1k-50", include_str!("../scenarios/bulk-1k-50.toml")),
    (
        "hot-partition",
        include_str!("../scenarios/hot-partition.toml"),
    ),
];

/// One scenario.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called in reports.
    pub name: String,
    /// What it does, in one line.
    pub about: String,
    /// How many topics.
    pub topics: usize,
    /// How many partitions each.
    pub partitions: usize,
    /// Payload of each message, its header included.
    pub message_bytes: usize,
    /// How much of each message is compared when it comes back.
    #[serde(default)]
    pub payload_check: BodyCheck,
    /// Whether an open loop reads as a group or by assignment; bulk reads by assignment.
    #[serde(default)]
    pub consume: Consume,
    /// The producer's settings.
    pub producer: ProducerSettings,
    /// Messages at their times.
    pub open: Option<Open>,
    /// Messages as fast as they go.
    pub bulk: Option<Bulk>,
    /// What a comparison must show.
    #[serde(default)]
    pub bars: Bars,
}

/// How an open loop reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Consume {
    /// All partitions, by assignment.
    #[default]
    Assignment,
    /// As the one member of a group, which commits.
    Group,
}

/// The producer's settings.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerSettings {
    /// `enable.idempotence`; acknowledgements are by all in any case.
    pub idempotent: bool,
    /// `linger.ms`.
    pub linger_ms: u64,
    /// `batch.size`, if not the client's own.
    pub batch_bytes: Option<u64>,
}

/// Messages at their times, whatever becomes of those before them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// How long is measured.
    pub seconds: u64,
    /// How long goes before, unmeasured.
    pub warm_up_seconds: u64,
    /// Whether a throttle time that the server tells fails the run.
    #[serde(default)]
    pub throttle_is_failure: bool,
    /// What is sent.
    pub offers: Vec<Offer>,
}

/// A stream of messages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// What it is called in reports.
    pub name: String,
    /// How many, over all its partitions, in turn.
    pub messages_per_second: u64,
    /// To which partitions of each topic; to all if there is none.
    #[serde(default)]
    pub partitions: Vec<usize>,
    /// A message that is due while more than this waits for acknowledgement is left out, and counted.
    pub waiting_megabytes_max: Option<u64>,
    /// Bar: acknowledged payload at least.
    pub through_mb_per_s_min: Option<f64>,
    /// Bar: acknowledged payload at most.
    pub through_mb_per_s_max: Option<f64>,
    /// Bar: acknowledged share of what was offered at least.
    pub through_percent_min: Option<f64>,
    /// Bar: from the due time to the acknowledgement.
    pub ack_p99_ms_max: Option<f64>,
}

/// Messages as fast as they go: all are written, then all are read.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// Payload in all.
    pub megabytes: u64,
}

/// What flags override.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides {
    /// `seconds` of an open loop.
    pub seconds: Option<u64>,
    /// `megabytes` of bulk.
    pub megabytes: Option<u64>,
}

impl Scenario {
    /// A scenario that is built in, or else a file's.
    ///
    /// # Errors
    /// What is wrong, with the name of the key.
    pub fn load(name_or_file: &str, overrides: Overrides) -> Result<Self> {
        let built_in = BUILT_IN.iter().find(|(name, _)| *name == name_or_file);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(Path::new(name_or_file)).with_context(|| {
                let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                format!("{name_or_file} is neither a file nor one of the scenarios {names}")
            })?,
        };
        Self::parse(&text, overrides).with_context(|| format!("scenario {name_or_file}"))
    }

    /// A scenario from its text.
    ///
    /// # Errors
    /// What is wrong, with the name of the key.
    pub fn parse(text: &str, overrides: Overrides) -> Result<Self> {
        let mut scenario: Self = toml::from_str(text)?;
        if let (Some(open), Some(seconds)) = (&mut scenario.open, overrides.seconds) {
            open.seconds = seconds;
        }
        if let (Some(bulk), Some(megabytes)) = (&mut scenario.bulk, overrides.megabytes) {
            bulk.megabytes = megabytes;
        }
        scenario.check()?;
        Ok(scenario)
    }

    /// The same at no more than so many seconds or megabytes: what warms a server up, and is not counted.
    pub fn at_most(&self, seconds: u64, megabytes: u64) -> Self {
        let mut short = self.clone();
        if let Some(open) = &mut short.open {
            open.seconds = open.seconds.min(seconds);
        }
        if let Some(bulk) = &mut short.bulk {
            bulk.megabytes = bulk.megabytes.min(megabytes);
        }
        short
    }

    /// Partitions over all topics.
    pub fn slots(&self) -> usize {
        self.topics * self.partitions
    }

    /// The offer's partitions over all topics, in the order in which messages go to them.
    pub fn slots_of(&self, offer: &Offer) -> Vec<usize> {
        let all: Vec<usize> = (0..self.partitions).collect();
        let partitions = if offer.partitions.is_empty() {
            &all
        } else {
            &offer.partitions
        };
        let topics = 0..self.topics;
        partitions
            .iter()
            .flat_map(|p| topics.clone().map(move |t| t * self.partitions + p))
            .collect()
    }

    /// Which offer each partition belongs to, if any.
    ///
    /// # Errors
    /// A partition that two offers have: its latencies could not be told apart.
    pub fn offer_of_slots(&self, open: &Open) -> Result<Vec<Option<usize>>> {
        let mut offers = vec![None; self.slots()];
        for (number, offer) in open.offers.iter().enumerate() {
            for slot in self.slots_of(offer) {
                let partition = slot % self.partitions;
                let taken = offers[slot].replace(number).is_some();
                ensure!(
                    !taken,
                    "partitions: {partition} of the offer {:?} is given twice",
                    offer.name
                );
            }
        }
        Ok(offers)
    }
}

impl Open {
    /// What comes before the names of an offer's figures: nothing if it is the only one.
    pub fn prefix(&self, offer: &Offer) -> String {
        if self.offers.len() == 1 {
            String::new()
        } else {
            format!("{}.", offer.name)
        }
    }

    /// How many messages are due, over all offers.
    pub fn messages(&self) -> u64 {
        let rates = self.offers.iter().map(|offer| offer.messages_per_second);
        rates.sum::<u64>() * self.length().as_secs()
    }

    /// From the first message to the last.
    pub fn length(&self) -> Duration {
        Duration::from_secs(self.warm_up_seconds + self.seconds)
    }
}

impl Bulk {
    /// Payload in all, as whole messages.
    pub fn messages(&self, message_bytes: usize) -> u64 {
        (self.megabytes * 1_000_000).div_ceil(message_bytes as u64)
    }
}

mod bounds;
#[cfg(test)]
mod tests;
