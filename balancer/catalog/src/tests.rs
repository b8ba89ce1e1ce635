use model::topic_request::{MorePartitions, NewTopic, TopicError, TopicRef};
use model::{
    CatalogVersion, Limits, NodeEpoch, NodeId, TenantId, Timestamp, TopicId, VirtualCluster,
    VirtualClusterId,
};

use crate::alter::Growth;
use crate::decide::Birth;
use crate::{
    CatalogRecord, CatalogState, allocate_producer_ids, cluster_map, create_partitions,
    create_topic, delete_topic, register_node, set_cluster,
};

pub(crate) const DEMO: VirtualClusterId = VirtualClusterId(1);

pub(crate) fn cluster(id: u32) -> VirtualCluster {
    VirtualCluster {
        id: VirtualClusterId(id),
        tenant: TenantId(id),
        name: format!("c{id}"),
        cluster_id: format!("uuid-{id}"),
        account: "000000000001".to_owned(),
        region: "us-east-1".to_owned(),
        advertised_names: vec![format!("Boot-{id}.example")],
        limits: Limits {
            partitions_max: 10,
            compacted_partitions_max: 2,
            ..Limits::serverless()
        },
        auto_create_topics: true,
        default_partitions: 3,
        replication_factors: vec![1, 3, -1],
        virtual_brokers: 3,
        groups: model::GroupSettings::default(),
        access_keys: Default::default(),
        scram_users: Default::default(),
    }
}

pub(crate) fn state() -> CatalogState {
    let mut state = CatalogState::default();
    for id in [1, 2] {
        let record = set_cluster(&state, cluster(id)).expect("is new");
        state.replay(record);
    }
    state
}

pub(crate) fn new(name: &str) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions: None,
        replication_factor: None,
        configs: vec![],
    }
}

fn birth(id: u8) -> Birth {
    Birth {
        id: TopicId([id; 16]),
        at: Timestamp(7),
        node: NodeId(0),
    }
}

pub(crate) fn create(
    state: &mut CatalogState,
    topic: &NewTopic,
    id: u8,
) -> Result<TopicId, TopicError> {
    let (record, created) = create_topic(state, DEMO, topic, birth(id))?;
    state
        .check(&record)
        .expect("what is decided breaks no invariant");
    state.replay(record);
    Ok(created.id)
}

#[test]
fn a_topic_gets_the_clusters_defaults() {
    let state = state();
    let (_, created) = create_topic(&state, DEMO, &new("orders"), birth(1)).expect("is free");
    assert_eq!((created.partitions, created.replication_factor), (3, 3));
    let config = created.config.with_effect();
    assert!(config.contains(&("retention.ms", "604800000".to_owned())));
}

#[test]
fn names_are_checked_and_may_not_collide() {
    let mut state = state();
    create(&mut state, &new("a.b"), 1).expect("is free");
    let taken = create(&mut state, &new("a.b"), 2);
    assert_eq!(
        taken,
        Err(TopicError::AlreadyExists {
            name: "a.b".to_owned()
        })
    );
    assert!(matches!(
        create(&mut state, &new("a_b"), 2),
        Err(TopicError::InvalidName { .. })
    ));
    assert!(matches!(
        create(&mut state, &new("a b"), 2),
        Err(TopicError::InvalidName { .. })
    ));
}

#[test]
fn partitions_stay_within_the_limits() {
    let mut state = state();
    let many = NewTopic {
        partitions: Some(8),
        ..new("many")
    };
    create(&mut state, &many, 1).expect("8 of 10");
    let more = NewTopic {
        partitions: Some(3),
        ..new("more")
    };
    assert!(matches!(
        create(&mut state, &more, 2),
        Err(TopicError::LimitExceeded { .. })
    ));
    let none = NewTopic {
        partitions: Some(0),
        ..new("none")
    };
    assert!(matches!(
        create(&mut state, &none, 2),
        Err(TopicError::InvalidPartitions { .. })
    ));
    let compacted = vec![("cleanup.policy".to_owned(), Some("compact".to_owned()))];
    let compacted = NewTopic {
        partitions: Some(2),
        configs: compacted,
        ..new("compacted")
    };
    create(&mut state, &compacted, 3).expect("compacted partitions have a limit of their own");
}

