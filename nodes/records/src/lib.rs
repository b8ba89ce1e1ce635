//! Kafka record batches, format v2 (KIP-98): checked, stamped, read and built.
//!
//! Owns: the batch header, the checks a client's batch must pass, the offset and time stamp of a
//! stored batch, decompression within bounds, records and their timestamps, batches of our own.
//! Does not own: offsets, producer state, files, or what to do with a batch that is refused.
//!
//! The way of a batch, whose body is never copied on it:
//!
//! ```text
//! received bytes --validate--> ValidBatch --stamp--> StampedBatch --segments--> storage, sockets
//!                                  | ^                   |  ^
//!                           Rejected +-recompress   records +--parse-- stored bytes
//! ```
//!
//! Only `recompress` makes another body, for a topic that names a codec.

mod batches;
mod builder;
mod compress;
mod cursor;
mod decode;
mod header;
mod rejected;
mod rules;
mod span;
mod stamped;
mod timestamps;
mod validate;

pub use batches::{Batches, batches};
pub use builder::{BatchBuilder, NewRecord};
pub use compress::{Codec, DecompressLimits};
pub use decode::{DecodeError, Record, Records, decode_records};
pub use header::{Attributes, BATCH_HEADER_BYTES, BatchError, BatchHeader, ProducerFields};
pub use rejected::{RECORD_ERRORS_MAX, RecordFault, Rejected};
pub use rules::BatchRules;
pub use span::MalformedRecord;
pub use stamped::{KnownCrc, StampedBatch};
pub use timestamps::{first_at_or_after, max_timestamp_record};
pub use validate::{ValidBatch, validate};
