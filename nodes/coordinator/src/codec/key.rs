//! The keys of records: which group, or which offset of which group.
//!
//! Owns: their bytes.

use bytes::Bytes;
use model::{TopicId, TopicPartition, VirtualClusterId};

use crate::codec::{Reader, Writer};
use crate::effect::ReplayError;
use crate::group::GroupKey;

const KIND_GROUP: u8 = 1;
const KIND_OFFSET: u8 = 2;

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordKey {
    /// A group: its generation and members.
    Group(GroupKey),
    /// A group's offset of one partition.
    Offset(GroupKey, TopicPartition),
}

/// The key of a group's record.
pub(crate) fn group_key(group: &GroupKey) -> Bytes {
    head(KIND_GROUP, group).finish()
}

/// The key of an offset's record.
pub(crate) fn offset_key(group: &GroupKey, key: &TopicPartition) -> Bytes {
    let mut writer = head(KIND_OFFSET, group);
    writer.fixed(&key.topic.0);
    writer.fixed(&key.partition.to_be_bytes());
    writer.finish()
}

fn head(kind: u8, group: &GroupKey) -> Writer {
    let mut writer = Writer::new();
    writer.byte(kind);
    writer.fixed(&group.cluster.0.to_be_bytes());
    writer.bytes(group.id.as_bytes());
    writer
}

/// Reads a key.
pub(crate) fn decode_key(bytes: &[u8]) -> Result<RecordKey, ReplayError> {
    let mut reader = Reader::new(bytes)?;
    let kind = reader.byte()?;
    if !matches!(kind, KIND_GROUP | KIND_OFFSET) {
        return Err(ReplayError::Kind(kind));
    }
    let group = GroupKey {
        cluster: VirtualClusterId(u32::from_be_bytes(reader.fixed()?)),
        id: reader.text()?.into(),
    };
    let key = if kind == KIND_GROUP {
        RecordKey::Group(group)
    } else {
        let topic = TopicId(reader.fixed()?);
        let partition = u32::from_be_bytes(reader.fixed()?);
        RecordKey::Offset(group, TopicPartition { topic, partition })
    };
    reader.finish()?;
    Ok(key)
}
