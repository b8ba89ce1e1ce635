use model::topic_request::{ConfigChange, PropertyChange};
use model::{ByteCount, TopicId};

use super::*;
use crate::state::Violation;
use crate::tests::{DEMO, create, new, state};

const GROWTH: Growth = Growth {
    at: Timestamp(9),
    node: NodeId(3),
};

/// A state with the topic `t`, which has three of ten partitions.
fn with_topic() -> (CatalogState, TopicId) {
    let mut state = state();
    let id = create(&mut state, &new("t"), 1).expect("is free");
    (state, id)
}

fn more(name: &str, count: i32) -> MorePartitions {
    MorePartitions {
        name: name.to_owned(),
        count,
        assignments: None,
    }
}

fn grow(state: &mut CatalogState, more: &MorePartitions) -> Result<(), TopicError> {
    let record = create_partitions(state, DEMO, more, GROWTH)?;
    assert_eq!(state.check(&record), Ok(()));
    state.replay(record);
    Ok(())
}

fn set(name: &str, value: &str) -> TopicChange {
    let change = PropertyChange::Set(value.to_owned());
    TopicChange {
        name: "t".to_owned(),
        change: ConfigChange::Each(vec![(name.to_owned(), change)]),
    }
}

#[test]
fn partitions_are_added_behind_those_that_are_there() {
    let (mut state, id) = with_topic();
    let before = state.topics[&id].placements.clone();
    grow(&mut state, &more("t", 5)).expect("5 of 10");
    let after = &state.topics[&id].placements;
    assert_eq!(after[..3], before);
    assert_eq!(after.len(), 5);
    assert!(after[3..].iter().all(|p| p.node == NodeId(3)));
    let record = create_partitions(&state, DEMO, &more("t", 6), GROWTH).expect("fine");
    let text = serde_json::to_string(&record).expect("is plain data");
    let again: CatalogRecord = serde_json::from_str(&text).expect("was just written");
    assert_eq!(again, record);
}

#[test]
fn the_number_of_partitions_only_grows_within_the_limits() {
    let (mut state, _) = with_topic();
    for count in [3, 2, 0, -1, i32::MIN, 10_001, i32::MAX] {
        let refused = grow(&mut state, &more("t", count));
        let is_right = matches!(refused, Err(TopicError::InvalidPartitions { .. }));
        assert!(is_right, "{count}: {refused:?}");
    }
    let refused = grow(&mut state, &more("t", 11));
    assert!(matches!(
        refused,
        Err(TopicError::LimitExceeded {
            compacted: false,
            ..
        })
    ));
    grow(&mut state, &more("t", 10)).expect("10 of 10");
    let unknown = grow(&mut state, &more("unknown", 5));
    assert_eq!(unknown, Err(TopicError::UnknownTopic));
}

#[test]
fn compacted_partitions_have_their_own_limit() {
    let mut state = state();
    let mut topic = new("t");
    topic.partitions = Some(1);
    let policy = (
        "cleanup.policy".to_owned(),
        Some("compact,delete".to_owned()),
    );
    topic.configs.push(policy);
    create(&mut state, &topic, 1).expect("1 of 2");
    grow(&mut state, &more("t", 2)).expect("2 of 2");
    let refused = grow(&mut state, &more("t", 3));
    assert!(matches!(
        refused,
        Err(TopicError::LimitExceeded {
            compacted: true,
            ..
        })
    ));
}

#[test]
fn assignments_are_checked_and_do_not_count() {
    let (mut state, id) = with_topic();
    let assigned = |assignments: &[&[i32]]| MorePartitions {
        assignments: Some(assignments.iter().map(|ids| ids.to_vec()).collect()),
        ..more("t", 5)
    };
    for unsound in [
        assigned(&[]),
        assigned(&[&[0]]),
        assigned(&[&[0], &[1], &[2]]),
        assigned(&[&[0], &[]]),
        assigned(&[&[], &[]]),
        assigned(&[&[0], &[1, 2]]),
        assigned(&[&[0, 1], &[2, 2]]),
        assigned(&[&[0], &[3]]),
        assigned(&[&[0], &[-1]]),
    ] {
        let refused = grow(&mut state, &unsound);
        let is_right = matches!(refused, Err(TopicError::InvalidReplicaAssignment { .. }));
        assert!(is_right, "{unsound:?}: {refused:?}");
    }
    grow(&mut state, &assigned(&[&[2, 1], &[0, 2]])).expect("is sound");
    assert_eq!(state.topics[&id].placements[4].node, GROWTH.node);
}

#[test]
fn properties_change_and_only_if_they_differ() {
    let (mut state, id) = with_topic();
    let record = alter_topic(&state, DEMO, &set("retention.bytes", "5"));
    let record = record.expect("is sound").expect("changes something");
    assert_eq!(state.check(&record), Ok(()));
    state.replay(record);
    let config = &state.topics[&id].config;
    assert_eq!(config.retention_bytes, Some(ByteCount(5)));
    let same = alter_topic(&state, DEMO, &set("retention.bytes", "5"));
    assert_eq!(same, Ok(None));
    let unsound = alter_topic(&state, DEMO, &set("retention.bytes", "x"));
    assert!(matches!(unsound, Err(TopicError::InvalidConfig { .. })));
    let other = alter_topic(&state, VirtualClusterId(2), &set("retention.bytes", "5"));
    assert_eq!(other, Err(TopicError::UnknownTopic));
}

#[test]
fn a_topic_that_is_gone_does_not_change() {
    let (mut state, id) = with_topic();
    let grown = create_partitions(&state, DEMO, &more("t", 5), GROWTH).expect("fine");
    let altered = alter_topic(&state, DEMO, &set("flush.ms", "5")).expect("fine");
    let empty = CatalogRecord::PartitionsCreated {
        topic: id,
        placements: vec![],
        at: Timestamp(9),
    };
    assert_eq!(state.check(&empty), Err(Violation::NoPartitions(id)));
    state.replay(CatalogRecord::TopicDeleted(id));
    for record in [grown, altered.expect("changes something")] {
        assert_eq!(state.check(&record), Err(Violation::UnknownTopic(id)));
    }
}
