//! Members of groups, and the rights on groups.

use bytes::Bytes;
use node_api::group::{JoinRefused, Joined, JoinedMember, Membership, Synced, shard_of};
use node_api::{GroupError, GroupReply, GroupRequest};
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::delete_groups::DeleteGroupsRequest;
use wire::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use wire::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity};
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::OffsetDeleteRequest;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic,
};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::coordinators::{heartbeat, join, joined};
use super::group_admin::{describe, described, names, states, world_with_groups};
use super::peer::{Peer, called};
use super::world::{CLUSTER, MEMBER, PASSWORD, World};
use crate::limits::{CLIENT_ID_TOLD_BYTES_MAX, INSTANCE_ID_BYTES_MAX};

fn sync(group: &str) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.to_owned(),
        generation_id: 3,
        member_id: "m".to_owned(),
        group_instance_id: None,
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: "m".to_owned(),
            assignment: Bytes::from_static(b"all"),
        }],
    }
}

fn leave(group: &str, members: &[(&str, Option<&str>)]) -> LeaveGroupRequest {
    let members = members.iter().map(|(member, instance)| MemberIdentity {
        member_id: (*member).to_owned(),
        group_instance_id: instance.map(str::to_owned),
        reason: None,
    });
    LeaveGroupRequest {
        group_id: group.to_owned(),
        member_id: "m".to_owned(),
        members: members.collect(),
    }
}

fn left(response: &LeaveGroupResponse) -> (i16, Vec<(&str, i16)>) {
    let members = response.members.iter();
    let members = members.map(|member| (member.member_id.as_str(), member.error_code));
    (response.error_code, members.collect())
}

fn find(version: i16, key_type: i8, key: &str) -> FindCoordinatorRequest {
    let mut request = FindCoordinatorRequest {
        key_type,
        ..FindCoordinatorRequest::default()
    };
    if version >= 4 {
        request.coordinator_keys = vec![key.to_owned()];
    } else {
        request.key = key.to_owned();
    }
    request
}

/// Error, node, host and port of the only answer.
fn found(version: i16, response: &FindCoordinatorResponse) -> (i16, i32, &str, i32) {
    if version >= 4 {
        let one = &response.coordinators[0];
        return (one.error_code, one.node_id, &one.host, one.port);
    }
    (
        response.error_code,
        response.node_id,
        &response.host,
        response.port,
    )
}

#[tokio::test(start_paused = true)]
async fn a_group_has_one_of_the_brokers_for_ever() {
    // There is no coordinator at all, which is no reason not to name the broker.
    let world = World::new();
    let mut peer = world.connect();
    for version in 0..=6 {
        for group in ["orders", "g", ""] {
            let broker = (shard_of(CLUSTER, group) % 3) as i32;
            let response = called!(peer, version, FindCoordinator, find(version, 0, group));
            let expected = (0, broker, "boot.example", 9098);
            assert_eq!(found(version, &response), expected, "{version} {group}");
        }
    }
    for version in 1..=6 {
        for (key_type, code) in [(1, 53), (2, 42), (9, 42)] {
            let asked = find(version, key_type, "k");
            let response = called!(peer, version, FindCoordinator, asked);
            assert_eq!(found(version, &response), (code, -1, "", -1));
        }
    }
    let several = FindCoordinatorRequest {
        coordinator_keys: vec!["a".to_owned(), "b".to_owned()],
        ..FindCoordinatorRequest::default()
    };
    let response = called!(peer, 4, FindCoordinator, several);
    let keys = response.coordinators.iter().map(|one| one.key.as_str());
    assert_eq!(keys.collect::<Vec<_>>(), ["a", "b"]);
}

fn full_join() -> JoinGroupRequest {
    JoinGroupRequest {
        member_id: "m".to_owned(),
        group_instance_id: Some("i".to_owned()),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: Bytes::from_static(b"topics"),
        }],
        reason: Some("because".to_owned()),
        ..join("g")
    }
}

