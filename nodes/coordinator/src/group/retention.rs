//! When offsets expire, and when a group is gone (KIP-211).
//!
//! Owns: what is due for it and when it is looked for. Offsets of a group without members go once they
//! are old enough; those of a group with members stay, but for topics that no member reads any more.
//! A group goes with the last of its offsets that expires, and some time after it was left with
//! nothing.
//!
//! Unlike Apache Kafka, an offset that is committed while a group has long been empty is kept for the
//! whole time from its commit.

use model::{Instant, TopicId, TopicName, TopicPartition};

use crate::codec::stored_offset::StoredOffset;
use crate::group::offsets::expires_at;
use crate::group::{Due, Group, Phase};
use crate::limits::{EMPTY_GROUP_KEPT_MS, EXPIRY_CHECK_MS_MAX};
use crate::message::GroupError;
use crate::turn::Turn;

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    /// Sets the deadlines that a group without members needs, and clears them where it needs none.
    pub(super) fn await_expiry(&mut self, turn: &Turn) {
        if self.is_vacant() {
            self.timers.clear(&Due::Offsets);
            if !self.timers.contains(&Due::Vacant) {
                self.timers
                    .set(Due::Vacant, turn.after(EMPTY_GROUP_KEPT_MS));
            }
            return;
        }
        self.timers.clear(&Due::Vacant);
        if !self.is_empty() || self.offsets.is_empty() {
            self.timers.clear(&Due::Offsets);
        } else if !self.timers.contains(&Due::Offsets) {
            let retention_ms = turn.settings.offsets_retention_ms;
            let ends = |(_, offset)| expires_at(offset, self.empty_since, retention_ms);
            let first = self.offsets.iter().map(ends).min();
            if let Some(first) = first {
                self.timers.set(Due::Offsets, look_at(first.0, turn));
            }
        }
    }

    /// Looks for what has expired anew, because the rules have changed.
    pub(crate) fn reconsider_expiry(&mut self) {
        if self.timers.contains(&Due::Offsets) {
            self.timers.set(Due::Offsets, Instant(0));
        }
    }

    /// An offset that is committed may expire before those that are there.
    pub(super) fn watch_expiry(&mut self, offset: &StoredOffset, turn: &Turn) {
        let retention_ms = turn.settings.offsets_retention_ms;
        let ends = look_at(expires_at(offset, self.empty_since, retention_ms).0, turn);
        let deadline = self.timers.deadline(&Due::Offsets);
        if deadline.is_some_and(|deadline| ends < deadline) {
            self.timers.set(Due::Offsets, ends);
        }
    }

    /// Drops the offsets that are old enough, and the group with the last of them.
    pub(super) fn expire_offsets(&mut self, turn: &mut Turn) {
        if !self.is_empty() {
            return;
        }
        let retention_ms = turn.settings.offsets_retention_ms;
        let now = turn.wall();
        let is_over =
            |offset: &StoredOffset| expires_at(offset, self.empty_since, retention_ms) <= now;
        let expired = self.offsets.keys(|_, offset| is_over(offset));
        self.drop_offsets(&expired, turn);
        if !expired.is_empty() && self.is_vacant() {
            self.die(turn);
        }
    }

    /// Drops old offsets of topics that no member reads any more.
    pub(crate) fn expire_unsubscribed(
        &mut self,
        name_of: &dyn Fn(TopicId) -> Option<TopicName>,
        turn: &mut Turn,
    ) {
        if self.phase != Phase::Stable || self.subscribed.is_none() {
            return;
        }
        let retention_ms = turn.settings.offsets_retention_ms;
        let now = turn.wall();
        let expired = self.offsets.keys(|key, offset| {
            expires_at(offset, None, retention_ms) <= now
                && name_of(key.topic).is_some_and(|name| !self.reads(name.as_str()))
        });
        self.drop_offsets(&expired, turn);
        self.await_expiry(turn);
    }

    /// Drops the offsets of topics that are gone.
    pub(crate) fn forget_topics(&mut self, gone: &dyn Fn(TopicId) -> bool, turn: &mut Turn) {
        let gone = self.offsets.keys(|key, _| gone(key.topic));
        self.drop_offsets(&gone, turn);
        self.await_expiry(turn);
    }

    fn drop_offsets(&mut self, keys: &[TopicPartition], turn: &mut Turn) {
        for key in keys {
            self.drop_offset(key, turn);
        }
    }

    /// DeleteGroups (KIP-229).
    pub(super) fn delete(&mut self, turn: &mut Turn) -> Result<(), GroupError> {
        if !self.is_empty() {
            return Err(GroupError::NonEmptyGroup);
        }
        self.die(turn);
        Ok(())
    }

    /// Nothing has come into a group that holds nothing.
    pub(super) fn vacancy_ends(&mut self, turn: &mut Turn) {
        if self.is_vacant() {
            self.die(turn);
        }
    }

    /// Drops all that is durable of it. The offsets go first: if only a part of this is durable after
    /// a crash, a group with fewer offsets is left, and is as old as it was.
    pub(crate) fn die(&mut self, turn: &mut Turn) {
        let all = self.offsets.keys(|_, _| true);
        self.drop_offsets(&all, turn);
        self.forget_stored(turn);
        self.phase = Phase::Dead;
        self.timers = crate::timers::Timers::default();
    }
}

/// The instant to look at what expires at `at_ms`: not too far away, since the wall clock may be set.
fn look_at(at_ms: i64, turn: &Turn) -> Instant {
    let wait_ms = at_ms.saturating_sub(turn.wall().0);
    let wait_ms = u64::try_from(wait_ms).unwrap_or(0);
    turn.after(wait_ms.clamp(1, EXPIRY_CHECK_MS_MAX))
}
