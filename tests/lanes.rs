//! A lane that drops, repeats and delays replies at random: order is kept and each batch is there once, with and
//! without idempotence, five requests in flight.
//!
//! Owns: one voyage through a storm, told by a seed. Does not own: the storm (`lanes::faulty`), the rules (`ledger`).
//!
//! ```text
//! producers ─▶ gateway ─▶ lane ─▶ storm ─▶ node        a real gateway and node in this process, real time:
//!                           ◀─── storm ◀──             what is lost is sent again after a second
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use model::{ProducerEpoch, ProducerId};
use node_api::NodeTransport;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::audit::read_on;
use crate::client::{Client, Endpoint};
use crate::embedded::Embedded;
use crate::ledger::{Ledger, Promise, Totals};
use crate::load::{LoadError, Producer, Target};

mod faulty;
#[cfg(test)]
mod tests;

pub use faulty::{Faults, Faulty, Planted};

/// Half of them are idempotent.
const PRODUCERS: u32 = 4;

/// Batches of each producer.
const BATCHES: u32 = 80;

/// The storm ends after this time; what was lost last is sent again within the 25 s of a request's parking.
const STORM: Duration = Duration::from_secs(6);

/// How one voyage went.
#[derive(Debug)]
pub struct Voyage {
    /// What was acknowledged and read back.
    pub totals: Totals,
    /// What went wrong on the way.
    pub faults: Arc<Faults>,
}

/// Runs voyages, some at a time, and prints what they met.
///
/// # Errors
/// With the seed of the first that failed.
pub async fn run(seeds: u64, at_once: usize, first: u64) -> Result<()> {
    let mut voyages = JoinSet::new();
    let mut sum = [0; 6];
    let mut next = first;
    while next < first + seeds || !voyages.is_empty() {
        while next < first + seeds && voyages.len() < at_once {
            let seed = next;
            voyages.spawn(async move { (seed, sail(seed, Planted::Nothing).await) });
            next += 1;
        }
        if let Some(joined) = voyages.join_next().await {
            let (seed, voyage) = joined?;
            let voyage = voyage.with_context(|| format!("seed {seed}"))?;
            add(&mut sum, &voyage);
        }
    }
    let [batches, lost, repeated, delayed, lost_appends, broken] = sum;
    println!(
        "{seeds} seeds: {batches} batches, each once and in order; replies lost {lost}, repeated {repeated}, \
         delayed {delayed}; appends lost {lost_appends}, lanes broken {broken}"
    );
    Ok(())
}

fn add(sum: &mut [u64; 6], voyage: &Voyage) {
    let faults = &voyage.faults;
    let counts = [
        &faults.lost_replies,
        &faults.repeated_replies,
        &faults.delayed_replies,
        &faults.lost_appends,
        &faults.broken_lanes,
    ];
    sum[0] += voyage.totals.read_batches;
    for (sum, count) in sum[1..].iter_mut().zip(counts) {
        *sum += u64::from(count.load(std::sync::atomic::Ordering::Relaxed));
    }
}

/// One voyage.
///
/// # Errors
/// A [`crate::ledger::Violation`] where a promise is broken; anything else that does not work.
pub async fn sail(seed: u64, planted: Planted) -> Result<Voyage> {
    let folder = tempfile::tempdir()?;
    let mut faults = None;
    let calm_at = Instant::now() + STORM;
    let embedded = Embedded::start(folder.path(), |inner| {
        let faulty = Faulty::new(inner, planted, calm_at, seed);
        faults = Some(faulty.faults());
        let faulty: Arc<dyn NodeTransport> = Arc::new(faulty);
        faulty
    });
    let embedded = embedded.await?;
    let target = Target {
        topic: "storm".to_owned(),
        partitions: 3,
        value_bytes_max: 2000,
    };
    let ledger = Arc::new(Mutex::new(Ledger::new(Promise::ExactlyOnce)));
    produce(&embedded.endpoint(), &target, &ledger, (seed, planted)).await?;
    let mut client = Client::connect(&embedded.endpoint()).await?;
    read_on(&mut client, &target.topic, target.partitions, &ledger).await?;
    let totals = ledger
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .totals();
    let billed = embedded.usage().await?.bytes_in;
    let acknowledged = totals.acknowledged_bytes;
    ensure!(
        totals.read_bytes == acknowledged,
        "read {}, not {acknowledged}",
        totals.read_bytes
    );
    ensure!(
        billed == acknowledged,
        "billed {billed}, not {acknowledged}"
    );
    embedded.stop().await;
    Ok(Voyage {
        totals,
        faults: faults.context("the transport was made")?,
    })
}

async fn produce(
    endpoint: &Endpoint,
    target: &Target,
    ledger: &Arc<Mutex<Ledger>>,
    (seed, planted): (u64, Planted),
) -> Result<()> {
    let mut client = Client::connect(endpoint).await?;
    let created = client
        .create_topic(&target.topic, target.partitions)
        .await?;
    ensure!(
        created.error_code == 0,
        "creating the topic: error {}",
        created.error_code
    );
    let mut producers = JoinSet::new();
    for name in 0..PRODUCERS {
        let answer = client.init_producer_id().await?;
        ensure!(
            answer.error_code == 0,
            "InitProducerId: error {}",
            answer.error_code
        );
        let id = (
            ProducerId(answer.producer_id),
            ProducerEpoch(answer.producer_epoch),
        );
        // Idempotent producers would be protected from the bug by their sequences.
        let is_idempotent = planted == Planted::Nothing && name.is_multiple_of(2);
        let identity = is_idempotent.then_some(id);
        let mut producer = Producer::new(name, identity, target, seed);
        let mut client = Client::connect(endpoint).await?;
        let ledger = Arc::clone(ledger);
        producers.spawn(async move {
            let mut left = 0..BATCHES;
            producer
                .run(&mut client, &ledger, || left.next().is_some())
                .await
        });
    }
    while let Some(joined) = producers.join_next().await {
        match joined? {
            // The bug also makes nodes refuse appends; what it did before is to be looked at.
            Err(LoadError::Refused { .. }) if planted == Planted::FreshIds => {}
            outcome => outcome?,
        }
    }
    Ok(())
}
