//! The real binary is killed under load while its clock steps, and its bill is compared, window by window.
//!
//! Owns: the rounds, the clock, what must hold of windows. Does not own: producers, the rules of a log (`kill9`).
//!
//! ```text
//! start ─▶ all unanswered is sent again ─▶ read on, compare ─▶ windows: what was sealed is there, as it was
//!   ▲                                                                       │
//!   └── kill -9 ◀── clock steps, load, clock steps ◀───────────────────────┘
//! ```
//!
//! In the end all is sealed: of each tenant the sealed records must add up to what is read back and delivered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use wire::sample::XorShift;

use super::fleet::Fleet;
use super::{CONFIG, Loading, STOP_WITHIN};
use crate::process::{Launch, Server};

/// Load lasts this long at least and at most between two steps of the clock; a server looks once a second whether
/// a minute is over.
const LOAD_MS: (usize, usize) = (100, 1600);

/// Steps of the clock, in milliseconds.
const FORWARD_MS: (usize, usize) = (20_000, 200_000);
const BACK_MS: (usize, usize) = (1_000, 90_000);

/// One step in this many goes back.
const BACK: usize = 4;

/// The server's clock never lags the client's by more than this, or timestamps come from its future.
const LAG_MS_MAX: i64 = 600_000;

/// Everything is sealed this long after its minute is over.
const SEALED_WITHIN: Duration = Duration::from_secs(20);

/// How often the bill is looked at until then.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// One line of `tidegate usage --records --json`.
#[derive(Deserialize)]
struct Record {
    id: String,
    cluster: String,
    meter: String,
    amount: String,
}

/// One line of `tidegate usage --by minute --json`.
#[derive(Deserialize)]
struct Window {
    cluster: String,
    bytes_in: u64,
    bytes_out: u64,
    stored_byte_ms: String,
}

/// Runs the bar.
///
/// # Errors
/// With what went wrong, and the end of the server's log.
pub async fn run(binary: &Path, rounds: u32, seed: u64) -> Result<()> {
    let data = tempfile::tempdir()?;
    std::fs::write(data.path().join("tidegate.toml"), CONFIG)?;
    let clock = SteppedClock::new(data.path().join("clock"))?;
    let launch = Launch::new(binary, data.path()).set("CLOCK_OFFSET_FILE", clock.path()?);
    let mut bar = Bar {
        launch,
        clock,
        fleets: Vec::new(),
        numbers: XorShift::new(seed),
        seen: BTreeMap::new(),
    };
    let outcome = bar.run(rounds, seed).await;
    if outcome.is_err() {
        let kept = data.keep();
        eprintln!("the folder is kept: {}", kept.display());
    }
    outcome
}

struct Bar {
    launch: Launch,
    clock: SteppedClock,
    fleets: Vec<Fleet>,
    numbers: XorShift,
    /// Every sealed record that was ever seen.
    seen: BTreeMap<String, String>,
}

impl Bar {
    async fn run(&mut self, rounds: u32, seed: u64) -> Result<()> {
        let mut server = self.launch.start()?;
        let (demo, loose) = (server.access_to("demo")?, server.access_to("loose")?);
        self.fleets = vec![
            Fleet::idempotent("demo", &demo, seed).await?,
            Fleet::repeating("loose", &loose, seed).await?,
        ];
        for round in 1..=rounds {
            let context = || format!("round {round}");
            self.settle(&server).await.with_context(context)?;
            self.load_and_kill(server).await.with_context(context)?;
            println!(
                "round {round}: clock {:+} s, {} records sealed",
                self.clock.offset_ms / 1000,
                self.seen.len()
            );
            server = self.launch.start()?;
        }
        self.settle(&server).await.context("the last round")?;
        self.finish(server).await
    }

    /// Everything that was sent is answered and read; then log, bill and windows are compared.
    async fn settle(&mut self, server: &Server) -> Result<()> {
        for fleet in &mut self.fleets {
            let access = server.access_to(fleet.cluster)?;
            fleet.await_bytes_out(server).await?;
            fleet.drain(&access).await?;
            fleet.audit(server, &access).await?;
        }
        let sealed = self.check_records(server)?;
        let windows: Vec<Window> = server.usage_rows(&["--by", "minute"])?;
        for fleet in &self.fleets {
            let own = windows.iter().filter(|row| row.cluster == fleet.cluster);
            let (mut bytes_in, mut bytes_out, mut stored) = (0, 0, 0_u128);
            for row in own {
                bytes_in += row.bytes_in;
                bytes_out += row.bytes_out;
                stored += row.stored_byte_ms.parse::<u128>()?;
            }
            // The bill was compared with what is read back and delivered: see the fleet's audit.
            let billed = server.usage(fleet.cluster)?;
            let found = (bytes_in, bytes_out);
            let wanted = (billed.bytes_in, billed.bytes_out);
            ensure!(
                found == wanted,
                "{}: windows add up to {found:?}, not {wanted:?}",
                fleet.cluster
            );
            ensure!(
                billed.stored_bytes == billed.bytes_in,
                "{}: {} bytes are stored of {}",
                fleet.cluster,
                billed.stored_bytes,
                billed.bytes_in
            );
            let sealed = sealed.get(fleet.cluster).copied().unwrap_or_default();
            ensure!(
                sealed.bytes_in <= u128::from(bytes_in)
                    && sealed.bytes_out <= u128::from(bytes_out)
                    && sealed.stored_byte_ms <= stored,
                "{}: more is sealed than there is: {sealed:?}",
                fleet.cluster
            );
        }
        Ok(())
    }

