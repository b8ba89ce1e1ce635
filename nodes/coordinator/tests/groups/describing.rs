//! What groups tell of themselves, and that clusters do not see each other.

use coordinator::{DescribedGroup, GroupReply, GroupRequest, GroupState};
use model::VirtualClusterId;

use crate::offsets::{commit, committed, key, nobody, offset};
use crate::shard::{CLUSTER, GROUP, Shard, With, join, share, subscription};

fn described(shard: &mut Shard) -> DescribedGroup {
    match shard.ask(GroupRequest::Describe) {
        GroupReply::Describe(reply) => reply.expect("a group can always be described"),
        other => panic!("{other:?} is no description"),
    }
}

#[test]
fn a_group_is_described_as_it_stands() {
    let mut shard = Shard::new();
    assert_eq!(described(&mut shard).state, GroupState::Dead);
    let members = shard.stable(1);
    let group = described(&mut shard);
    assert_eq!(group.state, GroupState::Stable);
    assert_eq!(group.protocol_type, "consumer");
    assert_eq!(group.protocol, "range");
    let member = &group.members[0];
    assert_eq!(member.member_id, members[0].member_id);
    assert_eq!(member.client_id, "c0");
    assert_eq!(member.client_host, "/127.0.0.1");
    assert_eq!(member.metadata, subscription(&["topic"]));
    assert_eq!(member.assignment, share(&member.member_id));

    shard.call(GroupRequest::Join(join().with_instance("i")));
    let group = described(&mut shard);
    assert_eq!(group.state, GroupState::PreparingRebalance);
    assert_eq!((group.protocol.as_str(), group.members.len()), ("", 2));
    let of_generation = |m: &coordinator::DescribedMember| (m.metadata.len(), m.assignment.len());
    assert!(group.members.iter().all(|m| of_generation(m) == (0, 0)));
    assert_eq!(group.members[1].instance_id.as_deref(), Some("i"));
}

#[test]
fn clusters_do_not_see_each_other() {
    let mut shard = Shard::new();
    let other = VirtualClusterId(2);
    shard.stable(1);
    committed(&mut shard, commit(&nobody(), Vec::new())).expect_err("the group has a member");
    let call = shard.call_of(other, GROUP, commit(&nobody(), vec![offset(key(1, 0), 5)]));
    shard.answer(call);
    assert_eq!(shard.core.list(other)[0].state, GroupState::Empty);
    assert_eq!(shard.core.list(CLUSTER)[0].state, GroupState::Stable);
    assert_eq!(shard.core.list(VirtualClusterId(0)), []);
    assert_eq!(shard.core.committed(CLUSTER).count(), 0);
    let told: Vec<_> = shard.core.committed(other).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].group, told[0].offset.value()), (GROUP, 5));
    assert_eq!(told[0].committed_at, shard.moment().wall);
}
