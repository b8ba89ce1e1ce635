//! The outside of a record: five bytes of header, then what is sealed.
//!
//! Owns: framing. Does not own: keys (`keys`), what records say (`control`).
//!
//! ```text
//! type (1) | version (2) | length (2) | sealed: text, its type (1.3), padding (1.3), tag
//! ```

use rustls::{ContentType, ProtocolVersion};

use crate::error::RecordError;

/// A record's header.
pub(crate) const HEADER_BYTES: usize = 5;

/// Bytes of text in a record. More is not sealed into one; rustls refuses more when it opens one.
pub(crate) const TEXT_BYTES_MAX: usize = 16 << 10;

/// A whole record. RFC 8446 5.2 allows 256 bytes beyond the text; the suites of TLS 1.2 that rustls
/// has stay below that too. A longer one is refused with record_overflow.
pub(crate) const RECORD_BYTES_MAX: usize = HEADER_BYTES + TEXT_BYTES_MAX + 256;

/// What a record has beside its text at least, whatever the suite: header and tag.
pub(crate) const OVERHEAD_BYTES_MIN: usize = HEADER_BYTES + 16;

/// What a record has beside its text at most, if it has no padding: header, nonce and tag of TLS 1.2.
pub(crate) const OVERHEAD_BYTES: usize = HEADER_BYTES + 8 + 16;

/// A header that was checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) kind: ContentType,
    pub(crate) version: ProtocolVersion,
    /// The whole record, with the header.
    pub(crate) length: usize,
}

/// The header of the record at the start, if that record is whole. A wrong header is refused before
/// the rest is there.
pub(crate) fn whole(bytes: &[u8], is_tls13: bool) -> Result<Option<Header>, RecordError> {
    let Some(&[kind, major, minor, high, low]) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let kind = ContentType::from(kind);
    check_kind(kind, is_tls13)?;
    if major != 3 {
        return Err(RecordError::Malformed("not a TLS record"));
    }
    let length = HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if length > RECORD_BYTES_MAX {
        return Err(RecordError::Overflow);
    }
    Ok((length <= bytes.len()).then_some(Header {
        kind,
        version: ProtocolVersion::from(u16::from_be_bytes([major, minor])),
        length,
    }))
}

/// From TLS 1.3 on, every record after the handshake looks like application data.
fn check_kind(kind: ContentType, is_tls13: bool) -> Result<(), RecordError> {
    match kind {
        ContentType::ApplicationData => Ok(()),
        ContentType::Handshake | ContentType::Alert if !is_tls13 => Ok(()),
        ContentType::ChangeCipherSpec => Err(RecordError::Unexpected("change_cipher_spec")),
        ContentType::Handshake | ContentType::Alert => {
            Err(RecordError::Unexpected("a record that is not sealed"))
        }
        _ => Err(RecordError::Unexpected("a record of unknown type")),
    }
}

/// Where the record at the start ends, whatever it says; none where the header is not there.
pub(crate) fn announced_end(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, high, low] = bytes.first_chunk::<HEADER_BYTES>()?;
    Some(HEADER_BYTES + usize::from(u16::from_be_bytes([*high, *low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_refused_as_soon_as_they_are_there() {
        let refused = |bytes: &[u8], tls13| whole(bytes, tls13).unwrap_err();
        assert_eq!(refused(&[23, 3, 3, 0x41, 1], true), RecordError::Overflow);
        assert_eq!(whole(&[23, 3, 3, 0x41, 0], true), Ok(None));
        for kind in [0, 20, 21, 22, 24, 0x47, 255] {
            let error = refused(&[kind, 3, 3, 0, 1], true);
            assert!(matches!(error, RecordError::Unexpected(_)), "{kind}");
        }
        assert_eq!(whole(&[21, 3, 3, 0, 1], false), Ok(None));
        assert!(whole(&[20, 3, 3, 0, 1], false).is_err());
        assert!(whole(&[23, 2, 0, 0, 1], true).is_err());
    }

    #[test]
    fn a_record_is_whole_with_its_last_byte() {
        assert_eq!(whole(&[23, 3, 3, 0], true), Ok(None));
        assert_eq!(whole(&[23, 3, 3, 0, 2, 9], true), Ok(None));
        let header = whole(&[23, 3, 3, 0, 2, 9, 9, 9], true).unwrap().unwrap();
        assert_eq!(header.length, 7);
        assert_eq!(announced_end(&[22, 3, 1, 1, 0]), Some(261));
        assert_eq!(announced_end(&[22, 3, 1, 1]), None);
    }
}
