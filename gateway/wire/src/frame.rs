//! The four bytes before each request and response.
//!
//! Owns: whether a length is accepted, before anything is read or allocated for it.
//! Does not own: reading from a socket.

use thiserror::Error;

/// Largest request of a client that has signed in, `socket.request.max.bytes` of Kafka. A longer one closes the
/// connection.
pub const REQUEST_BYTES_MAX: usize = 100 * 1024 * 1024;

/// Largest request before sign-in, `sasl.server.max.receive.size` of Kafka. A longer one closes the connection.
pub const REQUEST_BYTES_MAX_BEFORE_SIGN_IN: usize = 512 * 1024;

/// Why the first four bytes are not the length of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A length below zero.
    #[error("a request of {length} bytes")]
    Negative {
        /// The length.
        length: i32,
    },
    /// A length above the cap.
    #[error("a request of {length} bytes is above the limit of {cap}")]
    TooLarge {
        /// The length.
        length: usize,
        /// The limit.
        cap: usize,
    },
    /// The bytes are the start of an HTTP request.
    #[error("an HTTP request on a Kafka port")]
    Http,
    /// The bytes are the start of a TLS handshake.
    #[error("a TLS handshake on a port without TLS, or inside of TLS")]
    Tls,
}

/// Reads the length of a frame. Zero is a length: a SASL token after handshake v0 may be empty.
///
/// # Errors
/// [`FrameError`], if the length is negative or above `cap`.
pub fn check_length(prefix: [u8; 4], cap: usize) -> Result<usize, FrameError> {
    let length = i32::from_be_bytes(prefix);
    match usize::try_from(length) {
        Ok(length) if length <= cap => Ok(length),
        _ if is_http(prefix) => Err(FrameError::Http),
        _ if is_tls(prefix) => Err(FrameError::Tls),
        Ok(length) => Err(FrameError::TooLarge { length, cap }),
        Err(_) => Err(FrameError::Negative { length }),
    }
}

/// The first four bytes of each HTTP method, and of HTTP/2 ("PRI *").
fn is_http(prefix: [u8; 4]) -> bool {
    matches!(
        &prefix,
        b"GET "
            | b"POST"
            | b"HEAD"
            | b"PUT "
            | b"DELE"
            | b"OPTI"
            | b"PATC"
            | b"CONN"
            | b"TRAC"
            | b"PRI "
    )
}

/// A TLS record of type handshake: 22, then version 3.0 to 3.4.
fn is_tls(prefix: [u8; 4]) -> bool {
    prefix[0] == 22 && prefix[1] == 3 && prefix[2] <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_is_the_largest_length_accepted() {
        assert_eq!(check_length([0, 0, 1, 0], 256), Ok(256));
        assert_eq!(
            check_length([0, 0, 1, 1], 256),
            Err(FrameError::TooLarge {
                length: 257,
                cap: 256
            })
        );
        assert_eq!(check_length([0; 4], 256), Ok(0));
        assert_eq!(
            check_length([0xff; 4], 256),
            Err(FrameError::Negative { length: -1 })
        );
    }

    #[test]
    fn other_protocols_are_recognised() {
        for prefix in [b"GET ", b"POST", b"HEAD", b"PRI "] {
            assert_eq!(
                check_length(*prefix, REQUEST_BYTES_MAX),
                Err(FrameError::Http)
            );
        }
        assert_eq!(
            check_length([0x16, 3, 1, 2], REQUEST_BYTES_MAX),
            Err(FrameError::Tls)
        );
    }

    #[test]
    fn a_length_below_the_cap_is_never_taken_for_another_protocol() {
        let tls = [0x16, 3, 1, 2];
        assert_eq!(check_length(tls, i32::MAX as usize), Ok(0x1603_0102));
    }
}
