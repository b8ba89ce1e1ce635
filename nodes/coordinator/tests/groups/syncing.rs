//! The leader's assignment.

use bytes::Bytes;
use coordinator::limits::ASSIGNMENT_BYTES_MAX;
use coordinator::{GroupError, GroupRequest, Membership, SyncGroup};

use crate::shard::{Shard, With, join, membership, share, sync};

#[test]
fn followers_wait_for_the_leader_and_missing_shares_are_empty() {
    let mut shard = Shard::new();
    let members = shard.stable(3);
    let calls: Vec<_> = members
        .iter()
        .map(|member| shard.call(GroupRequest::Join(join().with_member(&member.member_id))))
        .collect();
    let joined: Vec<_> = calls.into_iter().map(|call| shard.joined(call)).collect();
    let followers = [1, 2].map(|index| shard.call(sync(&membership(&joined[index]), Vec::new())));
    assert!(followers.iter().all(|call| shard.waits(*call)));
    let log_end = shard.log.len();
    let assignments = vec![
        (joined[1].member_id.clone(), share("one")),
        ("nobody".to_owned(), share("nobody")),
    ];
    let leader = shard.call(sync(&membership(&joined[0]), assignments));
    assert_eq!(shard.log.len(), log_end + 1, "the generation is written");
    assert_eq!(shard.synced(leader).assignment, Bytes::new());
    assert_eq!(shard.synced(followers[0]).assignment, share("one"));
    let synced = shard.synced(followers[1]);
    assert_eq!(synced.assignment, Bytes::new());
    assert_eq!(synced.protocol_type, "consumer");
    assert_eq!(synced.protocol, "range");
}

#[test]
fn a_sync_of_a_stable_group_is_answered_at_once() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    let call = shard.call(sync(&members[1], Vec::new()));
    assert_eq!(shard.synced(call).assignment, share(&members[1].member_id));
    let assigns_anew = vec![(members[0].member_id.clone(), share("other"))];
    let call = shard.call(sync(&members[0], assigns_anew));
    assert_eq!(shard.synced(call).assignment, share(&members[0].member_id));
}

#[test]
fn a_sync_names_its_member_generation_and_protocol() {
    let mut shard = Shard::new();
    let refused = |shard: &mut Shard, ask| {
        let call = shard.call(ask);
        shard.try_synced(call).expect_err("it is refused")
    };
    let stranger = Membership {
        member_id: "who".to_owned(),
        instance_id: None,
        generation: 1,
    };
    let unknown = GroupError::UnknownMemberId;
    assert_eq!(refused(&mut shard, sync(&stranger, Vec::new())), unknown);
    let members = shard.stable(1);
    assert_eq!(refused(&mut shard, sync(&stranger, Vec::new())), unknown);
    let old = Membership {
        generation: 0,
        ..members[0].clone()
    };
    assert_eq!(
        refused(&mut shard, sync(&old, Vec::new())),
        GroupError::IllegalGeneration
    );
    for (protocol_type, protocol) in [("connect", "range"), ("consumer", "sticky")] {
        let ask = GroupRequest::Sync(SyncGroup {
            membership: members[0].clone(),
            protocol_type: Some(protocol_type.to_owned()),
            protocol: Some(protocol.to_owned()),
            assignments: Vec::new(),
        });
        assert_eq!(
            refused(&mut shard, ask),
            GroupError::InconsistentGroupProtocol
        );
    }
    shard.call(GroupRequest::Join(join()));
    assert_eq!(
        refused(&mut shard, sync(&members[0], Vec::new())),
        GroupError::RebalanceInProgress
    );
}

#[test]
fn a_sync_that_is_sent_again_takes_the_place_of_the_first() {
    let mut shard = Shard::new();
    let members = shard.stable(2);
    for member in &members {
        let call = shard.call(GroupRequest::Join(join().with_member(&member.member_id)));
        shard.replies.remove(&call);
    }
    let next = Membership {
        generation: 2,
        ..members[1].clone()
    };
    let first = shard.call(sync(&next, Vec::new()));
    let second = shard.call(sync(&next, Vec::new()));
    assert_eq!(
        shard.try_synced(first),
        Err(GroupError::RebalanceInProgress)
    );
    assert!(shard.waits(second));
}

#[test]
fn an_assignment_must_fit_a_record() {
    let mut shard = Shard::new();
    let call = shard.call(GroupRequest::Join(join()));
    let joined = shard.joined(call);
    let large = |bytes| {
        let assignment = Bytes::from(vec![0; bytes]);
        vec![(joined.member_id.clone(), assignment)]
    };
    let call = shard.call(sync(&membership(&joined), large(ASSIGNMENT_BYTES_MAX + 1)));
    assert_eq!(shard.try_synced(call), Err(GroupError::GroupMaxSizeReached));
    let call = shard.call(sync(&membership(&joined), large(ASSIGNMENT_BYTES_MAX)));
    assert_eq!(shard.synced(call).assignment.len(), ASSIGNMENT_BYTES_MAX);
}
