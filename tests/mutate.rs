//! Hostile bytes against the real binary: bombs, and mutated frames of every key and version, before and after sign-in.
//!
//! Owns: who sends what, and what must still hold then. Does not own: the mutations (`wire::fuzz`).
//!
//! Each frame is followed by an ApiVersions request with a number of its own. Either that is answered, then the
//! connection is used for the next frame; or the server closes. A frame that announces more than it brings swallows
//! that request: then the client says that nothing more will come, which the server must take for the end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tokio::task::JoinSet;
use wire::ApiKey;
use wire::fuzz::mutate;
use wire::sample::{SAMPLE_TOPIC, XorShift, sample_frames};

use crate::client::{CallError, Client, FetchLimits};
use crate::ledger::{Tag, batch};
use crate::process::{Access, Launch, Server};

mod bombs;

/// Connections at one time.
const CONNECTIONS: u64 = 24;

/// After this time without an answer the client says that nothing more will come.
const ANSWER_PATIENCE: Duration = Duration::from_millis(300);

/// Then the server must have closed within this time: a fetch may have asked to wait for a minute.
const CLOSE_WITHIN: Duration = Duration::from_secs(75);

/// The request after a frame: ApiVersions 0 with this correlation id.
const PROBE: [u8; 14] = *b"\0\0\0\x0a\0\x12\0\0\x7e\x57\x7e\x57\xff\xff";

/// Partitions of the topic that sample frames name: they use number 1.
const SAMPLE_PARTITIONS: i32 = 2;

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    frames: u32,
    /// The connection went on after the frame.
    went_on: u32,
    slowest: Duration,
}

/// Runs the bar.
///
/// # Errors
/// With what went wrong, and the end of the server's log.
pub async fn run(binary: &Path, frames: u32, resident_mib_max: u64, seed: u64) -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = Launch::new(binary, data.path());
    let launch = launch.set("CLUSTERS__DEMO__LIMITS__CONNECTION_ATTEMPTS_PER_S", "10000");
    let mut server = launch.start()?;
    let outcome = attack(&mut server, frames, seed).await;
    let outcome = outcome.and_then(|()| {
        let (now, most) = server.resident_mib()?;
        println!("resident: {now} MiB at the end, {most} MiB at most");
        ensure!(
            most <= resident_mib_max,
            "more than {resident_mib_max} MiB were used"
        );
        Ok(())
    });
    outcome.with_context(|| format!("the server's last words:\n{}", server.last_words()))
}

async fn attack(server: &mut Server, frames: u32, seed: u64) -> Result<()> {
    let access = server.access()?;
    let (now, _) = server.resident_mib()?;
    println!("resident: {now} MiB at the start");
    work_as_usual(&access, 0).await.context("before")?;
    create_sample_topic(&mut connect(&access, true).await?).await?;
    for (name, bomb) in bombs::before_sign_in() {
        let outcome = throw(&access, false, &bomb).await.context(name)?;
        println!("bomb before sign-in, {name}: {outcome}");
    }
    for (name, bomb) in bombs::after_sign_in() {
        let outcome = throw(&access, true, &bomb).await.context(name)?;
        println!("bomb after sign-in, {name}: {outcome}");
    }
    bombs::decompress(&access)
        .await
        .context("the compressed bomb")?;
    server.check_health()?;
    for signed_in in [false, true] {
        let begin = Instant::now();
        let outcome = mutated(&access, frames / 2, signed_in, seed).await?;
        let when = if signed_in { "after" } else { "before" };
        let Outcome {
            frames,
            went_on,
            slowest,
        } = outcome;
        let took = begin.elapsed();
        println!(
            "{frames} frames {when} sign-in in {took:.1?}: {went_on} connections went on, \
             the others were closed, the slowest after {slowest:.1?}"
        );
        server.check_health()?;
    }
    work_as_usual(&access, 1).await.context("after")
}

/// A usual client still does its work.
async fn work_as_usual(access: &Access, number: u32) -> Result<()> {
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    let topic = format!("usual-{number}");
    let created = client.create_topic(&topic, 1).await?;
    ensure!(
        created.error_code == 0,
        "creating {topic}: error {}",
        created.error_code
    );
    let sent = batch(
        Tag {
            producer: 0,
            number,
        },
        None,
        3,
        1000,
    );
    let appended = client.produce(&topic, 0, sent.clone()).await?;
    ensure!(
        appended.error_code == 0,
        "producing: error {}",
        appended.error_code
    );
    let fetched = client.fetch(&topic, 0, 0, FetchLimits::default()).await?;
    let records = fetched.records.unwrap_or_default().into_bytes();
    // Offset and leader epoch are the server's; the rest is as it was sent.
    ensure!(
        records.len() == sent.len() && records[21..] == sent[21..],
        "read something else"
    );
    Ok(())
}