    /// No id comes twice, and what was sealed before is there as it was. Gives the sums by cluster.
    fn check_records(&mut self, server: &Server) -> Result<BTreeMap<String, Sealed>> {
        let records: Vec<Record> = server.usage_rows(&["--records"])?;
        let mut now = BTreeMap::new();
        let mut sums: BTreeMap<String, Sealed> = BTreeMap::new();
        for record in records {
            let amount: u128 = record.amount.parse()?;
            let sum = sums.entry(record.cluster).or_default();
            match record.meter.as_str() {
                "bytes_in" => sum.bytes_in += amount,
                "bytes_out" => sum.bytes_out += amount,
                "stored_byte_time" => sum.stored_byte_ms += amount,
                _ => {}
            }
            let before = now.insert(record.id.clone(), record.amount);
            ensure!(before.is_none(), "{} is there twice", record.id);
        }
        for (id, amount) in &self.seen {
            let found = now.get(id);
            ensure!(
                found == Some(amount),
                "{id} was sealed as {amount}, and is {found:?}"
            );
        }
        self.seen = now;
        Ok(sums)
    }

    async fn load_and_kill(&mut self, server: Server) -> Result<()> {
        let loading = Loading::start(&mut self.fleets, &server)?;
        for _ in 0..=self.numbers.below(3) {
            self.step_clock()?;
            let (least, most) = LOAD_MS;
            let pause = (least + self.numbers.below(most - least)) as u64;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        server.kill9()?;
        loading.end(&mut self.fleets).await
    }

    fn step_clock(&mut self) -> Result<()> {
        let may_go_back = self.clock.offset_ms > BACK_MS.1 as i64 - LAG_MS_MAX;
        let goes_back = may_go_back && self.numbers.below(BACK) == 0;
        let (least, most) = if goes_back { BACK_MS } else { FORWARD_MS };
        let step = (least + self.numbers.below(most - least)) as i64;
        self.clock.step(if goes_back { -step } else { step })
    }

    /// Once the last minute is over all of it is sealed, and stays so.
    async fn finish(&mut self, server: Server) -> Result<()> {
        self.clock.step(2 * FORWARD_MS.1 as i64)?;
        let deadline = Instant::now() + SEALED_WITHIN;
        loop {
            let sums = self.check_records(&server)?;
            let mut open = Vec::new();
            for fleet in &self.fleets {
                let billed = server.usage(fleet.cluster)?;
                let sealed = sums.get(fleet.cluster).copied().unwrap_or_default();
                let wanted = (u128::from(billed.bytes_in), u128::from(billed.bytes_out));
                if (sealed.bytes_in, sealed.bytes_out) != wanted {
                    open.push(format!("{}: {sealed:?} of {wanted:?}", fleet.cluster));
                }
            }
            if open.is_empty() {
                break;
            }
            ensure!(Instant::now() < deadline, "not sealed in time: {open:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        server.terminate(STOP_WITHIN)?;
        let server = self.launch.start()?;
        self.settle(&server).await.context("after a clean stop")?;
        server.terminate(STOP_WITHIN)?;
        let figures: Vec<String> = self.fleets.iter().map(Fleet::figures).collect();
        println!("{} records sealed; {}", self.seen.len(), figures.join("; "));
        Ok(())
    }
}

/// What is sealed of one cluster.
#[derive(Clone, Copy, Debug, Default)]
struct Sealed {
    bytes_in: u128,
    bytes_out: u128,
    stored_byte_ms: u128,
}

/// The server's wall clock, as far as it is ahead of the system's.
struct SteppedClock {
    file: PathBuf,
    offset_ms: i64,
}

impl SteppedClock {
    fn new(file: PathBuf) -> Result<Self> {
        let mut clock = Self { file, offset_ms: 0 };
        clock.step(0)?;
        Ok(clock)
    }

    fn path(&self) -> Result<&str> {
        self.file.to_str().context("the data folder is not UTF-8")
    }

    /// The file is replaced whole, so that no half of a number is read.
    fn step(&mut self, step_ms: i64) -> Result<()> {
        self.offset_ms += step_ms;
        let new = self.file.with_extension("new");
        std::fs::write(&new, self.offset_ms.to_string())?;
        Ok(std::fs::rename(new, &self.file)?)
    }
}
