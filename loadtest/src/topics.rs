//! The topics of one run: made before it, deleted after it, also when it fails or is interrupted.
//!
//! Owns: their names and their end. Does not own: what is in them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::client::{self, ANSWER_DEADLINE};
use crate::scenario::{Consume, Scenario};
use crate::target::Target;

/// How long a server has to delete them; it may be why the run failed.
const DELETE_DEADLINE: Duration = Duration::from_secs(10);
/// How often the server is asked whether all partitions have their leaders.
const LEADERS_POLL: Duration = Duration::from_millis(50);

/// Fresh topics; dropping them deletes them.
pub struct Topics {
    admin: AdminClient<DefaultClientContext>,
    names: Vec<String>,
    group: String,
    consume: Consume,
}

impl Topics {
    /// Makes topics for a run and waits until each partition has a leader, on an allowed machine, that answers for it.
    ///
    /// A leader may be named before it knows of its new partition. What is sent there then is refused and sent again, and
    /// a producer that is not idempotent gets it out of order: no fault of a server, so no run may begin with it.
    ///
    /// # Errors
    /// The server refused, or a leader is where no load may go.
    pub fn create(target: &Target, run: u64, scenario: &Scenario) -> Result<Self> {
        let made = Self {
            admin: client::admin(target)?,
            names: (0..scenario.topics)
                .map(|n| format!("loadtest-{run:016x}-{n}"))
                .collect(),
            group: format!("loadtest-{run:016x}"),
            consume: scenario.consume,
        };
        let partitions = i32::try_from(scenario.partitions).context("too many partitions")?;
        let new = |name| {
            let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
            // A server that deletes files a minute later would have the disk discard them in another's turn.
            topic.set("file.delete.delay.ms", "0")
        };
        let new: Vec<_> = made.names().map(new).collect();
        let results = block_on(made.admin.create_topics(&new, &options(ANSWER_DEADLINE)))
            .context("the topics cannot be made")?;
        for result in results {
            result.map_err(|(topic, error)| anyhow::anyhow!("{topic} cannot be made: {error}"))?;
        }
        for name in made.names() {
            made.await_leaders(target, name, partitions)?;
            (0..scenario.partitions)
                .try_for_each(|partition| made.await_answer(name, partition))?;
        }
        Ok(made)
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// One of them.
    pub fn name(&self, topic: usize) -> &str {
        &self.names[topic]
    }

    /// The name of the group that may read them.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// How many messages a partition holds, by its ends. Not asked over a consumer's connection, where the question
    /// would wait behind the fetch that waits for more.
    ///
    /// # Errors
    /// The server does not say.
    pub fn messages_in(&self, topic: &str, partition: usize) -> Result<u64> {
        let client = self.admin.inner();
        let ends = client.fetch_watermarks(topic, partition as i32, ANSWER_DEADLINE);
        let (low, high) = ends.with_context(|| format!("the ends of {topic} {partition}"))?;
        u64::try_from(high - low).context("an end before its beginning")
    }

    fn await_leaders(&self, target: &Target, name: &str, partitions: i32) -> Result<()> {
        let deadline = Instant::now() + ANSWER_DEADLINE;
        loop {
            let found = self
                .admin
                .inner()
                .fetch_metadata(Some(name), ANSWER_DEADLINE)?;
            for broker in found.brokers() {
                target.refuse_address(&format!("{}:{}", broker.host(), broker.port()))?;
            }
            let led = found.topics().iter().flat_map(|topic| topic.partitions());
            if led.filter(|partition| partition.leader() >= 0).count() as i32 == partitions {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{name} has no {partitions} leaders"
            );
            std::thread::sleep(LEADERS_POLL);
        }
    }

    fn await_answer(&self, name: &str, partition: usize) -> Result<()> {
        let deadline = Instant::now() + ANSWER_DEADLINE;
        loop {
            match self.messages_in(name, partition) {
                Ok(held) => {
                    ensure!(
                        held == 0,
                        "{name} {partition} is new and holds {held} messages"
                    );
                    return Ok(());
                }
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => std::thread::sleep(LEADERS_POLL),
            }
        }
    }

    fn delete(&self) -> Result<()> {
        let names: Vec<&str> = self.names().collect();
        if self.consume == Consume::Group {
            // Its end is a courtesy: an empty group is no harm to a server.
            let _ = block_on(
                self.admin
                    .delete_groups(&[&self.group], &options(DELETE_DEADLINE)),
            );
        }
        let results = block_on(self.admin.delete_topics(&names, &options(DELETE_DEADLINE)))?;
        for result in results {
            result.map_err(|(topic, error)| anyhow::anyhow!("{topic}: {error}"))?;
        }
        Ok(())
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        if let Err(error) = self.delete() {
            eprintln!(
                "loadtest: the topics {}… are left behind: {error:#}",
                self.group
            );
        }
    }
}

fn options(deadline: Duration) -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(deadline))
        .operation_timeout(Some(deadline))
}

/// Waits for an answer that the admin client's own thread will bring.
fn block_on<T>(answer: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without I/O needs nothing");
    runtime.block_on(answer)
}
