//! A request of any key.
//!
//! Owns: from header and body to the message of that key, and back.
//! Does not own: whether the client may ask for it.

use bytes::Bytes;
use thiserror::Error;

use crate::api_key::ApiKey;
use crate::decode_error::DecodeError;
use crate::header::RequestHeader;
use crate::messages;
use crate::reader::Reader;
use crate::schema::Message;
use crate::segments::Segments;
use crate::versions::Versions;
use crate::writer::Writer;

/// Why a frame was not a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// A key that this codec does not know. Kafka closes the connection: no answer could be understood.
    #[error("API key {code} is not known")]
    UnknownApiKey {
        /// The key's number.
        code: i16,
    },
    /// A known key in a version that is not served. For ApiVersions the answer is
    /// [`crate::UnsupportedApiVersions`].
    #[error("{api_key:?} has versions {served}, not {version}")]
    UnsupportedVersion {
        /// The key.
        api_key: ApiKey,
        /// What was asked for.
        version: i16,
        /// What is served.
        served: Versions,
    },
    /// The bytes do not follow the table of the key and version.
    #[error("malformed request: {0}")]
    Malformed(#[from] DecodeError),
}

macro_rules! requests {
    ($($(#[$doc:meta])* ($name:ident, $code:literal, $module:ident, $request:ident, $response:ident))*) => {
        /// The body of a request.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $name(messages::$module::$request),)*
        }

        impl Request {
            /// The key that the body belongs to.
            #[must_use]
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }

            fn read(reader: &mut Reader, key: ApiKey, version: i16) -> Result<Self, DecodeError> {
                match key {
                    $(ApiKey::$name => Message::decode(reader, version).map(Self::$name),)*
                }
            }

            fn write(&self, writer: &mut Writer, version: i16) {
                match self {
                    $(Self::$name(message) => message.encode(writer, version),)*
                }
            }
        }

        $(impl From<messages::$module::$request> for Request {
            fn from(message: messages::$module::$request) -> Self {
                Self::$name(message)
            }
        })*

        #[cfg(any(test, feature = "samples"))]
        impl Request {
            /// A value of this key and version, see [`crate::sample::Source`].
            ///
            /// # Panics
            /// If the version is not served.
            #[must_use]
            pub fn sample(source: &mut crate::sample::Source, key: ApiKey, version: i16) -> Self {
                match key {
                    $(ApiKey::$name => Self::$name(crate::sample::message(source, version)),)*
                }
            }
        }
    };
}

messages::for_each_api!(requests);

impl Request {
    /// Decodes the body that [`RequestHeader::decode`] left. Bytes after the body are ignored, as Kafka ignores them.
    ///
    /// # Errors
    /// [`RequestError::UnsupportedVersion`], [`RequestError::Malformed`].
    pub fn decode(header: &RequestHeader, body: Bytes) -> Result<Self, RequestError> {
        let (api_key, version, served) = (
            header.api_key,
            header.api_version,
            header.api_key.versions(),
        );
        if !served.contains(version) {
            return Err(RequestError::UnsupportedVersion {
                api_key,
                version,
                served,
            });
        }
        Ok(Self::read(&mut Reader::new(body), api_key, version)?)
    }

    /// The whole frame, length included. For clients and tests.
    ///
    /// # Panics
    /// If the header is of another key, the version is not served, or a value has no encoding in it.
    #[must_use]
    pub fn encode(&self, header: &RequestHeader) -> Segments {
        assert_eq!(
            self.api_key(),
            header.api_key,
            "the header belongs to another request"
        );
        let mut writer = Writer::framed();
        header.encode(&mut writer);
        self.write(&mut writer, header.api_version);
        writer.finish()
    }
}
