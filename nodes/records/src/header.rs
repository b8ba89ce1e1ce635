//! The 61 bytes before the records of a batch.
//!
//! Owns: the layout, reading and writing it. Does not own: whether a client may send such a header.
//! The checksum covers everything from the attributes on, so base offset and leader epoch can be
//! rewritten without it:
//!
//! ```text
//! 0 base offset  8 length  12 leader epoch  16 magic  17 crc | 21 attributes  23 last offset delta
//! 27 base timestamp  35 max timestamp  43 producer id  51 epoch  53 base sequence  57 count  61
//! ```

use bytes::{Buf, BufMut};
use model::{ProducerEpoch, ProducerId, TimestampType};

use crate::compress::Codec;

/// Size of a batch's header.
pub const BATCH_HEADER_BYTES: usize = 61;
/// Bytes before the ones that the batch length counts: base offset and length itself.
pub(crate) const LENGTH_OVERHEAD: usize = 12;
/// Where the magic byte lies, in every version of the format.
const MAGIC_AT: usize = 16;
/// Where the bytes that the checksum covers begin.
pub(crate) const CRC_START: usize = 21;
/// The only format that is served; older ones are gone since Kafka 4.
pub(crate) const MAGIC: i8 = 2;

/// Why some bytes are not a batch of format v2, or not an intact one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Fewer bytes than the batch has.
    #[error("the batch has {declared} bytes, {received} are there")]
    Truncated {
        /// Size of the batch, or of a header where even that is missing.
        declared: u64,
        /// Bytes at hand.
        received: u64,
    },
    /// More bytes than one batch has.
    #[error("the batch has {declared} bytes, {received} are there")]
    BytesLeft {
        /// Size of the batch.
        declared: u64,
        /// Bytes at hand.
        received: u64,
    },
    /// A format other than v2.
    #[error("format {0} is not served")]
    Magic(i8),
    /// A batch length that does not even cover a header.
    #[error("{0} is no batch length")]
    Length(i32),
    /// A record count below zero.
    #[error("{0} is no record count")]
    RecordCount(i32),
    /// Offsets below zero or past Kafka's range.
    #[error("base offset {base_offset} with last offset delta {last_offset_delta} is no range")]
    Offsets {
        /// Offset of the first record.
        base_offset: i64,
        /// Offset of the last record, counted from the first.
        last_offset_delta: i32,
    },
    /// The bytes are not those that the checksum was made of.
    #[error("checksum {computed:08x} instead of {stored:08x}")]
    Crc {
        /// Checksum in the header.
        stored: u32,
        /// Checksum of the bytes.
        computed: u32,
    },
}

/// What a batch is and what its records have in common, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub u16);

impl Attributes {
    const CODEC: u16 = 0x07;
    const LOG_APPEND_TIME: u16 = 0x08;
    const TRANSACTIONAL: u16 = 0x10;
    const CONTROL: u16 = 0x20;
    const DELETE_HORIZON: u16 = 0x40;

    /// Attributes of a batch of the client's kind.
    pub(crate) fn new(codec: Codec, transactional: bool) -> Self {
        Self(
            codec.wire_id()
                | if transactional {
                    Self::TRANSACTIONAL
                } else {
                    0
                },
        )
    }

    /// How the records are compressed, or none where the number is unknown.
    pub fn codec(self) -> Option<Codec> {
        Codec::from_wire_id(self.codec_id())
    }

    /// Number of the codec, known or not.
    pub fn codec_id(self) -> u16 {
        self.0 & Self::CODEC
    }

    /// Whose timestamps the records carry.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the records belong to a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the records are markers that only brokers write.
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp says when tombstones may go (KIP-534).
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// The same, with another codec.
    pub(crate) fn with_codec(self, codec: Codec) -> Self {
        Self(self.0 & !Self::CODEC | codec.wire_id())
    }

    /// The same, with the log's timestamps.
    pub(crate) fn with_log_append_time(self) -> Self {
        Self(self.0 | Self::LOG_APPEND_TIME)
    }
}

/// An idempotent producer's mark on a batch (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerFields {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of the first record.
    pub base_sequence: i32,
}

