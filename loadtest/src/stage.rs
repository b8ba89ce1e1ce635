//! One run of one scenario on one server: what its parts share.
//!
//! Owns: the run's identity and how the server's use of the machine is read. Does not own: the two shapes of a run
//! (see `open` and `bulk`).

use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use rdkafka::producer::{BaseProducer, Producer};

use crate::client::ANSWER_DEADLINE;
use crate::events::Events;
use crate::figures::{Better, Run};
use crate::process::Process;
use crate::scenario::Scenario;
use crate::target::Target;
use crate::{bulk, open};

/// How long a producer's first event, the wish for a token, is waited for at a time.
const FIRST_EVENT: Duration = Duration::from_millis(100);

/// What a run is about.
pub struct Stage<'a> {
    /// The server.
    pub target: &'a Target,
    /// What happens there.
    pub scenario: &'a Scenario,
    /// Set when all shall end.
    pub stop: &'a AtomicBool,
    /// What a watcher is shown.
    pub label: String,
}

/// CPU time at a moment: the server's, if it can be read, and our own.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    server: Option<Duration>,
    client: Option<Duration>,
}

impl Stage<'_> {
    /// Does it.
    ///
    /// # Errors
    /// Anything that is wrong: the run has no figures then.
    pub fn run(&self) -> Result<Run> {
        let mut run = match (&self.scenario.open, self.scenario.bulk) {
            (Some(open), _) => open::run(self, open),
            (None, Some(bulk)) => bulk::run(self, bulk),
            (None, None) => unreachable!("a scenario is open or bulk"),
        }?;
        let pid = self.target.pid.map(Process::Other);
        if let Some(bytes) = pid.and_then(Process::resident_bytes) {
            run.add("rss_mb", Better::Lower, bytes as f64 / 1e6);
        }
        Ok(run)
    }

    /// CPU time now.
    pub fn cpu(&self) -> Cpu {
        Cpu {
            server: self.target.pid.map(Process::Other).and_then(Process::cpu),
            client: Process::Own.cpu(),
        }
    }

    /// Payload bytes of so many messages.
    pub fn bytes(&self, messages: u64) -> u64 {
        messages * self.scenario.message_bytes as u64
    }
}

impl Cpu {
    /// Adds what was used since `self`.
    pub fn add_to(self, run: &mut Run, phase: &str, until: Self, bytes: u64) {
        let since =
            |until: Option<Duration>, from| until.zip(from).map(|(u, f)| u.saturating_sub(f));
        run.add_cpu(phase, since(until.server, self.server), bytes);
        run.add_cpu(
            &format!("{phase}client_"),
            since(until.client, self.client),
            bytes,
        );
    }
}

/// A number that no other run has: the time in nanoseconds, and the process for what starts at once.
pub fn run_id() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.as_nanos() as u64);
    nanos ^ (u64::from(std::process::id()) << 48)
}

/// Signs a producer in and lets it learn the leaders, before any clock starts.
///
/// # Errors
/// The server does not answer, or the client told an error.
pub fn connect(producer: &BaseProducer<Events>, topic: &str) -> Result<()> {
    let deadline = std::time::Instant::now() + ANSWER_DEADLINE;
    loop {
        producer.poll(FIRST_EVENT);
        let answer = producer
            .client()
            .fetch_metadata(Some(topic), ANSWER_DEADLINE);
        let events = producer.client().context();
        match (answer, events.error()) {
            (_, Some(error)) => anyhow::bail!("the client says: {error}"),
            (Ok(_), None) => return Ok(()),
            (Err(error), None) => {
                ensure!(std::time::Instant::now() < deadline, "no answer: {error}")
            }
        }
    }
}
