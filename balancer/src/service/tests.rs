use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use control_api::{
    ConfigChange, ControlPlane, MorePartitions, NewTopic, TopicChange, TopicError, TopicRef,
};
use model::{
    Clock, Instant, Limits, NodeEpoch, NodeId, TenantId, Timestamp, TopicId, VirtualCluster,
    VirtualClusterId,
};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use quota::Amounts;

use super::{Balancer, BalancerParts};
use crate::seal::SealingKey;

const DEMO: VirtualClusterId = VirtualClusterId(1);

struct Still;

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant(0)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(1)
    }
}

fn fresh_id() -> [u8; 16] {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    [NEXT.fetch_add(1, Ordering::Relaxed); 16]
}

async fn start(store: &Arc<InMemory>) -> Balancer {
    let key = SealingKey::new(&[1; 32]);
    let parts = BalancerParts {
        store: Arc::clone(store) as _,
        key,
        clock: Arc::new(Still),
        fresh_id,
    };
    Balancer::start(parts).await.expect("the store is whole")
}

fn demo() -> VirtualCluster {
    VirtualCluster {
        id: DEMO,
        tenant: TenantId(1),
        name: "demo".to_owned(),
        cluster_id: "uuid".to_owned(),
        account: "000000000001".to_owned(),
        region: "us-east-1".to_owned(),
        advertised_names: vec![],
        limits: Limits::serverless(),
        auto_create_topics: true,
        default_partitions: 1,
        replication_factors: vec![1, 3, -1],
        virtual_brokers: 1,
        groups: model::GroupSettings::default(),
        access_keys: Default::default(),
        scram_users: Default::default(),
    }
}

fn new(name: &str) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions: None,
        replication_factor: None,
        configs: vec![],
    }
}

#[tokio::test]
async fn an_answered_change_is_in_the_map_and_survives_a_restart() {
    let store = Arc::new(InMemory::new());
    let balancer = start(&store).await;
    balancer.set_cluster(demo()).await.expect("is stored");
    let created = balancer
        .create_topics(DEMO, vec![new("a"), new("a"), new("b")], false)
        .await;
    assert!(created[0].is_ok() && created[2].is_ok());
    assert_eq!(
        created[1],
        Err(TopicError::AlreadyExists {
            name: "a".to_owned()
        })
    );
    assert_eq!(balancer.watch().borrow().topics.len(), 2);
    let gone = balancer
        .delete_topics(DEMO, vec![TopicRef::Name("a".to_owned())])
        .await;
    assert!(gone[0].is_ok());
    let again = start(&store).await;
    let map = again.watch().borrow().clone();
    assert!(map.topic_by_name(DEMO, "a").is_none() && map.topic_by_name(DEMO, "b").is_some());
}

#[tokio::test]
async fn validation_alone_changes_nothing() {
    let balancer = start(&Arc::new(InMemory::new())).await;
    balancer.set_cluster(demo()).await.expect("is stored");
    let before = balancer.watch().borrow().version;
    let checked = balancer
        .create_topics(DEMO, vec![new("a"), new("a")], true)
        .await;
    assert_eq!(
        checked[0].as_ref().map(|created| created.id),
        Ok(TopicId::ZERO)
    );
    assert!(checked[1].is_err(), "a request may not collide with itself");
    assert_eq!(balancer.watch().borrow().version, before);
}

#[tokio::test]
async fn ids_and_epochs_never_repeat_over_restarts() {
    let store = Arc::new(InMemory::new());
    let first = start(&store).await;
    let block = first.allocate_producer_ids().await.expect("is stored");
    assert_eq!(first.register_node(NodeId(0)).await, Ok(NodeEpoch(1)));
    let second = start(&store).await;
    assert_eq!(
        second
            .allocate_producer_ids()
            .await
            .expect("is stored")
            .start,
        block.end
    );
    assert_eq!(second.register_node(NodeId(0)).await, Ok(NodeEpoch(2)));
}

#[tokio::test]
async fn a_balancer_that_was_overtaken_answers_nothing_any_more() {
    let store = Arc::new(InMemory::new());
    let former = start(&store).await;
    let present = start(&store).await;
    present.set_cluster(demo()).await.expect("is stored");
    assert!(former.allocate_producer_ids().await.is_err());
    assert!(former.register_node(NodeId(0)).await.is_err());
}

