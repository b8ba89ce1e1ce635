//! Runs of equal minutes, and ids.

use model::NodeId;
use proptest::prelude::*;

use super::*;

const CLUSTER: VirtualClusterId = VirtualClusterId(7);

fn per_ms(level: u64) -> Amounts {
    Amounts {
        cluster_ms: 1,
        partition_ms: level,
        ..Amounts::default()
    }
}

fn parts(runs: &[UsageRun]) -> Vec<(i64, u64, u64)> {
    runs.iter()
        .map(|run| (run.first.0, run.minutes, run.amounts.partition_ms))
        .collect()
}

#[test]
fn a_level_is_cut_at_the_borders_of_minutes() {
    let mut runs = Vec::new();
    push_level(
        &mut runs,
        CLUSTER,
        (Timestamp(30_000), Timestamp(250_000)),
        per_ms(2),
    );
    assert_eq!(
        parts(&runs),
        [(0, 1, 60_000), (1, 3, 120_000), (4, 1, 20_000)]
    );
    // The rest of minute 4 makes it as full as those before it, and it joins them.
    push_level(
        &mut runs,
        CLUSTER,
        (Timestamp(250_000), Timestamp(300_000)),
        per_ms(2),
    );
    assert_eq!(parts(&runs), [(0, 1, 60_000), (1, 4, 120_000)]);
    // Half of minute 5 at twice the level looks like the others until the rest comes.
    let (start, half, end) = (Timestamp(300_000), Timestamp(330_000), Timestamp(360_000));
    let twice = Amounts {
        cluster_ms: 2,
        ..per_ms(4)
    };
    push_level(&mut runs, CLUSTER, (start, half), twice);
    assert_eq!(parts(&runs), [(0, 1, 60_000), (1, 5, 120_000)]);
    push_level(&mut runs, CLUSTER, (half, end), per_ms(1));
    assert_eq!(
        parts(&runs),
        [(0, 1, 60_000), (1, 4, 120_000), (5, 1, 150_000)]
    );
}

#[test]
fn a_century_is_one_run() {
    let mut runs = Vec::new();
    let century_ms = 100 * 365 * 24 * 3_600_000;
    push_level(
        &mut runs,
        CLUSTER,
        (Timestamp(0), Timestamp(century_ms)),
        per_ms(3),
    );
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].total().partition_ms, 3 * century_ms as u64);
    let mut ends = Vec::new();
    push_level(
        &mut ends,
        CLUSTER,
        (Timestamp(i64::MIN), Timestamp(i64::MAX)),
        per_ms(0),
    );
    assert!(ends.len() <= 3);
}

#[test]
fn records_have_ids_of_what_they_are_and_only_of_that() {
    let usage = SealedUsage {
        epoch: 12,
        sequence: 5,
        before: Minute(9),
        runs: vec![
            UsageRun {
                virtual_cluster: CLUSTER,
                first: Minute(3),
                minutes: 1,
                amounts: Amounts {
                    bytes_in: 10,
                    bytes_out: 20,
                    ..Amounts::default()
                },
            },
            UsageRun {
                virtual_cluster: VirtualClusterId(8),
                first: Minute(7),
                minutes: 2,
                amounts: Amounts {
                    stored_byte_ms: 80,
                    ..Amounts::default()
                },
            },
        ],
    };
    let records = usage.records(UsageSource::Node(NodeId(3)));
    let printed: Vec<_> = records
        .map(|r| format!("{} = {}", r.id, r.amount))
        .collect();
    assert_eq!(
        printed,
        [
            "7:bytes_in:3:node-3:12 = 10",
            "7:bytes_out:3:node-3:12 = 20",
            "8:stored_byte_time:7:node-3:12 = 80",
            "8:stored_byte_time:8:node-3:12 = 80",
        ]
    );
}

#[test]
fn a_run_is_cut_to_what_is_asked_for() {
    let run = UsageRun {
        virtual_cluster: CLUSTER,
        first: Minute(10),
        minutes: 5,
        amounts: per_ms(1),
    };
    let cut = |from, to| {
        let part = run.within(Minute(from), Minute(to));
        part.map(|part| (part.first.0, part.minutes))
    };
    assert_eq!(cut(0, 100), Some((10, 5)));
    assert_eq!(cut(12, 14), Some((12, 2)));
    assert_eq!((cut(0, 10), cut(15, 20)), (None, None));
}

proptest! {
    #[test]
    fn a_level_adds_up_however_it_is_cut(
        steps in prop::collection::vec((1..400_000i64, 0..4u64), 1..30),
    ) {
        let (mut runs, mut at, mut expected) = (Vec::new(), 17_000, 0);
        for (ms, level) in steps {
            push_level(&mut runs, CLUSTER, (Timestamp(at), Timestamp(at + ms)), per_ms(level));
            at += ms;
            expected += ms as u64 * level;
        }
        let total: u64 = runs.iter().map(|run| run.total().partition_ms).sum();
        prop_assert_eq!(total, expected);
        prop_assert!(runs.windows(2).all(|pair| pair[0].end() <= pair[1].first));
        let time: u64 = runs.iter().map(|run| run.total().cluster_ms).sum();
        prop_assert_eq!(time, at as u64 - 17_000);
        prop_assert!(runs.iter().all(|run| run.amounts.cluster_ms <= 60_000));
    }
}
