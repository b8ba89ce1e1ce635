//! Heartbeats, and members that fall silent.

use coordinator::{CommitOffsets, GroupError, GroupRequest, GroupState, Membership};

use crate::shard::{CLUSTER, SESSION_MS, Shard, With, join, membership, sync};

#[test]
fn a_heartbeat_keeps_a_member_and_silence_ends_it() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    for _ in 0..5 {
        shard.advance(SESSION_MS - 1);
        for member in &members {
            assert_eq!(shard.heartbeat(member), Ok(()));
        }
    }
    shard.advance(SESSION_MS - 1);
    assert_eq!(shard.heartbeat(&members[0]), Ok(()));
    shard.advance(1);
    assert_eq!(
        shard.heartbeat(&members[0]),
        Err(GroupError::RebalanceInProgress)
    );
    assert_eq!(
        shard.heartbeat(&members[1]),
        Err(GroupError::UnknownMemberId)
    );
    let call = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    assert_eq!(shard.joined(call).members.len(), 1);
}

#[test]
fn a_group_whose_members_are_all_silent_is_empty() {
    let mut shard = Shard::new();
    shard.stable(2);
    shard.advance(SESSION_MS);
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Empty);
    let call = shard.call(GroupRequest::Join(join()));
    assert_eq!(shard.joined(call).generation, 3, "generations go on");
}

#[test]
fn a_heartbeat_names_its_member_and_generation() {
    let mut shard = Shard::new();
    let stranger = Membership {
        member_id: "who".to_owned(),
        ..Membership::default()
    };
    let unknown = Err(GroupError::UnknownMemberId);
    assert_eq!(shard.heartbeat(&stranger), unknown);
    let members = shard.stable(1);
    assert_eq!(shard.heartbeat(&stranger), unknown);
    for generation in [-1, 0, 2] {
        let other = Membership {
            generation,
            ..members[0].clone()
        };
        assert_eq!(shard.heartbeat(&other), Err(GroupError::IllegalGeneration));
    }
}

#[test]
fn a_commit_counts_as_a_heartbeat() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    shard.advance(SESSION_MS - 1);
    shard.ask(GroupRequest::CommitOffsets(CommitOffsets {
        membership: members[0].clone(),
        offsets: Vec::new(),
        retention_ms: None,
    }));
    shard.advance(SESSION_MS - 1);
    assert_eq!(shard.heartbeat(&members[0]), Ok(()));
}

#[test]
fn a_member_whose_join_waits_needs_no_heartbeat() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let waits = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    for _ in 0..5 {
        shard.advance(SESSION_MS - 1);
        let other = shard.heartbeat(&members[1]);
        assert_eq!(other, Err(GroupError::RebalanceInProgress));
    }
    assert!(shard.waits(waits));
    let call = shard.call(GroupRequest::Join(
        join().with_member(&members[1].member_id),
    ));
    assert_eq!(shard.joined(waits).members.len(), 2);
    assert_eq!(shard.joined(call).generation, 2);
    shard.advance(SESSION_MS);
    let state = shard.core.list(CLUSTER)[0].state;
    assert_eq!(state, GroupState::Empty, "it does now");
}

#[test]
fn a_member_whose_sync_waits_needs_no_heartbeat_until_it_is_answered() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let calls: Vec<_> = members
        .iter()
        .map(|member| shard.call(GroupRequest::Join(join().with_member(&member.member_id))))
        .collect();
    let joined: Vec<_> = calls.into_iter().map(|call| shard.joined(call)).collect();
    let [leader, follower] = [&joined[0], &joined[1]].map(membership);
    let waits = shard.call(sync(&follower, Vec::new()));
    for _ in 0..3 {
        shard.advance(SESSION_MS - 1);
        assert_eq!(shard.heartbeat(&leader), Ok(()));
    }
    assert!(shard.waits(waits));
    let call = shard.call(sync(&leader, Vec::new()));
    shard.synced(call);
    shard.synced(waits);
    shard.advance(SESSION_MS - 1);
    assert_eq!(shard.heartbeat(&leader), Ok(()));
    shard.advance(1);
    let rebalances = shard.heartbeat(&leader);
    assert_eq!(rebalances, Err(GroupError::RebalanceInProgress));
}
