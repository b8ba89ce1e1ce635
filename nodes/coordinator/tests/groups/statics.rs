//! Static members (KIP-345, KIP-814).

use coordinator::{GroupError, GroupRequest, GroupState, JoinGroup, Joined, Membership};

use crate::shard::{CLUSTER, SESSION_MS, Shard, With, join, membership, share, subscription, sync};

/// A stable group of static members `i0`, `i1`, ...; the first one leads.
fn stable(shard: &mut Shard, count: usize) -> Vec<Membership> {
    let calls: Vec<_> = (0..count)
        .map(|number| {
            let join = join().with_instance(&format!("i{number}"));
            shard.core_call(GroupRequest::Join(join))
        })
        .collect();
    shard.advance(0);
    let joined: Vec<Joined> = calls.into_iter().map(|call| shard.joined(call)).collect();
    let members = shard.sync_all(&joined).into_iter().enumerate();
    let named = members.map(|(number, member)| Membership {
        instance_id: Some(format!("i{number}")),
        ..member
    });
    named.collect()
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let mut shard = Shard::new();
    let members = stable(&mut shard, 2);
    assert!(members[1].member_id.starts_with("i1-"));
    let log_end = shard.log.len();
    let call = shard.call(GroupRequest::Join(join().with_instance("i1")));
    let joined = shard.joined(call);
    assert_eq!(joined.generation, 1);
    assert_ne!(joined.member_id, members[1].member_id);
    assert_eq!(joined.leader, members[0].member_id);
    assert!(!joined.skip_assignment, "it does not lead");
    assert_eq!(shard.log.len(), log_end + 1, "the new id is written");
    let call = shard.call(sync(&membership(&joined), Vec::new()));
    let assignment = shard.synced(call).assignment;
    assert_eq!(assignment, share(&members[1].member_id), "its old share");
    assert_eq!(shard.heartbeat(&members[0]), Ok(()));
    assert_eq!(
        shard.heartbeat(&members[1]),
        Err(GroupError::FencedInstanceId)
    );
    let nameless = Membership {
        instance_id: None,
        ..members[1].clone()
    };
    assert_eq!(shard.heartbeat(&nameless), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_static_member_that_comes_back_is_found_after_a_crash() {
    let mut shard = Shard::new();
    stable(&mut shard, 2);
    let call = shard.call(GroupRequest::Join(join().with_instance("i1")));
    let joined = shard.joined(call);
    shard.restart();
    assert_eq!(shard.heartbeat(&membership(&joined)), Ok(()));
}

#[test]
fn a_static_leader_that_comes_back_leads_but_need_not_assign() {
    let mut shard = Shard::new();
    let members = stable(&mut shard, 2);
    let call = shard.call(GroupRequest::Join(join().with_instance("i0")));
    let joined = shard.joined(call);
    assert!(joined.skip_assignment);
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(joined.members.len(), 2);

    let old_client = JoinGroup {
        can_skip_assignment: false,
        ..join().with_instance("i0")
    };
    let call = shard.call(GroupRequest::Join(old_client));
    let again = shard.joined(call);
    assert!(!again.skip_assignment);
    assert_eq!(
        again.leader, joined.member_id,
        "it takes itself for a follower"
    );
    assert_eq!(again.members, []);
    assert_eq!(shard.heartbeat(&members[1]), Ok(()));
}

#[test]
fn a_static_member_that_changes_the_chosen_protocol_begins_a_rebalance() {
    let mut shard = Shard::new();
    let both = || join().with_protocols(&["range", "sticky"]);
    let call = shard.call(GroupRequest::Join(both().with_instance("i0")));
    let joined = shard.joined(call);
    shard.sync_all(std::slice::from_ref(&joined));
    let other = join().with_protocols(&["sticky", "range"]);
    let call = shard.call(GroupRequest::Join(other.with_instance("i0")));
    let next = shard.joined(call);
    assert_eq!((next.generation, next.protocol.as_str()), (2, "sticky"));

    shard.sync_all(std::slice::from_ref(&next));
    let mut other = join().with_protocols(&["sticky", "range"]);
    other.protocols[0].1 = subscription(&["new"]);
    let call = shard.call(GroupRequest::Join(other.with_instance("i0")));
    assert_eq!(shard.joined(call).generation, 2, "metadata alone does not");
}

#[test]
fn a_static_member_that_comes_back_fences_calls_that_wait() {
    let mut shard = Shard::new();
    let members = stable(&mut shard, 2);
    let again = join()
        .with_instance("i1")
        .with_member(&members[1].member_id)
        .with_metadata(subscription(&["new"]));
    let waits = shard.call(GroupRequest::Join(again));
    assert!(shard.waits(waits));
    let new = shard.call(GroupRequest::Join(join().with_instance("i1")));
    let refused = shard.try_joined(waits).expect_err("it is fenced");
    assert_eq!(refused.error, GroupError::FencedInstanceId);
    assert!(shard.waits(new));
    let leader = join()
        .with_instance("i0")
        .with_member(&members[0].member_id);
    let call = shard.call(GroupRequest::Join(leader));
    assert_eq!(shard.joined(call).members.len(), 2);
    let follower = shard.joined(new);
    let sync = shard.call(sync(&membership(&follower), Vec::new()));
    let newest = shard.call(GroupRequest::Join(join().with_instance("i1")));
    assert_eq!(
        shard.try_synced(sync),
        Err(GroupError::FencedInstanceId),
        "the leader may have assigned to the old id"
    );
    assert!(shard.waits(newest));
    assert_eq!(
        shard.core.list(CLUSTER)[0].state,
        GroupState::PreparingRebalance
    );
}

#[test]
fn another_id_under_a_known_name_is_fenced() {
    let mut shard = Shard::new();
    let members = stable(&mut shard, 2);
    let other = join()
        .with_instance("i1")
        .with_member(&members[0].member_id);
    let call = shard.call(GroupRequest::Join(other));
    let refused = shard.try_joined(call).expect_err("the name is another's");
    assert_eq!(refused.error, GroupError::FencedInstanceId);
    let left = shard.leave(&[(&members[0].member_id, Some("i1"))]);
    assert_eq!(left, [Err(GroupError::FencedInstanceId)]);
}

#[test]
fn a_static_member_leaves_by_its_name_alone() {
    let mut shard = Shard::new();
    let members = stable(&mut shard, 2);
    let left = shard.leave(&[("", Some("i0")), ("", Some("i9")), ("", None)]);
    let unknown = Err(GroupError::UnknownMemberId);
    assert_eq!(left, [Ok(()), unknown, unknown]);
    assert_eq!(
        shard.heartbeat(&members[1]),
        Err(GroupError::RebalanceInProgress)
    );
}

#[test]
fn a_static_member_that_does_not_rejoin_stays_until_its_session_ends() {
    let mut shard = Shard::new();
    let long = JoinGroup {
        session_timeout_ms: 600_000,
        rebalance_timeout_ms: 5_000,
        ..join().with_instance("i0")
    };
    let call = shard.core_call(GroupRequest::Join(long.clone()));
    let other = JoinGroup {
        rebalance_timeout_ms: 5_000,
        ..join().with_instance("i1")
    };
    let leads = shard.core_call(GroupRequest::Join(other.clone()));
    shard.advance(0);
    let joined = [shard.joined(call), shard.joined(leads)];
    let members = shard.sync_all(&joined);
    let changed = other
        .with_member(&members[1].member_id)
        .with_metadata(subscription(&["new"]));
    let call = shard.call(GroupRequest::Join(changed));
    shard.advance(5_000);
    let joined = shard.joined(call);
    assert_eq!(joined.leader, joined.member_id, "the leader has not joined");
    assert_eq!(joined.members.len(), 2, "but is still a member");
}

#[test]
fn a_rebalance_that_nobody_joins_waits_for_sessions_to_end() {
    let mut shard = Shard::new();
    let long = JoinGroup {
        session_timeout_ms: 600_000,
        rebalance_timeout_ms: 5_000,
        ..join().with_instance("i0")
    };
    let call = shard.call(GroupRequest::Join(long));
    let joined = shard.joined(call);
    let members = shard.sync_all(&[joined]);
    let new = shard.call(GroupRequest::Join(join().with_instance("i1")));
    assert_eq!(shard.leave(&[("", Some("i1"))]), [Ok(())]);
    shard.try_joined(new).expect_err("it has left");
    shard.advance(100_000);
    assert_eq!(
        shard.heartbeat(&members[0]),
        Err(GroupError::RebalanceInProgress)
    );
    shard.advance(600_000);
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Empty);
}

#[test]
fn members_without_time_to_sync_are_dropped() {
    let mut shard = Shard::new();
    for instance in ["i0", "i1"] {
        let hasty = JoinGroup {
            rebalance_timeout_ms: 0,
            ..join().with_instance(instance)
        };
        shard.core_call(GroupRequest::Join(hasty));
    }
    shard.advance(0);
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Empty);
}