/// The header of a batch, field by field as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record; clients send 0.
    pub base_offset: i64,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Leadership the batch was appended under; clients send -1.
    pub partition_leader_epoch: i32,
    /// Version of the format, always 2.
    pub magic: i8,
    /// CRC-32C of everything that follows it.
    pub crc: u32,
    /// Codec, timestamp type and what kind of batch it is.
    pub attributes: Attributes,
    /// Offset of the last record, counted from the first.
    pub last_offset_delta: i32,
    /// Milliseconds from which the records' timestamps count.
    pub base_timestamp: i64,
    /// Largest timestamp of the records, in milliseconds.
    pub max_timestamp: i64,
    /// Idempotent producer, or -1.
    pub producer_id: i64,
    /// Its epoch, or -1.
    pub producer_epoch: i16,
    /// Sequence of the first record, or -1.
    pub base_sequence: i32,
    /// Number of records.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header that `bytes` begin with. The checksum and the records are not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        // The magic byte lies at the same place in every version, so an old batch, which may be
        // shorter than this header, is called by its name.
        if let Some(&magic) = bytes.get(MAGIC_AT)
            && magic as i8 != MAGIC
        {
            return Err(BatchError::Magic(magic as i8));
        }
        let (declared, received) = (BATCH_HEADER_BYTES as u64, bytes.len() as u64);
        let Some(header) = bytes.first_chunk() else {
            return Err(BatchError::Truncated { declared, received });
        };
        let header = Self::from_array(header);
        if header.batch_length < (BATCH_HEADER_BYTES - LENGTH_OVERHEAD) as i32 {
            return Err(BatchError::Length(header.batch_length));
        }
        Ok(header)
    }

    /// Reads the fields as they are.
    pub(crate) fn from_array(bytes: &[u8; BATCH_HEADER_BYTES]) -> Self {
        let mut bytes = bytes.as_slice();
        // Fields are evaluated in the order in which they stand here, the order on the wire.
        Self {
            base_offset: bytes.get_i64(),
            batch_length: bytes.get_i32(),
            partition_leader_epoch: bytes.get_i32(),
            magic: bytes.get_i8(),
            crc: bytes.get_u32(),
            attributes: Attributes(bytes.get_u16()),
            last_offset_delta: bytes.get_i32(),
            base_timestamp: bytes.get_i64(),
            max_timestamp: bytes.get_i64(),
            producer_id: bytes.get_i64(),
            producer_epoch: bytes.get_i16(),
            base_sequence: bytes.get_i32(),
            record_count: bytes.get_i32(),
        }
    }

    /// Writes the fields as they are.
    pub fn encode(&self) -> [u8; BATCH_HEADER_BYTES] {
        let mut out = [0; BATCH_HEADER_BYTES];
        let mut rest = out.as_mut_slice();
        rest.put_i64(self.base_offset);
        rest.put_i32(self.batch_length);
        rest.put_i32(self.partition_leader_epoch);
        rest.put_i8(self.magic);
        rest.put_u32(self.crc);
        rest.put_u16(self.attributes.0);
        rest.put_i32(self.last_offset_delta);
        rest.put_i64(self.base_timestamp);
        rest.put_i64(self.max_timestamp);
        rest.put_i64(self.producer_id);
        rest.put_i16(self.producer_epoch);
        rest.put_i32(self.base_sequence);
        rest.put_i32(self.record_count);
        out
    }

    /// Size of the whole batch, header included, as it was declared.
    pub fn batch_bytes(&self) -> u64 {
        LENGTH_OVERHEAD as u64 + u64::try_from(self.batch_length).unwrap_or(0)
    }

    /// The idempotent producer's mark, if the batch has one.
    pub fn producer(&self) -> Option<ProducerFields> {
        (self.producer_id >= 0).then_some(ProducerFields {
            producer_id: ProducerId(self.producer_id),
            producer_epoch: ProducerEpoch(self.producer_epoch),
            base_sequence: self.base_sequence,
        })
    }
}

/// Checksum of a batch that consists of `header` and `body`.
pub(crate) fn crc_of(header: &[u8; BATCH_HEADER_BYTES], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[CRC_START..]), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: BatchHeader = BatchHeader {
        base_offset: 0x0102_0304_0506_0708,
        batch_length: 0x1112_1314,
        partition_leader_epoch: 0x1516_1718,
        magic: 2,
        crc: 0x191a_1b1c,
        attributes: Attributes(0x1d1e),
        last_offset_delta: 0x1f20_2122,
        base_timestamp: 0x2324_2526_2728_292a,
        max_timestamp: 0x2b2c_2d2e_2f30_3132,
        producer_id: 0x3334_3536_3738_393a,
        producer_epoch: 0x3b3c,
        base_sequence: 0x3d3e_3f40,
        record_count: 0x4142_4344,
    };

    #[test]
    fn every_field_has_its_place() {
        let bytes = HEADER.encode();
        assert_eq!(bytes[..9], [1, 2, 3, 4, 5, 6, 7, 8, 0x11]);
        assert_eq!(bytes[15..18], [0x18, 2, 0x19]);
        assert_eq!(bytes[20..23], [0x1c, 0x1d, 0x1e]);
        assert_eq!(bytes[57..], [0x41, 0x42, 0x43, 0x44]);
        assert!(
            bytes[17..].windows(2).all(|pair| pair[0] + 1 == pair[1]),
            "no gap: {bytes:x?}"
        );
        assert_eq!(BatchHeader::parse(&bytes), Ok(HEADER));
    }

    #[test]
    fn what_is_no_header_is_named() {
        let mut bytes = HEADER.encode();
        let short = BatchError::Truncated {
            declared: 61,
            received: 60,
        };
        assert_eq!(BatchHeader::parse(&bytes[..60]), Err(short));
        bytes[8..12].copy_from_slice(&48_i32.to_be_bytes());
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::Length(48)));
        bytes[16] = 1;
        assert_eq!(BatchHeader::parse(&bytes[..17]), Err(BatchError::Magic(1)));
    }

    #[test]
    fn attributes_by_bit() {
        assert_eq!(Attributes(0).codec(), Some(Codec::Uncompressed));
        assert_eq!(Attributes(4).codec(), Some(Codec::Zstd));
        assert_eq!(Attributes(5).codec(), None);
        assert_eq!(
            Attributes(0x08).timestamp_type(),
            TimestampType::LogAppendTime
        );
        assert!(Attributes(0x10).is_transactional() && !Attributes(0x2f).is_transactional());
        assert!(Attributes(0x20).is_control() && !Attributes(0x1f).is_control());
        assert!(Attributes(0x40).has_delete_horizon() && !Attributes(0x3f).has_delete_horizon());
    }
}
