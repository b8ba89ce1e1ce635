//! Some voyages, and one with a planted bug, which must be noticed. `TIDEGATE_SEEDS` asks for more.

use super::*;
use crate::ledger::Violation;

/// Voyages of a usual test run; they run at the same time.
const SEEDS: u64 = 6;

/// Voyages in which the bug must be noticed at the latest; one or two are usual.
const PLANTED_SEEDS_MAX: u64 = 24;

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_and_each_batch_is_there_once() {
    let seeds = std::env::var("TIDEGATE_SEEDS").ok();
    let seeds = seeds.map_or(SEEDS, |seeds| seeds.parse().expect("a number"));
    run(seeds, 16, 1).await.unwrap();
}

/// Not every voyage meets the fault that the bug needs.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_sent_again_under_a_fresh_id_is_noticed() {
    let mut ends = Vec::new();
    for seed in 1..=PLANTED_SEEDS_MAX {
        let Err(error) = sail(seed, Planted::FreshIds).await else {
            continue;
        };
        match error.downcast_ref::<Violation>() {
            Some(Violation::Duplicate { .. } | Violation::Disorder { .. }) => return,
            _ => ends.push(format!("{error:#}")),
        }
    }
    panic!("not noticed: {ends:?}");
}
