//! A group's member, and a reader without a group, by hand.

use bytes::Bytes;
use coordinator::{
    CommitOffset, CommitOffsets, FetchOffsets, GroupError, GroupReply, GroupRequest, JoinGroup,
    Joined, Membership, SyncGroup, shard_of,
};
use model::{Offset, TopicPartition};
use node_api::{GroupCall, NodeTransport};

use crate::LocalNode;
use crate::tests::world::{DEADLINE, DEMO, GROUPS, TOPIC};

/// The partition that holds a group's state.
pub(in crate::tests) fn shard(group: &str) -> TopicPartition {
    TopicPartition {
        topic: GROUPS,
        partition: shard_of(DEMO, group),
    }
}

/// The name of a group in a given shard.
pub(in crate::tests) fn group_in(shard: u32, prefix: &str) -> String {
    let mut names = (0..).map(|number| format!("{prefix}-{number}"));
    let found = names.find(|name| shard_of(DEMO, name) == shard);
    found.expect("names do not end")
}

pub(in crate::tests) async fn ask(
    node: &LocalNode,
    group: &str,
    request: GroupRequest,
) -> Result<GroupReply, GroupError> {
    let call = GroupCall {
        cluster: DEMO,
        group: group.to_owned(),
        request,
    };
    let answer = tokio::time::timeout(DEADLINE, node.coordinate(shard(group), call)).await;
    answer.expect("is answered in time")
}

pub(in crate::tests) fn joining(member_id: &str) -> GroupRequest {
    GroupRequest::Join(JoinGroup {
        member_id: member_id.to_owned(),
        instance_id: None,
        client_id: "test".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![(
            "range".to_owned(),
            Bytes::from_static(b"\0\x01\0\0\0\0\0\0\0\0"),
        )],
        requires_known_member_id: false,
        can_skip_assignment: false,
    })
}

pub(in crate::tests) async fn join(node: &LocalNode, group: &str, member_id: &str) -> Joined {
    match ask(node, group, joining(member_id)).await {
        Ok(GroupReply::Join(Ok(joined))) => joined,
        other => panic!("{other:?}"),
    }
}

pub(in crate::tests) fn member_of(joined: &Joined) -> Membership {
    Membership {
        member_id: joined.member_id.clone(),
        instance_id: None,
        generation: joined.generation,
    }
}

pub(in crate::tests) fn syncing(joined: &Joined, assignment: Vec<u8>) -> GroupRequest {
    GroupRequest::Sync(SyncGroup {
        membership: member_of(joined),
        protocol_type: None,
        protocol: None,
        assignments: vec![(joined.member_id.clone(), assignment.into())],
    })
}

/// The leader assigns everything to itself.
pub(in crate::tests) async fn assign(node: &LocalNode, group: &str, joined: &Joined) {
    match ask(node, group, syncing(joined, b"all".to_vec())).await {
        Ok(GroupReply::Sync(Ok(synced))) => assert_eq!(synced.assignment.as_ref(), b"all"),
        other => panic!("{other:?}"),
    }
}

pub(in crate::tests) fn committing(
    mut membership: Membership,
    offsets: &[(u32, u64)],
) -> GroupRequest {
    if membership.member_id.is_empty() {
        membership.generation = -1;
    }
    let offsets = offsets.iter().map(|(partition, offset)| CommitOffset {
        key: TopicPartition {
            topic: TOPIC,
            partition: *partition,
        },
        offset: Offset::new(*offset).expect("is small"),
        leader_epoch: None,
        metadata: String::new(),
    });
    GroupRequest::CommitOffsets(CommitOffsets {
        membership,
        offsets: offsets.collect(),
        retention_ms: None,
    })
}

/// Commits offsets of partitions of the topic.
pub(in crate::tests) async fn commit(
    node: &LocalNode,
    group: &str,
    membership: Membership,
    offsets: &[(u32, u64)],
) {
    match ask(node, group, committing(membership, offsets)).await {
        Ok(GroupReply::CommitOffsets(Ok(results))) => {
            assert_eq!(results, vec![Ok(()); offsets.len()]);
        }
        other => panic!("{other:?}"),
    }
}

/// Partitions that [`commit_at`] commits to: so many that a snapshot takes several batches.
pub(in crate::tests) const PARTITIONS: u64 = 40;

/// Commits `number` to one of the partitions, in turn.
pub(in crate::tests) async fn commit_at(node: &LocalNode, group: &str, number: u64) {
    let partition = u32::try_from(number % PARTITIONS).expect("is small");
    commit(node, group, Membership::default(), &[(partition, number)]).await;
}

/// All that a group has committed.
pub(in crate::tests) async fn fetched(node: &LocalNode, group: &str) -> Vec<(u32, u64)> {
    let fetch = GroupRequest::FetchOffsets(FetchOffsets { partitions: None });
    match ask(node, group, fetch).await {
        Ok(GroupReply::FetchOffsets(Ok(found))) => found
            .iter()
            .filter_map(|one| Some((one.key.partition, one.offset?.value())))
            .collect(),
        other => panic!("{other:?}"),
    }
}
