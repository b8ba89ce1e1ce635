//! A group of two members over the real parts: gateway, node, coordinator, log.
//!
//! Owns: one life of a group, by raw requests. Does not own: the rules one by one (`coordinator`), versions (`gateway`),
//! foreign clients (`clients/`).

use std::sync::Arc;

use bytes::Bytes;
use wire::messages::delete_groups::DeleteGroupsRequest;
use wire::messages::describe_groups::DescribeGroupsRequest;
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use crate::client::Client;
use crate::embedded::Embedded;

const GROUP: &str = "readers";

const TOPIC: &str = "books";

/// What a consumer says of itself, version 0: it reads [`TOPIC`].
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x05books\xff\xff\xff\xff";

fn join(member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: GROUP.to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: member_id.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: Bytes::from_static(SUBSCRIPTION),
        }],
        ..JoinGroupRequest::default()
    }
}

fn sync(joined: &JoinGroupResponse, assignments: &[(&str, &'static [u8])]) -> SyncGroupRequest {
    let assignments = assignments
        .iter()
        .map(|(member, share)| SyncGroupRequestAssignment {
            member_id: (*member).to_owned(),
            assignment: Bytes::from_static(share),
        });
    SyncGroupRequest {
        group_id: GROUP.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        group_instance_id: None,
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: assignments.collect(),
    }
}

fn heartbeat(joined: &JoinGroupResponse) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: GROUP.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        group_instance_id: None,
    }
}

fn commit(joined: &JoinGroupResponse, offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: GROUP.to_owned(),
        generation_id_or_member_epoch: joined.generation_id,
        member_id: joined.member_id.clone(),
        topics: vec![OffsetCommitRequestTopic {
            name: TOPIC.to_owned(),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 1,
                committed_offset: offset,
                committed_leader_epoch: 3,
                committed_metadata: Some("page".to_owned()),
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

async fn committed(client: &mut Client, is_named: bool) -> Vec<(i32, i64, i32, Option<String>)> {
    let named = vec![OffsetFetchRequestTopics {
        name: TOPIC.to_owned(),
        partition_indexes: vec![0, 1],
        ..OffsetFetchRequestTopics::default()
    }];
    let request = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: GROUP.to_owned(),
            topics: is_named.then_some(named),
            ..OffsetFetchRequestGroup::default()
        }],
        ..OffsetFetchRequest::default()
    };
    let told = client.call(request).await.unwrap();
    assert_eq!(told.groups[0].error_code, 0);
    let partitions = told.groups[0]
        .topics
        .iter()
        .flat_map(|topic| &topic.partitions);
    partitions
        .map(|told| {
            (
                told.partition_index,
                told.committed_offset,
                told.committed_leader_epoch,
                told.metadata.clone(),
            )
        })
        .collect()
}

/// Joins with the id that the coordinator gives, as of version 4.
async fn new_member(client: &mut Client) -> JoinGroupRequest {
    let told = client.call(join("")).await.unwrap();
    assert_eq!(told.error_code, 79);
    join(&told.member_id)
}

