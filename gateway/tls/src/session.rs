//! A TLS connection after its handshake, without its socket: sealed bytes in and out, text out and in.
//!
//! Owns: the keys of both directions and when they are replaced, what is queued for the socket, how the
//! connection ended. Does not own: the socket (`stream`), what control messages mean (`control`).
//!
//! ```text
//! reading:  open -> closed by the peer | failed        writing:  open -> closed by us | failed
//! ```
//!
//! Invariants: after a failure nothing more is opened or sealed but the one alert that tells it; after
//! our close_notify nothing more is sealed; a peer that does not read does not make the queue grow.

use rustls::crypto::cipher::OutboundChunks;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{
    AlertDescription, ContentType, ExtractedSecrets, ProtocolVersion, SupportedCipherSuite,
};
use tokio::io::ReadBuf;

use crate::control::{Action, Control, KEY_UPDATE_NOT_REQUESTED};
use crate::error::RecordError;
use crate::keys::{Opener, Sealer};
use crate::outgoing::Outgoing;
use crate::record::{HEADER_BYTES, TEXT_BYTES_MAX, whole};
use crate::undigested::Cursor;

/// The levels of an alert.
const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// See the file's header.
pub(crate) struct Session {
    /// Makes the keys that follow.
    kernel: KernelConnection<ServerConnectionData>,
    suite: SupportedCipherSuite,
    is_tls13: bool,
    opener: Opener,
    sealer: Sealer,
    /// Records after which our key is replaced, or the connection given up.
    records_per_key: u64,
    control: Control,
    pub(crate) outgoing: Outgoing,
    /// A key update that answers the peer's is queued; another would say nothing new.
    has_queued_update: bool,
    is_read_closed: bool,
    /// The socket ended before the peer said so. Writing goes on.
    is_truncated: bool,
    is_write_closed: bool,
    failure: Option<RecordError>,
}

impl Session {
    /// Takes a connection on where rustls's handshake leaves it.
    pub(crate) fn new(
        secrets: ExtractedSecrets,
        kernel: KernelConnection<ServerConnectionData>,
        records_per_key_max: u64,
    ) -> Result<Self, rustls::Error> {
        let suite = kernel.negotiated_cipher_suite();
        Ok(Self {
            suite,
            is_tls13: kernel.protocol_version() == ProtocolVersion::TLSv1_3,
            opener: Opener::new(suite, secrets.rx)?,
            sealer: Sealer::new(suite, secrets.tx)?,
            records_per_key: crate::keys::records_per_key(suite).min(records_per_key_max),
            kernel,
            control: Control::default(),
            outgoing: Outgoing::default(),
            has_queued_update: false,
            is_read_closed: false,
            is_truncated: false,
            is_write_closed: false,
            failure: None,
        })
    }

    /// How reading ended, if it has.
    pub(crate) fn read_end(&self) -> Option<Result<(), RecordError>> {
        match &self.failure {
            Some(failure) => Some(Err(failure.clone())),
            None if self.is_truncated => Some(Err(RecordError::Truncated)),
            None => self.is_read_closed.then_some(Ok(())),
        }
    }

    /// The failure that forbids writing.
    pub(crate) fn failure(&self) -> Option<&RecordError> {
        self.failure.as_ref()
    }

    /// Whether our close_notify is made.
    pub(crate) fn is_write_closed(&self) -> bool {
        self.is_write_closed
    }

