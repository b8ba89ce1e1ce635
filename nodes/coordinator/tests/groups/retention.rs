//! How long offsets and groups are kept.

use coordinator::limits::EMPTY_GROUP_KEPT_MS;
use coordinator::{CommitOffsets, GroupRequest, GroupState};
use model::{TopicId, TopicName, VirtualClusterId};

use crate::offsets::{commit, committed, fetch, key, nobody, offset};
use crate::shard::{CLUSTER, GROUP, SESSION_MS, Shard};

const RETENTION_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Lets members send heartbeats for so long.
fn live(shard: &mut Shard, member: &coordinator::Membership, ms: u64) {
    let mut rest = ms;
    while rest > 0 {
        let step = rest.min(SESSION_MS - 1);
        shard.advance(step);
        shard.heartbeat(member).expect("it is alive");
        rest -= step;
    }
}

#[test]
fn a_simple_groups_offsets_go_by_their_commits_and_the_group_with_the_last() {
    let mut shard = Shard::new();
    committed(&mut shard, commit(&nobody(), vec![offset(key(1, 0), 1)])).expect("it is free");
    shard.advance(1000);
    committed(&mut shard, commit(&nobody(), vec![offset(key(1, 1), 1)])).expect("it is free");
    shard.advance(RETENTION_MS - 1001);
    assert_eq!(fetch(&mut shard, None).len(), 2);
    shard.advance(1);
    assert_eq!(fetch(&mut shard, None).len(), 1);
    shard.advance(1000);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
    shard.restart();
    assert_eq!(shard.core.snapshot().count(), 0, "tombstones are written");
}

#[test]
fn a_groups_offsets_are_kept_while_it_has_members_and_for_as_long_after() {
    let mut shard = Shard::new();
    shard.rules.settings.offsets_retention_ms = 60_000;
    let members = shard.stable(1);
    committed(&mut shard, commit(&members[0], vec![offset(key(1, 0), 1)])).expect("a member");
    live(&mut shard, &members[0], 300_000);
    assert_eq!(fetch(&mut shard, None).len(), 1);
    shard.leave(&[(&members[0].member_id, None)]);
    shard.advance(59_999);
    assert_eq!(fetch(&mut shard, None).len(), 1);
    shard.advance(1);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
}

#[test]
fn a_member_that_comes_back_saves_the_offsets() {
    let mut shard = Shard::new();
    shard.rules.settings.offsets_retention_ms = 60_000;
    let members = shard.stable(1);
    committed(&mut shard, commit(&members[0], vec![offset(key(1, 0), 1)])).expect("a member");
    shard.leave(&[(&members[0].member_id, None)]);
    shard.advance(59_999);
    let members = shard.stable(1);
    live(&mut shard, &members[0], 120_000);
    assert_eq!(fetch(&mut shard, None).len(), 1);
}

#[test]
fn how_long_a_client_asks_for_wins() {
    let mut shard = Shard::new();
    let with = |partition, retention_ms| {
        GroupRequest::CommitOffsets(CommitOffsets {
            membership: nobody(),
            offsets: vec![offset(key(1, partition), 1)],
            retention_ms: Some(retention_ms),
        })
    };
    committed(&mut shard, commit(&nobody(), vec![offset(key(1, 0), 1)])).expect("it is free");
    committed(&mut shard, with(1, 5000)).expect("it is free");
    committed(&mut shard, with(2, u64::MAX)).expect("it is free");
    shard.advance(4999);
    assert_eq!(fetch(&mut shard, None).len(), 3);
    shard.advance(1);
    assert_eq!(fetch(&mut shard, None).len(), 2);
    shard.advance(2 * RETENTION_MS);
    assert_eq!(fetch(&mut shard, None).len(), 1);
}

