//! Checks that the records of a produce request are one sound batch, and makes the proof of it.
//!
//! Owns: the checks of Kafka's `LogValidator` and `UnifiedLog` for clients' batches. Does not own:
//! producer state, offsets, or the transaction a batch belongs to.
//!
//! What differs from Apache Kafka:
//! * A compressed batch is decompressed only if the topic is compacted, if the timestamps of its
//!   header are out of range, or if they cannot be right (see `records.rs`). Otherwise the header
//!   is believed, so records that are no records are found by whoever reads them: their sender.
//! * Uncompressed records must have consecutive offset deltas too; Kafka renumbers them.
//! * A batch that would have to be decompressed and is too large for it is MESSAGE_TOO_LARGE.
//! * Delete horizons, and transactions without a producer id, are refused; Kafka ignores them.

mod recompress;
mod records;

use bytes::Bytes;
use model::{ByteCount, Timestamp, TimestampType};

use crate::compress::Codec;
use crate::header::{BATCH_HEADER_BYTES, BatchError, BatchHeader, ProducerFields, crc_of};
use crate::rejected::Rejected;
use crate::rules::BatchRules;

/// First Produce version that carries batches of format v2.
const PRODUCE_VERSION_MIN: i16 = 3;
/// First Produce version that may carry zstd (KIP-110).
const PRODUCE_VERSION_ZSTD: i16 = 7;

/// Exactly one batch of a client that passed [`validate`]: the only way to make one. Its records may
/// have been compressed anew since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidBatch {
    frame: Bytes,
    header: BatchHeader,
    max_timestamp: Timestamp,
}

impl ValidBatch {
    /// The header as the client sent it, or as it became when the records were compressed anew.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The batch as received, which shares the frame it came in, or as compressed anew.
    pub fn bytes(&self) -> &Bytes {
        &self.frame
    }

    /// What is billed: the whole batch as it will be stored, header included.
    pub fn metered_bytes(&self) -> ByteCount {
        ByteCount(self.frame.len() as u64)
    }

    /// Number of records, at least one.
    pub fn record_count(&self) -> u32 {
        self.header.record_count.unsigned_abs()
    }

    /// Largest timestamp of the records. Some clients send a wrong one in the header; where the
    /// records were looked at, this is theirs.
    pub fn max_timestamp(&self) -> Timestamp {
        self.max_timestamp
    }

    /// The idempotent producer's mark, if the batch has one.
    pub fn producer(&self) -> Option<ProducerFields> {
        self.header.producer()
    }

    /// Whether the batch says it belongs to a transaction. That there is one is not checked here.
    pub fn is_transactional(&self) -> bool {
        self.header.attributes.is_transactional()
    }
}

/// Checks what a client sent for one partition, at the time `now`. Shares `records`, copies nothing.
pub fn validate(
    records: Bytes,
    rules: &BatchRules,
    now: Timestamp,
) -> Result<ValidBatch, Rejected> {
    if rules.produce_version < PRODUCE_VERSION_MIN {
        return Err(Rejected::ProduceVersion(rules.produce_version));
    }
    let header = check_frame(&records, rules)?;
    check_header(&header)?;
    let codec = check_codec(&header, rules)?;
    let body = records.slice(BATCH_HEADER_BYTES..);
    let max_timestamp = records::check(
        &records::Body {
            header: &header,
            codec,
            body,
        },
        rules,
        now,
    )?;
    Ok(ValidBatch {
        frame: records,
        header,
        max_timestamp,
    })
}

/// One batch of the right format and size, as its sender made it.
fn check_frame(records: &Bytes, rules: &BatchRules) -> Result<BatchHeader, Rejected> {
    if records.is_empty() {
        return Err(Rejected::NoBatch);
    }
    let header = BatchHeader::parse(records)?;
    let (declared, received) = (header.batch_bytes(), records.len() as u64);
    if declared > received {
        return Err(BatchError::Truncated { declared, received }.into());
    }
    let batch = ByteCount(declared);
    if declared < received {
        return Err(Rejected::MoreThanOneBatch {
            batch,
            received: ByteCount(received),
        });
    }
    check_size(batch, rules)?;
    let (bytes, body) = records
        .split_first_chunk()
        .expect("a header was read from it");
    let computed = crc_of(bytes, body);
    if computed != header.crc {
        return Err(BatchError::Crc {
            stored: header.crc,
            computed,
        }
        .into());
    }
    Ok(header)
}

fn check_size(batch: ByteCount, rules: &BatchRules) -> Result<(), Rejected> {
    if batch > rules.cluster_batch_bytes_max {
        return Err(Rejected::BeyondCluster {
            batch,
            limit: rules.cluster_batch_bytes_max,
        });
    }
    if batch > rules.batch_bytes_max {
        return Err(Rejected::TooLarge {
            batch,
            limit: rules.batch_bytes_max,
        });
    }
    Ok(())
}

/// The fields agree with each other, and are a client's to set.
fn check_header(header: &BatchHeader) -> Result<(), Rejected> {
    let &BatchHeader {
        record_count,
        last_offset_delta,
        attributes,
        ..
    } = header;
    if header.base_offset != 0 {
        return Err(Rejected::BaseOffset(header.base_offset));
    }
    if record_count < 1 || last_offset_delta != record_count - 1 {
        return Err(Rejected::RecordCount {
            record_count,
            last_offset_delta,
        });
    }
    if attributes.is_control() {
        return Err(Rejected::Control);
    }
    if attributes.has_delete_horizon() {
        return Err(Rejected::DeleteHorizon);
    }
    if attributes.timestamp_type() == TimestampType::LogAppendTime {
        return Err(Rejected::LogAppendTime);
    }
    let &BatchHeader {
        producer_id,
        producer_epoch,
        base_sequence,
        ..
    } = header;
    let transactional = attributes.is_transactional();
    let sound = match header.producer() {
        Some(_) => producer_epoch >= 0 && base_sequence >= 0,
        None => !transactional,
    };
    if !sound {
        return Err(Rejected::Producer {
            producer_id,
            producer_epoch,
            base_sequence,
            transactional,
        });
    }
    Ok(())
}

fn check_codec(header: &BatchHeader, rules: &BatchRules) -> Result<Codec, Rejected> {
    let id = header.attributes.codec_id();
    match header.attributes.codec() {
        None => Err(Rejected::UnknownCodec(id)),
        Some(Codec::Zstd) if rules.produce_version < PRODUCE_VERSION_ZSTD => {
            Err(Rejected::ZstdTooEarly(rules.produce_version))
        }
        Some(codec) => Ok(codec),
    }
}
