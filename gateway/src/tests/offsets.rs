//! OffsetCommit, OffsetFetch and OffsetDelete.

use model::{LeaderEpoch, Offset, TopicId, TopicPartition};
use node_api::group::{CommitOffset, FetchedOffset, Membership};
use node_api::{GroupCall, GroupError, GroupReply, GroupRequest};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse, OffsetFetchResponseGroup,
};

use super::peer::called;
use super::world::{MEMBER, PASSWORD, World};
use crate::limits::GROUPS_TOLD_BYTES_MAX;

fn commit(group: &str, topics: &[(&str, &[i32])]) -> OffsetCommitRequest {
    let topics = topics
        .iter()
        .map(|(name, indexes)| OffsetCommitRequestTopic {
            name: (*name).to_owned(),
            partitions: indexes.iter().map(|&index| committing(index)).collect(),
            ..OffsetCommitRequestTopic::default()
        });
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: 4,
        member_id: "m".to_owned(),
        topics: topics.collect(),
        ..OffsetCommitRequest::default()
    }
}

fn committing(index: i32) -> OffsetCommitRequestPartition {
    OffsetCommitRequestPartition {
        partition_index: index,
        committed_offset: 70 + i64::from(index),
        committed_metadata: Some("note".to_owned()),
        ..OffsetCommitRequestPartition::default()
    }
}

fn committed(response: &OffsetCommitResponse) -> Vec<(i32, i16)> {
    let topics = response.topics.iter();
    let partitions = topics.flat_map(|topic| &topic.partitions);
    partitions
        .map(|told| (told.partition_index, told.error_code))
        .collect()
}

fn accept(call: &GroupCall) -> Result<GroupReply, GroupError> {
    let GroupRequest::CommitOffsets(commit) = &call.request else {
        panic!("{call:?}");
    };
    let outcomes = commit.offsets.iter().map(|_| Ok(()));
    Ok(GroupReply::CommitOffsets(Ok(outcomes.collect())))
}

fn key(topic: TopicId, partition: u32) -> TopicPartition {
    TopicPartition { topic, partition }
}

