//! OffsetCommit and OffsetDelete: who may change the offsets of a group.
//!
//! Owns: the checks, and what is written of offsets.

use std::collections::BTreeMap;

use model::TopicPartition;

use crate::codec::key::offset_key;
use crate::codec::stored_offset::StoredOffset;
use crate::effect::StoredRecord;
use crate::group::{Group, Phase};
use crate::limits::COMMIT_BYTES_MAX;
use crate::message::{CommitOffset, CommitOffsets, DeleteOffsets, GroupError, Membership};
use crate::subscription::CONSUMER;
use crate::turn::Turn;

/// What the record of an offset has beside the group's id and the metadata, at most.
const OFFSET_RECORD_BYTES: usize = 80;

impl Group {
    pub(super) fn commit(
        &mut self,
        commit: &CommitOffsets,
        turn: &mut Turn,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        self.check_commit(&commit.membership)?;
        let last: BTreeMap<TopicPartition, &CommitOffset> = commit
            .offsets
            .iter()
            .map(|offset| (offset.key, offset))
            .collect();
        let bytes = last.values().map(|offset| self.bytes_to_write(offset));
        if bytes.sum::<usize>() > COMMIT_BYTES_MAX {
            return Err(GroupError::OffsetMetadataTooLarge);
        }
        // Whoever commits is alive.
        self.keep_alive(&commit.membership.member_id, turn);
        let results: BTreeMap<TopicPartition, Result<(), GroupError>> = last
            .into_iter()
            .map(|(key, offset)| (key, self.commit_one(offset, commit.retention_ms, turn)))
            .collect();
        let mentions = commit.offsets.iter();
        Ok(mentions.map(|offset| results[&offset.key]).collect())
    }

    /// About how many bytes the record of a committed offset has.
    fn bytes_to_write(&self, offset: &CommitOffset) -> usize {
        OFFSET_RECORD_BYTES + self.key.id.len() + offset.metadata.len()
    }

    /// Members of the generation may commit, also while it ends; whoever is no member only where
    /// there are none.
    fn check_commit(&self, membership: &Membership) -> Result<(), GroupError> {
        let claims_a_generation = membership.generation >= 0;
        if !claims_a_generation && self.phase == Phase::Empty {
            return Ok(());
        }
        let claims_a_member = !membership.member_id.is_empty() || membership.instance_id.is_some();
        if !claims_a_generation && !claims_a_member {
            return Err(GroupError::UnknownMemberId);
        }
        self.check_member(membership)?;
        if self.phase == Phase::Completing {
            // It knows of the new generation, but not its share of it.
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    fn commit_one(
        &mut self,
        commit: &CommitOffset,
        retention_ms: Option<u64>,
        turn: &mut Turn,
    ) -> Result<(), GroupError> {
        let bytes = commit.metadata.len();
        let bytes_max = turn.settings.offset_metadata_bytes_max as usize;
        if bytes > bytes_max || !self.offsets.has_room(&commit.key, bytes) {
            return Err(GroupError::OffsetMetadataTooLarge);
        }
        let expires_at = retention_ms.map(|ms| {
            let ms = i64::try_from(ms).unwrap_or(i64::MAX);
            model::Timestamp(turn.wall().0.saturating_add(ms))
        });
        let offset = StoredOffset {
            offset: commit.offset,
            leader_epoch: commit.leader_epoch,
            committed_at: turn.wall(),
            expires_at,
            metadata: commit.metadata.clone(),
        };
        turn.write(StoredRecord {
            key: offset_key(&self.key, &commit.key),
            value: Some(offset.encode()),
        });
        self.watch_expiry(&offset, turn);
        self.offsets.insert(commit.key, offset);
        Ok(())
    }

    pub(super) fn delete_offsets(
        &mut self,
        delete: &DeleteOffsets,
        turn: &mut Turn,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        let is_consumer = self.protocol_type.as_deref() == Some(CONSUMER);
        if !self.is_empty() && !is_consumer {
            return Err(GroupError::NonEmptyGroup);
        }
        let results = delete.partitions.iter().map(|(key, topic)| {
            if self.reads(topic.as_str()) {
                return Err(GroupError::GroupSubscribedToTopic);
            }
            self.drop_offset(key, turn);
            Ok(())
        });
        Ok(results.collect())
    }

    /// Whether a member reads `topic`; where that is not known of consumers, they may.
    pub(super) fn reads(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.protocol_type.as_deref() == Some(CONSUMER),
        }
    }

    /// Drops an offset, if there is one, for good.
    pub(super) fn drop_offset(&mut self, key: &TopicPartition, turn: &mut Turn) {
        if self.offsets.remove(key) {
            turn.write(StoredRecord {
                key: offset_key(&self.key, key),
                value: None,
            });
        }
    }
}
