//! Committing, fetching and deleting offsets.

use coordinator::limits::{COMMIT_BYTES_MAX, GROUP_ID_BYTES_MAX, GROUP_OFFSETS_MAX};
use coordinator::{
    CommitOffset, CommitOffsets, DeleteOffsets, FetchOffsets, FetchedOffset, GroupError,
    GroupReply, GroupRequest, GroupState, JoinGroup, Membership,
};
use model::{LeaderEpoch, Offset, TopicId, TopicName, TopicPartition};

use crate::shard::{CLUSTER, GROUP, Shard, With, join, membership, subscription};

pub fn key(topic: u8, partition: u32) -> TopicPartition {
    TopicPartition {
        topic: TopicId([topic; 16]),
        partition,
    }
}

pub fn offset(key: TopicPartition, value: u64) -> CommitOffset {
    CommitOffset {
        key,
        offset: Offset::new(value).expect("it is small"),
        leader_epoch: None,
        metadata: String::new(),
    }
}

/// Who is no member of a group.
pub fn nobody() -> Membership {
    Membership {
        generation: -1,
        ..Membership::default()
    }
}

pub fn commit(membership: &Membership, offsets: Vec<CommitOffset>) -> GroupRequest {
    GroupRequest::CommitOffsets(CommitOffsets {
        membership: membership.clone(),
        offsets,
        retention_ms: None,
    })
}

pub type Results = Result<Vec<Result<(), GroupError>>, GroupError>;

pub fn committed(shard: &mut Shard, ask: GroupRequest) -> Results {
    match shard.ask(ask) {
        GroupReply::CommitOffsets(reply) => reply,
        other => panic!("{other:?} is no answer to a commit"),
    }
}

pub fn fetch(shard: &mut Shard, partitions: Option<Vec<TopicPartition>>) -> Vec<FetchedOffset> {
    match shard.ask(GroupRequest::FetchOffsets(FetchOffsets { partitions })) {
        GroupReply::FetchOffsets(reply) => reply.expect("offsets can always be read"),
        other => panic!("{other:?} is no answer to a fetch"),
    }
}

pub fn deleted(shard: &mut Shard, partitions: &[(TopicPartition, &str)]) -> Results {
    let partitions = partitions.iter().map(|(key, name)| {
        let name = TopicName::parse(name).expect("it is a name");
        (*key, name)
    });
    let partitions = partitions.collect();
    match shard.ask(GroupRequest::DeleteOffsets(DeleteOffsets { partitions })) {
        GroupReply::DeleteOffsets(reply) => reply,
        other => panic!("{other:?} is no answer to a deletion"),
    }
}

fn delete_group(shard: &mut Shard) -> Result<(), GroupError> {
    match shard.ask(GroupRequest::Delete) {
        GroupReply::Delete(reply) => reply,
        other => panic!("{other:?} is no answer to a deletion"),
    }
}

#[test]
fn what_is_committed_is_fetched_with_all_that_came_with_it() {
    let mut shard = Shard::new();
    let with_more = CommitOffset {
        leader_epoch: Some(LeaderEpoch(7)),
        metadata: "\u{0}mine".to_owned(),
        ..offset(key(1, 0), 42)
    };
    let offsets = vec![with_more, offset(key(1, 1), 0)];
    let results = committed(&mut shard, commit(&nobody(), offsets));
    assert_eq!(results, Ok(vec![Ok(()), Ok(())]));
    let found = fetch(&mut shard, Some(vec![key(1, 1), key(9, 9), key(1, 0)]));
    assert_eq!(found[0].offset, Some(Offset::ZERO));
    assert_eq!(
        found[1],
        FetchedOffset {
            key: key(9, 9),
            offset: None,
            leader_epoch: None,
            metadata: String::new(),
        }
    );
    assert_eq!(found[2].leader_epoch, Some(LeaderEpoch(7)));
    assert_eq!(found[2].metadata, "\u{0}mine");
    let all: Vec<_> = fetch(&mut shard, None).iter().map(|f| f.key).collect();
    assert_eq!(all, [key(1, 0), key(1, 1)]);
}

