//! From one generation to the next.

use coordinator::{GroupError, GroupRequest, GroupState, JoinGroup};

use crate::shard::{
    CLUSTER, REBALANCE_MS, SESSION_MS, Shard, With, join, membership, subscription,
};

fn state(shard: &Shard) -> GroupState {
    shard.core.list(CLUSTER)[0].state
}

#[test]
fn members_join_again_and_get_the_next_generation() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let new = shard.call(GroupRequest::Join(join()));
    assert_eq!(state(&shard), GroupState::PreparingRebalance);
    let calls: Vec<_> = members
        .iter()
        .map(|member| {
            let rebalances = shard.heartbeat(member);
            assert_eq!(rebalances, Err(GroupError::RebalanceInProgress));
            let join = join().with_member(&member.member_id);
            shard.call(GroupRequest::Join(join))
        })
        .collect();
    let leader = shard.joined(calls[0]);
    assert_eq!(leader.generation, 2);
    assert_eq!(leader.leader, members[0].member_id, "the leader stays");
    assert_eq!(leader.members.len(), 3);
    assert_eq!(shard.joined(calls[1]).members, [], "followers are not told");
    assert_eq!(shard.joined(new).leader, members[0].member_id);
    assert_eq!(state(&shard), GroupState::CompletingRebalance);
    let old = shard.heartbeat(&members[1]);
    assert_eq!(old, Err(GroupError::IllegalGeneration));
}

#[test]
fn members_that_do_not_join_again_are_dropped_and_another_one_leads() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let slow = JoinGroup {
        rebalance_timeout_ms: 90_000,
        ..join()
    };
    let new = shard.call(GroupRequest::Join(slow));
    for _ in 0..9 {
        shard.advance(SESSION_MS - 1);
        // They are alive, but do not join.
        for member in &members {
            let rebalances = shard.heartbeat(member);
            assert_eq!(rebalances, Err(GroupError::RebalanceInProgress));
        }
    }
    assert!(shard.waits(new), "the longest time-out counts");
    shard.advance(9);
    let joined = shard.joined(new);
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.leader, joined.member_id);
    let dropped = shard.heartbeat(&members[0]);
    assert_eq!(dropped, Err(GroupError::UnknownMemberId));
}

#[test]
fn a_follower_that_changes_nothing_begins_no_rebalance() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let again = join().with_member(&members[1].member_id);
    let call = shard.call(GroupRequest::Join(again.clone()));
    let joined = shard.joined(call);
    assert_eq!((joined.generation, joined.members.len()), (1, 0));
    assert_eq!(state(&shard), GroupState::Stable);

    let other_topics = again.with_metadata(subscription(&["topic", "other"]));
    let call = shard.call(GroupRequest::Join(other_topics));
    assert!(shard.waits(call));
    assert_eq!(state(&shard), GroupState::PreparingRebalance);
}

#[test]
fn what_a_member_asks_for_when_it_joins_again_counts() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let metadata = subscription(&["other"]);
    let changed = JoinGroup {
        session_timeout_ms: 2 * SESSION_MS as i32,
        ..join().with_metadata(metadata.clone())
    };
    let changed = changed.with_member(&members[1].member_id);
    shard.call(GroupRequest::Join(changed));
    let leader = join().with_member(&members[0].member_id);
    let call = shard.call(GroupRequest::Join(leader));
    let joined = shard.joined(call);
    let told = joined.members.iter();
    let mut told = told.filter(|told| told.member_id == members[1].member_id);
    assert_eq!(told.next().map(|told| &told.metadata), Some(&metadata));
    // Its session is the new one.
    shard.advance(2 * SESSION_MS - 1);
    let member = coordinator::Membership {
        generation: joined.generation,
        ..members[1].clone()
    };
    assert_eq!(
        shard.heartbeat(&member),
        Err(GroupError::RebalanceInProgress),
        "it is still there, and the other one was silent"
    );
}

