//! Many members that join, leave, crash, hesitate and come back, in two groups at once, while the
//! coordinator crashes, is replayed and is snapshotted in between.
//!
//! A seed gives the whole run; `TIDEGATE_SEEDS` says how many are run.

mod chance;
mod checks;
mod client;
mod world;

use std::collections::BTreeMap;

use self::world::World;

const SEEDS: u64 = 60;
const STEPS: usize = 400;

/// What a run must come across, so that it tells something.
const EVENTS: &[&str] = &[
    "a crash",
    "a generation",
    "a share",
    "a snapshot",
    "a static member came back",
    "a stable group went over a crash",
    "an abandoned call",
    "an expired offset",
    "a commit",
    "a commit in a rebalance",
    "a deleted group",
    "FencedInstanceId",
    "IllegalGeneration",
    "MemberIdRequired",
    "RebalanceInProgress",
    "UnknownMemberId",
    "GroupMaxSizeReached",
];

#[test]
#[expect(clippy::disallowed_methods, reason = "more runs may be asked for")]
fn whatever_members_do_the_group_stays_sound() {
    let seeds = std::env::var("TIDEGATE_SEEDS").ok();
    let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..seeds {
        let named = std::panic::AssertUnwindSafe(|| run(seed));
        match std::panic::catch_unwind(named) {
            Ok(events) => {
                for (event, count) in events {
                    *seen.entry(event).or_default() += count;
                }
            }
            Err(cause) => {
                eprintln!("seed {seed} fails");
                std::panic::resume_unwind(cause);
            }
        }
    }
    for event in EVENTS {
        assert!(
            seen.contains_key(*event),
            "no run has seen {event}: {seen:?}"
        );
    }
}

#[test]
fn two_runs_of_a_seed_are_equal() {
    let log = |seed| {
        let mut world = World::new(seed);
        world.run(STEPS);
        world.shard.log
    };
    assert_eq!(log(7), log(7));
    assert_ne!(log(7), log(8));
}

fn run(seed: u64) -> BTreeMap<String, u64> {
    let mut world = World::new(seed);
    world.run(STEPS);
    world.calm_down();
    world.seen
}
