//! A batch as it is stored and served: with its offset, and with the body it came with.
//!
//! Owns: the stamp, and taking stored bytes apart again. Does not own: which offset is next.
//! Invariants: the declared length is the real one, and all its offsets are in Kafka's range. The
//! checksum is not checked on the way back: storage has its own, and `check_crc` is for audits.

use bytes::Bytes;
use model::{LeaderEpoch, Offset, Timestamp};

use crate::header::{BATCH_HEADER_BYTES, BatchError, BatchHeader, CRC_START, crc_of};
use crate::validate::ValidBatch;

/// One batch with its place in a log. Cloning shares the body.
#[derive(Clone, Debug)]
pub struct StampedBatch {
    header: [u8; BATCH_HEADER_BYTES],
    /// The body, with the header before it where the batch was read back.
    bytes: Bytes,
    body_at: usize,
    /// Whether the checksum in the header was checked or made over these very bytes.
    crc_is_known: bool,
}

/// Two batches are the same if their bytes are: whether somebody has checked them is no part of it.
impl PartialEq for StampedBatch {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.body() == other.body()
    }
}

impl Eq for StampedBatch {}

impl ValidBatch {
    /// Gives the batch its place in a log. Offset and epoch lie outside the checksum. Where the
    /// largest timestamp was wrong, or the log's time replaces the producer's (`log_append_time`),
    /// the checksum is made anew over the same body.
    ///
    /// # Panics
    /// If the offsets would pass Kafka's range, or the epoch its own: a bug of the log.
    pub fn stamp(
        self,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
        log_append_time: Option<Timestamp>,
    ) -> StampedBatch {
        let end = base_offset.checked_add(u64::from(self.record_count()));
        assert!(end.is_some(), "a log ends before Kafka's offsets do");
        let mut stamped = *self.header();
        stamped.base_offset = base_offset.to_wire();
        stamped.partition_leader_epoch =
            i32::try_from(leader_epoch.0).expect("a partition moves less than 2^31 times");
        stamped.max_timestamp = log_append_time.unwrap_or(self.max_timestamp()).0;
        if log_append_time.is_some() {
            stamped.attributes = stamped.attributes.with_log_append_time();
        }
        let body = self.bytes().slice(BATCH_HEADER_BYTES..);
        let covered = (stamped.max_timestamp, stamped.attributes);
        if covered != (self.header().max_timestamp, self.header().attributes) {
            stamped.crc = crc_of(&stamped.encode(), &body);
        }
        StampedBatch {
            header: stamped.encode(),
            bytes: body,
            body_at: 0,
            // A batch is valid only under the right checksum, of what has stayed as it was.
            crc_is_known: true,
        }
    }
}

/// The CRC-32C of the last bytes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCrc {
    /// The checksum.
    pub crc: u32,
    /// How many bytes it covers, up to the batch's end.
    pub covered_bytes: usize,
}

#[expect(
    clippy::len_without_is_empty,
    reason = "a batch has its header at least"
)]
impl StampedBatch {
    /// Takes exactly one stored batch apart; shares `bytes`.
    pub fn parse(bytes: Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(&bytes)?;
        let (declared, received) = (header.batch_bytes(), bytes.len() as u64);
        if declared > received {
            return Err(BatchError::Truncated { declared, received });
        }
        if declared < received {
            return Err(BatchError::BytesLeft { declared, received });
        }
        let BatchHeader {
            base_offset,
            last_offset_delta,
            record_count,
            ..
        } = header;
        if record_count < 0 {
            return Err(BatchError::RecordCount(record_count));
        }
        let in_range = base_offset >= 0
            && last_offset_delta >= 0
            && base_offset
                .checked_add(i64::from(last_offset_delta))
                .is_some();
        if !in_range {
            return Err(BatchError::Offsets {
                base_offset,
                last_offset_delta,
            });
        }
        Ok(Self {
            header: header.encode(),
            bytes,
            body_at: BATCH_HEADER_BYTES,
            crc_is_known: false,
        })
    }

    /// Header and body, to be written one after the other. Only the header is copied.
    pub fn segments(&self) -> [Bytes; 2] {
        [Bytes::copy_from_slice(&self.header), self.body_bytes()]
    }

    /// Header and body in one piece, where nothing need be copied for that: the batch was read back.
    pub fn whole(&self) -> Option<Bytes> {
        (self.body_at > 0).then(|| self.bytes.clone())
    }

    /// The header as bytes.
    pub fn header_bytes(&self) -> &[u8; BATCH_HEADER_BYTES] {
        &self.header
    }

    /// The records, compressed as they came.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }

    /// The same, shared.
    pub fn body_bytes(&self) -> Bytes {
        self.bytes.slice(self.body_at..)
    }

    /// Size of the whole batch in bytes.
    pub fn len(&self) -> usize {
        BATCH_HEADER_BYTES + self.bytes.len() - self.body_at
    }

    /// The header, field by field.
    pub fn header(&self) -> BatchHeader {
        BatchHeader::from_array(&self.header)
    }

    /// Offset of the first record.
    pub fn base_offset(&self) -> Offset {
        offset(self.header().base_offset)
    }

    /// Offset of the last record (in a compacted log: of the last one there was).
    pub fn last_offset(&self) -> Offset {
        let BatchHeader {
            base_offset,
            last_offset_delta,
            ..
        } = self.header();
        offset(base_offset + i64::from(last_offset_delta))
    }

    /// The batch's checksum, where it was checked or made since the batch came in. None for a batch that was
    /// taken from storage: nobody has held its checksum against its bytes, so it may be anything.
    pub fn known_crc(&self) -> Option<KnownCrc> {
        self.crc_is_known.then(|| KnownCrc {
            crc: self.header().crc,
            covered_bytes: self.len() - CRC_START,
        })
    }

    /// Whether the batch is what its checksum was made of.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let (stored, computed) = (self.header().crc, crc_of(&self.header, self.body()));
        if stored != computed {
            return Err(BatchError::Crc { stored, computed });
        }
        Ok(())
    }
}

/// The offset of a batch whose range was checked when it was made.
pub(crate) fn offset(value: i64) -> Offset {
    Offset::from_wire(value).expect("the batch's offsets are in range")
}