#[tokio::test]
async fn topics_grow_and_change_and_stay_so() {
    let store = Arc::new(InMemory::new());
    let balancer = start(&store).await;
    balancer.set_cluster(demo()).await.expect("is stored");
    balancer.create_topics(DEMO, vec![new("a")], false).await;
    let more = |count| MorePartitions {
        name: "a".to_owned(),
        count,
        assignments: None,
    };
    let change = TopicChange {
        name: "a".to_owned(),
        change: ConfigChange::Replace(vec![("retention.ms".to_owned(), "5".to_owned())]),
    };
    let seen = |balancer: &Balancer| {
        let map = balancer.watch().borrow().clone();
        let topic = map.topic_by_name(DEMO, "a").expect("is there").clone();
        (topic.placements.len(), topic.config.retention_ms)
    };
    let before = seen(&balancer);
    for validate_only in [true, false] {
        let grown = vec![more(3), more(2), more(4)];
        let grown = balancer.create_partitions(DEMO, grown, validate_only).await;
        assert!(grown[0].is_ok() && grown[1].is_err() && grown[2].is_ok());
        let unknown = TopicChange {
            name: "b".to_owned(),
            ..change.clone()
        };
        let changes = vec![change.clone(), unknown];
        let altered = balancer.alter_topics(DEMO, changes, validate_only).await;
        assert_eq!(altered, [Ok(()), Err(TopicError::UnknownTopic)]);
        if validate_only {
            assert_eq!(seen(&balancer), before);
        }
    }
    assert_eq!(seen(&balancer), (4, Some(5)));
    assert_eq!(seen(&start(&store).await), (4, Some(5)));
}

/// Exact over requests, in requests, over creation and deletion, and over a restart.
#[tokio::test]
async fn so_many_partitions_may_change_in_five_minutes() {
    let store = Arc::new(InMemory::new());
    let balancer = start(&store).await;
    let mut cluster = demo();
    cluster.limits.partition_changes_per_5_min = 5;
    balancer.set_cluster(cluster).await.expect("is stored");
    let sized = |name: &str, partitions| NewTopic {
        partitions: Some(partitions),
        ..new(name)
    };
    let asked = vec![sized("a", 2), sized("b", 4), sized("c", 1)];
    let created = balancer.create_topics(DEMO, asked.clone(), true).await;
    assert!(created[2].is_ok(), "a check spends nothing");
    let created = balancer.create_topics(DEMO, asked, false).await;
    let refused = |used, asked| TopicError::TooManyChanges {
        ceiling: 5,
        used,
        asked,
        retry_after_ms: 300_000,
    };
    assert_eq!(created[1].as_ref().err(), Some(&refused(2, 4)));
    assert!(created[0].is_ok() && created[2].is_ok());
    let again = start(&store).await;
    let by_name = |name: &str| TopicRef::Name(name.to_owned());
    let gone = again
        .delete_topics(DEMO, vec![by_name("a"), by_name("c")])
        .await;
    assert!(gone[0].is_ok());
    assert_eq!(gone[1].as_ref().err(), Some(&refused(5, 1)));
    let map = again.watch().borrow().clone();
    assert_eq!(map.partition_changes[&DEMO].within(Timestamp(1)), 5);
}

#[tokio::test]
async fn a_topic_that_is_named_in_two_ways_is_deleted_and_counted_once() {
    let balancer = start(&Arc::new(InMemory::new())).await;
    balancer.set_cluster(demo()).await.expect("is stored");
    let created = balancer.create_topics(DEMO, vec![new("a")], false).await;
    let id = created[0].as_ref().expect("is free").id;
    let name = || TopicRef::Name("a".to_owned());
    let asked = vec![name(), TopicRef::Id(id), name()];
    let gone = balancer.delete_topics(DEMO, asked).await;
    assert!(gone[0].is_ok());
    assert_eq!(gone[1], Err(TopicError::UnknownTopicId));
    assert_eq!(gone[2], Err(TopicError::UnknownTopic));
    let map = balancer.watch().borrow().clone();
    assert_eq!(map.partition_changes[&DEMO].within(Timestamp(1)), 2);
}