#[tokio::test(start_paused = true)]
async fn every_version_joins() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    coordinator.always(GroupReply::Join(Ok(Joined {
        member_id: "m".to_owned(),
        generation: 7,
        protocol_type: "consumer".to_owned(),
        protocol: "range".to_owned(),
        leader: "m".to_owned(),
        members: vec![JoinedMember {
            member_id: "m".to_owned(),
            instance_id: Some("i".to_owned()),
            metadata: Bytes::from_static(b"topics"),
        }],
        skip_assignment: true,
    })));
    let mut peer = world.connect();
    for version in 0..=9 {
        let response = called!(peer, version, JoinGroup, full_join());
        let GroupRequest::Join(asked) = coordinator.last() else {
            panic!("no join");
        };
        let rebalance = if version == 0 { 10_000 } else { 60_000 };
        assert_eq!(asked.rebalance_timeout_ms, rebalance);
        assert_eq!(asked.session_timeout_ms, 10_000);
        assert_eq!(asked.can_skip_assignment, version >= 9);
        assert!(!asked.requires_known_member_id || asked.instance_id.is_none());
        assert_eq!(
            (&*asked.client_id, &*asked.client_host),
            ("test", "/192.0.2.1")
        );
        let protocol = ("range".to_owned(), Bytes::from_static(b"topics"));
        assert_eq!(asked.protocols, [protocol]);
        assert_eq!((response.error_code, response.generation_id), (0, 7));
        assert_eq!(response.protocol_name.as_deref(), Some("range"));
        let has_type = (version >= 7).then_some("consumer");
        assert_eq!(response.protocol_type.as_deref(), has_type);
        assert_eq!(response.skip_assignment, version >= 9);
        let member = &response.members[0];
        assert_eq!(
            (&*member.member_id, &*member.metadata),
            ("m", &b"topics"[..])
        );
        let instance = (version >= 5).then_some("i");
        assert_eq!(member.group_instance_id.as_deref(), instance);
    }
    for version in [3, 4] {
        called!(peer, version, JoinGroup, join("g"));
        let GroupRequest::Join(asked) = coordinator.last() else {
            panic!("no join");
        };
        assert_eq!(asked.requires_known_member_id, version == 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_join_tells_what_its_version_can() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect();
    coordinator.always(GroupReply::Join(Err(JoinRefused {
        error: GroupError::MemberIdRequired,
        member_id: "new".to_owned(),
    })));
    for version in 4..=9 {
        let response = called!(peer, version, JoinGroup, join("g"));
        assert_eq!((response.error_code, &*response.member_id), (79, "new"));
        assert_eq!(response.generation_id, -1);
        let name = (version < 7).then_some("");
        assert_eq!(response.protocol_name.as_deref(), name);
    }
    let asked = coordinator.asked().len();
    let nameless = JoinGroupRequest {
        group_id: String::new(),
        ..full_join()
    };
    let response = called!(peer, 5, JoinGroup, nameless);
    assert_eq!((response.error_code, &*response.member_id), (24, "m"));
    let wordy = JoinGroupRequest {
        group_instance_id: Some("i".repeat(INSTANCE_ID_BYTES_MAX + 1)),
        ..full_join()
    };
    assert_eq!(called!(peer, 9, JoinGroup, wordy).error_code, 42);
    assert_eq!(coordinator.asked().len(), asked);
    for (error, code) in [
        (GroupError::InconsistentGroupProtocol, 23),
        (GroupError::InvalidSessionTimeout, 26),
        (GroupError::GroupMaxSizeReached, 81),
    ] {
        coordinator.always(GroupReply::Join(Err(JoinRefused {
            error,
            member_id: "m".to_owned(),
        })));
        assert_eq!(called!(peer, 5, JoinGroup, full_join()).error_code, code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_client_id_is_cut() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    coordinator.always(joined());
    let mut peer = world.connect();
    peer.client_id = "é".repeat(10_000);
    called!(peer, 5, JoinGroup, join("g"));
    let GroupRequest::Join(asked) = coordinator.last() else {
        panic!("no join");
    };
    assert_eq!(asked.client_id.len(), CLIENT_ID_TOLD_BYTES_MAX - 1);
}

#[tokio::test(start_paused = true)]
async fn every_version_syncs() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    let synced = GroupReply::Sync(Ok(Synced {
        protocol_type: "consumer".to_owned(),
        protocol: "range".to_owned(),
        assignment: Bytes::from_static(b"mine"),
    }));
    coordinator.always(synced);
    let mut peer = world.connect();
    for version in 0..=5 {
        let response = called!(peer, version, SyncGroup, sync("g"));
        assert_eq!(
            (response.error_code, &*response.assignment),
            (0, &b"mine"[..])
        );
        let names = (version >= 5).then_some("range");
        assert_eq!(response.protocol_name.as_deref(), names);
        let GroupRequest::Sync(asked) = coordinator.last() else {
            panic!("no sync");
        };
        assert_eq!(asked.protocol.as_deref(), names);
        let assignment = ("m".to_owned(), Bytes::from_static(b"all"));
        assert_eq!(asked.assignments, [assignment]);
        assert_eq!(asked.membership.generation, 3);
    }
    let nameless = SyncGroupRequest {
        protocol_name: None,
        ..sync("g")
    };
    assert_eq!(called!(peer, 5, SyncGroup, nameless).error_code, 23);
    assert_eq!(called!(peer, 5, SyncGroup, sync("")).error_code, 24);
    coordinator.always(GroupReply::Sync(Err(GroupError::RebalanceInProgress)));
    let response = called!(peer, 5, SyncGroup, sync("g"));
    assert_eq!((response.error_code, response.protocol_name), (27, None));
    assert!(response.assignment.is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_version_beats() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect();
    for version in 0..=4 {
        let mut beat = heartbeat("g");
        beat.group_instance_id = Some("i".to_owned());
        coordinator.always(GroupReply::Heartbeat(Ok(())));
        assert_eq!(
            called!(peer, version, Heartbeat, beat.clone()).error_code,
            0
        );
        let GroupRequest::Heartbeat(asked) = coordinator.last() else {
            panic!("no heartbeat");
        };
        let expected = Membership {
            member_id: "m".to_owned(),
            instance_id: (version >= 3).then(|| "i".to_owned()),
            generation: 3,
        };
        assert_eq!(asked, expected);
        coordinator.always(GroupReply::Heartbeat(Err(GroupError::UnknownMemberId)));
        assert_eq!(called!(peer, version, Heartbeat, beat).error_code, 25);
    }
    assert_eq!(called!(peer, 4, Heartbeat, heartbeat("")).error_code, 24);
}

#[tokio::test(start_paused = true)]
async fn every_version_leaves() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect();
    for (outcome, code) in [(Ok(()), 0), (Err(GroupError::UnknownMemberId), 25)] {
        for version in 0..=2 {
            coordinator.always(GroupReply::Leave(Ok(vec![outcome])));
            let response = called!(peer, version, LeaveGroup, leave("g", &[]));
            assert_eq!(left(&response), (code, vec![]), "version {version}");
        }
    }
    let members = [("m", None), ("", Some("i"))];
    for version in 3..=5 {
        let fenced = Err(GroupError::FencedInstanceId);
        coordinator.always(GroupReply::Leave(Ok(vec![Ok(()), fenced])));
        let response = called!(peer, version, LeaveGroup, leave("g", &members));
        assert_eq!(left(&response), (0, vec![("m", 0), ("", 82)]));
        let GroupRequest::Leave(asked) = coordinator.last() else {
            panic!("no leaving");
        };
        assert_eq!(asked.members[1].instance_id.as_deref(), Some("i"));
        coordinator.always(GroupReply::Leave(Err(GroupError::UnknownMemberId)));
        let response = called!(peer, version, LeaveGroup, leave("g", &members));
        assert_eq!(left(&response), (0, vec![("m", 25), ("", 25)]));
        coordinator.always(GroupReply::Leave(Err(GroupError::NotAvailable)));
        let response = called!(peer, version, LeaveGroup, leave("g", &members));
        assert_eq!(left(&response), (15, vec![]));
    }
    let response = called!(peer, 4, LeaveGroup, leave("", &members));
    assert_eq!(left(&response), (24, vec![]));
}

async fn member(world: &World) -> Peer {
    let mut peer = world.connect_tls();
    super::sign_in::sign_in(&mut peer, MEMBER, PASSWORD).await;
    peer
}

#[tokio::test(start_paused = true)]
async fn rights_are_asked_for_every_group() {
    let world = world_with_groups();
    let coordinator = &world.node.coordinator;
    let mut peer = member(&world).await;
    let response = called!(peer, 2, FindCoordinator, find(2, 0, "other"));
    assert_eq!(found(2, &response), (30, -1, "", -1));
    assert!(
        response
            .error_message
            .unwrap()
            .contains("kafka-cluster:DescribeGroup")
    );
    let response = called!(peer, 2, FindCoordinator, find(2, 0, "team"));
    assert_eq!(found(2, &response).0, 0);
    assert_eq!(called!(peer, 5, JoinGroup, join("other")).error_code, 30);
    assert_eq!(called!(peer, 5, JoinGroup, join("")).error_code, 30);
    assert_eq!(called!(peer, 5, SyncGroup, sync("other")).error_code, 30);
    assert_eq!(
        called!(peer, 4, Heartbeat, heartbeat("other")).error_code,
        30
    );
    let response = called!(peer, 4, LeaveGroup, leave("other", &[("m", None)]));
    assert_eq!(left(&response), (30, vec![]));
    assert!(coordinator.asked().is_empty(), "nothing was asked");
    coordinator.always(described(1));
    let response = called!(peer, 6, DescribeGroups, describe(&["other", "team"]));
    assert_eq!(
        states(&response),
        [("other", 30, ""), ("team", 0, "Stable")]
    );
    let response = called!(peer, 5, ListGroups, ListGroupsRequest::default());
    assert_eq!(names(&response), ["team-b"]);
    coordinator.always(GroupReply::Delete(Ok(())));
    let request = DeleteGroupsRequest {
        groups_names: vec!["other".to_owned(), "team".to_owned()],
    };
    let response = called!(peer, 2, DeleteGroups, request);
    let codes = response.results.iter().map(|one| one.error_code);
    assert_eq!(codes.collect::<Vec<_>>(), [30, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_keys_are_listed() {
    let world = World::new();
    let mut peer = world.connect();
    let response = called!(peer, 0, ApiVersions, ApiVersionsRequest::default());
    let keys = response.api_keys.iter();
    let ranges: Vec<_> = keys
        .map(|key| (key.api_key, key.min_version, key.max_version))
        .collect();
    for range in [
        (8, 2, 10),
        (9, 1, 10),
        (10, 0, 6),
        (11, 0, 9),
        (12, 0, 4),
        (13, 0, 5),
        (14, 0, 5),
        (15, 0, 6),
        (16, 0, 5),
        (42, 0, 2),
        (47, 0, 0),
    ] {
        assert!(ranges.contains(&range), "{range:?}");
    }
}

/// A stranger's connection: each answer is its last.
fn stranger(world: &World) -> Peer {
    world.connect_tls()
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_refused_in_the_form_of_each_key() {
    let world = World::new();
    let commit = OffsetCommitRequest {
        topics: vec![OffsetCommitRequestTopic {
            partitions: vec![OffsetCommitRequestPartition::default()],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let response = called!(stranger(&world), 9, OffsetCommit, commit);
    assert_eq!(response.topics[0].partitions[0].error_code, 34);
    let one_group = || OffsetFetchRequest {
        topics: Some(vec![OffsetFetchRequestTopic {
            name: "t".to_owned(),
            partition_indexes: vec![0],
        }]),
        ..OffsetFetchRequest::default()
    };
    let response = called!(stranger(&world), 1, OffsetFetch, one_group());
    assert_eq!(response.topics[0].partitions[0].error_code, 34);
    let response = called!(stranger(&world), 7, OffsetFetch, one_group());
    assert_eq!(response.error_code, 34);
    let groups = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup::default()],
        ..OffsetFetchRequest::default()
    };
    let response = called!(stranger(&world), 10, OffsetFetch, groups);
    assert_eq!(response.groups[0].error_code, 34);
    for version in [0, 6] {
        let asked = find(version, 0, "g");
        let response = called!(stranger(&world), version, FindCoordinator, asked);
        assert_eq!(found(version, &response), (34, -1, "", -1));
    }
    for version in [0, 9] {
        let response = called!(stranger(&world), version, JoinGroup, join("g"));
        assert_eq!(response.error_code, 34);
    }
    let code = called!(stranger(&world), 5, SyncGroup, sync("g")).error_code;
    assert_eq!(code, 34);
    let code = called!(stranger(&world), 4, Heartbeat, heartbeat("g")).error_code;
    assert_eq!(code, 34);
    let code = called!(stranger(&world), 4, LeaveGroup, leave("g", &[])).error_code;
    assert_eq!(code, 34);
    let response = called!(stranger(&world), 6, DescribeGroups, describe(&["g"]));
    assert_eq!(states(&response), [("g", 34, "")]);
    let asked = ListGroupsRequest::default();
    assert_eq!(
        called!(stranger(&world), 5, ListGroups, asked).error_code,
        34
    );
    let asked = DeleteGroupsRequest {
        groups_names: vec!["g".to_owned()],
    };
    let response = called!(stranger(&world), 2, DeleteGroups, asked);
    assert_eq!(response.results[0].error_code, 34);
    let asked = OffsetDeleteRequest::default();
    assert_eq!(
        called!(stranger(&world), 0, OffsetDelete, asked).error_code,
        34
    );
}