/// Two members share the topic; gives back what each was told when it joined.
async fn share(leader: &mut Client, follower: &mut Client) -> [JoinGroupResponse; 2] {
    let first = new_member(leader).await;
    let alone = leader.call(first.clone()).await.unwrap();
    assert_eq!((alone.error_code, alone.members.len()), (0, 1));
    let id = alone.member_id.clone();
    let synced = leader.call(sync(&alone, &[(&id, b"all")])).await.unwrap();
    assert_eq!((synced.error_code, &*synced.assignment), (0, &b"all"[..]));

    let second = new_member(follower).await;
    follower.send(second).await.unwrap();
    // The follower's join is under way when the leader's heartbeats say so.
    while leader.call(heartbeat(&alone)).await.unwrap().error_code != 27 {}
    let told = leader.call(commit(&alone, 4)).await.unwrap();
    assert_eq!(told.topics[0].partitions[0].error_code, 0);
    let led = leader.call(first).await.unwrap();
    let followed = follower.receive::<JoinGroupRequest>().await.unwrap();
    assert_eq!((led.error_code, led.members.len()), (0, 2));
    assert_eq!((followed.error_code, followed.members.len()), (0, 0));
    assert_eq!(led.generation_id, followed.generation_id);

    follower.send(sync(&followed, &[])).await.unwrap();
    let shares: [(&str, &'static [u8]); 2] = [
        (&led.member_id, b"first half"),
        (&followed.member_id, b"second half"),
    ];
    let synced = leader.call(sync(&led, &shares)).await.unwrap();
    assert_eq!(&*synced.assignment, b"first half");
    let synced = follower.receive::<SyncGroupRequest>().await.unwrap();
    assert_eq!(
        (synced.error_code, &*synced.assignment),
        (0, &b"second half"[..])
    );
    [led, followed]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_share_a_topic_and_leave() {
    let folder = tempfile::tempdir().unwrap();
    let site = Embedded::start(folder.path(), |transport| Arc::clone(&transport))
        .await
        .unwrap();
    let mut a = Client::connect(&site.endpoint()).await.unwrap();
    let mut b = Client::connect(&site.endpoint()).await.unwrap();
    a.create_topic(TOPIC, 2).await.unwrap();
    let keys = FindCoordinatorRequest {
        coordinator_keys: vec![GROUP.to_owned()],
        ..FindCoordinatorRequest::default()
    };
    assert_eq!(a.call(keys).await.unwrap().coordinators[0].error_code, 0);
    let members = share(&mut a, &mut b).await;
    look(&mut a, &members).await;
    offsets(&mut b, &members).await;
    end(&mut a, &members).await;
    site.stop().await;
}

/// The group as others see it.
async fn look(client: &mut Client, members: &[JoinGroupResponse; 2]) {
    let described = |group: &str| DescribeGroupsRequest {
        groups: vec![group.to_owned()],
        include_authorized_operations: false,
    };
    let told = client.call(described(GROUP)).await.unwrap();
    let group = &told.groups[0];
    assert_eq!((group.error_code, &*group.group_state), (0, "Stable"));
    assert_eq!(
        (&*group.protocol_type, &*group.protocol_data),
        ("consumer", "range")
    );
    let follower = group
        .members
        .iter()
        .find(|m| m.member_id == members[1].member_id);
    let follower = follower.unwrap();
    assert_eq!(&*follower.member_metadata, SUBSCRIPTION);
    assert_eq!(&*follower.member_assignment, b"second half");
    assert_eq!(follower.client_host, "/127.0.0.1");
    let none = client.call(described("nobody")).await.unwrap();
    assert_eq!(
        (none.groups[0].error_code, &*none.groups[0].group_state),
        (69, "Dead")
    );
    let listed = client.call(ListGroupsRequest::default()).await.unwrap();
    let listed: Vec<_> = listed
        .groups
        .iter()
        .map(|group| (&*group.group_id, &*group.group_state, &*group.group_type))
        .collect();
    assert_eq!(listed, [(GROUP, "Stable", "classic")]);
}

/// Offsets are kept, and only members of the present generation move them.
async fn offsets(client: &mut Client, members: &[JoinGroupResponse; 2]) {
    let [leader, follower] = members;
    assert_eq!(
        committed(client, true).await,
        [
            (0, -1, -1, Some(String::new())),
            (1, 4, 3, Some("page".to_owned()))
        ]
    );
    let told = client.call(commit(follower, 9)).await.unwrap();
    assert_eq!(told.topics[0].partitions[0].error_code, 0);
    let old = JoinGroupResponse {
        generation_id: leader.generation_id - 1,
        ..leader.clone()
    };
    let told = client.call(commit(&old, 1)).await.unwrap();
    assert_eq!(told.topics[0].partitions[0].error_code, 22);
    let told = client.call(heartbeat(&old)).await.unwrap();
    assert_eq!(told.error_code, 22);
    assert_eq!(
        committed(client, false).await,
        [(1, 9, 3, Some("page".to_owned()))]
    );
    let delete = OffsetDeleteRequest {
        group_id: GROUP.to_owned(),
        topics: vec![OffsetDeleteRequestTopic {
            name: TOPIC.to_owned(),
            partitions: vec![OffsetDeleteRequestPartition { partition_index: 1 }],
        }],
    };
    let told = client.call(delete).await.unwrap();
    assert_eq!(
        (told.error_code, told.topics[0].partitions[0].error_code),
        (0, 86)
    );
}

/// Members leave, and the group is deleted.
async fn end(client: &mut Client, members: &[JoinGroupResponse; 2]) {
    let delete = || DeleteGroupsRequest {
        groups_names: vec![GROUP.to_owned()],
    };
    let told = client.call(delete()).await.unwrap();
    assert_eq!(told.results[0].error_code, 68);
    let leavers = members.iter().map(|member| MemberIdentity {
        member_id: member.member_id.clone(),
        ..MemberIdentity::default()
    });
    let leave = LeaveGroupRequest {
        group_id: GROUP.to_owned(),
        members: leavers.collect(),
        ..LeaveGroupRequest::default()
    };
    let told = client.call(leave).await.unwrap();
    let codes = told.members.iter().map(|member| member.error_code);
    assert_eq!(
        (told.error_code, codes.collect::<Vec<_>>()),
        (0, vec![0, 0])
    );
    let told = client.call(heartbeat(&members[0])).await.unwrap();
    assert_eq!(told.error_code, 25);
    let told = client.call(delete()).await.unwrap();
    assert_eq!(told.results[0].error_code, 0);
    assert_eq!(committed(client, false).await, []);
    let told = client.call(delete()).await.unwrap();
    assert_eq!(told.results[0].error_code, 69);
}