/// A clock that the test moves.
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Instant {
        Instant(0)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

async fn start_with(store: &Arc<dyn ObjectStore>, clock: &Arc<Moved>) -> Balancer {
    let parts = BalancerParts {
        store: Arc::clone(store),
        key: SealingKey::new(&[1; 32]),
        clock: Arc::clone(clock) as _,
        fresh_id,
    };
    Balancer::start(parts).await.expect("the store is whole")
}

/// It may be older than the limit.
#[tokio::test]
async fn a_topic_larger_than_the_limit_of_changes_can_be_deleted_but_not_created() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let clock = Arc::new(Moved(AtomicI64::new(0)));
    let balancer = start_with(&store, &clock).await;
    let mut cluster = demo();
    let set = async |cluster: &VirtualCluster| {
        let stored = balancer.set_cluster(cluster.clone()).await;
        stored.expect("is stored");
    };
    set(&cluster).await;
    let large = |name: &str| NewTopic {
        partitions: Some(20),
        ..new(name)
    };
    let both = vec![large("a"), large("b")];
    let created = balancer.create_topics(DEMO, both, false).await;
    assert!(created.iter().all(Result::is_ok));
    cluster.limits.partition_changes_per_5_min = 5;
    set(&cluster).await;
    clock.0.store(300_000, Ordering::SeqCst);
    let created = balancer.create_topics(DEMO, vec![large("c")], false).await;
    let refused = |used| TopicError::TooManyChanges {
        ceiling: 5,
        used,
        asked: 20,
        retry_after_ms: 300_000,
    };
    assert_eq!(created[0].as_ref().err(), Some(&refused(0)));
    let by_name = |name: &str| TopicRef::Name(name.to_owned());
    let both = vec![by_name("a"), by_name("b")];
    let gone = balancer.delete_topics(DEMO, both).await;
    assert!(gone[0].is_ok());
    assert_eq!(gone[1].as_ref().err(), Some(&refused(5)));
}

/// What is kept of time meters, in all.
async fn kept_time(balancer: &Balancer) -> Amounts {
    let kept = balancer.kept_usage().await.expect("is whole");
    let runs = kept.iter().flat_map(|kept| &kept.usage.runs);
    runs.fold(Amounts::default(), |sum, run| sum.plus(run.total()))
}

#[tokio::test(start_paused = true)]
async fn the_time_of_clusters_and_partitions_is_sealed_once_over_restarts() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let clock = Arc::new(Moved(AtomicI64::new(90_000)));
    let balancer = start_with(&store, &clock).await;
    balancer.set_cluster(demo()).await.expect("is stored");
    clock.0.store(100_000, Ordering::SeqCst);
    let created = balancer.create_topics(DEMO, vec![new("a")], false).await;
    assert!(created[0].is_ok());
    clock.0.store(125_000, Ordering::SeqCst);
    // The test's time stands still but for sleeping, and runs as fast as nothing else is to be done.
    while kept_time(&balancer).await.cluster_ms == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let first = kept_time(&balancer).await;
    assert_eq!((first.cluster_ms, first.partition_ms), (30_000, 20_000));
    drop(balancer);
    let balancer = start_with(&store, &clock).await;
    clock.0.store(62 * 60_000, Ordering::SeqCst);
    while kept_time(&balancer).await == first {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (open, totals) = balancer.catalog_usage().await.expect("it runs");
    let open = open
        .runs
        .iter()
        .fold(Amounts::default(), |sum, run| sum.plus(run.total()));
    let all = kept_time(&balancer).await.plus(open);
    assert_eq!(all.cluster_ms, 62 * 60_000 - 90_000);
    assert_eq!(all.partition_ms, 62 * 60_000 - 100_000);
    assert_eq!(totals[&DEMO], all);
    let kept = balancer.kept_usage().await.expect("is whole");
    let numbers: Vec<_> = kept.iter().map(|kept| kept.usage.sequence).collect();
    assert_eq!(numbers, [0, 1]);
}
