//! A committed offset as it is written.
//!
//! Owns: the fields and their bytes.

use bytes::Bytes;
use model::{LeaderEpoch, Offset, Timestamp};

use crate::codec::{Reader, Writer};
use crate::effect::ReplayError;

/// What is kept of an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredOffset {
    /// The next offset that the group will read.
    pub offset: Offset,
    /// The epoch of the last record read, if the client said.
    pub leader_epoch: Option<LeaderEpoch>,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// When it goes, where the client said how long it is to be kept.
    pub expires_at: Option<Timestamp>,
    /// Whatever the client keeps.
    pub metadata: String,
}

impl StoredOffset {
    /// The value of its record.
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new();
        writer.varint(self.offset.value());
        writer.optional(self.leader_epoch, |writer, epoch| {
            writer.varint(u64::from(epoch.0));
        });
        writer.signed(self.committed_at.0);
        writer.optional(self.expires_at, |writer, at| writer.signed(at.0));
        writer.bytes(self.metadata.as_bytes());
        writer.finish()
    }

    /// Reads the value of a record.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ReplayError> {
        let mut reader = Reader::new(bytes)?;
        let offset = Offset::new(reader.varint()?);
        let stored = Self {
            offset: offset.ok_or(ReplayError::Invalid("an offset is out of range"))?,
            leader_epoch: reader
                .optional(|reader| reader.number("a leader epoch is out of range"))?
                .map(LeaderEpoch),
            committed_at: Timestamp(reader.signed()?),
            expires_at: reader.optional(Reader::signed)?.map(Timestamp),
            metadata: reader.text()?.to_owned(),
        };
        reader.finish()?;
        Ok(stored)
    }
}