fn fetched(key: TopicPartition, offset: u64, metadata: &str) -> FetchedOffset {
    FetchedOffset {
        key,
        offset: Offset::new(offset),
        leader_epoch: Some(LeaderEpoch(6)),
        metadata: metadata.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_committed_and_the_rest_refused_by_partition() {
    let world = World::new();
    world.groups();
    let (a, b) = (world.topic("a", 2), world.topic("b", 1));
    world.node.coordinator.answer(accept);
    let mut peer = world.connect();
    let mut request = commit("g", &[("a", &[1, 2, -1]), ("none", &[0]), ("b", &[0])]);
    request.topics[2].partitions[0].committed_leader_epoch = 5;
    request.topics[2].partitions[0].committed_metadata = None;
    request.group_instance_id = Some("i".to_owned());
    let response = called!(peer, 7, OffsetCommit, request);
    assert_eq!(
        committed(&response),
        [(1, 0), (2, 3), (-1, 3), (0, 3), (0, 0)]
    );
    let names: Vec<_> = response.topics.iter().map(|topic| &topic.name).collect();
    assert_eq!(names, ["a", "none", "b"]);
    let GroupRequest::CommitOffsets(asked) = world.node.coordinator.last() else {
        panic!("no commit");
    };
    let membership = Membership {
        member_id: "m".to_owned(),
        instance_id: Some("i".to_owned()),
        generation: 4,
    };
    assert_eq!((asked.membership, asked.retention_ms), (membership, None));
    let offset = |key, offset, leader_epoch, metadata: &str| CommitOffset {
        key,
        offset: Offset::new(offset).unwrap(),
        leader_epoch,
        metadata: metadata.to_owned(),
    };
    let expected = [
        offset(key(a, 1), 71, None, "note"),
        offset(key(b, 0), 70, Some(LeaderEpoch(5)), ""),
    ];
    assert_eq!(asked.offsets, expected);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_named_repeatedly_is_committed_once() {
    let world = World::new();
    world.groups();
    let a = world.topic("a", 2);
    world.node.coordinator.answer(accept);
    let mut peer = world.connect();
    let mut request = commit("g", &[("a", &[0, 1, 0]), ("a", &[0])]);
    request.topics[1].partitions[0].committed_offset = 9;
    let response = called!(peer, 7, OffsetCommit, request);
    assert_eq!(committed(&response), [(0, 0), (1, 0), (0, 0), (0, 0)]);
    let GroupRequest::CommitOffsets(asked) = world.node.coordinator.last() else {
        panic!("no commit");
    };
    let offsets = asked.offsets.iter();
    let offsets: Vec<_> = offsets.map(|one| (one.key, one.offset.to_wire())).collect();
    assert_eq!(offsets, [(key(a, 0), 9), (key(a, 1), 71)]);
}

#[tokio::test(start_paused = true)]
async fn every_version_commits() {
    let world = World::new();
    world.groups();
    let a = world.topic("a", 1);
    world.node.coordinator.answer(accept);
    let mut peer = world.connect();
    for version in 2..=9 {
        let mut request = commit("", &[("a", &[0])]);
        request.retention_time_ms = if version <= 4 { 1234 } else { -1 };
        let response = called!(peer, version, OffsetCommit, request);
        assert_eq!(committed(&response), [(0, 0)], "version {version}");
        let GroupRequest::CommitOffsets(asked) = world.node.coordinator.last() else {
            panic!("no commit");
        };
        assert_eq!(asked.retention_ms, (version <= 4).then_some(1234));
    }
    let mut request = commit("g", &[("", &[0]), ("", &[0])]);
    request.topics[0].topic_id = a.0;
    request.topics[1].topic_id = [9; 16];
    let response = called!(peer, 10, OffsetCommit, request);
    assert_eq!(committed(&response), [(0, 0), (0, 100)]);
    assert_eq!(response.topics[0].topic_id, a.0);
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_refused_by_the_coordinator_whole_or_in_part() {
    let world = World::new();
    world.groups();
    world.topic("a", 2);
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect();
    let request = || commit("g", &[("a", &[0, 7, 1])]);
    let too_large = Err(GroupError::OffsetMetadataTooLarge);
    coordinator.always(GroupReply::CommitOffsets(Ok(vec![Ok(()), too_large])));
    let response = called!(peer, 8, OffsetCommit, request());
    assert_eq!(committed(&response), [(0, 0), (7, 3), (1, 12)]);
    for (error, code) in [
        (GroupError::UnknownMemberId, 25),
        (GroupError::IllegalGeneration, 22),
        (GroupError::RebalanceInProgress, 27),
        (GroupError::FencedInstanceId, 82),
        (GroupError::NotAvailable, 15),
    ] {
        coordinator.always(GroupReply::CommitOffsets(Err(error)));
        let response = called!(peer, 8, OffsetCommit, request());
        assert_eq!(committed(&response), [(0, code), (7, 3), (1, code)]);
    }
    let mut negative = request();
    negative.topics[0].partitions[0].committed_offset = -1;
    negative.topics[0].partitions[2].committed_offset = i64::MIN;
    let asked = coordinator.asked().len();
    let response = called!(peer, 8, OffsetCommit, negative);
    assert_eq!(committed(&response), [(0, 42), (7, 3), (1, 42)]);
    assert_eq!(coordinator.asked().len(), asked, "there was nothing to ask");
}

fn by_name(topics: &[(&str, &[i32])]) -> Option<Vec<OffsetFetchRequestTopics>> {
    let topics = topics
        .iter()
        .map(|(name, indexes)| OffsetFetchRequestTopics {
            name: (*name).to_owned(),
            partition_indexes: indexes.to_vec(),
            ..OffsetFetchRequestTopics::default()
        });
    Some(topics.collect())
}

/// In the form of the version.
fn fetch(
    version: i16,
    group: &str,
    topics: Option<Vec<OffsetFetchRequestTopics>>,
) -> OffsetFetchRequest {
    if version >= 8 {
        return OffsetFetchRequest {
            groups: vec![of_group(group, topics)],
            ..OffsetFetchRequest::default()
        };
    }
    let topics = topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopic {
            name: topic.name,
            partition_indexes: topic.partition_indexes,
        });
        topics.collect()
    });
    OffsetFetchRequest {
        group_id: group.to_owned(),
        topics,
        ..OffsetFetchRequest::default()
    }
}

fn of_group(group: &str, topics: Option<Vec<OffsetFetchRequestTopics>>) -> OffsetFetchRequestGroup {
    OffsetFetchRequestGroup {
        group_id: group.to_owned(),
        topics,
        ..OffsetFetchRequestGroup::default()
    }
}

/// Topic, partition, offset, epoch, text and error of each partition.
type Told = Vec<(String, i32, i64, i32, String, i16)>;

fn told_of(group: &OffsetFetchResponseGroup) -> (i16, Told) {
    let topics = group.topics.iter();
    let told = topics.flat_map(|topic| {
        topic.partitions.iter().map(|told| {
            (
                topic.name.clone(),
                told.partition_index,
                told.committed_offset,
                told.committed_leader_epoch,
                told.metadata.clone().unwrap(),
                told.error_code,
            )
        })
    });
    (group.error_code, told.collect())
}

/// The same of an answer of any version, with the error of the group.
fn told(version: i16, response: &OffsetFetchResponse) -> (i16, Told) {
    if version >= 8 {
        return told_of(&response.groups[0]);
    }
    let topics = response.topics.iter();
    let told = topics.flat_map(|topic| {
        topic.partitions.iter().map(|told| {
            (
                topic.name.clone(),
                told.partition_index,
                told.committed_offset,
                told.committed_leader_epoch,
                told.metadata.clone().unwrap(),
                told.error_code,
            )
        })
    });
    (response.error_code, told.collect())
}

fn line(topic: &str, index: i32, offset: (i64, i32, &str)) -> (String, i32, i64, i32, String, i16) {
    let (offset, epoch, text) = offset;
    (topic.to_owned(), index, offset, epoch, text.to_owned(), 0)
}

#[tokio::test(start_paused = true)]
async fn every_version_tells_what_was_asked_for() {
    let world = World::new();
    world.groups();
    let a = world.topic("a", 2);
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect();
    let first = fetched(key(a, 1), 7, "note");
    let nothing = FetchedOffset {
        key: key(a, 0),
        offset: None,
        leader_epoch: None,
        metadata: String::new(),
    };
    for version in 1..=9 {
        let found = vec![first.clone(), nothing.clone()];
        coordinator.always(GroupReply::FetchOffsets(Ok(found)));
        let asked = by_name(&[("none", &[3]), ("a", &[1, 5, 0])]);
        let response = called!(peer, version, OffsetFetch, fetch(version, "g", asked));
        let epoch = if version >= 5 { 6 } else { -1 };
        let expected = vec![
            line("none", 3, (-1, -1, "")),
            line("a", 1, (7, epoch, "note")),
            line("a", 5, (-1, -1, "")),
            line("a", 0, (-1, -1, "")),
        ];
        assert_eq!(told(version, &response), (0, expected), "version {version}");
        let GroupRequest::FetchOffsets(asked) = coordinator.last() else {
            panic!("no fetch");
        };
        assert_eq!(asked.partitions, Some(vec![key(a, 1), key(a, 0)]));
    }
    coordinator.always(GroupReply::FetchOffsets(Ok(vec![first])));
    let mut asked = by_name(&[("", &[1]), ("", &[0])]);
    for (topic, id) in asked.iter_mut().flatten().zip([a.0, [9; 16]]) {
        topic.topic_id = id;
    }
    let response = called!(peer, 10, OffsetFetch, fetch(10, "g", asked));
    let topics = &response.groups[0].topics;
    let told = |topic: usize| {
        let told = &topics[topic].partitions[0];
        (
            topics[topic].topic_id,
            told.committed_offset,
            told.error_code,
        )
    };
    assert_eq!((told(0), told(1)), ((a.0, 7, 0), ([9; 16], -1, 100)));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_named_again_is_told_once() {
    let world = World::new();
    world.groups();
    let a = world.topic("a", 2);
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect();
    let found = vec![fetched(key(a, 1), 7, "note"), fetched(key(a, 0), 8, "")];
    coordinator.always(GroupReply::FetchOffsets(Ok(found)));
    let asked = by_name(&[("a", &[1, 1]), ("a", &[1, 0, 0])]);
    let response = called!(peer, 8, OffsetFetch, fetch(8, "g", asked));
    let expected = vec![line("a", 1, (7, 6, "note")), line("a", 0, (8, 6, ""))];
    assert_eq!(told(8, &response), (0, expected));
    let GroupRequest::FetchOffsets(asked) = coordinator.last() else {
        panic!("no fetch");
    };
    assert_eq!(asked.partitions, Some(vec![key(a, 1), key(a, 0)]));
}

#[tokio::test(start_paused = true)]
async fn all_offsets_are_those_of_topics_that_are_there() {
    let world = World::new();
    world.groups();
    let (b, a) = (world.topic("b", 1), world.topic("a", 2));
    let gone = TopicId([9; 16]);
    let foreign = world.foreign_topic("foreign");
    let found = [
        key(b, 0),
        key(gone, 0),
        key(foreign, 0),
        key(a, 1),
        key(a, 9),
    ];
    let found = found.map(|key| fetched(key, 5, ""));
    world
        .node
        .coordinator
        .always(GroupReply::FetchOffsets(Ok(found.to_vec())));
    let mut peer = world.connect();
    for version in 2..=10 {
        let response = called!(peer, version, OffsetFetch, fetch(version, "g", None));
        let (error, told) = told(version, &response);
        let told: Vec<_> = told.into_iter().map(|(name, at, ..)| (name, at)).collect();
        if version < 10 {
            assert_eq!(told, [("a".to_owned(), 1), ("b".to_owned(), 0)]);
        } else {
            let ids = response.groups[0].topics.iter().map(|topic| topic.topic_id);
            assert_eq!(ids.collect::<Vec<_>>(), [a.0, b.0]);
        }
        assert_eq!(error, 0);
    }
    let GroupRequest::FetchOffsets(asked) = world.node.coordinator.last() else {
        panic!("no fetch");
    };
    assert_eq!(asked.partitions, None);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_group_stands_where_the_version_has_room() {
    let world = World::new();
    world.groups();
    world.topic("a", 1);
    let coordinator = &world.node.coordinator;
    let failed = GroupReply::FetchOffsets(Err(GroupError::NotAvailable));
    coordinator.always(failed);
    let mut peer = world.connect();
    let asked = || by_name(&[("a", &[0]), ("none", &[1])]);
    let response = called!(peer, 1, OffsetFetch, fetch(1, "g", asked()));
    let expected = [("a", 0), ("none", 1)]
        .map(|(topic, index)| (topic.to_owned(), index, -1, -1, String::new(), 16));
    assert_eq!(told(1, &response), (0, expected.to_vec()));
    for version in [2, 7, 8, 9] {
        let response = called!(peer, version, OffsetFetch, fetch(version, "g", asked()));
        assert_eq!(told(version, &response), (16, Vec::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn groups_are_told_each_on_its_own_until_the_answer_is_full() {
    let world = World::new();
    world.groups();
    let a = world.topic("a", 1);
    world.node.coordinator.answer(move |call| {
        let text = if call.group == "large" { 30_000 } else { 1 };
        let found = fetched(key(a, 0), 5, &"x".repeat(text));
        Ok(match call.group.as_str() {
            "bad" => GroupReply::FetchOffsets(Err(GroupError::GroupIdNotFound)),
            _ => GroupReply::FetchOffsets(Ok(vec![found])),
        })
    });
    let mut peer = world.connect();
    let groups = |names: Vec<&str>| OffsetFetchRequest {
        groups: names
            .into_iter()
            .map(|name| of_group(name, by_name(&[("a", &[0])])))
            .collect(),
        require_stable: true,
        ..OffsetFetchRequest::default()
    };
    let response = called!(peer, 9, OffsetFetch, groups(vec!["g", "bad", "h"]));
    let seen = response.groups.iter();
    let seen: Vec<_> = seen
        .map(|group| {
            (
                group.group_id.as_str(),
                group.error_code,
                group.topics.len(),
            )
        })
        .collect();
    assert_eq!(seen, [("g", 0, 1), ("bad", 69, 0), ("h", 0, 1)]);
    let names = vec!["large"; 2 * GROUPS_TOLD_BYTES_MAX / 30_000];
    let count = names.len();
    let response = called!(peer, 9, OffsetFetch, groups(names));
    assert_eq!(response.groups.len(), count);
    assert_eq!(response.groups[0].error_code, 0);
    assert_eq!(response.groups[count - 1].error_code, 42);
}

fn delete(group: &str, topics: &[(&str, &[i32])]) -> OffsetDeleteRequest {
    let topics = topics
        .iter()
        .map(|(name, indexes)| OffsetDeleteRequestTopic {
            name: (*name).to_owned(),
            partitions: indexes
                .iter()
                .map(|&partition_index| OffsetDeleteRequestPartition { partition_index })
                .collect(),
        });
    OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: topics.collect(),
    }
}

fn deleted(response: &OffsetDeleteResponse) -> (i16, Vec<(i32, i16)>) {
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    let told = partitions.map(|told| (told.partition_index, told.error_code));
    (response.error_code, told.collect())
}

#[tokio::test(start_paused = true)]
async fn offsets_are_deleted() {
    let world = World::new();
    world.groups();
    let a = world.topic("a", 2);
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect();
    let request = || delete("g", &[("none", &[0]), ("a", &[0, 3, 1])]);
    let read = Err(GroupError::GroupSubscribedToTopic);
    coordinator.always(GroupReply::DeleteOffsets(Ok(vec![Ok(()), read])));
    let response = called!(peer, 0, OffsetDelete, request());
    let expected = vec![(0, 3), (0, 0), (3, 3), (1, 86)];
    assert_eq!(deleted(&response), (0, expected));
    let GroupRequest::DeleteOffsets(asked) = coordinator.last() else {
        panic!("no deletion");
    };
    let asked = asked.partitions.iter();
    let asked: Vec<_> = asked.map(|(key, name)| (*key, name.as_str())).collect();
    assert_eq!(asked, [(key(a, 0), "a"), (key(a, 1), "a")]);
    for (error, code) in [
        (GroupError::NonEmptyGroup, 68),
        (GroupError::GroupIdNotFound, 69),
    ] {
        coordinator.always(GroupReply::DeleteOffsets(Err(error)));
        let response = called!(peer, 0, OffsetDelete, request());
        assert_eq!(deleted(&response), (code, Vec::new()));
    }
    let response = called!(peer, 0, OffsetDelete, delete("", &[("a", &[0])]));
    assert_eq!(deleted(&response), (24, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn rights_are_asked_for_groups_and_topics() {
    let world = World::new();
    world.groups();
    let public = world.topic("public", 1);
    let secret = world.topic("secret", 1);
    let listed = world.topic("listed", 1);
    let coordinator = &world.node.coordinator;
    let mut peer = world.connect_tls();
    super::sign_in::sign_in(&mut peer, MEMBER, PASSWORD).await;

    let topics: &[(&str, &[i32])] = &[
        ("public", &[0]),
        ("secret", &[0]),
        ("nowhere", &[0]),
        ("listed", &[0]),
    ];
    let response = called!(peer, 8, OffsetCommit, commit("other", topics));
    assert_eq!(committed(&response), [(0, 30); 4]);
    coordinator.answer(accept);
    let response = called!(peer, 8, OffsetCommit, commit("team", topics));
    assert_eq!(committed(&response), [(0, 0), (0, 29), (0, 29), (0, 29)]);

    let response = called!(peer, 0, OffsetDelete, delete("other", topics));
    assert_eq!(deleted(&response), (30, Vec::new()));
    coordinator.always(GroupReply::DeleteOffsets(Ok(vec![Ok(())])));
    let response = called!(peer, 0, OffsetDelete, delete("team", topics));
    assert_eq!(
        deleted(&response),
        (0, vec![(0, 0), (0, 29), (0, 29), (0, 29)])
    );

    coordinator.answer(move |call| {
        let GroupRequest::FetchOffsets(asked) = &call.request else {
            panic!("{call:?}");
        };
        let all = [public, secret, listed].map(|topic| key(topic, 0));
        let keys = asked.partitions.clone().unwrap_or(all.to_vec());
        let found = keys.into_iter().map(|key| fetched(key, 5, ""));
        Ok(GroupReply::FetchOffsets(Ok(found.collect())))
    });
    let names = |version, response: &OffsetFetchResponse| {
        let (error, told) = told(version, response);
        let told = told.into_iter().map(|line| (line.0, line.2, line.5));
        (error, told.collect::<Vec<_>>())
    };
    let response = called!(peer, 8, OffsetFetch, fetch(8, "team", None));
    let expected = ["listed", "public"].map(|name| (name.to_owned(), 5, 0));
    assert_eq!(names(8, &response), (0, expected.to_vec()));
    let response = called!(peer, 5, OffsetFetch, fetch(5, "team", by_name(topics)));
    let expected = [
        ("public", 5, 0),
        ("secret", -1, 29),
        ("nowhere", -1, 29),
        ("listed", 5, 0),
    ];
    let expected = expected.map(|(name, offset, code)| (name.to_owned(), offset, code));
    assert_eq!(names(5, &response), (0, expected.to_vec()));
    let response = called!(peer, 5, OffsetFetch, fetch(5, "other", by_name(topics)));
    assert_eq!(names(5, &response), (30, Vec::new()));
    let response = called!(peer, 1, OffsetFetch, fetch(1, "other", by_name(topics)));
    let (_, told) = names(1, &response);
    assert!(told.iter().all(|line| (line.1, line.2) == (-1, 30)));
}
