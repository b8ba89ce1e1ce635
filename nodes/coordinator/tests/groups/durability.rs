//! What is there after a crash.

use bytes::Bytes;
use coordinator::{
    Coordinator, Effect, GroupError, GroupRequest, GroupState, ReplayError, StoredRecord,
};

use crate::offsets::{commit, committed, deleted, fetch, key, nobody, offset};
use crate::shard::{CLUSTER, SESSION_MS, Shard, With, join, replay, share, sync};

#[test]
fn members_go_on_after_a_crash_without_joining_again() {
    let mut shard = Shard::new();
    let members = shard.stable(3);
    shard.advance(SESSION_MS - 1);
    shard.restart();
    shard.advance(SESSION_MS - 1);
    for member in &members {
        assert_eq!(shard.heartbeat(member), Ok(()), "its session begins anew");
    }
    let call = shard.call(sync(&members[1], Vec::new()));
    assert_eq!(shard.synced(call).assignment, share(&members[1].member_id));
    let leader = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    assert!(shard.waits(leader), "the leader is known as such");
    shard.advance(SESSION_MS);
    assert_eq!(
        shard.joined(leader).members.len(),
        1,
        "the silent are dropped"
    );
}

#[test]
fn a_crash_in_a_rebalance_leaves_the_generation_before_it() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    shard.call(GroupRequest::Join(join()));
    let call = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    assert!(shard.waits(call));
    shard.restart();
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Stable);
    for member in &members {
        assert_eq!(shard.heartbeat(member), Ok(()));
    }
}

#[test]
fn a_write_comes_before_the_reply_that_tells_of_it() {
    let mut core = Coordinator::new();
    let shard = Shard::new();
    let call = coordinator::GroupCall {
        cluster: CLUSTER,
        group: "g".to_owned(),
        request: commit(&nobody(), vec![offset(key(1, 0), 1)]),
    };
    core.handle(
        shard.moment(),
        coordinator::CallId(1),
        call,
        &shard.rules,
        [0; 16],
    );
    assert!(matches!(core.poll_effect(), Some(Effect::Write(records)) if records.len() == 1));
    assert!(matches!(core.poll_effect(), Some(Effect::Reply { .. })));
    assert_eq!(core.poll_effect(), None);
}

#[test]
fn a_damaged_record_is_refused_and_changes_nothing() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    committed(&mut shard, commit(&members[0], vec![offset(key(1, 0), 1)])).expect("a member");
    let mut core = replay(shard.log.iter().cloned());
    let before: Vec<_> = core.snapshot().collect();
    for record in &before {
        let value = record.value.as_ref().expect("it is there");
        let cut = StoredRecord {
            key: record.key.clone(),
            value: Some(value.slice(..value.len() - 1)),
        };
        assert_eq!(core.replay(cut), Err(ReplayError::Truncated));
    }
    let unknown = StoredRecord {
        key: Bytes::from_static(&[1, 77]),
        value: None,
    };
    assert_eq!(core.replay(unknown), Err(ReplayError::Kind(77)));
    assert_eq!(core.snapshot().collect::<Vec<_>>(), before);
}

#[test]
fn a_deletion_that_is_half_durable_leaves_a_group_that_can_be_deleted() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    let offsets = (0..3).map(|partition| offset(key(1, partition), 1));
    committed(&mut shard, commit(&members[0], offsets.collect())).expect("a member");
    shard.leave(&[(&members[0].member_id, None)]);
    let log_end = shard.log.len();
    shard.ask(GroupRequest::Delete);
    let log = shard.log.clone();
    assert_eq!(log.len(), log_end + 4);
    for end in log_end..log.len() {
        shard.log.truncate(0);
        shard.log.extend_from_slice(&log[..end]);
        shard.restart();
        assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Empty);
        assert_eq!(fetch(&mut shard, None).len(), log.len() - 1 - end);
        shard.ask(GroupRequest::Delete);
        assert_eq!(shard.core.snapshot().count(), 0);
    }
}

#[test]
fn members_that_do_not_survive_a_crash_are_dropped() {
    let mut shard = Shard::new();
    shard.stable(2);
    shard.restart();
    shard.advance(SESSION_MS - 1);
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Stable);
    shard.advance(1);
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Empty);
}

#[test]
fn the_leader_is_the_same_after_a_crash() {
    let mut shard = Shard::new();
    let calls = ["z", "a"].map(|id| shard.core_call(GroupRequest::Join(join().with_client(id))));
    shard.advance(0);
    let joined = calls.map(|call| shard.joined(call));
    assert_eq!(joined[1].leader, joined[0].member_id);
    shard.sync_all(&joined);
    shard.restart();
    let again = join().with_member(&joined[1].member_id);
    let call = shard.call(GroupRequest::Join(again));
    let told = shard.joined(call);
    assert_eq!(told.leader, joined[0].member_id);
    assert_eq!(told.members, []);
}

#[test]
fn what_members_read_is_known_after_a_crash() {
    let mut shard = Shard::new();
    shard.stable(2);
    shard.restart();
    let both = [(key(1, 0), "topic"), (key(2, 0), "other")];
    let reads = Err(GroupError::GroupSubscribedToTopic);
    assert_eq!(deleted(&mut shard, &both), Ok(vec![reads, Ok(())]));
}

#[test]
fn since_when_a_group_is_empty_is_known_after_a_crash() {
    let mut shard = Shard::new();
    shard.rules.settings.offsets_retention_ms = 5000;
    let members = shard.stable(1);
    committed(&mut shard, commit(&members[0], vec![offset(key(1, 0), 1)])).expect("a member");
    shard.advance(4000);
    shard.leave(&[(&members[0].member_id, None)]);
    shard.restart();
    shard.advance(4999);
    assert_eq!(shard.core.group_count(CLUSTER), 1);
    shard.advance(1);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
}