#[test]
fn expiry_goes_on_after_a_restart_once_the_settings_are_known() {
    let mut shard = Shard::new();
    committed(&mut shard, commit(&nobody(), vec![offset(key(1, 0), 1)])).expect("it is free");
    shard.advance(RETENTION_MS - 1000);
    shard.core = crate::shard::replay(shard.log.iter().cloned());
    shard.core.replayed(shard.moment());
    shard.advance(2000);
    assert_eq!(shard.core.group_count(CLUSTER), 1, "nothing is known yet");
    shard.core.configure(CLUSTER, &shard.rules.settings);
    shard.advance(0);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
}

#[test]
fn a_shorter_retention_holds_for_what_is_there() {
    let mut shard = Shard::new();
    committed(&mut shard, commit(&nobody(), vec![offset(key(1, 0), 1)])).expect("it is free");
    shard.rules.settings.offsets_retention_ms = 1000;
    shard.core.configure(CLUSTER, &shard.rules.settings);
    shard.advance(999);
    assert_eq!(shard.core.group_count(CLUSTER), 1);
    shard.advance(1);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
}

#[test]
fn an_empty_group_without_offsets_is_gone_after_a_while() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    shard.leave(&[(&members[0].member_id, None)]);
    shard.advance(EMPTY_GROUP_KEPT_MS - 1);
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Empty);
    shard.advance(1);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
    shard.restart();
    assert_eq!(shard.core.snapshot().count(), 0, "a tombstone is written");
}

#[test]
fn old_offsets_of_topics_that_nobody_reads_go_in_a_living_group() {
    let mut shard = Shard::new();
    shard.rules.settings.offsets_retention_ms = 60_000;
    let members = shard.stable(1);
    let offsets = (1..=3).map(|topic| offset(key(topic, 0), 1)).collect();
    committed(&mut shard, commit(&members[0], offsets)).expect("a member");
    let name_of = |id: TopicId| match id.0[0] {
        1 => TopicName::parse("topic").ok(),
        2 => TopicName::parse("other").ok(),
        _ => None,
    };
    live(&mut shard, &members[0], 59_999);
    shard.core.expire_unsubscribed(shard.moment(), &name_of);
    assert_eq!(fetch(&mut shard, None).len(), 3, "none is old enough");
    live(&mut shard, &members[0], 1);
    shard.core.expire_unsubscribed(shard.moment(), &name_of);
    shard.collect();
    let left: Vec<_> = fetch(&mut shard, None).iter().map(|f| f.key).collect();
    assert_eq!(left, [key(1, 0), key(3, 0)]);
    shard.restart();
    assert_eq!(fetch(&mut shard, None).len(), 2);
}

#[test]
fn offsets_of_deleted_topics_go_for_good() {
    let mut shard = Shard::new();
    let offsets = vec![offset(key(1, 0), 1), offset(key(2, 0), 1)];
    committed(&mut shard, commit(&nobody(), offsets)).expect("it is free");
    shard.core.forget_topics(&|topic| topic == TopicId([1; 16]));
    shard.collect();
    let left: Vec<_> = fetch(&mut shard, None).iter().map(|f| f.key).collect();
    assert_eq!(left, [key(2, 0)]);
    shard.restart();
    assert_eq!(fetch(&mut shard, None).len(), 1);
}

#[test]
fn a_cluster_that_is_gone_leaves_nothing() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    committed(&mut shard, commit(&members[0], vec![offset(key(1, 0), 1)])).expect("a member");
    let waits = shard.call(GroupRequest::Join(crate::shard::join()));
    let other = VirtualClusterId(2);
    shard.call_of(other, GROUP, commit(&nobody(), vec![offset(key(1, 0), 1)]));
    shard.core.forget_cluster(CLUSTER);
    shard.collect();
    let refused = shard.replies.remove(&waits).expect("it is answered");
    assert_eq!(refused, Err(coordinator::GroupError::NotAvailable));
    assert_eq!(shard.core.group_count(CLUSTER), 0);
    assert_eq!(shard.core.group_count(other), 1);
    shard.restart();
    assert_eq!(shard.core.group_count(CLUSTER), 0);
    assert_eq!(shard.core.group_count(other), 1);
}
