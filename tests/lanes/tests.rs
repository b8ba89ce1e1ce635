//! Some voyages, and one with a planted bug, which must be noticed. `TIDEGATE_SEEDS` asks for more.

use super::*;
use crate::ledger::Violation;

/// Voyages of a usual test run; they run at the same time.
const SEEDS: u64 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_and_each_batch_is_there_once() {
    let seeds = std::env::var("TIDEGATE_SEEDS").ok();
    let seeds = seeds.map_or(SEEDS, |seeds| seeds.parse().expect("a number"));
    run(seeds, 16, 1).await.unwrap();
}

/// The bug also makes nodes refuse appends, so that some voyages end before they are looked at.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_sent_again_under_a_fresh_id_is_noticed() {
    let mut ends = Vec::new();
    for seed in 1..=SEEDS {
        let error = sail(seed, Planted::FreshIds).await.unwrap_err();
        match error.downcast_ref::<Violation>() {
            Some(Violation::Duplicate { .. } | Violation::Disorder { .. }) => return,
            _ => ends.push(format!("{error:#}")),
        }
    }
    panic!("not noticed: {ends:?}");
}
