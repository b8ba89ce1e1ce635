//! An open loop: each message goes at its time, whatever became of those before it.
//!
//! ```text
//! this thread       sleeps until the next due time, sends, never waits for answers (but for a full queue)
//! acknowledgements'  serves them as they come: ack latency
//! reader's          polls deliveries, judges them: end-to-end latency
//! ```
//!
//! Owns: the two threads and how they end, the figures. All latencies count from due times.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::consumer::Consumer;
use rdkafka::producer::{BaseProducer, Producer};

use crate::client;
use crate::consume::Reader;
use crate::events::Events;
use crate::figures::{Better, Run};
use crate::patience::GivenUp;
use crate::payload::Payload;
use crate::produce::Sender;
use crate::scenario::Open;
use crate::stage::{Stage, connect, run_id};
use crate::topics::Topics;

mod delivery;
mod pacer;
mod shared;

use delivery::{Read, read};
use pacer::Pacer;
use shared::Shared;

/// How long the acknowledgements' thread asks at a time; `poll` spins through the last millisecond of it.
const SERVE: Duration = Duration::from_millis(500);
/// Span of one point in the plots.
const BUCKET: Duration = Duration::from_secs(1);

/// Sends by a schedule and reads all.
///
/// # Errors
/// Anything that is wrong.
pub fn run(stage: &Stage<'_>, open: &Open) -> Result<Run> {
    let (scenario, id, epoch) = (stage.scenario, run_id(), Instant::now());
    let topics = Topics::create(stage.target, id, scenario)?;
    let payload = Payload::new(id, scenario.message_bytes);
    let events = Events::new(&stage.target.sign_in, open.offers.len(), epoch);
    let producer = client::producer(stage.target, scenario.producer, true, events)?;
    connect(&producer, topics.name(0))?;
    let shared = Shared::new(stage, open, &topics, epoch);
    let sender = Sender::new(scenario, &topics, payload.clone());
    let reader = Reader::new(scenario, &topics, payload);
    let over = AtomicBool::new(false);
    let (paced, read) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                producer.poll(SERVE);
            }
        });
        let reading = scope.spawn(|| shared.side(read(&shared, reader)));
        let paced = shared.side(Pacer::new(&shared, &producer, sender).and_then(Pacer::run));
        let read = reading.join().expect("the reader does not panic");
        over.store(true, Relaxed);
        (paced, read)
    });
    let (paced, read) = match (paced, read) {
        (Ok(paced), Ok(read)) => (paced, read),
        (Err(GivenUp::OtherSide) | Ok(_), Err(error)) | (Err(error), _) => return Err(error.into()),
    };
    read.reader.settle(paced.sender.sent())?;
    let throttle_ms = read.consumer.context().throttle_ms_max();
    let throttle_ms = throttle_ms.max(producer.context().throttle_ms_max());
    ensure!(
        throttle_ms == 0 || !open.throttle_is_failure,
        "the server told a throttle time of {throttle_ms} ms"
    );
    Ok(figures(&shared, paced, read, &producer))
}

/// All figures of a run that went well.
fn figures(
    shared: &Shared<'_>,
    paced: Pacer<'_>,
    read: Read<'_>,
    producer: &BaseProducer<Events>,
) -> Run {
    let (stage, open) = (shared.stage, shared.open);
    let (from, until) = (
        paced.from.expect("it was measured"),
        paced.until.expect("it ended"),
    );
    let seconds = (until.at - from.at).as_secs_f64();
    let mut run = Run::default();
    let mut through_all = 0;
    for (number, offer) in open.offers.iter().enumerate() {
        let prefix = open.prefix(offer);
        let through = until.acknowledged[number] - from.acknowledged[number];
        through_all += through;
        run.add_latencies(format!("{prefix}e2e"), read.latencies[number].clone());
        run.add_latencies(format!("{prefix}ack"), producer.context().latencies(number));
        let rate = stage.bytes(through) as f64 / 1e6 / seconds;
        run.add(format!("{prefix}through_mb_per_s"), Better::Higher, rate);
        let percent = 100.0 * through as f64 / seconds / offer.messages_per_second as f64;
        run.add(format!("{prefix}through_percent"), Better::Higher, percent);
        if offer.waiting_megabytes_max.is_some() {
            run.add(
                format!("{prefix}left_out"),
                Better::Lower,
                paced.left_out[number] as f64,
            );
        }
    }
    let lag = paced.lag.value_at_percentile(99.0) as f64 / 1e3;
    run.add("send_lag_p99_ms", Better::Lower, lag);
    from.cpu
        .add_to(&mut run, "", until.cpu, stage.bytes(through_all));
    let length = shared.epoch.elapsed() - Duration::from_nanos(shared.start_ns.load(Relaxed));
    run.throughput
        .push(paced.acknowledged.finish("produce", length));
    run.throughput.push(read.delivered);
    run
}
