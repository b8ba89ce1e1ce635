//! Periods, what is asked for, and batches that are sealed while the bill is made.

use model::NodeId;

use super::*;

const NODE: UsageSource = UsageSource::Node(NodeId(0));
const ALL: UsageQuery = UsageQuery {
    since: Minute(i64::MIN),
    until: Minute(i64::MAX),
    cluster: None,
};

fn run(cluster: u32, first: i64, minutes: u64, bytes_in: u64) -> UsageRun {
    UsageRun {
        virtual_cluster: VirtualClusterId(cluster),
        first: Minute(first),
        minutes,
        amounts: Amounts {
            bytes_in,
            ..Amounts::default()
        },
    }
}

fn batch(sequence: u64, runs: Vec<UsageRun>) -> SealedUsage {
    SealedUsage {
        epoch: 1,
        sequence,
        before: Minute(1000),
        runs,
    }
}

fn kept(usage: SealedUsage) -> KeptUsage {
    let source = NODE;
    KeptUsage { source, usage }
}

fn open(next_sequence: u64, sealed: Option<SealedUsage>, runs: Vec<UsageRun>) -> OpenUsage {
    OpenUsage {
        source: NODE,
        epoch: 1,
        next_sequence,
        sealed,
        runs,
    }
}

fn rows(
    kept: &[KeptUsage],
    open: &[OpenUsage],
    query: UsageQuery,
    by: Period,
) -> Vec<(i64, u32, bool, u64)> {
    let rows = bill_rows(kept, open, &query, by).expect("are few");
    rows.iter()
        .map(|row| {
            (
                row.start.0,
                row.virtual_cluster.0,
                row.sealed,
                row.amounts.bytes_in,
            )
        })
        .collect()
}

#[test]
fn windows_add_up_to_hours_and_days() {
    let kept = [kept(batch(0, vec![run(1, 58, 4, 10), run(2, 61, 1, 7)]))];
    let open = [open(1, None, vec![run(1, 62, 1, 5)])];
    let minutes = rows(&kept, &open, ALL, Period::Minute);
    assert_eq!(minutes.len(), 6);
    assert_eq!(minutes[5], (62, 1, false, 5));
    let hours = rows(&kept, &open, ALL, Period::Hour);
    assert_eq!(
        hours,
        [
            (0, 1, true, 20),
            (60, 1, true, 20),
            (60, 1, false, 5),
            (60, 2, true, 7)
        ]
    );
    let days = rows(&kept, &open, ALL, Period::Day);
    assert_eq!(days, [(0, 1, true, 40), (0, 1, false, 5), (0, 2, true, 7)]);
    let some = UsageQuery {
        since: Minute(59),
        until: Minute(61),
        cluster: Some(VirtualClusterId(1)),
    };
    assert_eq!(rows(&kept, &open, some, Period::Day), [(0, 1, true, 20)]);
}

#[test]
fn what_is_sealed_while_the_bill_is_made_is_counted_once() {
    let first = batch(0, vec![run(1, 10, 1, 10)]);
    let second = batch(1, vec![run(1, 11, 1, 20)]);
    let third = batch(2, vec![run(1, 12, 1, 40)]);
    // When the open part was asked for, the second batch was on its way and the third was open.
    let open = [open(2, Some(second.clone()), vec![run(1, 12, 1, 40)])];
    let sum = |kept: &[KeptUsage]| -> u64 {
        let rows = rows(kept, &open, ALL, Period::Day);
        rows.iter().map(|row| row.3).sum()
    };
    let all = [first, second, third].map(kept);
    for known in 1..=3 {
        assert_eq!(sum(&all[..known]), 70, "{known} kept");
    }
}

#[test]
fn too_many_rows_are_refused_before_they_are_made() {
    let century = kept(batch(0, vec![run(1, 0, 60 * 24 * 36_500, 1)]));
    let by = |period| bill_rows(std::slice::from_ref(&century), &[], &ALL, period);
    assert_eq!(by(Period::Minute), Err(TooManyRows));
    assert_eq!(by(Period::Day).map(|rows| rows.len()), Ok(36_500));
    assert_eq!(bill_records(&[century], &ALL), Err(TooManyRows));
}
