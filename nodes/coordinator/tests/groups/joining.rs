//! Who may join a group, and under which id.

use bytes::Bytes;
use coordinator::limits::{MEMBERS_BYTES_MAX, NEW_MEMBER_JOIN_TIMEOUT_MS};
use coordinator::{GroupError, GroupRequest, GroupState, JoinGroup, JoinRefused};

use crate::shard::{CLUSTER, GROUP, SESSION_MS, Shard, With, join};

fn refusal(shard: &mut Shard, join: JoinGroup) -> JoinRefused {
    let call = shard.call(GroupRequest::Join(join));
    shard.try_joined(call).expect_err("the join is refused")
}

#[test]
fn the_first_member_leads_and_is_told_of_all() {
    let mut shard = Shard::new();
    let call = shard.call(GroupRequest::Join(join()));
    let joined = shard.joined(call);
    assert!(joined.member_id.starts_with("client-"));
    assert_eq!(joined.member_id.len(), "client-".len() + 36);
    assert_eq!(joined.generation, 1);
    assert_eq!(joined.protocol_type, "consumer");
    assert_eq!(joined.protocol, "range");
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.members[0].metadata, join().protocols[0].1);
    assert!(!joined.skip_assignment);
}

#[test]
fn a_new_dynamic_member_comes_again_under_the_id_it_is_given() {
    let mut shard = Shard::new();
    let asks = JoinGroup {
        requires_known_member_id: true,
        ..join()
    };
    let refused = refusal(&mut shard, asks.clone());
    assert_eq!(refused.error, GroupError::MemberIdRequired);
    assert!(refused.member_id.starts_with("client-"));
    let call = shard.call(GroupRequest::Join(
        asks.clone().with_member(&refused.member_id),
    ));
    assert_eq!(shard.joined(call).member_id, refused.member_id);

    let given = refusal(&mut shard, asks.clone()).member_id;
    shard.advance(SESSION_MS);
    let late = refusal(&mut shard, asks.with_member(&given));
    assert_eq!(late.error, GroupError::UnknownMemberId, "it came too late");
}

#[test]
fn a_pending_member_is_waited_for() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    let asks = JoinGroup {
        requires_known_member_id: true,
        ..join()
    };
    let given = refusal(&mut shard, asks.clone()).member_id;
    let again = join().with_member(&members[0].member_id);
    let leader = shard.call(GroupRequest::Join(again));
    assert!(shard.waits(leader));
    let other = shard.call(GroupRequest::Join(asks.with_member(&given)));
    assert_eq!(shard.joined(leader).members.len(), 2);
    assert_eq!(shard.joined(other).members, []);
}

#[test]
fn the_initial_delay_grows_with_each_member_up_to_the_rebalance_timeout() {
    let mut shard = Shard::new();
    shard.rules.settings.initial_rebalance_delay_ms = 3000;
    let asks = JoinGroup {
        rebalance_timeout_ms: 7000,
        ..join()
    };
    let first = shard.call(GroupRequest::Join(asks.clone()));
    for _ in 0..2 {
        shard.advance(2999);
        shard.call(GroupRequest::Join(asks.clone()));
        assert!(shard.waits(first));
        shard.advance(1);
        assert!(shard.waits(first), "it is extended");
    }
    shard.call(GroupRequest::Join(asks));
    shard.advance(999);
    assert!(shard.waits(first));
    shard.advance(1);
    assert_eq!(shard.joined(first).members.len(), 4, "7 s are over");
}

#[test]
fn the_initial_delay_ends_after_one_step_where_nobody_comes() {
    let mut shard = Shard::new();
    shard.rules.settings.initial_rebalance_delay_ms = 3000;
    let call = shard.call(GroupRequest::Join(join()));
    shard.advance(2999);
    assert!(shard.waits(call));
    shard.advance(1);
    assert_eq!(shard.joined(call).generation, 1);
}

