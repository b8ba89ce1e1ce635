//! Compresses the records of a batch anew, for a topic whose `compression.type` names a codec.
//!
//! Owns: the batch's other body, and what of the header follows from it. Does not own: which topics
//! want that (`rules`). Every record stays as it is, and so do producer, sequence, timestamps and
//! offsets; only codec, length, checksum and (where it was wrong) the largest timestamp change.
//!
//! As in Kafka the records are looked at on the way, all of them, and both the batch that came and
//! the one that is stored are held to the limits of size.

use bytes::{BufMut, Bytes, BytesMut};
use model::{ByteCount, Timestamp};

use super::{ValidBatch, check_size, records};
use crate::compress::{Codec, DecompressLimits, compress, decompress};
use crate::header::{BATCH_HEADER_BYTES, BatchHeader, LENGTH_OVERHEAD, crc_of};
use crate::rejected::Rejected;
use crate::rules::BatchRules;

impl ValidBatch {
    /// The codec that the batch is to be compressed with anew by these rules, if any.
    pub fn needs_codec(&self, rules: &BatchRules) -> Option<Codec> {
        rules.codec.filter(|&codec| self.codec() != codec)
    }

    fn codec(&self) -> Codec {
        let codec = self.header.attributes.codec();
        codec.expect("a batch with an unknown codec is not valid")
    }

    /// The same records compressed with `codec`, at the time `now`. It takes as much memory as
    /// [`BatchRules::decompress`] allows, and as much time as the codecs take.
    ///
    /// # Errors
    /// If the records cannot be read, break a rule, or make too large a batch.
    pub fn recompress(
        self,
        codec: Codec,
        rules: &BatchRules,
        now: Timestamp,
    ) -> Result<Self, Rejected> {
        let records = self.decompressed(codec, rules)?;
        let max_timestamp = records::check_each(&self.header, records.clone(), rules, now)?;
        let body = match codec {
            Codec::Uncompressed => records,
            codec => compress(codec, &records).into(),
        };
        let batch_bytes = BATCH_HEADER_BYTES + body.len();
        check_size(ByteCount(batch_bytes as u64), rules)?;
        let length = i32::try_from(batch_bytes - LENGTH_OVERHEAD);
        let mut header = BatchHeader {
            batch_length: length.expect("it is within the limits of size"),
            attributes: self.header.attributes.with_codec(codec),
            max_timestamp: max_timestamp.0,
            ..self.header
        };
        header.crc = crc_of(&header.encode(), &body);
        let mut frame = BytesMut::with_capacity(batch_bytes);
        frame.put_slice(&header.encode());
        frame.put_slice(&body);
        Ok(Self {
            frame: frame.freeze(),
            header,
            max_timestamp,
        })
    }

    /// Records that are to be stored uncompressed need not become larger than such a batch may be.
    fn decompressed(&self, codec: Codec, rules: &BatchRules) -> Result<Bytes, Rejected> {
        let body = self.frame.slice(BATCH_HEADER_BYTES..);
        let limits = match codec {
            Codec::Uncompressed => DecompressLimits {
                bytes_max: rules.decompress.bytes_max.min(rules.batch_bytes_max),
            },
            _ => rules.decompress,
        };
        match self.codec() {
            Codec::Uncompressed => Ok(body),
            codec => Ok(decompress(codec, &body, limits)?.into()),
        }
    }
}
