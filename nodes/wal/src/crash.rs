//! The bar on the forgetful disk: over many seeds, with a random load and random crashes, nothing that
//! was acknowledged is lost, nothing comes twice, the order stays, and what one recovery has shown the
//! next one shows too. And the bugs that would break this are caught.
//!
//! `cargo test -p wal --profile checks crash --` runs the short form; `TIDEGATE_SEEDS=10000` the long one. A
//! failure names its seed; `TIDEGATE_SEED=<seed>` runs that one alone.

mod bill;
mod expected;
mod life;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::plant::{Bug, plant};
use life::Tally;

/// Seeds of the short form, and those within which a planted bug must be caught.
const SEEDS: u64 = 300;

/// Runs a seed; a panic counts as a failure too.
fn run(seed: u64) -> Result<Tally, String> {
    let result = catch_unwind(AssertUnwindSafe(|| life::run(seed)));
    result.unwrap_or_else(|_| Err("a panic".to_owned()))
}

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

#[test]
fn no_crash_loses_or_doubles_anything() {
    let alone = number_from_environment("TIDEGATE_SEED");
    let seeds = match alone {
        Some(seed) => seed..seed + 1,
        None => 0..number_from_environment("TIDEGATE_SEEDS").unwrap_or(SEEDS),
    };
    let mut sum = Tally::default();
    for seed in seeds.clone() {
        match run(seed) {
            Ok(tally) => sum.add(&tally),
            Err(wrong) => panic!("TIDEGATE_SEED={seed}: {wrong}"),
        }
    }
    println!("seeds {seeds:?}: {sum:?}");
    assert!(
        alone.is_some() || sum.has_all(),
        "something never came to pass"
    );
}

#[test]
fn a_crash_seed_does_the_same_twice() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

fn seed_that_catches(bug: Bug) -> Option<(u64, String)> {
    plant(Some(bug));
    let caught = (0..SEEDS).find_map(|seed| run(seed).err().map(|wrong| (seed, wrong)));
    plant(None);
    caught
}

#[test]
fn a_crash_catches_an_acknowledgement_before_the_sync() {
    let (seed, wrong) = seed_that_catches(Bug::AckBeforeSync).expect("it must be caught");
    println!("caught by seed {seed}: {wrong}");
}

#[test]
fn a_crash_catches_a_folder_that_is_not_synced() {
    let (seed, wrong) = seed_that_catches(Bug::SkipFolderSync).expect("it must be caught");
    println!("caught by seed {seed}: {wrong}");
}

#[test]
fn a_crash_catches_a_torn_frame_that_is_trusted() {
    let (seed, wrong) = seed_that_catches(Bug::TrustTornFrame).expect("it must be caught");
    println!("caught by seed {seed}: {wrong}");
}

#[test]
fn a_crash_catches_a_reach_that_stays_behind() {
    let (seed, wrong) = seed_that_catches(Bug::StaleReach).expect("it must be caught");
    println!("caught by seed {seed}: {wrong}");
}
