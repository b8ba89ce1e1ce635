//! Moving a log's start because a client, or a coordinator's snapshot, says so; and how far readers
//! are behind.
//!
//! Owns: who waits for a move to be durable. Does not own: the two steps of a move (`partition_log`).
//! Invariant: whoever is answered finds the new start after any crash.

use model::{Offset, TopicPartition};
use node_api::ReadError;
use tokio::sync::oneshot;

use crate::coordinators::lag::Position;
use crate::shard::Shard;

/// Who waits for a log start.
pub(crate) struct Deletion {
    /// Frames of the shard that have to be durable first.
    after: u64,
    start: Offset,
    reply: oneshot::Sender<Result<Offset, ReadError>>,
}

impl Shard {
    pub(crate) fn delete_records(
        &mut self,
        key: TopicPartition,
        offset: Option<Offset>,
        reply: oneshot::Sender<Result<Offset, ReadError>>,
    ) {
        match self.advance(key, offset) {
            Err(why) => {
                // Whoever asked may be gone.
                let _ = reply.send(Err(why));
            }
            Ok(start) => {
                // A start that was reached before may not be durable yet either.
                let after = self.submitted + self.outgoing.len() as u64;
                self.deletions.push_back(Deletion {
                    after,
                    start,
                    reply,
                });
                self.finish_deletions();
            }
        }
    }

    /// Moves the start, and gives it back; not durable yet.
    fn advance(
        &mut self,
        key: TopicPartition,
        offset: Option<Offset>,
    ) -> Result<Offset, ReadError> {
        let partition = self.open(key).filter(|partition| !partition.closing);
        let partition = partition.ok_or(ReadError::NotOwner)?;
        let bounds = partition.bounds();
        let wanted = offset.unwrap_or(bounds.high_watermark);
        if wanted > bounds.high_watermark {
            return Err(ReadError::OutOfRange { bounds });
        }
        let record = partition.log.advance_log_start(wanted);
        let start = partition.bounds().log_start_offset;
        let frame = record.and_then(|record| self.frame(key, record));
        self.outgoing.extend(frame);
        Ok(start)
    }

    /// Answers whoever waited for frames that are durable now.
    pub(crate) fn finish_deletions(&mut self) {
        let durable = self.durable;
        while let Some(deletion) = self.deletions.pop_front_if(|next| next.after <= durable) {
            // Whoever asked may be gone.
            let _ = deletion.reply.send(Ok(deletion.start));
        }
    }

    /// How far readers are behind.
    pub(crate) fn positions(
        &mut self,
        asked: &[(TopicPartition, Offset)],
    ) -> Vec<Option<Position>> {
        let position = |(key, offset): &(TopicPartition, Offset)| {
            let Some(partition) = self.partitions.get(key) else {
                // Nothing was ever appended to it, and looking must not be what opens it.
                let placement = self.map.placement(*key);
                let is_here = placement.is_some_and(|p| p.node == self.around.node);
                return is_here.then_some(Position {
                    lag: 0,
                    unread_since: None,
                });
            };
            let end = partition.log.bounds().high_watermark;
            Some(Position {
                lag: end.value().saturating_sub(offset.value()),
                unread_since: partition.log.appended_about(*offset),
            })
        };
        asked.iter().map(position).collect()
    }
}
