//! What stands before the body of a request and of a response.
//!
//! Owns: reading and writing headers.
//! Does not own: the length before them (`frame.rs`), the bodies.
//!
//! ```text
//! request  v1: api_key i16 | api_version i16 | correlation_id i32 | client_id i16-length string or null
//! request  v2: the same, then tagged fields: client_id keeps its 16-bit length, so that any server can read the
//!              header of a newer ApiVersions request
//! response v0: correlation_id i32
//! response v1: correlation_id i32 | tagged fields
//! ```

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::decode_error::DecodeError;
use crate::reader::Reader;
use crate::request::RequestError;
use crate::wire_type::{Shape, Wire};
use crate::writer::Writer;

/// How `client_id` is encoded in every version.
const CLIENT_ID: Shape = Shape {
    version: 1,
    flexible: false,
    nullable: true,
};

/// The header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// What is asked for.
    pub api_key: ApiKey,
    /// In which version; whether it is served is not checked yet.
    pub api_version: i16,
    /// Returned with the response.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<String>,
}

impl RequestHeader {
    /// Splits a frame (without its length) into header and body. A version that is not served is no error here: its
    /// correlation id is needed for the answer.
    ///
    /// # Errors
    /// [`RequestError::UnknownApiKey`], because the header of an unknown key cannot be read;
    /// [`RequestError::Malformed`].
    pub fn decode(frame: Bytes) -> Result<(Self, Bytes), RequestError> {
        let mut reader = Reader::new(frame);
        reader.enter("api_key");
        let code = reader.i16()?;
        let api_key = ApiKey::from_code(code).ok_or(RequestError::UnknownApiKey { code })?;
        reader.enter("api_version");
        let api_version = reader.i16()?;
        reader.enter("correlation_id");
        let correlation_id = reader.i32()?;
        reader.enter("client_id");
        let client_id = Wire::read(&mut reader, CLIENT_ID)?;
        if api_key.request_header_version(api_version) >= 2 {
            reader.read_tags(|_, _| Ok(false))?;
        }
        Ok((
            Self {
                api_key,
                api_version,
                correlation_id,
                client_id,
            },
            reader.into_rest(),
        ))
    }

    /// Writes the header.
    ///
    /// # Panics
    /// If `client_id` is longer than `i16::MAX` bytes.
    pub fn encode(&self, writer: &mut Writer) {
        writer.put(&self.api_key.code().to_be_bytes());
        writer.put(&self.api_version.to_be_bytes());
        writer.put(&self.correlation_id.to_be_bytes());
        self.client_id.write(writer, CLIENT_ID);
        if self.api_key.request_header_version(self.api_version) >= 2 {
            writer.put_uvarint(0);
        }
    }
}

/// Writes the header of a response.
pub(crate) fn write_response(writer: &mut Writer, key: ApiKey, version: i16, correlation_id: i32) {
    writer.put(&correlation_id.to_be_bytes());
    if key.response_header_version(version) >= 1 {
        writer.put_uvarint(0);
    }
}

/// Reads the header of a response: its correlation id.
pub(crate) fn read_response(
    reader: &mut Reader,
    key: ApiKey,
    version: i16,
) -> Result<i32, DecodeError> {
    reader.enter("correlation_id");
    let correlation_id = reader.i32()?;
    if key.response_header_version(version) >= 1 {
        reader.read_tags(|_, _| Ok(false))?;
    }
    Ok(correlation_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(api_key: ApiKey, api_version: i16) -> RequestHeader {
        RequestHeader {
            api_key,
            api_version,
            correlation_id: 7,
            client_id: Some("rdkafka".to_owned()),
        }
    }

    fn encoded(header: &RequestHeader) -> Bytes {
        let mut writer = Writer::new();
        header.encode(&mut writer);
        writer.finish().to_bytes()
    }

    #[test]
    fn a_flexible_header_keeps_the_short_client_id_and_adds_tags() {
        let plain = encoded(&header(ApiKey::Metadata, 8));
        assert_eq!(&plain[..], b"\0\x03\0\x08\0\0\0\x07\0\x07rdkafka");
        let flexible = encoded(&header(ApiKey::Metadata, 9));
        assert_eq!(&flexible[..], b"\0\x03\0\x09\0\0\0\x07\0\x07rdkafka\0");
        for bytes in [plain, flexible] {
            let (header, body) = RequestHeader::decode(bytes.clone()).unwrap();
            assert_eq!((encoded(&header), body.len()), (bytes, 0));
        }
    }

    #[test]
    fn a_header_of_a_version_that_is_not_served_still_has_its_correlation_id() {
        let bytes = encoded(&header(ApiKey::ApiVersions, 99));
        let (decoded, _) = RequestHeader::decode(bytes).unwrap();
        assert_eq!((decoded.api_version, decoded.correlation_id), (99, 7));
    }

    #[test]
    fn unknown_tags_of_a_header_are_skipped() {
        let mut bytes = b"\0\x03\0\x09\0\0\0\x07\xff\xff".to_vec();
        bytes.extend(b"\x02\x05\x03abc\x09\x00body");
        let (header, body) = RequestHeader::decode(bytes.into()).unwrap();
        assert_eq!((header.client_id, &body[..]), (None, &b"body"[..]));
    }

    #[test]
    fn sasl_handshake_is_never_flexible_and_api_versions_answers_with_header_0() {
        assert_eq!(ApiKey::SaslHandshake.request_header_version(1), 1);
        assert_eq!(ApiKey::ApiVersions.request_header_version(3), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(4), 0);
        assert_eq!(ApiKey::SaslAuthenticate.response_header_version(2), 1);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = RequestHeader::decode(Bytes::from_static(b"\x03\xe7\0\0\0\0\0\0\0\0"));
        assert_eq!(error, Err(RequestError::UnknownApiKey { code: 999 }));
    }
}
