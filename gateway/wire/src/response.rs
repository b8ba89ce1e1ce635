//! A response of any key.
//!
//! Owns: from the message of a key to a frame with the right header, and back.
//! Does not own: when it is written, and whether (acks=0 has no response).

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::decode_error::DecodeError;
use crate::header;
use crate::messages;
use crate::reader::Reader;
use crate::schema::Message;
use crate::segments::Segments;
use crate::throttled::Throttled;
use crate::writer::Writer;

macro_rules! responses {
    ($($(#[$doc:meta])* ($name:ident, $code:literal, $module:ident, $request:ident, $response:ident))*) => {
        /// The body of a response.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $($(#[$doc])* $name(messages::$module::$response),)*
        }

        impl Response {
            /// The key that the body belongs to.
            #[must_use]
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }

            /// Tells the client to hold back for so many milliseconds. Nothing changes where the key does not tell
            /// that (SASL); a version that does not leaves it out when it is encoded.
            pub fn set_throttle_time_ms(&mut self, throttle_time_ms: i32) {
                match self {
                    $(Self::$name(message) => message.set_throttle_time_ms(throttle_time_ms),)*
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

        $(impl From<messages::$module::$response> for Response {
            fn from(message: messages::$module::$response) -> Self {
                Self::$name(message)
            }
        })*

        #[cfg(any(test, feature = "samples"))]
        impl Response {
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

messages::for_each_api!(responses);

impl Response {
    /// The whole frame, length and header included. Records are not copied.
    ///
    /// # Panics
    /// If the version is not served, or a value has no encoding in it (see [`Message::encode`]).
    #[must_use]
    pub fn encode(&self, correlation_id: i32, version: i16) -> Segments {
        let mut writer = Writer::framed();
        header::write_response(&mut writer, self.api_key(), version, correlation_id);
        self.write(&mut writer, version);
        writer.finish()
    }

    /// Decodes a frame without its length: the correlation id and the body. For clients and tests; the caller knows
    /// key and version from its request.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    ///
    /// # Panics
    /// If the version is not served.
    pub fn decode(key: ApiKey, version: i16, frame: Bytes) -> Result<(i32, Self), DecodeError> {
        let mut reader = Reader::new(frame);
        let correlation_id = header::read_response(&mut reader, key, version)?;
        let response = Self::read(&mut reader, key, version)?;
        Ok((correlation_id, response))
    }
}