#[test]
fn a_full_group_takes_a_static_member_back() {
    let mut shard = Shard::new();
    shard.rules.settings.members_max = 2;
    stable(&mut shard, 2);
    let call = shard.call(GroupRequest::Join(join().with_instance("i1")));
    assert_eq!(shard.joined(call).generation, 1);
}

/// A stable group whose second member has yet to sync, and has come back under a new id.
fn come_back_before_the_sync(shard: &mut Shard) -> [Membership; 2] {
    let members = stable(shard, 2);
    let changed = join().with_metadata(subscription(&["new"]));
    let calls: Vec<_> = (0..2)
        .map(|number| {
            let again = changed.clone().with_member(&members[number].member_id);
            shard.call(GroupRequest::Join(again))
        })
        .collect();
    let leader = membership(&shard.joined(calls[0]));
    shard.joined(calls[1]);
    let call = shard.call(sync(&leader, Vec::new()));
    shard.synced(call);
    let call = shard.call(GroupRequest::Join(changed.with_instance("i1")));
    let back = membership(&shard.joined(call));
    assert_eq!(back.generation, leader.generation);
    [leader, back]
}

#[test]
fn a_static_member_that_comes_back_has_still_to_sync() {
    let mut shard = Shard::new();
    let [leader, back] = come_back_before_the_sync(&mut shard);
    for _ in 0..6 {
        shard.advance(SESSION_MS - 1);
        assert_eq!(shard.heartbeat(&leader), Ok(()));
        assert_eq!(shard.heartbeat(&back), Ok(()));
    }
    shard.advance(6);
    assert_eq!(
        shard.heartbeat(&leader),
        Err(GroupError::RebalanceInProgress)
    );
    assert_eq!(shard.heartbeat(&back), Err(GroupError::UnknownMemberId));
}

#[test]
fn the_id_that_a_static_member_had_need_not_sync() {
    let mut shard = Shard::new();
    let [leader, back] = come_back_before_the_sync(&mut shard);
    let call = shard.call(sync(&back, Vec::new()));
    shard.synced(call);
    for _ in 0..10 {
        shard.advance(SESSION_MS - 1);
        assert_eq!(shard.heartbeat(&leader), Ok(()));
        assert_eq!(shard.heartbeat(&back), Ok(()));
    }
}
