//! The integral over changes, by hand and at random; seals.

use model::topic_request::{NewTopic, TopicRef};
use model::{NodeId, TopicId};

use super::*;
use crate::decide::Birth;
use crate::tests::{DEMO, cluster};
use crate::{CatalogRecord, create_topic, delete_topic, set_cluster};

/// Makes a change at `at`, as the balancer does.
fn change(state: &mut CatalogState, at: i64, records: Vec<CatalogRecord>) {
    let at = state.usage.time_of_change(Timestamp(at));
    let time = CatalogRecord::TimePassed { at };
    for record in [vec![time], records].concat() {
        state.check(&record).expect("breaks nothing");
        state.replay(record);
    }
}

fn made(state: &CatalogState) -> Vec<CatalogRecord> {
    set_cluster(state, cluster(DEMO.0)).into_iter().collect()
}

fn topic(state: &CatalogState, id: u8, partitions: u32) -> CatalogRecord {
    let new = NewTopic {
        name: format!("t{id}"),
        partitions: Some(partitions),
        replication_factor: None,
        configs: vec![],
    };
    let birth = Birth {
        id: TopicId([id; 16]),
        at: Timestamp(0),
        node: NodeId(0),
    };
    create_topic(state, DEMO, &new, birth).expect("is free").0
}

fn seal(state: &mut CatalogState, at: i64, kept_below: u64) -> Option<SealedUsage> {
    change(state, at, vec![CatalogRecord::UsageSealed { kept_below }]);
    state.usage.on_its_way().cloned()
}

fn parts(batch: &SealedUsage) -> Vec<(i64, u64, u64, u64)> {
    let runs = batch.runs.iter();
    runs.map(|run| {
        let amounts = run.amounts;
        (
            run.first.0,
            run.minutes,
            amounts.cluster_ms,
            amounts.partition_ms,
        )
    })
    .collect()
}

#[test]
fn everything_counts_from_its_change_to_the_one_that_ends_it() {
    let mut state = CatalogState::default();
    let records = made(&state);
    change(&mut state, 30_000, records);
    assert!(!state.has_to_seal(Minute(0)));
    assert!(state.has_to_seal(Minute(1)), "something new exists");
    let record = topic(&state, 1, 3);
    change(&mut state, 90_000, vec![record]);
    let record = topic(&state, 2, 2);
    change(&mut state, 120_000, vec![record]);
    let (gone, _) = delete_topic(&state, DEMO, &TopicRef::Name("t1".to_owned())).unwrap();
    change(&mut state, 180_000, vec![gone]);
    let batch = seal(&mut state, 400_000, 0).expect("there are windows");
    assert_eq!((batch.sequence, batch.before), (0, Minute(6)));
    let expected = [
        (0, 1, 30_000, 0),
        (1, 1, 60_000, 90_000),
        (2, 1, 60_000, 300_000),
        (3, 3, 60_000, 120_000),
    ];
    assert_eq!(parts(&batch), expected);
    let total = state.used_in_all(Timestamp(401_000))[&DEMO];
    assert_eq!(
        (total.cluster_ms, total.partition_ms),
        (371_000, 90_000 + 300_000 + 360_000 + 82_000)
    );
    assert!(!state.has_to_seal(Minute(65)));
    assert!(state.has_to_seal(Minute(66)), "an hour is over");
}

#[test]
fn a_batch_stays_until_it_is_known_to_be_kept() {
    let mut state = CatalogState::default();
    let records = made(&state);
    change(&mut state, 0, records);
    let first = seal(&mut state, 60_000, 0);
    assert_eq!(seal(&mut state, 120_000, 0), first);
    let second = seal(&mut state, 180_000, 1).expect("two more minutes");
    assert_eq!(
        (second.sequence, parts(&second)),
        (1, vec![(1, 2, 60_000, 0)])
    );
}

#[test]
fn a_clock_that_steps_back_stops_time() {
    let mut state = CatalogState::default();
    let records = made(&state);
    change(&mut state, 120_000, records);
    change(&mut state, 0, vec![]);
    assert_eq!(state.used_in_all(Timestamp(60_000)).get(&DEMO), None);
    let back = CatalogRecord::TimePassed { at: Timestamp(1) };
    assert!(state.check(&back).is_err());
    assert_eq!(
        state.used_in_all(Timestamp(121_000))[&DEMO].cluster_ms,
        1000
    );
}

#[test]
fn usage_survives_json_and_the_system_has_none() {
    let mut state = CatalogState::default();
    let system = cluster(VirtualClusterId::SYSTEM.0);
    let records = made(&state).into_iter().chain(set_cluster(&state, system));
    change(&mut state, 0, records.collect());
    seal(&mut state, 90_000, 0);
    assert_eq!(state.used_in_all(Timestamp(90_000)).len(), 1);
    let text = serde_json::to_vec(&state).expect("is plain data");
    let mut again: CatalogState = serde_json::from_slice(&text).expect("was just written");
    again.index();
    assert_eq!(again, state);
}

#[test]
fn many_changes_without_a_seal_keep_their_sum() {
    let mut state = CatalogState::default();
    let records = made(&state);
    change(&mut state, 0, records);
    let minutes = OPEN_RUNS_MAX as i64 + 50;
    for minute in 1..=minutes {
        let records = match state.topic_by_name(DEMO, "t1").is_some() {
            true => delete_topic(&state, DEMO, &TopicRef::Name("t1".to_owned())).map(|(r, _)| r),
            false => Ok(topic(&state, 1, 1)),
        };
        change(&mut state, minute * 60_000, vec![records.unwrap()]);
    }
    let end = Timestamp(minutes * 60_000);
    let open = state.open_usage(end);
    assert!(open.runs.len() <= OPEN_RUNS_MAX);
    let total = open
        .runs
        .iter()
        .fold(Amounts::default(), |sum, run| sum.plus(run.total()));
    assert_eq!(total.cluster_ms, end.0 as u64);
    assert_eq!(total.partition_ms, 60_000 * (minutes as u64 / 2));
}
