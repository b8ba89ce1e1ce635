//! The reading side of an open loop: polls deliveries, judges them, and measures from their due times.
//!
//! Owns: the consumer and its latencies. Ends when everything that was sent has come.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::BUCKET;
use super::shared::Shared;
use crate::client;
use crate::consume::{Reader, assign_all};
use crate::events::Events;
use crate::figures::{histogram, record};
use crate::patience::GivenUp;
use crate::payload::Header;
use crate::scenario::Consume;
use crate::series::{Series, Throughput};

/// How long a delivery is waited for at a time.
const DELIVERY_WAIT: Duration = Duration::from_millis(50);

/// What the reader brings home.
pub(super) struct Read<'a> {
    /// The ledger.
    pub(super) reader: Reader<'a>,
    /// Who read.
    pub(super) consumer: Arc<BaseConsumer<Events>>,
    /// End-to-end latencies of each offer.
    pub(super) latencies: Vec<Histogram<u64>>,
    /// Payload over time.
    pub(super) delivered: Throughput,
}

/// What is measured of the deliveries.
struct Measured {
    offers: Vec<Option<usize>>,
    latencies: Vec<Histogram<u64>>,
    series: Series,
}

/// Reads until everything that was sent has come.
///
/// # Errors
/// Any [`GivenUp`].
pub(super) fn read<'a>(shared: &Shared<'_>, mut reader: Reader<'a>) -> Result<Read<'a>, GivenUp> {
    let scenario = shared.stage.scenario;
    let consumer = subscribe(shared).map_err(|error| GivenUp::ClientError(format!("{error:#}")))?;
    let offers = scenario.offer_of_slots(shared.open);
    let mut measured = Measured {
        offers: offers.expect("the scenario was checked"),
        latencies: vec![histogram(); shared.open.offers.len()],
        series: Series::new(BUCKET),
    };
    let mut patience = shared.patience("delivered", shared.open.messages());
    while reader.distinct() < shared.expected.load(Relaxed) {
        let delivered = consumer.poll(DELIVERY_WAIT);
        let now_ns = shared.now_ns();
        if let Some(message) = delivered {
            let message = message.map_err(|error| GivenUp::ClientError(error.to_string()))?;
            if let Some(header) = reader.take(&message) {
                measured.came(shared, header, now_ns);
            }
        } else if !shared.reading.load(Relaxed) {
            let assigned = consumer.assignment().map_or(0, |all| all.count());
            shared.reading.store(assigned == scenario.slots(), Relaxed);
        }
        let trouble = shared.trouble(consumer.context())?;
        patience.check(Instant::now(), reader.distinct(), trouble)?;
    }
    let length = Duration::from_nanos(shared.now_ns() - shared.start_ns.load(Relaxed));
    Ok(Read {
        reader,
        consumer,
        latencies: measured.latencies,
        delivered: measured.series.finish("consume", length),
    })
}

impl Measured {
    fn came(&mut self, shared: &Shared<'_>, header: Header, now_ns: u64) {
        let since_start = now_ns.saturating_sub(shared.start_ns.load(Relaxed));
        self.series
            .add(Duration::from_nanos(since_start), shared.stage.bytes(1));
        if header.due_ns >= shared.measured_from_ns.load(Relaxed) {
            let offer = self.offers[header.slot].expect("nothing else was sent");
            record(
                &mut self.latencies[offer],
                now_ns.saturating_sub(header.due_ns),
            );
        }
    }
}

fn subscribe(shared: &Shared<'_>) -> Result<Arc<BaseConsumer<Events>>> {
    let (stage, topics) = (shared.stage, shared.topics);
    let as_group = stage.scenario.consume == Consume::Group;
    let events = Events::new(&stage.target.sign_in, 0, shared.epoch);
    let consumer = client::consumer(stage.target, topics.group(), as_group, events)?;
    if as_group {
        let names: Vec<&str> = topics.names().collect();
        consumer.subscribe(&names)?;
    } else {
        assign_all(&consumer, topics, stage.scenario.partitions)?;
    }
    Ok(consumer)
}
