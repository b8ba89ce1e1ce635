//! What is told of groups: their list, their members, and that they are deleted.

use bytes::Bytes;
use node_api::group::{DescribedGroup, DescribedMember, GroupState};
use node_api::{GroupError, GroupReply, ListedGroup};
use wire::messages::delete_groups::DeleteGroupsRequest;
use wire::messages::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
use wire::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};

use super::peer::called;
use super::world::{CLUSTER, OTHER_CLUSTER, World};
use crate::limits::GROUPS_TOLD_BYTES_MAX;

pub(super) fn describe(groups: &[&str]) -> DescribeGroupsRequest {
    DescribeGroupsRequest {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        include_authorized_operations: true,
    }
}

pub(super) fn described(metadata: usize) -> GroupReply {
    GroupReply::Describe(Ok(DescribedGroup {
        state: GroupState::Stable,
        protocol_type: "consumer".to_owned(),
        protocol: "range".to_owned(),
        members: vec![DescribedMember {
            member_id: "m".to_owned(),
            instance_id: Some("i".to_owned()),
            client_id: "c".to_owned(),
            client_host: "/192.0.2.7".to_owned(),
            metadata: Bytes::from(vec![1; metadata]),
            assignment: Bytes::from_static(b"mine"),
        }],
    }))
}

pub(super) fn states(response: &DescribeGroupsResponse) -> Vec<(&str, i16, &str)> {
    let groups = response.groups.iter();
    groups
        .map(|one| (&*one.group_id, one.error_code, &*one.group_state))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_version_describes() {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    coordinator.answer(|call| {
        Ok(match call.group.as_str() {
            "none" => GroupReply::Describe(Err(GroupError::GroupIdNotFound)),
            "lost" => GroupReply::Describe(Err(GroupError::NotAvailable)),
            _ => described(1),
        })
    });
    let mut peer = world.connect();
    for version in 0..=6 {
        let response = called!(
            peer,
            version,
            DescribeGroups,
            describe(&["g", "none", "", "lost"])
        );
        let code = if version >= 6 { 69 } else { 0 };
        let expected = [
            ("g", 0, "Stable"),
            ("none", code, "Dead"),
            ("", 0, "Stable"),
            ("lost", 15, ""),
        ];
        assert_eq!(states(&response), expected, "version {version}");
        let group = &response.groups[0];
        assert_eq!(
            (&*group.protocol_type, &*group.protocol_data),
            ("consumer", "range")
        );
        let operations = if version >= 3 {
            0b1_0100_1000
        } else {
            i32::MIN
        };
        assert_eq!(group.authorized_operations, operations);
        let text = response.groups[1].error_message.as_deref();
        let expected = (version >= 6).then_some("Group none not found.");
        assert_eq!(text, expected);
        let member = &group.members[0];
        let instance = (version >= 4).then_some("i");
        assert_eq!(member.group_instance_id.as_deref(), instance);
        assert_eq!(
            (&*member.client_id, &*member.client_host),
            ("c", "/192.0.2.7")
        );
        assert_eq!(
            (&*member.member_metadata, &*member.member_assignment),
            (&[1][..], &b"mine"[..])
        );
    }
    let unasked = DescribeGroupsRequest {
        include_authorized_operations: false,
        ..describe(&["g"])
    };
    let response = called!(peer, 5, DescribeGroups, unasked);
    assert_eq!(response.groups[0].authorized_operations, i32::MIN);
}

#[tokio::test(start_paused = true)]
async fn many_large_groups_do_not_fill_the_memory_and_each_is_asked_once() {
    let world = World::new();
    world.groups();
    world.node.coordinator.always(described(1 << 20));
    let mut peer = world.connect();
    let count = GROUPS_TOLD_BYTES_MAX >> 19;
    let often = called!(peer, 0, DescribeGroups, describe(&vec!["g"; count]));
    assert_eq!((often.groups.len(), often.groups[0].error_code), (1, 0));
    assert_eq!(world.node.coordinator.asked().len(), 1);
    let names: Vec<_> = (0..count).map(|number| format!("g{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let response = called!(peer, 0, DescribeGroups, describe(&names));
    let codes: Vec<_> = response.groups.iter().map(|one| one.error_code).collect();
    assert_eq!((codes[0], codes[count - 1]), (0, 42));
    assert_eq!(codes.len(), count);
}

fn listed(group: &str, state: GroupState) -> ListedGroup {
    ListedGroup {
        group: group.to_owned(),
        protocol_type: "consumer".to_owned(),
        state,
    }
}

pub(super) fn names(response: &ListGroupsResponse) -> Vec<&str> {
    assert_eq!(response.error_code, 0);
    let groups = response.groups.iter();
    groups.map(|group| group.group_id.as_str()).collect()
}

/// A world with groups of two clusters.
pub(super) fn world_with_groups() -> World {
    let world = World::new();
    world.groups();
    let coordinator = &world.node.coordinator;
    coordinator.list_as(CLUSTER, listed("team-b", GroupState::Empty));
    coordinator.list_as(CLUSTER, listed("a", GroupState::Stable));
    coordinator.list_as(OTHER_CLUSTER, listed("foreign", GroupState::Stable));
    world
}

#[tokio::test(start_paused = true)]
async fn every_version_lists() {
    let world = world_with_groups();
    let mut peer = world.connect();
    for version in 0..=5 {
        let response = called!(peer, version, ListGroups, ListGroupsRequest::default());
        assert_eq!(names(&response), ["a", "team-b"]);
        let first = &response.groups[0];
        let state = if version >= 4 { "Stable" } else { "" };
        let kind = if version >= 5 { "classic" } else { "" };
        assert_eq!(
            (
                &*first.protocol_type,
                &*first.group_state,
                &*first.group_type
            ),
            ("consumer", state, kind)
        );
    }
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    for (states, types, expected) in [
        (&["empty"][..], &[][..], &["team-b"][..]),
        (&["Empty", "Stable"], &["Classic"], &["a", "team-b"]),
        (&["Nonsense"], &[], &[]),
        (&[], &["consumer"], &[]),
    ] {
        let request = ListGroupsRequest {
            states_filter: texts(states),
            types_filter: texts(types),
        };
        let response = called!(peer, 5, ListGroups, request);
        assert_eq!(names(&response), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn every_version_deletes() {
    let world = World::new();
    world.groups();
    world.node.coordinator.answer(|call| {
        Ok(GroupReply::Delete(match call.group.as_str() {
            "none" => Err(GroupError::GroupIdNotFound),
            "busy" => Err(GroupError::NonEmptyGroup),
            _ => Ok(()),
        }))
    });
    let mut peer = world.connect();
    for version in 0..=2 {
        let names = ["g", "none", "busy", "g"].map(str::to_owned).to_vec();
        let request = DeleteGroupsRequest {
            groups_names: names,
        };
        let response = called!(peer, version, DeleteGroups, request);
        let results = response.results.iter();
        let results: Vec<_> = results
            .map(|one| (&*one.group_id, one.error_code))
            .collect();
        assert_eq!(results, [("g", 0), ("none", 69), ("busy", 68)]);
    }
}
