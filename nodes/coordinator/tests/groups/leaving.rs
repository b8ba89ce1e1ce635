//! LeaveGroup.

use coordinator::{GroupError, GroupRequest, GroupState, JoinGroup};

use crate::shard::{CLUSTER, Shard, With, join};

#[test]
fn several_members_leave_at_once_and_the_rest_rebalances() {
    let mut shard = Shard::new();
    let members = shard.stable(3);
    let ids = [&members[0], &members[1]].map(|member| (member.member_id.as_str(), None));
    let left = shard.leave(&[ids[0], ("who", None), ids[1]]);
    assert_eq!(left, [Ok(()), Err(GroupError::UnknownMemberId), Ok(())]);
    assert_eq!(
        shard.heartbeat(&members[2]),
        Err(GroupError::RebalanceInProgress)
    );
    let call = shard.call(GroupRequest::Join(
        join().with_member(&members[2].member_id),
    ));
    let joined = shard.joined(call);
    assert_eq!((joined.members.len(), joined.generation), (1, 2));
}

#[test]
fn the_last_member_leaves_an_empty_group() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    shard.leave(&[(&members[0].member_id, None)]);
    let listed = &shard.core.list(CLUSTER)[0];
    assert_eq!(listed.state, GroupState::Empty);
    assert_eq!(listed.protocol_type, "consumer");
}

#[test]
fn nobody_leaves_a_group_that_does_not_exist() {
    let mut shard = Shard::new();
    let left = shard.leave(&[("a", None), ("b", None)]);
    assert_eq!(left, [Err(GroupError::UnknownMemberId); 2]);
}

#[test]
fn whoever_leaves_while_its_join_waits_is_told_so() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let waits = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    shard.leave(&[(&members[0].member_id, None)]);
    let refused = shard.try_joined(waits).expect_err("it has left");
    assert_eq!(refused.error, GroupError::UnknownMemberId);
}

#[test]
fn a_pending_member_may_leave_and_is_not_waited_for() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    let asks = JoinGroup {
        requires_known_member_id: true,
        ..join()
    };
    let call = shard.call(GroupRequest::Join(asks));
    let given = shard
        .try_joined(call)
        .expect_err("it comes again")
        .member_id;
    let waits = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    assert!(shard.waits(waits));
    assert_eq!(shard.leave(&[(&given, None)]), [Ok(())]);
    assert_eq!(shard.joined(waits).generation, 2);
}