/// The topic of the sample frames is there, so that they reach deep into the handlers.
async fn create_sample_topic(client: &mut Client) -> Result<()> {
    // It may be there already; a mutated frame may have deleted it, or used up the partitions.
    client.create_topic(SAMPLE_TOPIC, SAMPLE_PARTITIONS).await?;
    Ok(())
}

/// Throws one bomb on a fresh connection.
async fn throw(access: &Access, signed_in: bool, bomb: &[u8]) -> Result<&'static str> {
    let mut client = connect(access, signed_in).await?;
    Ok(match strike(&mut client, bomb).await? {
        true => "answered",
        false => "closed",
    })
}

async fn connect(access: &Access, signed_in: bool) -> Result<Client> {
    if signed_in {
        Ok(Client::open(&access.endpoint, &access.scram()).await?)
    } else {
        Ok(Client::connect(&access.endpoint).await?)
    }
}

/// Sends a frame and says whether the connection goes on.
async fn strike(client: &mut Client, frame: &[u8]) -> Result<bool> {
    client.set_patience(ANSWER_PATIENCE);
    let sent = async {
        client.send_bytes(frame).await?;
        client.send_bytes(&PROBE).await
    };
    // The server may have closed, or stopped to read, before all was sent.
    let mut next = match sent.await {
        Ok(()) => client.receive_frame().await,
        Err(error) => Err(error),
    };
    loop {
        match next {
            Ok(answer) if answer.starts_with(&PROBE[8..12]) => return Ok(true),
            Ok(_) => next = client.receive_frame().await,
            Err(CallError::TimedOut(_)) => break,
            Err(_) => return Ok(false),
        }
    }
    // A goodbye cannot be sent where the server does not read.
    let _ = client.finish_sending().await;
    client.set_patience(CLOSE_WITHIN);
    client
        .read_to_end()
        .await
        .context("the server neither answers nor closes")?;
    Ok(false)
}

/// Sends mutated frames over many connections at a time.
async fn mutated(access: &Access, frames: u32, signed_in: bool, seed: u64) -> Result<Outcome> {
    let samples: Arc<Vec<(ApiKey, i16, Vec<u8>)>> = Arc::new(sample_frames());
    let left = Arc::new(AtomicU32::new(frames));
    let mut attackers = JoinSet::new();
    for number in 0..CONNECTIONS {
        let attacker = Attacker {
            access: access.clone(),
            signed_in,
            samples: Arc::clone(&samples),
            left: Arc::clone(&left),
            numbers: XorShift::new(seed ^ number << 32 ^ u64::from(signed_in) << 48),
        };
        attackers.spawn(attacker.run());
    }
    let mut total = Outcome::default();
    while let Some(joined) = attackers.join_next().await {
        let outcome = joined??;
        total.frames += outcome.frames;
        total.went_on += outcome.went_on;
        total.slowest = total.slowest.max(outcome.slowest);
    }
    Ok(total)
}

/// One connection after the other, one frame at a time.
struct Attacker {
    access: Access,
    signed_in: bool,
    samples: Arc<Vec<(ApiKey, i16, Vec<u8>)>>,
    left: Arc<AtomicU32>,
    numbers: XorShift,
}

impl Attacker {
    async fn run(mut self) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut client = None;
        let take_one = |left: u32| left.checked_sub(1);
        while let Ok(left) = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one)
        {
            let mut open = match client.take() {
                Some(open) => open,
                None => connect(&self.access, self.signed_in).await?,
            };
            if self.signed_in && left % 256 == 0 {
                open.set_patience(crate::client::PATIENCE);
                create_sample_topic(&mut open).await?;
            }
            let (key, version, frame) = self.draw(left);
            let begin = Instant::now();
            let goes_on = strike(&mut open, &frame).await;
            let goes_on = goes_on.with_context(|| describe(key, version, &frame))?;
            outcome.frames += 1;
            outcome.slowest = outcome.slowest.max(begin.elapsed());
            if goes_on {
                outcome.went_on += 1;
                client = Some(open);
            }
        }
        Ok(outcome)
    }

    /// Each key and version in turn, mutated; the length is set right nine times in ten, so that what is behind it is
    /// looked at.
    fn draw(&mut self, turn: u32) -> (ApiKey, i16, Bytes) {
        const PREFIX_BYTES: usize = 4;
        let (key, version, frame) = &self.samples[turn as usize % self.samples.len()];
        let other = &self.samples[self.numbers.below(self.samples.len())].2;
        let mut frame = frame.clone();
        mutate(&mut frame, other, &mut self.numbers);
        if frame.len() >= PREFIX_BYTES && self.numbers.below(10) > 0 {
            let length = (frame.len() - PREFIX_BYTES) as u32;
            frame[..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
        }
        (*key, *version, frame.into())
    }
}

fn describe(key: ApiKey, version: i16, frame: &[u8]) -> String {
    const SHOWN_BYTES: usize = 400;
    let shown = hex::encode(&frame[..frame.len().min(SHOWN_BYTES)]);
    format!(
        "{key:?} {version}, mutated to {} bytes: {shown}",
        frame.len()
    )
}