#[test]
fn an_unknown_group_has_no_offsets() {
    let mut shard = Shard::new();
    let found = fetch(&mut shard, Some(vec![key(1, 0)]));
    assert_eq!((found.len(), found[0].offset), (1, None));
    assert_eq!(fetch(&mut shard, None), []);
    assert_eq!(shard.core.group_count(CLUSTER), 0);
}

#[test]
fn a_commit_of_nobody_makes_a_simple_group() {
    let mut shard = Shard::new();
    committed(&mut shard, commit(&nobody(), vec![offset(key(1, 0), 1)])).expect("it is free");
    let listed = &shard.core.list(CLUSTER)[0];
    assert_eq!(listed.state, GroupState::Empty);
    assert_eq!(listed.protocol_type, "");
    assert_eq!(listed.group, GROUP);
}

#[test]
fn a_group_too_many_is_not_made_by_a_commit_either() {
    let mut shard = Shard::new();
    shard.rules.groups_max = 0;
    let results = committed(&mut shard, commit(&nobody(), vec![offset(key(1, 0), 1)]));
    assert_eq!(results, Err(GroupError::GroupMaxSizeReached));
}

#[test]
fn a_group_with_members_takes_commits_of_its_generation_alone() {
    let mut shard = Shard::new();
    let of = |generation, member_id: &str| Membership {
        member_id: member_id.to_owned(),
        instance_id: None,
        generation,
    };
    let refused = |shard: &mut Shard, membership: &Membership| {
        let ask = commit(membership, vec![offset(key(1, 0), 1)]);
        committed(shard, ask).expect_err("it is refused")
    };
    let no_group = refused(&mut shard, &of(3, "who"));
    assert_eq!(no_group, GroupError::IllegalGeneration);
    let members = shard.stable(1);
    let id = members[0].member_id.as_str();
    let unknown = GroupError::UnknownMemberId;
    assert_eq!(refused(&mut shard, &nobody()), unknown);
    assert_eq!(refused(&mut shard, &of(1, "who")), unknown);
    assert_eq!(refused(&mut shard, &of(1, "")), unknown);
    let illegal = GroupError::IllegalGeneration;
    assert_eq!(refused(&mut shard, &of(0, id)), illegal);
    assert_eq!(refused(&mut shard, &of(-1, id)), illegal);
    let ask = commit(&members[0], vec![offset(key(1, 0), 1)]);
    assert_eq!(committed(&mut shard, ask), Ok(vec![Ok(())]));
}

#[test]
fn members_commit_before_they_join_again_but_not_before_they_sync() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    let new = shard.call(GroupRequest::Join(join()));
    let ask = commit(&members[0], vec![offset(key(1, 0), 1)]);
    assert_eq!(committed(&mut shard, ask), Ok(vec![Ok(())]));
    let call = shard.call(GroupRequest::Join(
        join().with_member(&members[0].member_id),
    ));
    let joined = shard.joined(call);
    shard.joined(new);
    let ask = commit(&membership(&joined), vec![offset(key(1, 0), 2)]);
    assert_eq!(
        committed(&mut shard, ask),
        Err(GroupError::RebalanceInProgress)
    );
}

#[test]
fn an_empty_group_takes_commits_of_nobody() {
    let mut shard = Shard::new();
    let members = shard.stable(1);
    shard.leave(&[(&members[0].member_id, None)]);
    let ask = commit(&nobody(), vec![offset(key(1, 0), 1)]);
    assert_eq!(committed(&mut shard, ask), Ok(vec![Ok(())]));
    let ask = commit(&members[0], vec![offset(key(1, 0), 1)]);
    assert_eq!(committed(&mut shard, ask), Err(GroupError::UnknownMemberId));
}

#[test]
fn metadata_that_is_too_large_is_refused_by_itself() {
    let mut shard = Shard::new();
    let with = |partition, bytes| CommitOffset {
        metadata: "m".repeat(bytes),
        ..offset(key(1, partition), 1)
    };
    let ask = commit(&nobody(), vec![with(0, 4097), with(1, 4096)]);
    let too_large = Err(GroupError::OffsetMetadataTooLarge);
    assert_eq!(committed(&mut shard, ask), Ok(vec![too_large, Ok(())]));
    assert_eq!(fetch(&mut shard, None).len(), 1);
}