#[test]
fn a_protocol_type_or_a_protocol_that_is_not_shared_is_refused() {
    let mut shard = Shard::new();
    let error = |shard: &mut Shard, join| refusal(shard, join).error;
    let empty = JoinGroup {
        protocol_type: String::new(),
        ..join()
    };
    let inconsistent = GroupError::InconsistentGroupProtocol;
    assert_eq!(error(&mut shard, empty), inconsistent);
    assert_eq!(error(&mut shard, join().with_protocols(&[])), inconsistent);
    assert_eq!(shard.core.group_count(CLUSTER), 0, "no trace is left");

    shard.stable(1);
    let connect = JoinGroup {
        protocol_type: "connect".to_owned(),
        ..join()
    };
    assert_eq!(error(&mut shard, connect), inconsistent);
    let sticky = join().with_protocols(&["sticky"]);
    assert_eq!(error(&mut shard, sticky), inconsistent);
}

#[test]
fn the_protocol_with_the_most_votes_among_the_common_ones_wins() {
    let mut shard = Shard::new();
    shard.rules.settings.initial_rebalance_delay_ms = 100;
    let wishes: [&[&str]; 4] = [
        &["only-mine", "a", "b"],
        &["b", "a"],
        &["b", "a", "b"],
        &["a", "c", "b"],
    ];
    let calls = wishes.map(|names| {
        let join = join().with_protocols(names);
        shard.call(GroupRequest::Join(join))
    });
    shard.call(GroupRequest::Join(join().with_protocols(&["b", "a"])));
    shard.advance(1000);
    assert_eq!(calls.map(|call| shard.joined(call).protocol), ["b"; 4]);
}

#[test]
fn session_timeouts_have_a_range() {
    let mut shard = Shard::new();
    for (ms, is_within) in [
        (-1, false),
        (5_999, false),
        (6_000, true),
        (1_800_000, true),
        (1_800_001, false),
    ] {
        let join = JoinGroup {
            session_timeout_ms: ms,
            ..join()
        };
        let call = shard.call_of(CLUSTER, &format!("g{ms}"), GroupRequest::Join(join));
        let error = shard.try_joined(call).err().map(|refused| refused.error);
        let expected = (!is_within).then_some(GroupError::InvalidSessionTimeout);
        assert_eq!(error, expected, "{ms}");
    }
    assert_eq!(shard.core.group_count(CLUSTER), 2);
}

#[test]
fn a_group_with_members_has_a_name() {
    let mut shard = Shard::new();
    let call = shard.call_of(CLUSTER, "", GroupRequest::Join(join()));
    let refused = shard.try_joined(call).expect_err("it has no name");
    assert_eq!(refused.error, GroupError::InvalidGroupId);
}

#[test]
fn an_unknown_member_does_not_join() {
    let mut shard = Shard::new();
    let unknown = JoinRefused {
        error: GroupError::UnknownMemberId,
        member_id: "who".to_owned(),
    };
    assert_eq!(refusal(&mut shard, join().with_member("who")), unknown);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
    shard.stable(1);
    assert_eq!(refusal(&mut shard, join().with_member("who")), unknown);
}

#[test]
fn a_full_group_takes_no_new_member() {
    let mut shard = Shard::new();
    shard.rules.settings.members_max = 2;
    let members = shard.stable(2);
    let full = GroupError::GroupMaxSizeReached;
    assert_eq!(refusal(&mut shard, join()).error, full);
    let again = join().with_member(&members[1].member_id);
    let call = shard.call(GroupRequest::Join(again));
    assert_eq!(shard.joined(call).generation, 1, "a member may come again");
}

#[test]
fn a_group_that_has_become_too_large_drops_the_last_that_rejoin() {
    let mut shard = Shard::new();
    let members = shard.stable(3);
    shard.rules.settings.members_max = 2;
    let calls: Vec<_> = members
        .iter()
        .map(|member| {
            let join = join().with_member(&member.member_id);
            shard.call(GroupRequest::Join(join))
        })
        .collect();
    let last = shard.try_joined(calls[2]).expect_err("there is no room");
    assert_eq!(last.error, GroupError::GroupMaxSizeReached);
    assert_eq!(shard.joined(calls[0]).members.len(), 2);
    assert_eq!(shard.joined(calls[1]).generation, 2);
}

