//! An open loop: each message goes at its time, whatever became of those before it.
//!
//! ```text
//! this thread       sleeps until the next due time, sends, never waits for answers (but for a full queue)
//! producer's own    serves acknowledgements as they come: ack latency
//! reader's          polls deliveries, judges them: end-to-end latency
//! ```
//!
//! Owns: the pacing, the reader's thread and how the two end. All latencies count from due times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{Producer, ThreadedProducer};

use crate::client;
use crate::consume::{Reader, assign_all};
use crate::events::Events;
use crate::figures::{Better, Run, histogram, record};
use crate::pace::{Due, Schedule};
use crate::patience::{GivenUp, Patience};
use crate::payload::Payload;
use crate::produce::Sender;
use crate::progress::Progress;
use crate::scenario::{Consume, Open};
use crate::series::{Series, Throughput};
use crate::stage::{Cpu, Stage, connect, run_id};
use crate::topics::Topics;

/// Longest time beside the schedule itself: signing in, joining a group, draining what waits.
const BESIDE_MAX: Duration = Duration::from_secs(180);
/// Longest sleep, after which a wish to stop is seen.
const SLEEP_MAX: Duration = Duration::from_millis(50);
/// How long a full queue, or an acknowledgement at the end, is waited for at a time.
const RETRY: Duration = Duration::from_millis(1);
/// How long a delivery is waited for at a time.
const DELIVERY_WAIT: Duration = Duration::from_millis(50);
/// Span of one point in the plots.
const BUCKET: Duration = Duration::from_secs(1);

/// What the two threads tell each other.
struct Shared<'a> {
    stage: &'a Stage<'a>,
    open: &'a Open,
    topics: &'a Topics,
    epoch: Instant,
    /// The reader has its partitions.
    reading: AtomicBool,
    /// One side has failed.
    failed: AtomicBool,
    /// When the schedule began, and from when latencies count: nanoseconds since the epoch.
    start_ns: AtomicU64,
    measured_from_ns: AtomicU64,
    /// How many messages there are, once that is known.
    expected: AtomicU64,
}

/// What the reader brings home.
struct Read<'a> {
    reader: Reader<'a>,
    consumer: Arc<BaseConsumer<Events>>,
    latencies: Vec<Histogram<u64>>,
    delivered: Throughput,
}

/// Where the measured time begins and ends: the clocks, and each offer's acknowledgements.
struct Mark {
    at: Instant,
    cpu: Cpu,
    acknowledged: Vec<u64>,
}