#[test]
fn a_group_keeps_a_bounded_number_of_offsets() {
    let mut shard = Shard::new();
    let many = (0..GROUP_OFFSETS_MAX as u32).map(|partition| offset(key(1, partition), 1));
    let results = committed(&mut shard, commit(&nobody(), many.collect()));
    assert!(results.expect("it is free").iter().all(Result::is_ok));
    let known_and_new = vec![offset(key(1, 0), 2), offset(key(2, 0), 1)];
    let results = committed(&mut shard, commit(&nobody(), known_and_new));
    let too_many = Err(GroupError::OffsetMetadataTooLarge);
    assert_eq!(results, Ok(vec![Ok(()), too_many]));
}

#[test]
fn a_group_keeps_a_bounded_number_of_bytes_of_metadata() {
    let mut shard = Shard::new();
    shard.rules.settings.offset_metadata_bytes_max = u32::MAX;
    let with = |partition, bytes| CommitOffset {
        metadata: "m".repeat(bytes),
        ..offset(key(1, partition), 1)
    };
    let half = coordinator::limits::OFFSET_METADATA_BYTES_SUM_MAX / 2;
    let ask = commit(&nobody(), vec![with(0, half)]);
    assert_eq!(committed(&mut shard, ask), Ok(vec![Ok(())]));
    let ask = commit(&nobody(), vec![with(1, half), with(2, 1)]);
    let too_large = Err(GroupError::OffsetMetadataTooLarge);
    assert_eq!(committed(&mut shard, ask), Ok(vec![Ok(()), too_large]));
    let ask = commit(&nobody(), vec![with(1, half - 1), with(2, 1)]);
    assert_eq!(committed(&mut shard, ask), Ok(vec![Ok(()), Ok(())]));
}

#[test]
fn offsets_of_topics_that_a_member_reads_are_not_deleted() {
    let mut shard = Shard::new();
    assert_eq!(
        deleted(&mut shard, &[(key(1, 0), "topic")]),
        Err(GroupError::GroupIdNotFound)
    );
    let members = shard.stable(1);
    let offsets = vec![offset(key(1, 0), 1), offset(key(2, 0), 1)];
    committed(&mut shard, commit(&members[0], offsets)).expect("it is a member");
    let both = [(key(1, 0), "topic"), (key(2, 0), "other")];
    let reads = Err(GroupError::GroupSubscribedToTopic);
    assert_eq!(deleted(&mut shard, &both), Ok(vec![reads, Ok(())]));
    assert_eq!(fetch(&mut shard, None).len(), 1);
    shard.leave(&[(&members[0].member_id, None)]);
    assert_eq!(deleted(&mut shard, &both), Ok(vec![Ok(()), Ok(())]));
    assert_eq!(fetch(&mut shard, None), []);
}

#[test]
fn where_it_is_not_known_what_consumers_read_nothing_is_deleted() {
    let mut shard = Shard::new();
    let unreadable = join().with_metadata(b"what".as_slice().into());
    let call = shard.call(GroupRequest::Join(unreadable));
    let joined = shard.joined(call);
    shard.sync_all(&[joined]);
    let reads = Err(GroupError::GroupSubscribedToTopic);
    assert_eq!(
        deleted(&mut shard, &[(key(1, 0), "topic")]),
        Ok(vec![reads])
    );
}

#[test]
fn what_members_that_are_no_consumers_read_is_not_known() {
    let mut shard = Shard::new();
    let connect = JoinGroup {
        protocol_type: "connect".to_owned(),
        ..join().with_metadata(subscription(&["topic"]))
    };
    let call = shard.call(GroupRequest::Join(connect));
    shard.joined(call);
    assert_eq!(
        deleted(&mut shard, &[(key(1, 0), "topic")]),
        Err(GroupError::NonEmptyGroup)
    );
}

