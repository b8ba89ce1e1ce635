//! A log against a naive model of it: random appends, repeats, gaps, producers, crashes, moves of the
//! log start, snapshots and reads, in any order.

mod harness;
mod naive;
mod operation;

use partition_log::PartitionLog;
use proptest::prelude::*;

use crate::harness::{Harness, Recovery};
use crate::operation::{operations, probes};

/// Enough cases to see each rule broken within a run; a failing one is printed, not kept in a file.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever happens, the log answers as the model does, across crashes.
    #[test]
    fn a_log_answers_as_the_model_does(operations in operations()) {
        let mut harness = Harness::new();
        for operation in operations {
            harness.perform(operation);
        }
    }

    /// Records one by one, or digests of segments, or as many of either as need be there: each gives
    /// the log that was live, and each answers alike from then on.
    #[test]
    fn every_replay_gives_the_live_log(operations in operations(), probes in probes()) {
        let mut harness = Harness::new();
        for operation in operations {
            harness.perform(operation);
        }
        harness.settle();
        let rebuilt: Vec<PartitionLog> = [
            Recovery { digests: false, only_needed: false },
            Recovery { digests: true, only_needed: false },
            Recovery { digests: true, only_needed: true },
        ]
        .into_iter()
        .map(|recovery| harness.recover(recovery))
        .collect();
        for log in &rebuilt {
            harness.assert_same(log);
        }
        let mut harnesses: Vec<Harness> =
            rebuilt.into_iter().map(|log| harness.with_log(log)).collect();
        for probe in probes {
            let live = harness.perform(probe);
            for other in &mut harnesses {
                let replayed = other.perform(probe);
                prop_assert!(replayed.agrees_with(&live), "{replayed:?}, live {live:?}");
            }
        }
    }
}