/// Sends by a schedule and reads all.
///
/// # Errors
/// Anything that is wrong.
pub fn run(stage: &Stage<'_>, open: &Open) -> Result<Run> {
    let (scenario, id, epoch) = (stage.scenario, run_id(), Instant::now());
    let topics = Topics::create(stage.target, id, scenario.topics, scenario.partitions)?;
    let payload = Payload::new(id, scenario.message_bytes);
    let events = Events::new(&stage.target.sign_in, open.offers.len(), epoch);
    let producer = client::paced_producer(stage.target, scenario.producer, events)?;
    connect(&producer, topics.name(0), std::thread::sleep)?;
    let shared = Shared {
        stage,
        open,
        topics: &topics,
        epoch,
        reading: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        start_ns: AtomicU64::new(0),
        measured_from_ns: AtomicU64::new(u64::MAX),
        expected: AtomicU64::new(u64::MAX),
    };
    let sender = Sender::new(scenario, &topics, payload.clone());
    let reader = Reader::new(scenario, &topics, payload);
    let (paced, read) = std::thread::scope(|scope| {
        let read = scope.spawn(|| shared.side(shared.read(reader)));
        let paced = shared.side(Pacer::new(&shared, &producer, sender).and_then(Pacer::run));
        (paced, read.join().expect("the reader does not panic"))
    });
    let (paced, read) = match (paced, read) {
        (Ok(paced), Ok(read)) => (paced, read),
        (Err(GivenUp::OtherSide) | Ok(_), Err(error)) | (Err(error), _) => return Err(error.into()),
    };
    read.reader.settle(paced.sender.sent(), &read.consumer)?;
    let throttle_ms = producer
        .context()
        .throttle_ms_max()
        .max(read.consumer.context().throttle_ms_max());
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
    producer: &ThreadedProducer<Events>,
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
        let bytes = stage.bytes(through) as f64;
        run.add(
            format!("{prefix}through_mb_per_s"),
            Better::Higher,
            bytes / 1e6 / seconds,
        );
        let offered = offer.messages_per_second as f64 * seconds;
        run.add(
            format!("{prefix}through_percent"),
            Better::Higher,
            100.0 * through as f64 / offered,
        );
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

impl<'a> Shared<'a> {
    /// Marks the failure of one side for the other.
    fn side<T>(&self, outcome: Result<T, GivenUp>) -> Result<T, GivenUp> {
        if outcome.is_err() {
            self.failed.store(true, Relaxed);
        }
        outcome
    }

    fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    fn patience(&self, what: &'static str, of: u64) -> Patience<'a> {
        Patience::new(self.stage.stop, what, of, self.open.length() + BESIDE_MAX)
    }

    /// The error of a client, or of the other side.
    fn trouble(&self, events: &Events) -> Result<Option<String>, GivenUp> {
        match (events.error(), self.failed.load(Relaxed)) {
            (None, true) => Err(GivenUp::OtherSide),
            (error, _) => Ok(error),
        }
    }

    /// Reads until everything that was sent has come.
    fn read(&self, mut reader: Reader<'a>) -> Result<Read<'a>, GivenUp> {
        let scenario = self.stage.scenario;
        let consumer = self
            .subscribe()
            .map_err(|error| GivenUp::ClientError(format!("{error:#}")))?;
        let offers = scenario
            .offer_of_slots(self.open)
            .expect("the scenario was checked");
        let mut latencies = vec![histogram(); self.open.offers.len()];
        let mut series = Series::new(BUCKET);
        let mut patience = self.patience("delivered", self.open.messages());
        while reader.distinct() < self.expected.load(Relaxed) {
            let delivered = consumer.poll(DELIVERY_WAIT);
            let now_ns = self.now_ns();
            if let Some(message) = delivered {
                let message = message.map_err(|error| GivenUp::ClientError(error.to_string()))?;
                if let Some(header) = reader.take(&message) {
                    let start_ns = self.start_ns.load(Relaxed);
                    let since_start = Duration::from_nanos(now_ns.saturating_sub(start_ns));
                    series.add(since_start, self.stage.bytes(1));
                    if header.due_ns >= self.measured_from_ns.load(Relaxed) {
                        let offer = offers[header.slot].expect("nothing else was sent");
                        record(&mut latencies[offer], now_ns.saturating_sub(header.due_ns));
                    }
                }
            } else if !self.reading.load(Relaxed) {
                let assigned = consumer
                    .assignment()
                    .is_ok_and(|all| all.count() == scenario.slots());
                self.reading.store(assigned, Relaxed);
            }
            patience.check(
                Instant::now(),
                reader.distinct(),
                self.trouble(consumer.context())?,
            )?;
        }
        let length = Duration::from_nanos(self.now_ns() - self.start_ns.load(Relaxed));
        let delivered = series.finish("consume", length);
        Ok(Read {
            reader,
            consumer,
            latencies,
            delivered,
        })
    }

    fn subscribe(&self) -> Result<Arc<BaseConsumer<Events>>> {
        let (stage, topics) = (self.stage, self.topics);
        let as_group = stage.scenario.consume == Consume::Group;
        let events = Events::new(&stage.target.sign_in, 0, self.epoch);
        let consumer = client::consumer(stage.target, topics.group(), as_group, events)?;
        if as_group {
            let names: Vec<&str> = topics.names().collect();
            consumer.subscribe(&names)?;
        } else {
            assign_all(&consumer, topics, stage.scenario.partitions)?;
        }
        Ok(consumer)
    }
}

/// The sending side.
struct Pacer<'a> {
    shared: &'a Shared<'a>,
    producer: &'a ThreadedProducer<Events>,
    sender: Sender<'a>,
    slots: Vec<Vec<usize>>,
    sent: Vec<u64>,
    left_out: Vec<u64>,
    lag: Histogram<u64>,
    acknowledged: Series,
    patience: Patience<'a>,
    from: Option<Mark>,
    until: Option<Mark>,
}

impl<'a> Pacer<'a> {
    /// Waits until the reader reads.
    fn new(
        shared: &'a Shared<'a>,
        producer: &'a ThreadedProducer<Events>,
        sender: Sender<'a>,
    ) -> Result<Self, GivenUp> {
        let offers = &shared.open.offers;
        let scenario = shared.stage.scenario;
        let mut assigning = shared.patience("assigned", scenario.slots() as u64);
        while !shared.reading.load(Relaxed) {
            assigning.check(Instant::now(), 0, shared.trouble(producer.context())?)?;
            std::thread::sleep(RETRY);
        }
        Ok(Self {
            shared,
            producer,
            sender,
            slots: offers
                .iter()
                .map(|offer| scenario.slots_of(offer))
                .collect(),
            sent: vec![0; offers.len()],
            left_out: vec![0; offers.len()],
            lag: histogram(),
            acknowledged: Series::new(BUCKET),
            patience: shared.patience("acknowledged", shared.open.messages()),
            from: None,
            until: None,
        })
    }

    /// Sends all, and waits until all is acknowledged.
    fn run(mut self) -> Result<Self, GivenUp> {
        let (shared, open) = (self.shared, self.shared.open);
        let rates: Vec<u64> = open
            .offers
            .iter()
            .map(|offer| offer.messages_per_second)
            .collect();
        let schedule = Schedule::new(&rates, open.length());
        let warm_up = Duration::from_secs(open.warm_up_seconds);
        let progress = Progress::new(&shared.stage.label, open.messages());
        let start_ns = shared.now_ns();
        shared.start_ns.store(start_ns, Relaxed);
        for due in schedule {
            let due_ns = start_ns + due.at.as_nanos() as u64;
            self.sleep_until(due_ns)?;
            if self.from.is_none() && due.at >= warm_up {
                self.producer.context().measure_from(due_ns);
                shared.measured_from_ns.store(due_ns, Relaxed);
                self.from = Some(self.mark());
            }
            self.send(due, due_ns)?;
            progress.at(self.sent.iter().sum());
        }
        self.sleep_until(start_ns + open.length().as_nanos() as u64)?;
        self.until = Some(self.mark());
        let sent: u64 = self.sent.iter().sum();
        shared.expected.store(sent, Relaxed);
        while self.producer.context().acknowledged() < sent {
            self.check()?;
            std::thread::sleep(RETRY);
        }
        self.check()?;
        Ok(self)
    }

    fn send(&mut self, due: Due, due_ns: u64) -> Result<(), GivenUp> {
        let measured = self.from.is_some();
        if self.is_left_out(due.offer) {
            self.left_out[due.offer] += u64::from(measured);
            return Ok(());
        }
        if measured {
            record(&mut self.lag, self.shared.now_ns().saturating_sub(due_ns));
        }
        let slots = &self.slots[due.offer];
        let slot = slots[(due.index % slots.len() as u64) as usize];
        let producer = self.producer;
        while !self
            .sender
            .offer(slot, (due.offer, due_ns), |record| producer.send(record))?
        {
            self.check()?;
            std::thread::sleep(RETRY);
        }
        self.sent[due.offer] += 1;
        Ok(())
    }

    fn is_left_out(&self, offer: usize) -> bool {
        let Some(megabytes) = self.shared.open.offers[offer].waiting_megabytes_max else {
            return false;
        };
        let acknowledged = self.producer.context().acks[offer].count.load(Relaxed);
        self.shared.stage.bytes(self.sent[offer] - acknowledged) > megabytes * 1_000_000
    }

    fn mark(&self) -> Mark {
        let acks = self.producer.context().acks.iter();
        Mark {
            at: Instant::now(),
            cpu: self.shared.stage.cpu(),
            acknowledged: acks.map(|acks| acks.count.load(Relaxed)).collect(),
        }
    }

    /// Sleeps; a client's error or a wish to stop ends it.
    fn sleep_until(&mut self, due_ns: u64) -> Result<(), GivenUp> {
        loop {
            self.check()?;
            let left = due_ns.saturating_sub(self.shared.now_ns());
            if left == 0 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_nanos(left).min(SLEEP_MAX));
        }
    }

    fn check(&mut self) -> Result<(), GivenUp> {
        let events = self.producer.context();
        let done = events.acknowledged();
        let since_start = self
            .shared
            .now_ns()
            .saturating_sub(self.shared.start_ns.load(Relaxed));
        let bytes = self.shared.stage.bytes(done);
        self.acknowledged
            .total(Duration::from_nanos(since_start), bytes);
        let trouble = self.shared.trouble(events)?;
        self.patience.check(Instant::now(), done, trouble)
    }
}