#[test]
fn a_group_is_deleted_when_it_is_empty_with_all_its_offsets() {
    let mut shard = Shard::new();
    assert_eq!(delete_group(&mut shard), Err(GroupError::GroupIdNotFound));
    let members = shard.stable(1);
    let ask = commit(&members[0], vec![offset(key(1, 0), 1)]);
    committed(&mut shard, ask).expect("it is a member");
    assert_eq!(delete_group(&mut shard), Err(GroupError::NonEmptyGroup));
    shard.leave(&[(&members[0].member_id, None)]);
    assert_eq!(delete_group(&mut shard), Ok(()));
    assert_eq!(shard.core.group_count(CLUSTER), 0);
    assert_eq!(shard.core.snapshot().count(), 0);
    shard.restart();
    assert_eq!(shard.core.snapshot().count(), 0);
}

#[test]
fn of_a_partition_that_is_named_again_the_last_offset_counts_and_is_told_once() {
    let mut shard = Shard::new();
    let too_large = CommitOffset {
        metadata: "x".repeat(5000),
        ..offset(key(1, 1), 1)
    };
    let offsets = vec![
        offset(key(1, 0), 5),
        offset(key(1, 0), 6),
        too_large,
        offset(key(1, 0), 4),
    ];
    let before = shard.log.len();
    let results = committed(&mut shard, commit(&nobody(), offsets));
    let refused = Err(GroupError::OffsetMetadataTooLarge);
    assert_eq!(results, Ok(vec![Ok(()), Ok(()), refused, Ok(())]));
    assert_eq!(shard.log.len() - before, 1, "one record is enough");
    let again = vec![key(1, 0), key(2, 0), key(1, 0), key(2, 0)];
    let found = fetch(&mut shard, Some(again.clone()));
    let told: Vec<_> = found
        .iter()
        .map(|found| (found.key, found.offset))
        .collect();
    assert_eq!(told, [(key(1, 0), Offset::new(4)), (key(2, 0), None)]);
    // The same where there is no group.
    assert_eq!(fetch(&mut Shard::new(), Some(again)).len(), 2);
}

#[test]
fn a_commit_that_would_write_too_much_changes_nothing() {
    let mut shard = Shard::new();
    let offsets = (0..COMMIT_BYTES_MAX as u32 / 4096).map(|partition| CommitOffset {
        metadata: "x".repeat(4096),
        ..offset(key(1, partition), 1)
    });
    let offsets: Vec<_> = offsets.collect();
    let results = committed(&mut shard, commit(&nobody(), offsets.clone()));
    assert_eq!(results, Err(GroupError::OffsetMetadataTooLarge));
    assert!(shard.log.is_empty() && fetch(&mut shard, None).is_empty());
    let half = offsets[..offsets.len() / 2].to_vec();
    let results = committed(&mut shard, commit(&nobody(), half));
    assert!(results.is_ok_and(|results| results.iter().all(Result::is_ok)));
}

#[test]
fn an_id_that_is_too_long_names_no_group() {
    let mut shard = Shard::new();
    let longest = "g".repeat(GROUP_ID_BYTES_MAX);
    let offsets = || commit(&nobody(), vec![offset(key(1, 0), 1)]);
    let call = shard.call_of(CLUSTER, &longest, offsets());
    assert_eq!(
        shard.answer(call),
        GroupReply::CommitOffsets(Ok(vec![Ok(())]))
    );
    let too_long = format!("{longest}g");
    let invalid = GroupError::InvalidGroupId;
    let call = shard.call_of(CLUSTER, &too_long, offsets());
    assert_eq!(shard.answer(call), GroupReply::CommitOffsets(Err(invalid)));
    let call = shard.call_of(CLUSTER, &too_long, GroupRequest::Describe);
    assert_eq!(shard.answer(call), GroupReply::Describe(Err(invalid)));
    let call = shard.call_of(CLUSTER, &too_long, GroupRequest::Join(join()));
    let refused = shard.try_joined(call).expect_err("the id is too long");
    assert_eq!(refused.error, invalid);
    assert_eq!(shard.core.group_count(CLUSTER), 1);
}