#[test]
fn a_leader_that_joins_again_begins_a_rebalance() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let again = join().with_member(&members[0].member_id);
    let call = shard.call(GroupRequest::Join(again));
    assert!(shard.waits(call));
    assert_eq!(state(&shard), GroupState::PreparingRebalance);
}

#[test]
fn a_join_that_is_repeated_before_the_sync_gets_the_same_answer() {
    let mut shard = Shard::new();
    let call = shard.call(GroupRequest::Join(join()));
    let joined = shard.joined(call);
    let again = join().with_member(&joined.member_id);
    let call = shard.call(GroupRequest::Join(again.clone()));
    assert_eq!(shard.joined(call), joined);

    let call = shard.call(GroupRequest::Join(again.with_metadata(subscription(&[]))));
    let anew = shard.joined(call);
    assert_eq!(anew.generation, 2, "other metadata begins a rebalance");
}

#[test]
fn a_new_member_ends_the_wait_for_the_assignment() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let calls: Vec<_> = members
        .iter()
        .map(|member| shard.call(GroupRequest::Join(join().with_member(&member.member_id))))
        .collect();
    let follower = shard.joined(calls[1]);
    let sync = shard.call(crate::shard::sync(&membership(&follower), Vec::new()));
    assert!(shard.waits(sync));
    shard.call(GroupRequest::Join(join()));
    assert_eq!(shard.try_synced(sync), Err(GroupError::RebalanceInProgress));
}

#[test]
fn who_does_not_sync_in_time_is_dropped() {
    let mut shard = Shard::new();
    let members = shard.stable(3);
    let calls: Vec<_> = members
        .iter()
        .map(|member| shard.call(GroupRequest::Join(join().with_member(&member.member_id))))
        .collect();
    let joined: Vec<_> = calls.into_iter().map(|call| shard.joined(call)).collect();
    // A follower syncs, the leader and the other follower send heartbeats alone.
    let sync = shard.call(crate::shard::sync(&membership(&joined[1]), Vec::new()));
    for _ in 0..6 {
        shard.advance(SESSION_MS - 1);
        for index in [0, 2] {
            assert_eq!(shard.heartbeat(&membership(&joined[index])), Ok(()));
        }
    }
    assert!(shard.waits(sync));
    shard.advance(REBALANCE_MS - 6 * (SESSION_MS - 1));
    assert_eq!(shard.try_synced(sync), Err(GroupError::RebalanceInProgress));
    let dropped = shard.heartbeat(&membership(&joined[0]));
    assert_eq!(dropped, Err(GroupError::UnknownMemberId));
    let again = shard.call(GroupRequest::Join(join().with_member(&joined[1].member_id)));
    let next = shard.joined(again);
    assert_eq!((next.generation, next.members.len()), (3, 1));
    assert_eq!(next.leader, next.member_id);
}

#[test]
fn a_stable_group_drops_who_has_not_synced() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let calls: Vec<_> = members
        .iter()
        .map(|member| shard.call(GroupRequest::Join(join().with_member(&member.member_id))))
        .collect();
    let joined: Vec<_> = calls.into_iter().map(|call| shard.joined(call)).collect();
    let sync = shard.call(crate::shard::sync(&membership(&joined[0]), Vec::new()));
    shard.synced(sync);
    assert_eq!(state(&shard), GroupState::Stable);
    for _ in 0..6 {
        shard.advance(SESSION_MS - 1);
        for joined in &joined {
            assert_eq!(shard.heartbeat(&membership(joined)), Ok(()));
        }
    }
    shard.advance(REBALANCE_MS - 6 * (SESSION_MS - 1));
    assert_eq!(state(&shard), GroupState::PreparingRebalance);
    let dropped = shard.heartbeat(&membership(&joined[1]));
    assert_eq!(dropped, Err(GroupError::UnknownMemberId));
}
