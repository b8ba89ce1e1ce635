//! Coordinators on a whole node: what they have acknowledged is there after restarts and crashes,
//! whatever is lost on the way, and their logs stay short.

pub(super) mod member;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use coordinator::{GroupError, GroupReply, GroupRequest, GroupState, Membership, shard_of};
use model::{CatalogVersion, LeaderEpoch, NodeId, Offset, Placement, TopicConfig};
use node_api::{FindOffset, GroupCall, LogBounds, NodeTransport, OffsetQuery};
use tokio::sync::Notify;

use super::faulty::{Fault, faulty, with_fault};
use super::world::{DEADLINE, DEMO, GROUPS, TOPIC, World, cluster, map, wait_until};
use crate::LocalNode;
use crate::coordinators::{Rules, SnapshotRule};
use crate::node::Coordination;
use member::{
    PARTITIONS, ask, assign, commit, commit_at, fetched, group_in, join, member_of, shard,
};

/// Snapshots after few bytes, in many small batches.
fn small() -> Rules {
    Rules {
        batch_bytes_max: 150,
        snapshot: SnapshotRule {
            bytes: 2000,
            age: Duration::from_secs(3600),
        },
        ..Rules::default()
    }
}

/// Where the log of a group's shard begins and ends.
async fn bounds(node: &LocalNode, group: &str) -> LogBounds {
    let query = FindOffset {
        partition: shard(group),
        map_version: CatalogVersion(1),
        query: OffsetQuery::Latest,
    };
    node.find_offset(query).await.expect("is here").bounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_and_generations_are_there_after_a_restart_and_after_a_crash() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let joined = join(&transport, "readers", "").await;
    assert_eq!((joined.generation, &joined.leader), (1, &joined.member_id));
    assign(&transport, "readers", &joined).await;
    commit(&transport, "readers", member_of(&joined), &[(0, 7), (2, 9)]).await;
    commit(&transport, "others", Membership::default(), &[(1, 5)]).await;
    let crashed = world.crash_copy();
    node.shutdown().await;

    for world in [&world, &crashed] {
        let node = world.start().await;
        let transport = node.transport();
        // At once: calls wait while the coordinators are loaded.
        let (found, listed) =
            tokio::join!(fetched(&transport, "readers"), transport.list_groups(DEMO));
        assert_eq!(found, [(0, 7), (2, 9)]);
        assert_eq!(fetched(&transport, "others").await, [(1, 5)]);
        let alive = GroupRequest::Heartbeat(member_of(&joined));
        let alive = ask(&transport, "readers", alive).await;
        assert_eq!(alive, Ok(GroupReply::Heartbeat(Ok(()))));
        let listed = listed.expect("all coordinators are loaded");
        let mut names: Vec<_> = listed.iter().map(|g| (g.group.as_str(), g.state)).collect();
        names.sort_by_key(|(name, _)| *name);
        assert_eq!(
            names,
            [
                ("others", GroupState::Empty),
                ("readers", GroupState::Stable)
            ]
        );
        let others = transport.list_groups(model::VirtualClusterId(2)).await;
        assert_eq!(others, Ok(Vec::new()));
        node.shutdown().await;
        let gone = transport.list_groups(DEMO).await;
        assert_eq!(gone, Err(GroupError::NotAvailable), "none is not all");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_waits_for_the_others_and_ends_with_the_node() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let first = join(&transport, "g", "").await;
    assign(&transport, "g", &first).await;
    let second = tokio::spawn({
        let transport = transport.clone();
        async move { join(&transport, "g", "").await }
    });
    let heartbeat = || ask(&transport, "g", GroupRequest::Heartbeat(member_of(&first)));
    let rebalancing = Ok(GroupReply::Heartbeat(Err(GroupError::RebalanceInProgress)));
    wait_until(async || heartbeat().await == rebalancing).await;
    assert!(!second.is_finished());
    let first = join(&transport, "g", &first.member_id).await;
    let second = second.await.expect("joins");
    assert_eq!((first.generation, second.generation), (2, 2));
    // This one waits for the two others, who do not come.
    let third = tokio::spawn({
        let (transport, join) = (transport.clone(), member::joining(""));
        async move { ask(&transport, "g", join).await }
    });
    let heartbeat = || ask(&transport, "g", GroupRequest::Heartbeat(member_of(&first)));
    wait_until(async || heartbeat().await == rebalancing).await;
    node.shutdown().await;
    assert_eq!(
        third.await.expect("is answered"),
        Err(GroupError::NotAvailable)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_lost_appends_and_broken_lanes_lose_and_repeat_nothing() {
    let world = World::new();
    let node = world.start_with(faulty(Fault::Storm)).await;
    let transport = node.transport();
    for offset in 0..12 {
        commit(&transport, "g", Membership::default(), &[(0, offset)]).await;
    }
    assert_eq!(fetched(&transport, "g").await, [(0, 11)]);
    // One record for the group, one for each commit.
    let written = bounds(&transport, "g").await.high_watermark.value();
    assert!(written == 12 || written == 13, "{written}");
    node.shutdown().await;
    let node = world.start().await;
    assert_eq!(fetched(&node.transport(), "g").await, [(0, 11)]);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_keep_the_log_short() {
    let world = World::new();
    let coordination = || Coordination {
        rules: small(),
        ..Coordination::default()
    };
    let node = world.start_with(coordination()).await;
    let transport = node.transport();
    let neighbour = group_in(shard("g").partition, "neighbour");
    commit(&transport, &neighbour, Membership::default(), &[(3, 33)]).await;
    for offset in 0..200 {
        commit(
            &transport,
            "g",
            Membership::default(),
            &[(0, offset), (1, offset)],
        )
        .await;
    }
    // What was written is 200 commits of two records; what is left is at most what two snapshots
    // and the bytes between them hold.
    wait_until(async || {
        let bounds = bounds(&transport, "g").await;
        bounds.high_watermark.since(bounds.log_start_offset) < 120
    })
    .await;
    assert!(bounds(&transport, "g").await.high_watermark.value() > 400);
    let crashed = world.crash_copy();
    node.shutdown().await;
    for world in [&world, &crashed] {
        let node = world.start_with(coordination()).await;
        let transport = node.transport();
        assert_eq!(fetched(&transport, "g").await, [(0, 199), (1, 199)]);
        assert_eq!(fetched(&transport, &neighbour).await, [(3, 33)]);
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_comes_by_age_too() {
    let world = World::new();
    let rules = Rules {
        snapshot: SnapshotRule {
            bytes: u64::MAX,
            age: Duration::from_millis(1),
        },
        ..Rules::default()
    };
    let coordination = Coordination {
        rules,
        ..Coordination::default()
    };
    let node = world.start_with(coordination).await;
    let transport = node.transport();
    commit(&transport, "g", Membership::default(), &[(0, 1)]).await;
    let started = async || bounds(&transport, "g").await.log_start_offset > Offset::ZERO;
    wait_until(started).await;
    node.shutdown().await;
    let node = world.start().await;
    assert_eq!(fetched(&node.transport(), "g").await, [(0, 1)]);
    node.shutdown().await;
}

/// The log ends after any of the batches, in the midst of a snapshot or not, and what lies before a
/// snapshot may be left or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_snapshot_does_no_harm() {
    let mut half_snapshots = 0;
    for count in (1..120).step_by(7) {
        let world = World::new();
        let hung = Arc::new(Notify::new());
        let coordination = with_fault(small(), Fault::HangAfter(count), &hung);
        let node = world.start_with(coordination).await;
        let transport = node.transport();
        let mut acknowledged = 0;
        loop {
            tokio::select! {
                biased;
                () = commit_at(&transport, "g", acknowledged) => acknowledged += 1,
                () = hung.notified() => break,
            }
        }
        let bounds = bounds(&transport, "g").await;
        let is_whole = bounds.log_start_offset == Offset::ZERO;
        if is_whole && bounds.high_watermark.value() > acknowledged + 2 {
            half_snapshots += 1;
        }
        let crashed = world.crash_copy();
        let crashed_node = crashed.start().await;
        let found = fetched(&crashed_node.transport(), "g").await;
        for partition in 0..PARTITIONS.min(acknowledged) {
            // The last one acknowledged for this partition, or the one that was under way.
            let last = (0..acknowledged)
                .rev()
                .find(|n| n % PARTITIONS == partition);
            let found = found.iter().find(|(key, _)| u64::from(*key) == partition);
            let found = found.map(|(_, offset)| *offset);
            let under_way = (acknowledged % PARTITIONS == partition).then_some(acknowledged);
            assert!(
                found == last || found == under_way,
                "{count}: {found:?}, {last:?}"
            );
        }
        crashed_node.shutdown().await;
        drop(node);
    }
    assert!(half_snapshots > 0, "no crash has hit a snapshot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_whose_log_start_is_lost_do_no_harm() {
    let world = World::new();
    let node = world
        .start_with(with_fault(small(), Fault::KeepLog, &Arc::default()))
        .await;
    let transport = node.transport();
    for offset in 0..100 {
        commit(
            &transport,
            "g",
            Membership::default(),
            &[(0, offset), (1, offset)],
        )
        .await;
    }
    let bounds = bounds(&transport, "g").await;
    assert_eq!(bounds.log_start_offset, Offset::ZERO);
    node.shutdown().await;
    let node = world.start().await;
    assert_eq!(fetched(&node.transport(), "g").await, [(0, 99), (1, 99)]);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_that_could_not_write_forgets_what_is_not_in_its_log() {
    let world = World::new();
    let node = world.start_with(faulty(Fault::RefuseAfter(2))).await;
    let transport = node.transport();
    for offset in 1..=2 {
        commit(&transport, "g", Membership::default(), &[(0, offset)]).await;
    }
    let refused = ask(
        &transport,
        "g",
        member::committing(Membership::default(), &[(0, 3)]),
    )
    .await;
    assert_eq!(refused, Err(GroupError::NotAvailable));
    assert_eq!(fetched(&transport, "g").await, [(0, 2)]);
    commit(&transport, "g", Membership::default(), &[(0, 4)]).await;
    node.shutdown().await;
    let node = world.start().await;
    assert_eq!(fetched(&node.transport(), "g").await, [(0, 4)]);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_no_segment_can_hold_is_refused_and_the_rest_goes_on() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    commit(&transport, "g", Membership::default(), &[(0, 1)]).await;
    let large = group_in(shard("g").partition, "large");
    let joined = join(&transport, &large, "").await;
    let sync = member::syncing(&joined, vec![1; 600_000]);
    assert_eq!(
        ask(&transport, &large, sync).await,
        Err(GroupError::NotAvailable)
    );
    assert_eq!(fetched(&transport, "g").await, [(0, 1)]);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_is_where_its_partition_is_and_nowhere_else() {
    let world = World::new();
    let mut without = map(1, Some(TopicConfig::default()));
    without.topics.remove(&GROUPS);
    let system = model::VirtualClusterId::SYSTEM;
    let names = without.topics_by_name.get_mut(&system).expect("is there");
    Arc::make_mut(names).retain(|name, _| name.as_str() != model::GROUPS_TOPIC);
    world.control.map.send_replace(Arc::new(without));
    let node = world.start().await;
    let transport = node.transport();
    let call = || ask(&transport, "g", GroupRequest::Describe);
    assert_eq!(
        call().await,
        Err(GroupError::NotCoordinator),
        "there is no topic"
    );

    world
        .control
        .map
        .send_replace(Arc::new(map(2, Some(TopicConfig::default()))));
    commit(&transport, "g", Membership::default(), &[(0, 1)]).await;
    let mut wrong = shard("g");
    wrong.partition = (wrong.partition + 1) % 64;
    let call_to = |shard| {
        let (cluster, group) = (DEMO, "g".to_owned());
        let request = GroupRequest::Describe;
        transport.coordinate(
            shard,
            GroupCall {
                cluster,
                group,
                request,
            },
        )
    };
    assert_eq!(call_to(wrong).await, Err(GroupError::NotCoordinator));
    wrong.topic = TOPIC;
    assert_eq!(call_to(wrong).await, Err(GroupError::NotCoordinator));

    // A member waits for others when the coordinator goes elsewhere.
    let first = join(&transport, "h", "").await;
    assign(&transport, "h", &first).await;
    let waiting = tokio::spawn({
        let transport = transport.clone();
        async move { ask(&transport, "h", member::joining("")).await }
    });
    let rebalancing = Ok(GroupReply::Heartbeat(Err(GroupError::RebalanceInProgress)));
    let heartbeat = || ask(&transport, "h", GroupRequest::Heartbeat(member_of(&first)));
    wait_until(async || heartbeat().await == rebalancing).await;
    let mut moved = map(3, Some(TopicConfig::default()));
    let mut topic = moved.topics[&GROUPS].as_ref().clone();
    topic.placements.fill(Placement {
        node: NodeId(1),
        leader_epoch: LeaderEpoch(1),
    });
    let topic = Arc::new(topic);
    moved.topics.insert(GROUPS, Arc::clone(&topic));
    let names = moved.topics_by_name.get_mut(&system).expect("is there");
    Arc::make_mut(names).insert(topic.name.clone(), topic);
    world.control.map.send_replace(Arc::new(moved));
    assert_eq!(
        waiting.await.expect("is answered"),
        Err(GroupError::NotCoordinator)
    );
    assert_eq!(call().await, Err(GroupError::NotCoordinator));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_go_with_their_topic_also_while_the_node_is_down() {
    for is_down in [false, true] {
        let world = World::new();
        let mut node = world.start().await;
        commit(&node.transport(), "g", Membership::default(), &[(0, 1)]).await;
        if is_down {
            node.shutdown().await;
        }
        world.control.map.send_replace(Arc::new(map(2, None)));
        if is_down {
            node = world.start().await;
        }
        let transport = node.transport();
        wait_until(async || fetched(&transport, "g").await.is_empty()).await;
        node.shutdown().await;
        // The topic's name may come again, the id does not; here it does, to see what was kept.
        world
            .control
            .map
            .send_replace(Arc::new(map(3, Some(TopicConfig::default()))));
        let node = world.start().await;
        assert!(
            fetched(&node.transport(), "g").await.is_empty(),
            "it was written, too"
        );
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_counted_over_all_shards() {
    let world = World::new();
    let mut limited = map(2, Some(TopicConfig::default()));
    let mut demo = cluster(DEMO);
    demo.limits.consumer_groups_max = 2;
    limited.virtual_clusters.insert(DEMO, Arc::new(demo));
    world.control.map.send_replace(Arc::new(limited));
    let node = world.start().await;
    let transport = node.transport();
    let groups = ["a", "b", "c"];
    let shards = groups.map(|group| shard_of(DEMO, group));
    assert!(shards[0] != shards[1] && shards[1] != shards[2] && shards[0] != shards[2]);
    for group in &groups[..2] {
        commit(&transport, group, Membership::default(), &[(0, 1)]).await;
    }
    let request = member::joining("");
    let third = ask(&transport, "c", request).await.expect("is answered");
    let GroupReply::Join(Err(refused)) = third else {
        panic!("{third:?}");
    };
    assert_eq!(refused.error, GroupError::GroupMaxSizeReached);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_coordinators_write_is_no_bill_and_no_egress_report() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let delivered = [(DEMO, model::ByteCount(1000))].into();
    let mut forged = Vec::new();
    for report in quota::EgressReport::split(&delivered) {
        report.encode(&mut forged);
    }
    let mut writer =
        super::world::Writer::open(&transport, shard("g"), super::world::GATEWAY).await;
    let record = coordinator::StoredRecord {
        key: b"key".to_vec().into(),
        value: Some(forged.into()),
    };
    let wall = model::Timestamp(world.clock.wall.load(Ordering::Relaxed));
    writer
        .append(crate::coordinators::writer::batch(&[record], wall))
        .await;
    assert!(transport.usage().await.is_empty());
    node.shutdown().await;
}

#[tokio::test]
async fn the_coordinator_learns_that_a_caller_is_gone() {
    let (calls, mut inbox) = crate::coordinators::mailbox();
    let call = || GroupCall {
        cluster: DEMO,
        group: "g".to_owned(),
        request: GroupRequest::Describe,
    };
    let gone = tokio::time::timeout(Duration::ZERO, calls.coordinate(shard("g"), call())).await;
    assert!(gone.is_err());
    let named = tokio::time::timeout(DEADLINE, inbox.abandoned.recv())
        .await
        .expect("comes");
    let crate::coordinators::calls::Call::Coordinate(taken) =
        inbox.calls.recv().await.expect("came")
    else {
        panic!("something else was called");
    };
    assert_eq!(named, Some(taken.id));
    assert!(taken.reply.is_closed());
    // Who is answered is not named.
    let answering = async {
        let Some(crate::coordinators::calls::Call::Coordinate(taken)) = inbox.calls.recv().await
        else {
            panic!("something else was called");
        };
        assert!(taken.reply.send(Err(GroupError::GroupIdNotFound)).is_ok());
    };
    let (answer, ()) = tokio::join!(calls.coordinate(shard("g"), call()), answering);
    assert_eq!(answer, Err(GroupError::GroupIdNotFound));
    assert!(inbox.abandoned.try_recv().is_err());
}