    /// Opens records where they lie and hands out their text, until the reader has no room or no record
    /// is whole. A failure is kept, and seen by [`Session::read_end`].
    pub(crate) fn digest(&mut self, buffer: &mut [u8], cursor: &mut Cursor, out: &mut ReadBuf<'_>) {
        while self.read_end().is_none() {
            let text = cursor.text.len().min(out.remaining());
            out.put_slice(&buffer[cursor.text.start..][..text]);
            cursor.text.start += text;
            if out.remaining() == 0 {
                return;
            }
            match self.open_next(buffer, cursor) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => self.fail(error),
            }
        }
    }

    /// Opens a record, if one is whole, and does what it says.
    fn open_next(&mut self, buffer: &mut [u8], cursor: &mut Cursor) -> Result<bool, RecordError> {
        let sealed = &mut buffer[cursor.sealed.clone()];
        let Some(header) = whole(sealed, self.is_tls13)? else {
            return Ok(false);
        };
        let record = &mut sealed[HEADER_BYTES..header.length];
        let record_at = record.as_ptr().addr();
        let opened = self.opener.open(header.kind, header.version, record)?;
        let text_at = opened.payload.as_ptr().addr() - record_at;
        let action = self
            .control
            .judge(opened.typ, opened.payload, self.is_tls13)?;
        let text_start = cursor.sealed.start + HEADER_BYTES + text_at;
        let text = text_start..text_start + opened.payload.len();
        cursor.sealed.start += header.length;
        assert!(
            text.end <= cursor.sealed.start,
            "the text of a record lies within it"
        );
        match action {
            Action::Ignore => {}
            Action::Data => cursor.text = text,
            Action::Close => self.is_read_closed = true,
            Action::UpdateKey { is_requested } => self.follow_key_update(is_requested)?,
        }
        Ok(true)
    }

    fn follow_key_update(&mut self, is_requested: bool) -> Result<(), RecordError> {
        let next = self.kernel.update_rx_secret()?;
        self.opener = Opener::new(self.suite, next)?;
        if is_requested && !self.has_queued_update && !self.is_write_closed {
            self.update_our_key()?;
            self.has_queued_update = true;
        }
        Ok(())
    }

    /// Tells the peer, under the old key, and goes over to the next.
    fn update_our_key(&mut self) -> Result<(), RecordError> {
        self.seal(ContentType::Handshake, &KEY_UPDATE_NOT_REQUESTED)?;
        let next = self.kernel.update_tx_secret()?;
        self.sealer = Sealer::new(self.suite, next)?;
        Ok(())
    }

    /// Seals as much data as there is room for, and says how much. More is tried when the socket has
    /// taken some.
    pub(crate) fn seal_data(&mut self, data: &[&[u8]]) -> Result<usize, RecordError> {
        let mut rest = OutboundChunks::new(data);
        let mut sealed = 0;
        while !rest.is_empty() && self.outgoing.has_room() {
            let (now, later) = rest.split_at(TEXT_BYTES_MAX);
            let bytes = now.len();
            match self.seal_text(now) {
                Ok(()) => sealed += bytes,
                // It comes up again with the next write, which then has written nothing.
                Err(_) if sealed > 0 => break,
                Err(error) => return Err(error),
            }
            rest = later;
        }
        Ok(sealed)
    }

    fn seal_text(&mut self, text: OutboundChunks<'_>) -> Result<(), RecordError> {
        if self.sealer.records() >= self.records_per_key {
            self.renew_our_key()?;
        }
        let record = self.sealer.seal(ContentType::ApplicationData, text)?;
        self.outgoing.push(record);
        // An update that is asked for after this must be told anew: data lies between.
        self.has_queued_update = false;
        Ok(())
    }

    fn renew_our_key(&mut self) -> Result<(), RecordError> {
        if self.is_tls13 {
            self.update_our_key()
        } else {
            Err(RecordError::KeyExhausted)
        }
    }

    /// Ends both directions for this reason, and tells the peer.
    pub(crate) fn fail(&mut self, error: RecordError) {
        if self.failure.is_some() {
            return;
        }
        if let Some(alert) = error.alert() {
            self.alert(alert);
        }
        self.is_write_closed = true;
        self.failure = Some(error);
    }

    /// The socket has ended.
    pub(crate) fn truncate(&mut self) {
        self.is_truncated = true;
    }

    /// Tells the peer that nothing more comes, once.
    pub(crate) fn close(&mut self) {
        self.alert(AlertDescription::CloseNotify);
        self.is_write_closed = true;
    }

    /// The socket has taken all that was queued.
    pub(crate) fn is_sent(&mut self) {
        self.has_queued_update = false;
    }

    fn alert(&mut self, alert: AlertDescription) {
        if self.is_write_closed {
            return;
        }
        let level = match alert {
            AlertDescription::CloseNotify => WARNING,
            _ => FATAL,
        };
        // A key that can seal nothing more cannot tell that either: the socket's end has to.
        let _ = self.seal(ContentType::Alert, &[level, u8::from(alert)]);
    }

    fn seal(&mut self, kind: ContentType, text: &[u8]) -> Result<(), RecordError> {
        let record = self.sealer.seal(kind, OutboundChunks::from(text))?;
        self.outgoing.push(record);
        Ok(())
    }
}
