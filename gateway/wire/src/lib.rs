//! The Kafka wire protocol, bounded, without I/O.
//!
//! Owns: frames, headers, messages as tables (`messages/`, one file per API key), the versions that are served, error
//! codes. The tables are transcribed from the message definitions of Apache Kafka 4.3.
//! Does not own: sockets, record batches (they pass as opaque bytes), what a request means.
//!
//! Invariants:
//! * Whatever the input, decoding returns; it does not panic. It allocates at most [`reader::memory_grant`] of the
//!   bytes that came (once for the header, once for the body).
//! * Records are slices of the frame that they came in, and are written as segments of their own: never copied.
//!   A slice keeps its whole frame alive.
//! * A tagged field with its default value is never written: librdkafka before 2.2 skips one byte too few for each.
//!
//! As Apache Kafka does: bytes after the body of a request are left alone; any negative length is null; unknown tagged
//! fields are skipped, and a tag that comes twice counts the second time.
//! Stricter than Apache Kafka: a string that is not UTF-8, a variable-length integer above 32 bits, and a known tagged
//! field of another size than announced are refused.
//!
//! ```text
//! bytes ─▶ frame::check_length ─▶ RequestHeader::decode ─▶ Request::decode ─▶ (gateway) ─▶ Response::encode ─▶ Segments
//! ```

mod api_key;
mod decode_error;
mod error_code;
pub mod frame;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod header;
pub mod messages;
pub mod reader;
mod records;
mod request;
mod response;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
pub mod schema;
mod segments;
#[cfg(test)]
mod tests;
mod throttled;
mod versions;
pub mod wire_type;
pub mod writer;

pub use api_key::ApiKey;
pub use decode_error::DecodeError;
pub use error_code::ErrorCode;
pub use header::RequestHeader;
pub use messages::api_versions::UnsupportedApiVersions;
pub use reader::Reader;
pub use records::Records;
pub use request::{Request, RequestError};
pub use response::Response;
#[cfg(feature = "samples")]
pub use sample::{SAMPLE_TOPIC, sample_frames};
pub use schema::Message;
pub use segments::Segments;
pub use versions::{Versions, advertised, is_supported};
pub use writer::Writer;