#[test]
fn replication_factors_and_configs_are_checked() {
    let mut state = state();
    let two = NewTopic {
        replication_factor: Some(2),
        ..new("two")
    };
    assert!(matches!(
        create(&mut state, &two, 1),
        Err(TopicError::InvalidReplicationFactor { .. })
    ));
    for (name, value) in [
        ("no.such", "1"),
        ("retention.ms", "-2"),
        ("retention.ms", "soon"),
        ("cleanup.policy", "shred"),
        ("max.message.bytes", "8388609"),
        ("compression.type", "br"),
        ("message.timestamp.type", "Never"),
    ] {
        let configs = vec![(name.to_owned(), Some(value.to_owned()))];
        let outcome = create(
            &mut state,
            &NewTopic {
                configs,
                ..new("t")
            },
            1,
        );
        assert!(
            matches!(outcome, Err(TopicError::InvalidConfig { .. })),
            "{name}={value}"
        );
    }
    let kept = vec![("segment.bytes".to_owned(), Some("20000".to_owned()))];
    create(
        &mut state,
        &NewTopic {
            configs: kept,
            ..new("kept")
        },
        1,
    )
    .expect("is harmless");
}

#[test]
fn a_topic_is_deleted_by_its_own_cluster_only() {
    let mut state = state();
    let id = create(&mut state, &new("t"), 1).expect("is free");
    let other = VirtualClusterId(2);
    let by_id = delete_topic(&state, other, &TopicRef::Id(id));
    assert_eq!(by_id.err(), Some(TopicError::UnknownTopicId));
    let by_name = delete_topic(&state, other, &TopicRef::Name("t".to_owned()));
    assert_eq!(by_name.err(), Some(TopicError::UnknownTopic));
    let (record, _) = delete_topic(&state, DEMO, &TopicRef::Id(id)).expect("is there");
    state.replay(record);
    assert!(state.topic_by_name(DEMO, "t").is_none());
}

#[test]
fn epochs_and_producer_ids_only_rise() {
    let mut state = state();
    let (record, first) = register_node(&state, NodeId(0));
    state.replay(record.clone());
    assert!(state.check(&record).is_err());
    let (_, second) = register_node(&state, NodeId(0));
    assert_eq!((first, second), (NodeEpoch(1), NodeEpoch(2)));
    let (record, (start, end)) = allocate_producer_ids(&state);
    state.replay(record.clone());
    assert!(state.check(&record).is_err());
    assert_eq!((start, end), (0, 1000));
    assert_eq!(allocate_producer_ids(&state).1.0, 1000);
}

#[test]
fn records_and_state_survive_json() {
    let mut state = state();
    create(&mut state, &new("t"), 1).expect("is free");
    state.version = CatalogVersion(9);
    let text = serde_json::to_string(&state).expect("is plain data");
    let mut again: CatalogState = serde_json::from_str(&text).expect("was just written");
    again.index();
    assert_eq!(again, state);
    let record = CatalogRecord::TopicCreated(state.topics[&TopicId([1; 16])].as_ref().clone());
    let text = serde_json::to_string(&record).expect("is plain data");
    assert_eq!(
        serde_json::from_str::<CatalogRecord>(&text).expect("was just written"),
        record
    );
}

#[test]
fn a_part_is_of_its_own_cluster_and_leaves_the_whole_as_it_is() {
    let mut state = state();
    let id = create(&mut state, &new("t"), 1).expect("is free");
    let other = VirtualClusterId(2);
    let (record, _) = create_topic(&state, other, &new("u"), birth(2)).expect("is free");
    state.replay(record);
    let before = state.clone();
    let mut part = state.part_of(DEMO);
    assert!(part.topics_of(other).next().is_none() && !part.clusters.contains_key(&other));
    assert!(part.topics_of(DEMO).eq(state.topics_of(DEMO)));
    assert!(std::sync::Arc::ptr_eq(
        &part.topics[&id],
        &state.topics[&id]
    ));
    let growth = Growth {
        at: Timestamp(8),
        node: NodeId(0),
    };
    let more = MorePartitions {
        name: "t".to_owned(),
        count: 4,
        assignments: None,
    };
    part.replay(create_partitions(&part, DEMO, &more, growth).expect("fine"));
    let (record, _) = create_topic(&part, DEMO, &new("v"), birth(3)).expect("is free");
    part.replay(record);
    let sizes = |state: &CatalogState| -> Vec<usize> {
        state
            .topics_of(DEMO)
            .map(|topic| topic.placements.len())
            .collect()
    };
    assert_eq!(sizes(&part), [4, 3]);
    assert_eq!(state, before);
}

#[test]
fn the_map_finds_everything_and_shares_what_did_not_change() {
    let mut state = state();
    let id = create(&mut state, &new("t"), 1).expect("is free");
    let first = cluster_map(&state, &Default::default());
    assert_eq!(
        first.topic_by_name(DEMO, "t").map(|topic| topic.id),
        Some(id)
    );
    assert!(first.topic_by_id(VirtualClusterId(2), id).is_none());
    assert_eq!(first.name_owner.get("boot-1.example"), Some(&DEMO));
    create(&mut state, &new("u"), 2).expect("is free");
    let second = cluster_map(&state, &first);
    assert!(std::sync::Arc::ptr_eq(
        &first.topics[&id],
        &second.topics[&id]
    ));
}
