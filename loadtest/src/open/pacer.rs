//! The sending side of an open loop: each message at its due time.
//!
//! Owns: what was sent and left out, how late the generator itself was, and the marks between which is measured. Waits
//! for no answer, but for room in the client's queue.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rdkafka::producer::{BaseProducer, Producer};

use super::BUCKET;
use super::shared::Shared;
use crate::events::Events;
use crate::figures::{histogram, record};
use crate::pace::{Due, Schedule};
use crate::patience::{GivenUp, Patience};
use crate::produce::{Sender, refusal};
use crate::progress::Progress;
use crate::series::Series;
use crate::stage::Cpu;

/// Longest sleep, after which a wish to stop is seen.
const SLEEP_MAX: Duration = Duration::from_millis(50);
/// How long a full queue, or an acknowledgement at the end, is waited for at a time.
const RETRY: Duration = Duration::from_millis(1);

/// Where the measured time begins and ends: the clocks, and each offer's acknowledgements.
pub(super) struct Mark {
    /// When.
    pub(super) at: Instant,
    /// CPU time until then.
    pub(super) cpu: Cpu,
    /// By offer.
    pub(super) acknowledged: Vec<u64>,
}

/// The sending side.
pub(super) struct Pacer<'a> {
    shared: &'a Shared<'a>,
    producer: &'a BaseProducer<Events>,
    /// Numbers what is sent.
    pub(super) sender: Sender<'a>,
    slots: Vec<Vec<usize>>,
    sent: Vec<u64>,
    /// Messages of each offer that were not sent, while measured.
    pub(super) left_out: Vec<u64>,
    /// How late messages were sent, while measured.
    pub(super) lag: Histogram<u64>,
    /// Payload over time.
    pub(super) acknowledged: Series,
    patience: Patience<'a>,
    /// The first mark.
    pub(super) from: Option<Mark>,
    /// The last.
    pub(super) until: Option<Mark>,
}

impl<'a> Pacer<'a> {
    /// Waits until the reader reads.
    ///
    /// # Errors
    /// Any [`GivenUp`].
    pub(super) fn new(
        shared: &'a Shared<'a>,
        producer: &'a BaseProducer<Events>,
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
    ///
    /// # Errors
    /// Any [`GivenUp`].
    pub(super) fn run(mut self) -> Result<Self, GivenUp> {
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
        while !self.sender.offer(slot, (due.offer, due_ns), |record| {
            refusal(producer.send(record))
        })? {
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