#[test]
fn members_may_not_take_more_bytes_than_a_record_holds() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    let large = Bytes::from(vec![0; MEMBERS_BYTES_MAX]);
    let full = GroupError::GroupMaxSizeReached;
    let new = join().with_metadata(large.clone());
    assert_eq!(refusal(&mut shard, new).error, full);
    let again = join()
        .with_member(&members[0].member_id)
        .with_metadata(large);
    assert_eq!(refusal(&mut shard, again).error, full);
    assert_eq!(shard.heartbeat(&members[0]), Ok(()), "nothing has happened");
}

#[test]
fn a_cluster_has_a_largest_number_of_groups() {
    let mut shard = Shard::new();
    shard.rules.groups_max = 3;
    shard.rules.groups_elsewhere = 2;
    shard.stable(1);
    let call = shard.call_of(CLUSTER, "another", GroupRequest::Join(join()));
    let refused = shard.try_joined(call).expect_err("there is no room");
    assert_eq!(refused.error, GroupError::GroupMaxSizeReached);
    let call = shard.call_of(CLUSTER, GROUP, GroupRequest::Join(join()));
    assert!(shard.waits(call), "the group that is there may grow");
    shard.rules.groups_elsewhere = 1;
    let call = shard.call_of(CLUSTER, "another", GroupRequest::Join(join()));
    assert_eq!(shard.joined(call).generation, 1);
}

#[test]
fn a_new_member_whose_join_waits_too_long_is_dropped() {
    let mut shard = Shard::new();
    let slow = JoinGroup {
        rebalance_timeout_ms: i32::MAX,
        session_timeout_ms: 1_800_000,
        ..join()
    };
    let call = shard.call(GroupRequest::Join(slow));
    let leader = shard.joined(call);
    shard.sync_all(&[leader]);
    let new = shard.call(GroupRequest::Join(join()));
    shard.advance(NEW_MEMBER_JOIN_TIMEOUT_MS - 1);
    assert!(shard.waits(new));
    shard.advance(1);
    let refused = shard.try_joined(new).expect_err("it has waited too long");
    assert_eq!(refused.error, GroupError::UnknownMemberId);
    let state = shard.core.list(CLUSTER)[0].state;
    assert_eq!(state, GroupState::PreparingRebalance);
}

#[test]
fn a_join_that_is_sent_again_takes_the_place_of_the_first() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let again = || GroupRequest::Join(join().with_member(&members[0].member_id));
    let first = shard.call(again());
    let second = shard.call(again());
    let refused = shard.try_joined(first).expect_err("it was sent again");
    assert_eq!(refused.error, GroupError::RebalanceInProgress);
    assert!(shard.waits(second));
}

#[test]
fn whoever_has_gone_away_is_not_answered_but_stays_for_its_session() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let gone = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    let at = shard.moment();
    shard.core.abandon(at, gone);
    let other = shard.call(GroupRequest::Join(
        join().with_member(&members[1].member_id),
    ));
    assert_eq!(shard.joined(other).generation, 2, "it counts as joined");
    assert!(shard.waits(gone));
    shard.advance(SESSION_MS);
    assert_eq!(
        shard.core.list(CLUSTER)[0].state,
        GroupState::Empty,
        "both were silent"
    );
    assert!(shard.waits(gone));
}

#[test]
fn the_end_of_a_rebalance_keeps_nobody_alive_who_has_gone_away() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let again = |member: usize| GroupRequest::Join(join().with_member(&members[member].member_id));
    let gone = shard.call(again(0));
    let at = shard.moment();
    shard.core.abandon(at, gone);
    shard.advance(SESSION_MS / 2);
    let other = shard.call(again(1));
    assert_eq!(shard.joined(other).generation, 2);
    shard.advance(SESSION_MS / 2);
    assert_eq!(
        shard.core.list(CLUSTER)[0].state,
        GroupState::PreparingRebalance,
        "it was silent for its session"
    );
}
