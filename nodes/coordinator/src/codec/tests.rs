use bytes::Bytes;
use model::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition, VirtualClusterId};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::key::{RecordKey, decode_key, group_key, offset_key};
use super::stored_group::{StoredGroup, StoredMember};
use super::stored_offset::StoredOffset;
use super::{Reader, Writer};
use crate::effect::ReplayError;
use crate::group::GroupKey;

fn groups() -> impl Strategy<Value = GroupKey> {
    (any::<u32>(), ".{0,20}").prop_map(|(cluster, id)| GroupKey {
        cluster: VirtualClusterId(cluster),
        id: id.as_str().into(),
    })
}

fn members() -> impl Strategy<Value = Vec<StoredMember>> {
    let fields = (
        any::<bool>(),
        ".{0,5}",
        ".{0,5}",
        any::<u32>(),
        any::<u32>(),
        vec(any::<u8>(), 0..20),
        vec(any::<u8>(), 0..20),
    );
    btree_map(".{0,8}", fields, 0..5).prop_map(|members| {
        let member = |(id, fields): (String, (bool, String, String, u32, u32, _, _))| {
            let (is_static, client_id, client_host, session, rebalance, metadata, assignment) =
                fields;
            StoredMember {
                instance_id: is_static.then(|| id.clone()),
                id,
                client_id,
                client_host,
                session_timeout_ms: session,
                rebalance_timeout_ms: rebalance,
                metadata: Bytes::from(metadata),
                assignment: Bytes::from(assignment),
            }
        };
        members.into_iter().map(member).collect()
    })
}

fn stored_groups() -> impl Strategy<Value = StoredGroup> {
    let numbers = (0..=i32::MAX, any::<i64>());
    (numbers, members(), option::of(".{0,5}"), ".{0,5}").prop_map(
        |((generation, at), members, protocol_type, protocol)| StoredGroup {
            generation,
            changed_at: Timestamp(at),
            protocol_type: members
                .first()
                .map(|_| "consumer".to_owned())
                .or(protocol_type),
            protocol: members.first().map(|_| protocol),
            leader: members.last().map(|member| member.id.clone()),
            members,
        },
    )
}

fn stored_offsets() -> impl Strategy<Value = StoredOffset> {
    (
        0..=Offset::MAX.value(),
        option::of(any::<u32>()),
        any::<i64>(),
        option::of(any::<i64>()),
        ".{0,20}",
    )
        .prop_map(|(offset, epoch, at, expires_at, metadata)| StoredOffset {
            offset: Offset::new(offset).expect("it is within the range"),
            leader_epoch: epoch.map(LeaderEpoch),
            committed_at: Timestamp(at),
            expires_at: expires_at.map(Timestamp),
            metadata,
        })
}

/// Whatever is cut off, added or changed is refused or read as something else, without a panic.
fn spoil<T: PartialEq>(bytes: &Bytes, at: usize, decode: impl Fn(&[u8]) -> Result<T, ReplayError>) {
    assert!(decode(&bytes[..at % bytes.len()]).is_err());
    let longer = [bytes, &b"x"[..]].concat();
    assert!(matches!(decode(&longer), Err(ReplayError::Trailing(1))));
    for bit in 0..8 {
        let mut changed = bytes.to_vec();
        changed[at % bytes.len()] ^= 1 << bit;
        let _ = decode(&changed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_come_back(group in groups(), topic: [u8; 16], partition: u32, at: usize) {
        let bytes = group_key(&group);
        prop_assert_eq!(decode_key(&bytes), Ok(RecordKey::Group(group.clone())));
        spoil(&bytes, at, decode_key);
        let key = TopicPartition { topic: TopicId(topic), partition };
        let bytes = offset_key(&group, &key);
        prop_assert_eq!(decode_key(&bytes), Ok(RecordKey::Offset(group, key)));
        spoil(&bytes, at, decode_key);
    }

    #[test]
    fn groups_come_back(group in stored_groups(), at: usize) {
        let bytes = group.encode();
        prop_assert_eq!(StoredGroup::decode(&bytes), Ok(group));
        spoil(&bytes, at, StoredGroup::decode);
    }

    #[test]
    fn offsets_come_back(offset in stored_offsets(), at: usize) {
        let bytes = offset.encode();
        prop_assert_eq!(StoredOffset::decode(&bytes), Ok(offset));
        spoil(&bytes, at, StoredOffset::decode);
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in vec(any::<u8>(), 0..200), is_versioned: bool) {
        if is_versioned && let Some(first) = bytes.first_mut() {
            *first = super::VERSION;
        }
        let _ = decode_key(&bytes);
        let _ = StoredGroup::decode(&bytes);
        let _ = StoredOffset::decode(&bytes);
    }

    #[test]
    fn numbers_come_back(number: u64) {
        let mut writer = Writer::new();
        writer.varint(number);
        writer.signed(number as i64);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes).unwrap();
        prop_assert_eq!(reader.varint(), Ok(number));
        prop_assert_eq!(reader.signed(), Ok(number as i64));
        prop_assert_eq!(reader.finish(), Ok(()));
    }
}

#[test]
fn what_is_written_stays_readable_for_ever() {
    let group = GroupKey {
        cluster: VirtualClusterId(7),
        id: "g".into(),
    };
    assert_eq!(&group_key(&group)[..], &[1, 1, 0, 0, 0, 7, 1, b'g'][..]);
    let offset = StoredOffset {
        offset: Offset::new(300).unwrap(),
        leader_epoch: Some(LeaderEpoch(2)),
        committed_at: Timestamp(5),
        expires_at: None,
        metadata: "m".to_owned(),
    };
    assert_eq!(
        &offset.encode()[..],
        &[1, 0xac, 2, 1, 2, 10, 0, 1, b'm'][..]
    );
}

#[test]
fn another_version_or_kind_is_named() {
    assert_eq!(
        decode_key(&[9]),
        Err(ReplayError::Version {
            found: 9,
            expected: 1
        })
    );
    assert_eq!(decode_key(&[1, 3]), Err(ReplayError::Kind(3)));
    assert_eq!(decode_key(&[]), Err(ReplayError::Truncated));
}

#[test]
fn a_group_that_breaks_its_rules_is_damaged() {
    let member = |id: &str, instance_id: Option<&str>| StoredMember {
        id: id.to_owned(),
        instance_id: instance_id.map(str::to_owned),
        client_id: String::new(),
        client_host: String::new(),
        session_timeout_ms: 1,
        rebalance_timeout_ms: 1,
        metadata: Bytes::new(),
        assignment: Bytes::new(),
    };
    let sound = StoredGroup {
        generation: 1,
        changed_at: Timestamp(0),
        protocol_type: Some("consumer".to_owned()),
        protocol: Some("range".to_owned()),
        leader: Some("a".to_owned()),
        members: vec![member("a", Some("i")), member("b", None)],
    };
    assert!(StoredGroup::decode(&sound.encode()).is_ok());
    let broken = |change: &dyn Fn(&mut StoredGroup)| {
        let mut group = sound.clone();
        change(&mut group);
        StoredGroup::decode(&group.encode()).is_err()
    };
    assert!(broken(&|group| group.members.reverse()));
    assert!(broken(
        &|group| group.members[1].instance_id = Some("i".to_owned())
    ));
    assert!(broken(&|group| group.leader = Some("c".to_owned())));
    assert!(broken(&|group| group.leader = None));
    assert!(broken(&|group| group.protocol = None));
    assert!(broken(&|group| group.protocol_type = None));
    assert!(broken(&|group| group.members.clear()));
}
