//! Carries the bytes of rustls's handshake.
//!
//! Owns: the socket and what came on it, until the handshake is over. Does not own: the handshake,
//! which is rustls's alone.
//!
//! rustls is shown one whole record after another, so that it stops at the end of the handshake and
//! opens nothing that comes behind it: that is the session's.
//!
//! ```text
//! incoming: | shown, and kept by rustls | the next record | ... |
//!                                       ^ whole           ^ shown next
//! ```
//!
//! Invariants: what is kept is bounded; the client is told why it is refused before the socket is
//! closed, if rustls has an alert for it.

use std::io;

use bytes::BufMut;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::record::announced_end;
use crate::session::Session;
use crate::stream::TlsStream;

/// Bytes of a handshake that are kept at one time; a client that needs more is refused. rustls itself
/// refuses a message of more than 64 KiB.
const INCOMING_BYTES_MAX: usize = 64 << 10;

/// What is read at once: a ClientHello and more.
const READ_BYTES: usize = 4 << 10;

/// What is to be done next.
enum Step {
    /// Ask rustls again.
    Again,
    /// Send what it has given.
    Send,
    /// Show it more.
    More,
    /// The handshake is over.
    Done,
    /// It is refused.
    Refused(rustls::Error),
}

/// See the file's header.
pub(crate) struct Handshake {
    socket: TcpStream,
    connection: UnbufferedServerConnection,
    incoming: Vec<u8>,
    /// Bytes of `incoming` that rustls is shown.
    shown: usize,
    /// Where the last whole record ends that it was shown.
    whole: usize,
    outgoing: Vec<u8>,
}

impl Handshake {
    pub(crate) fn new(socket: TcpStream, connection: UnbufferedServerConnection) -> Self {
        Self {
            socket,
            connection,
            incoming: Vec::new(),
            shown: 0,
            whole: 0,
            outgoing: Vec::new(),
        }
    }

    /// Shakes hands to the end.
    pub(crate) async fn run(mut self) -> io::Result<Self> {
        loop {
            match self.step()? {
                Step::Again => {}
                Step::Send => self.send().await?,
                Step::More => {
                    if !self.show_more() {
                        self.read().await?;
                    }
                }
                Step::Done => return Ok(self),
                Step::Refused(error) => {
                    self.take_alerts();
                    // A client that is gone need not be told.
                    let _ = self.send().await;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
        }
    }

    /// Takes the keys out.
    pub(crate) fn into_stream(
        self,
        server_name: Option<&str>,
        records_per_key_max: u64,
    ) -> io::Result<TlsStream> {
        if self.whole > 0 {
            return Err(unexpected("a handshake that goes on"));
        }
        let session = self.connection.dangerous_into_kernel_connection();
        let session =
            session.and_then(|(keys, kernel)| Session::new(keys, kernel, records_per_key_max));
        let session = session.map_err(io::Error::other)?;
        Ok(TlsStream::new(
            self.socket,
            server_name,
            session,
            &self.incoming,
        ))
    }

    fn step(&mut self) -> io::Result<Step> {
        let shown = &mut self.incoming[..self.shown];
        let UnbufferedStatus { discard, state, .. } = self.connection.process_tls_records(shown);
        let step = match state {
            Ok(ConnectionState::EncodeTlsData(data)) => {
                encode(data, &mut self.outgoing);
                Step::Again
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                // It is sent before rustls is asked again.
                data.done();
                Step::Send
            }
            Ok(ConnectionState::BlockedHandshake) => Step::More,
            Ok(ConnectionState::WriteTraffic(_)) => Step::Done,
            Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => return Err(eof()),
            Ok(_) => return Err(unexpected("data within the handshake")),
            Err(error) => Step::Refused(error),
        };
        self.incoming.drain(..discard);
        self.shown -= discard;
        self.whole -= discard;
        match step {
            Step::Done if self.connection.is_handshaking() => Ok(Step::More),
            step => Ok(step),
        }
    }

    /// Shows one more record, or what has come of it; says whether there was something.
    fn show_more(&mut self) -> bool {
        match announced_end(&self.incoming[self.whole..]) {
            Some(length) if self.whole + length <= self.incoming.len() => {
                self.whole += length;
                self.shown = self.whole;
                true
            }
            // A header that is wrong is refused before its record is there.
            _ => std::mem::replace(&mut self.shown, self.incoming.len()) < self.incoming.len(),
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        let room = INCOMING_BYTES_MAX.saturating_sub(self.incoming.len());
        if room == 0 {
            return Err(unexpected("a handshake that is too long"));
        }
        let step = room.min(READ_BYTES);
        self.incoming.reserve(step);
        let mut target = (&mut self.incoming).limit(step);
        if self.socket.read_buf(&mut target).await? == 0 {
            return Err(eof());
        }
        Ok(())
    }

    async fn send(&mut self) -> io::Result<()> {
        let outgoing = std::mem::take(&mut self.outgoing);
        self.socket.write_all(&outgoing).await
    }

    /// The alerts that rustls has made for a refusal.
    fn take_alerts(&mut self) {
        while self.connection.wants_write() {
            let shown = &mut self.incoming[..self.shown];
            let status = self.connection.process_tls_records(shown);
            match status.state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.outgoing),
                _ => return,
            }
        }
    }
}

/// Appends what rustls wants to send.
fn encode<Data>(mut data: EncodeTlsData<'_, Data>, outgoing: &mut Vec<u8>) {
    let start = outgoing.len();
    // It says how much room it needs, and then needs no more.
    if let Err(EncodeError::InsufficientSize(size)) = data.encode(&mut []) {
        outgoing.resize(start + size.required_size, 0);
        data.encode(&mut outgoing[start..])
            .expect("the room is what was asked for");
    }
}

fn eof() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the client ended the handshake",
    )
}

fn unexpected(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
