//! What the peer says beside data, after the handshake: alerts and key updates.
//!
//! Owns: reading these messages, and the bound on records that bring nothing. Does not own: acting on
//! them (`session`).
//!
//! Invariants: a message that comes in pieces is not interleaved with anything; a key update is the
//! end of its record, since what follows is under another key (RFC 8446 5.1).

use rustls::{AlertDescription, ContentType};

use crate::error::RecordError;

/// Records in a row that bring no data: empty ones, key updates, alerts that change nothing. One more
/// is refused, so that a peer cannot keep the server busy with nothing.
pub(crate) const FRUITLESS_RECORDS_MAX: u32 = 32;

/// The handshake type of a KeyUpdate (RFC 8446 4).
const KEY_UPDATE: u8 = 24;

/// The level of an alert that TLS 1.2 may ignore.
const WARNING: u8 = 1;

/// A KeyUpdate as it is sent: type, length, whether the peer is asked for one.
pub(crate) const KEY_UPDATE_NOT_REQUESTED: [u8; 5] = [KEY_UPDATE, 0, 0, 1, 0];

/// What a record asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    /// Nothing.
    Ignore,
    /// The record is data.
    Data,
    /// The peer sends no more.
    Close,
    /// The peer's next record is under its next key.
    UpdateKey {
        /// Whether it wants the same of us.
        is_requested: bool,
    },
}

/// See the file's header.
#[derive(Debug, Default)]
pub(crate) struct Control {
    message: [u8; KEY_UPDATE_NOT_REQUESTED.len()],
    message_bytes: usize,
    fruitless_records: u32,
}

impl Control {
    /// Judges an opened record.
    pub(crate) fn judge(
        &mut self,
        kind: ContentType,
        text: &[u8],
        is_tls13: bool,
    ) -> Result<Action, RecordError> {
        if self.message_bytes > 0 && kind != ContentType::Handshake {
            return Err(RecordError::Unexpected("a record within a message"));
        }
        if kind == ContentType::ApplicationData && !text.is_empty() {
            self.fruitless_records = 0;
            return Ok(Action::Data);
        }
        self.fruitless_records += 1;
        if self.fruitless_records > FRUITLESS_RECORDS_MAX {
            return Err(RecordError::Unexpected("too many records without data"));
        }
        match kind {
            ContentType::ApplicationData => Ok(Action::Ignore),
            ContentType::Alert => alert(text, is_tls13),
            ContentType::Handshake if is_tls13 => self.handshake(text),
            _ => Err(RecordError::Unexpected(
                "a message that belongs to the handshake",
            )),
        }
    }

    fn handshake(&mut self, text: &[u8]) -> Result<Action, RecordError> {
        if text.is_empty() {
            return Err(RecordError::Unexpected("an empty message"));
        }
        let room = &mut self.message[self.message_bytes..];
        if text.len() > room.len() {
            return Err(RecordError::Unexpected("a message that is no key update"));
        }
        room[..text.len()].copy_from_slice(text);
        self.message_bytes += text.len();
        let head = self.message_bytes.min(4);
        if self.message[..head] != KEY_UPDATE_NOT_REQUESTED[..head] {
            return Err(RecordError::Unexpected("a message that is no key update"));
        }
        if self.message_bytes < self.message.len() {
            return Ok(Action::Ignore);
        }
        self.message_bytes = 0;
        match self.message[4] {
            0 => Ok(Action::UpdateKey {
                is_requested: false,
            }),
            1 => Ok(Action::UpdateKey { is_requested: true }),
            kind => Err(RecordError::IllegalKeyUpdate(kind)),
        }
    }
}

fn alert(text: &[u8], is_tls13: bool) -> Result<Action, RecordError> {
    let &[level, description] = text else {
        return Err(RecordError::Malformed("an alert that is not two bytes"));
    };
    match AlertDescription::from(description) {
        AlertDescription::CloseNotify => Ok(Action::Close),
        AlertDescription::UserCanceled => Ok(Action::Ignore),
        _ if !is_tls13 && level == WARNING => Ok(Action::Ignore),
        description => Err(RecordError::AlertReceived(description)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(control: &mut Control, text: &[u8]) -> Result<Action, RecordError> {
        control.judge(ContentType::Handshake, text, true)
    }

    #[test]
    fn key_updates_come_whole_or_in_pieces_and_alone() {
        let mut control = Control::default();
        let asked = Action::UpdateKey { is_requested: true };
        assert_eq!(update(&mut control, &[24, 0, 0, 1, 1]), Ok(asked));
        assert_eq!(update(&mut control, &[24, 0]), Ok(Action::Ignore));
        let unasked = Action::UpdateKey {
            is_requested: false,
        };
        assert_eq!(update(&mut control, &[0, 1, 0]), Ok(unasked));
        for wrong in [
            &[24, 0, 0, 1, 2][..],
            &[24, 0, 0, 1, 0, 24],
            &[24, 0, 0, 1, 0, 24, 0, 0, 1, 0],
            &[1, 0],
            &[24, 0, 0, 2],
            &[],
        ] {
            assert!(update(&mut Control::default(), wrong).is_err(), "{wrong:?}");
        }
        update(&mut control, &[24]).unwrap();
        let between = control.judge(ContentType::ApplicationData, b"x", true);
        assert!(matches!(between, Err(RecordError::Unexpected(_))));
        let tls12 = Control::default().judge(ContentType::Handshake, &[24, 0, 0, 1, 0], false);
        assert!(tls12.is_err(), "TLS 1.2 has no key update");
    }

    #[test]
    fn alerts_end_the_connection_unless_they_say_nothing() {
        let judge = |text: &[u8], is_tls13| {
            let mut control = Control::default();
            control.judge(ContentType::Alert, text, is_tls13)
        };
        assert_eq!(judge(&[1, 0], true), Ok(Action::Close));
        assert_eq!(judge(&[1, 90], true), Ok(Action::Ignore));
        assert_eq!(judge(&[1, 112], false), Ok(Action::Ignore));
        for (text, is_tls13) in [(&[1, 112][..], true), (&[2, 80], false), (&[2], true)] {
            assert!(judge(text, is_tls13).is_err(), "{text:?}");
        }
    }

    #[test]
    fn records_without_data_are_bounded_in_a_row() {
        let mut control = Control::default();
        for _ in 0..3 {
            for _ in 0..FRUITLESS_RECORDS_MAX {
                let empty = control.judge(ContentType::ApplicationData, b"", true);
                assert_eq!(empty, Ok(Action::Ignore));
            }
            let data = control.judge(ContentType::ApplicationData, b"x", true);
            assert_eq!(data, Ok(Action::Data));
        }
        for _ in 0..FRUITLESS_RECORDS_MAX {
            update(&mut control, &[24, 0, 0, 1, 0]).unwrap();
        }
        assert!(update(&mut control, &[24, 0, 0, 1, 0]).is_err());
    }
}
