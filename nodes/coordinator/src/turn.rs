//! One input to one group: its time, the rules it is under, and what comes of it.
//!
//! Owns: the order of what comes out. Writes come before replies, so that all that a reply tells is
//! among the writes before it.

use std::time::Duration;

use model::{GroupSettings, Instant, Timestamp};

use crate::effect::{CallId, Effect, Moment, StoredRecord};
use crate::limits::WRITE_RECORDS_MAX;
use crate::message::GroupReply;

/// What a group is given for one input, and what it leaves there.
#[derive(Debug)]
pub(crate) struct Turn {
    pub at: Moment,
    pub settings: GroupSettings,
    records: Vec<StoredRecord>,
    replies: Vec<(CallId, GroupReply)>,
}

impl Turn {
    pub(crate) fn new(at: Moment, settings: GroupSettings) -> Self {
        Self {
            at,
            settings,
            records: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// The instant that is so many milliseconds away.
    pub(crate) fn after(&self, ms: u64) -> Instant {
        self.at.now + Duration::from_millis(ms)
    }

    pub(crate) fn wall(&self) -> Timestamp {
        self.at.wall
    }

    pub(crate) fn write(&mut self, record: StoredRecord) {
        self.records.push(record);
    }

    pub(crate) fn reply(&mut self, call: CallId, reply: GroupReply) {
        self.replies.push((call, reply));
    }

    /// The calls that were answered.
    pub(crate) fn answered(&self) -> impl Iterator<Item = CallId> {
        self.replies.iter().map(|(call, _)| *call)
    }

    /// All that has to be done.
    pub(crate) fn into_effects(self) -> impl Iterator<Item = Effect> {
        let writes = split(self.records).into_iter().map(Effect::Write);
        let replies = self.replies.into_iter();
        writes.chain(replies.map(|(call, reply)| Effect::Reply {
            call,
            reply: Ok(reply),
        }))
    }
}

fn split(mut records: Vec<StoredRecord>) -> Vec<Vec<StoredRecord>> {
    let mut writes = Vec::new();
    while records.len() > WRITE_RECORDS_MAX {
        let rest = records.split_off(WRITE_RECORDS_MAX);
        writes.push(std::mem::replace(&mut records, rest));
    }
    if !records.is_empty() {
        writes.push(records);
    }
    writes
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn writes_are_bounded_and_come_before_replies() {
        let at = Moment {
            now: Instant(0),
            wall: Timestamp(0),
        };
        let mut turn = Turn::new(at, GroupSettings::default());
        turn.reply(CallId(1), GroupReply::Heartbeat(Ok(())));
        for number in 0..=2 * WRITE_RECORDS_MAX {
            turn.write(StoredRecord {
                key: Bytes::from(number.to_string()),
                value: None,
            });
        }
        let shapes: Vec<usize> = turn
            .into_effects()
            .map(|effect| match effect {
                Effect::Write(records) => records.len(),
                Effect::Reply { .. } => 0,
            })
            .collect();
        assert_eq!(shapes, [WRITE_RECORDS_MAX, WRITE_RECORDS_MAX, 1, 0]);
    }
}
