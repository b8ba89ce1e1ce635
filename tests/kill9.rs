//! The real binary is killed under load at a random moment and started again, many times over.
//!
//! Owns: the rounds and what is checked in each. Does not own: producers (`load`), the rules of a log (`ledger`).
//!
//! ```text
//! start ─▶ everything unanswered is sent again and answered ─▶ read on from last time, compare, compare the bill
//!   ▲                                                                                    │
//!   └── now and then killed again while it recovers ◀── kill -9 ◀── load for a while ◀───┘
//! ```
//!
//! Two tenants: one with idempotent producers only, whose bill must equal what was acknowledged, to the byte; one
//! with others, which send again what was not answered, so that the bill lies between acknowledged and read back.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use wire::sample::XorShift;

use crate::client::Client;
use crate::load::Producer;
use crate::process::{Launch, Server};

mod fleet;
pub mod windows;

use fleet::Fleet;

/// Small files, so that crashes meet full ones, footers and recycling; and no quotas, so that they meet much.
const CONFIG: &str = r#"
segment_bytes = 4194304
[clusters.demo]
tenant = 1
plan = "provisioned"
limits.message_bytes_max = 1000000
[clusters.loose]
tenant = 2
plan = "provisioned"
limits.message_bytes_max = 1000000
"#;

/// Load lasts this long at least and at most before a kill.
const LOAD_MS: (usize, usize) = (100, 1500);

/// One round in this many kills the server again while it recovers.
const KILL_IN_RECOVERY: usize = 4;

/// Such a kill comes within this time after the start.
const RECOVERY_MS: usize = 300;

/// How long the server may take to stop on request.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What all rounds share.
struct Bar {
    launch: Launch,
    fleets: Vec<Fleet>,
    numbers: XorShift,
    /// Every producer id ever handed out.
    producer_ids: BTreeSet<i64>,
    /// The slowest start.
    slowest_start: Duration,
    kills: u32,
}

/// Runs the bar.
///
/// # Errors
/// With what went wrong, and the end of the server's log.
pub async fn run(binary: &Path, rounds: u32, seed: u64) -> Result<()> {
    let data = tempfile::tempdir()?;
    std::fs::write(data.path().join("tidegate.toml"), CONFIG)?;
    let mut bar = Bar {
        launch: Launch::new(binary, data.path()),
        fleets: Vec::new(),
        numbers: XorShift::new(seed),
        producer_ids: BTreeSet::new(),
        slowest_start: Duration::ZERO,
        kills: 0,
    };
    let outcome = bar.run(rounds, seed).await;
    if outcome.is_err() {
        let kept = data.keep();
        eprintln!("the folder is kept: {}", kept.display());
    }
    outcome
}

/// All producers of some fleets at work.
struct Loading {
    producers: JoinSet<(&'static str, Producer, Result<()>)>,
}

impl Loading {
    fn start(fleets: &mut [Fleet], server: &Server) -> Result<Self> {
        let mut producers = JoinSet::new();
        for fleet in fleets {
            let access = server.access_to(fleet.cluster)?;
            for mut producer in fleet.producers.drain(..) {
                let ledger = Arc::clone(&fleet.ledger);
                let (access, cluster) = (access.clone(), fleet.cluster);
                producers.spawn(async move {
                    let outcome = fleet::load(&mut producer, &access, &ledger).await;
                    (cluster, producer, outcome)
                });
            }
        }
        Ok(Self { producers })
    }

    /// Waits until all have seen that the server is gone.
    async fn end(mut self, fleets: &mut [Fleet]) -> Result<()> {
        while let Some(joined) = self.producers.join_next().await {
            let (cluster, producer, outcome) = joined?;
            let fleet = fleets.iter_mut().find(|fleet| fleet.cluster == cluster);
            fleet
                .context("a producer belongs to a fleet")?
                .producers
                .push(producer);
            outcome.with_context(|| cluster.to_owned())?;
        }
        Ok(())
    }
}

impl Bar {
    async fn run(&mut self, rounds: u32, seed: u64) -> Result<()> {
        let mut server = self.start()?;
        let demo = server.access_to("demo")?;
        self.fleets
            .push(Fleet::idempotent("demo", &demo, seed).await?);
        let loose = server.access_to("loose")?;
        self.fleets
            .push(Fleet::repeating("loose", &loose, seed).await?);
        for round in 1..=rounds {
            let context = || format!("round {round}");
            self.settle(&server).await.with_context(context)?;
            self.load_and_kill(server).await.with_context(context)?;
            println!("round {round}: {}", self.figures());
            server = self.start_after_kill().await?;
        }
        self.finish(server).await
    }

    fn start(&mut self) -> Result<Server> {
        let begin = Instant::now();
        let server = self.launch.start()?;
        self.slowest_start = self.slowest_start.max(begin.elapsed());
        Ok(server)
    }

    /// Starts the server, now and then after it was killed in the middle of an earlier start.
    async fn start_after_kill(&mut self) -> Result<Server> {
        while self.numbers.below(KILL_IN_RECOVERY) == 0 {
            let server = self.launch.spawn()?;
            let pause = self.numbers.below(RECOVERY_MS) as u64;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            server.kill9()?;
            self.kills += 1;
        }
        self.start()
    }

    /// Everything that was sent is answered; then what stands in the log and on the bill is compared with that.
    async fn settle(&mut self, server: &Server) -> Result<()> {
        for fleet in &mut self.fleets {
            let access = server.access_to(fleet.cluster)?;
            fleet
                .await_bytes_out(server)
                .await
                .context("after the start")?;
            fleet.drain(&access).await?;
            fleet.audit(server, &access).await?;
            let mut client = Client::open(&access.endpoint, &access.scram()).await?;
            let answer = client.init_producer_id().await?;
            let id = answer.producer_id;
            ensure!(
                answer.error_code == 0,
                "InitProducerId: error {}",
                answer.error_code
            );
            ensure!(
                self.producer_ids.insert(id),
                "producer id {id} was handed out twice"
            );
        }
        Ok(())
    }

    async fn load_and_kill(&mut self, server: Server) -> Result<()> {
        let loading = Loading::start(&mut self.fleets, &server)?;
        let (least, most) = LOAD_MS;
        let pause = (least + self.numbers.below(most - least)) as u64;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        server.kill9()?;
        self.kills += 1;
        loading.end(&mut self.fleets).await
    }

    /// Everything once more from the beginning, then a clean stop, after which nothing has changed.
    async fn finish(&mut self, server: Server) -> Result<()> {
        for fleet in &mut self.fleets {
            let access = server.access_to(fleet.cluster)?;
            fleet.drain(&access).await?;
            fleet
                .ledger
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .read_again();
        }
        self.settle(&server).await.context("the whole log")?;
        let stopped = server.terminate(STOP_WITHIN)?;
        let server = self.start()?;
        self.settle(&server).await.context("after a clean stop")?;
        server.terminate(STOP_WITHIN)?;
        println!(
            "{} kills, slowest start {:?}, clean stop {stopped:?}\n{}",
            self.kills,
            self.slowest_start,
            self.figures()
        );
        Ok(())
    }

    fn figures(&self) -> String {
        let figures: Vec<String> = self.fleets.iter().map(Fleet::figures).collect();
        figures.join("; ")
    }
}
