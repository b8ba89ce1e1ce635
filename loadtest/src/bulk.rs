//! As fast as it goes: all is written, then all is read.
//!
//! ```text
//! send until the client's queue is full, serve acknowledgements, send …   all acknowledged: produce time ends
//! assign from the beginning, poll, poll …                                 all delivered: consume time ends
//! ```
//!
//! Owns: the two loops. Invariant: a message costs this module no allocation and no look at the clock; both happen
//! once in [`STRIDE`] messages.

use std::time::{Duration, Instant};

use anyhow::Result;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};

use crate::client;
use crate::consume::{Reader, assign_all};
use crate::events::Events;
use crate::figures::{Better, Run};
use crate::patience::{GivenUp, Patience};
use crate::payload::Payload;
use crate::produce::{Sender, refusal};
use crate::progress::Progress;
use crate::scenario::Bulk;
use crate::series::Series;
use crate::stage::{Cpu, Stage, connect, run_id};
use crate::topics::Topics;

/// Messages between two looks at the clock.
const STRIDE: u64 = 64;
/// Longest time for each of the two phases.
const PHASE_MAX: Duration = Duration::from_secs(900);
/// Batches of acknowledgements that are served in a row before sending goes on.
const SERVED_IN_A_ROW: usize = 1_024;
/// How long room in a full queue, or the last acknowledgements, are waited for at a time: the error of the measured
/// time. It is slept, and not given to `poll`, which spins through the last millisecond of its time.
const WAIT: Duration = Duration::from_millis(1);
/// How long a delivery is waited for at a time.
const DELIVERY_WAIT: Duration = Duration::from_millis(100);
/// Span of one point in the plots.
const BUCKET: Duration = Duration::from_millis(100);

/// Where a phase stands when its clock starts.
struct Phase<'a> {
    stage: &'a Stage<'a>,
    messages: u64,
    start: Instant,
    cpu: Cpu,
    series: Series,
    progress: Progress,
    patience: Patience<'a>,
}

/// Writes and reads so many megabytes.
///
/// # Errors
/// Anything that is wrong.
pub fn run(stage: &Stage<'_>, bulk: Bulk) -> Result<Run> {
    let (scenario, id) = (stage.scenario, run_id());
    let messages = bulk.messages(scenario.message_bytes);
    let topics = Topics::create(stage.target, id, scenario)?;
    let payload = Payload::new(id, scenario.message_bytes);
    let mut run = Run::default();
    let sent = produce(stage, messages, &topics, (payload.clone(), &mut run))?;
    let reader = Reader::new(scenario, &topics, payload);
    consume(stage, &sent, &topics, (reader, &mut run))?;
    Ok(run)
}

/// Writes all; tells how many each partition was sent.
fn produce(
    stage: &Stage<'_>,
    messages: u64,
    topics: &Topics,
    (payload, run): (Payload, &mut Run),
) -> Result<Vec<u64>> {
    let events = Events::new(&stage.target.sign_in, 1, Instant::now());
    let producer = client::producer(stage.target, stage.scenario.producer, false, events)?;
    connect(&producer, topics.name(0))?;
    let mut sender = Sender::new(stage.scenario, topics, payload);
    let slots = stage.scenario.slots() as u64;
    let mut phase = Phase::begin(stage, "acknowledged", messages);
    for number in 0..messages {
        let slot = (number % slots) as usize;
        while !sender.offer(slot, (0, 0), |record| refusal(producer.send(record)))? {
            std::thread::sleep(WAIT);
            serve(&producer);
            phase.step(acknowledged(&producer), error(&producer))?;
        }
        if number % STRIDE == 0 {
            serve(&producer);
            phase.step(acknowledged(&producer), error(&producer))?;
        }
    }
    while acknowledged(&producer) < messages {
        std::thread::sleep(WAIT);
        serve(&producer);
        phase.step(acknowledged(&producer), error(&producer))?;
    }
    phase.end("produce", run);
    Ok(sender.sent().to_vec())
}

/// Reads all and judges it.
fn consume(
    stage: &Stage<'_>,
    sent: &[u64],
    topics: &Topics,
    (mut reader, run): (Reader<'_>, &mut Run),
) -> Result<()> {
    let messages = sent.iter().sum();
    let mut phase = Phase::begin(stage, "delivered", messages);
    let events = Events::new(&stage.target.sign_in, 0, Instant::now());
    let consumer = client::consumer(stage.target, topics.group(), false, events)?;
    assign_all(&consumer, topics, stage.scenario.partitions)?;
    let (mut polls, mut last, mut longest) = (0_u64, phase.start, Duration::ZERO);
    while reader.distinct() < messages {
        let delivered = consumer.poll(DELIVERY_WAIT);
        let came = delivered.is_some();
        if let Some(message) = delivered {
            reader.take(&message.map_err(|error| GivenUp::ClientError(error.to_string()))?);
        }
        polls += 1;
        if polls % STRIDE == 0 || !came {
            let now = phase.step(reader.distinct(), consumer_error(&consumer))?;
            if came {
                longest = longest.max(now - last);
                last = now;
            }
        }
    }
    phase.end("consume", run);
    run.add("consume_gap_ms", Better::Lower, longest.as_secs_f64() * 1e3);
    reader.settle(sent)
}

impl<'a> Phase<'a> {
    fn begin(stage: &'a Stage<'a>, what: &'static str, messages: u64) -> Self {
        Self {
            stage,
            messages,
            start: Instant::now(),
            cpu: stage.cpu(),
            series: Series::new(BUCKET),
            progress: Progress::new(&format!("{}: {what}", stage.label), messages),
            patience: Patience::new(stage.stop, what, messages, PHASE_MAX),
        }
    }

    /// So many messages are through; what time it is.
    fn step(&mut self, done: u64, error: Option<String>) -> Result<Instant, GivenUp> {
        let now = Instant::now();
        self.series.total(now - self.start, self.stage.bytes(done));
        self.progress.at(done);
        self.patience.check(now, done, error)?;
        Ok(now)
    }

    fn end(mut self, name: &str, run: &mut Run) {
        let (elapsed, cpu) = (self.start.elapsed(), self.stage.cpu());
        let bytes = self.stage.bytes(self.messages);
        self.series.total(elapsed, bytes);
        let rate = bytes as f64 / 1e6 / elapsed.as_secs_f64();
        run.add(format!("{name}_mb_per_s"), Better::Higher, rate);
        self.cpu.add_to(run, &format!("{name}_"), cpu, bytes);
        run.throughput.push(self.series.finish(name, elapsed));
    }
}

fn acknowledged(producer: &BaseProducer<Events>) -> u64 {
    producer.context().acknowledged()
}

fn error(producer: &BaseProducer<Events>) -> Option<String> {
    producer.context().error()
}

fn consumer_error(consumer: &BaseConsumer<Events>) -> Option<String> {
    consumer.context().error()
}

/// Serves the acknowledgements that are there, without waiting.
fn serve(producer: &BaseProducer<Events>) {
    let mut before = acknowledged(producer);
    for _ in 0..SERVED_IN_A_ROW {
        producer.poll(Duration::ZERO);
        let now = acknowledged(producer);
        if now == before {
            break;
        }
        before = now;
    }
}
