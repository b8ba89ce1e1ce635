//! The keys of the protocol that this codec knows.
//!
//! Owns: the number of each key, and the versions that its tables cover.
//! Does not own: which versions are advertised (`versions.rs`).
//! Invariant: a key's request and response cover the same versions; a test says so.

use crate::messages;
use crate::schema::Message;
use crate::versions::Versions;

macro_rules! api_keys {
    ($($(#[$doc:meta])* ($name:ident, $code:literal, $module:ident, $request:ident, $response:ident))*) => {
        /// What a request asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $($(#[$doc])* $name = $code,)*
        }

        impl ApiKey {
            /// Every key, ascending.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The key with this number, if it is known here.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The versions that can be decoded and are answered.
            #[must_use]
            pub const fn versions(self) -> Versions {
                match self {
                    $(Self::$name => <messages::$module::$request as Message>::VERSIONS,)*
                }
            }

            /// The versions with compact lengths and tagged fields (KIP-482).
            #[must_use]
            pub const fn flexible_versions(self) -> Versions {
                match self {
                    $(Self::$name => <messages::$module::$request as Message>::FLEXIBLE,)*
                }
            }
        }
    };
}

messages::for_each_api!(api_keys);

impl ApiKey {
    /// The key's number on the wire.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The version of the request header: 2 with tagged fields, 1 without (SaslHandshake always).
    #[must_use]
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the response header: 1 with tagged fields, 0 without. ApiVersions always has 0, because a
    /// client must understand the answer before it knows what the server speaks (KIP-511).
    #[must_use]
    pub const fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && !matches!(self, Self::ApiVersions) {
            1
        } else {
            0
        }
    }
}
