//! A TLS connection and its socket, as something that is read and written.
//!
//! Owns: the socket, what was read and not handed out, how much the reader says is to come. Does not
//! own: keys and records (`session`).
//!
//! Invariants: dropping a future that reads or writes loses nothing, since all state is here; data
//! counts as written once it is sealed and queued, and is in the socket once a flush has ended;
//! nothing is read from the socket while something is left to hand out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::low_water::{LowWater, look};
use crate::outgoing::PIECES_MAX;
use crate::record::{OVERHEAD_BYTES, OVERHEAD_BYTES_MIN, RECORD_BYTES_MAX, TEXT_BYTES_MAX};
use crate::scratch::{self, GULP_BYTES_MAX};
use crate::session::Session;
use crate::undigested::{Cursor, Undigested};

/// Slices of one write that are looked at; the others are left to the next.
const SLICES_MAX: usize = 64;

/// The server's end of a TLS connection whose handshake is over.
///
/// Reading gives what the peer sent; its end once the peer has said close_notify; an
/// [`io::ErrorKind::UnexpectedEof`] where the socket ended without that; and an
/// [`io::ErrorKind::InvalidData`] with a [`RecordError`](crate::RecordError) in it for everything that is not TLS as it
/// must be, of which the peer is told by an alert. Writing is possible after the peer's close_notify.
/// What was written is sent by a flush, or when much has gathered.
pub struct TlsStream {
    socket: TcpStream,
    server_name: Option<Box<str>>,
    session: Session,
    undigested: Undigested,
    low_water: LowWater,
    expected_bytes: usize,
}

impl TlsStream {
    /// A connection of which `sealed` came with the end of the handshake.
    pub(crate) fn new(
        socket: TcpStream,
        server_name: Option<&str>,
        session: Session,
        sealed: &[u8],
    ) -> Self {
        Self {
            socket,
            server_name: server_name.map(Box::from),
            session,
            undigested: Undigested::rest_of(sealed, &Cursor::sealed(sealed.len())),
            low_water: LowWater::new(),
            expected_bytes: 0,
        }
    }

    /// The name that the client asked for (SNI), if it did.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Says how many bytes of text the peer is bound to send from here on, so that the reader is not
    /// woken for every few of them. What is read counts down. A number that is too large delays the
    /// reader, who then sees what has come only when it looks for another reason.
    pub fn expect_bytes(&mut self, bytes: usize) {
        self.expected_bytes = bytes;
    }

    /// Memory held in buffers: what was read and not handed out, and what was written and not sent.
    pub fn buffered_bytes(&self) -> usize {
        self.undigested.bytes.capacity() + self.session.outgoing.held_bytes()
    }

    /// Hands out what is left of the last gulp.
    fn digest_rest(&mut self, out: &mut ReadBuf<'_>) {
        let Undigested { bytes, cursor } = &mut self.undigested;
        self.session.digest(bytes, cursor, out);
        self.undigested.tidy();
    }

    /// Reads a gulp behind the part of a record that is left, and hands out what the reader has room for.
    fn poll_gulp(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        scratch::with(|buffer| {
            let part = self.undigested.sealed().len();
            assert!(
                part < RECORD_BYTES_MAX,
                "a whole record would be handed out"
            );
            let target = &mut buffer[part..gulp_bytes(out.remaining())];
            let read = ready!(self.poll_socket(cx, target))?;
            if read == 0 {
                self.session.truncate();
                return Poll::Ready(Ok(()));
            }
            buffer[..part].copy_from_slice(self.undigested.sealed());
            let mut cursor = Cursor::sealed(part + read);
            self.session.digest(buffer, &mut cursor, out);
            self.undigested = Undigested::rest_of(buffer, &cursor);
            Poll::Ready(Ok(()))
        })
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>, target: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(target);
        let read = match Pin::new(&mut self.socket).poll_read(cx, &mut buffer)? {
            Poll::Ready(()) => buffer.filled().len(),
            Poll::Pending => {
                let coming = self.coming_bytes();
                if !self.low_water.wait(&self.socket, coming)? {
                    return Poll::Pending;
                }
                match look(&self.socket, target)? {
                    Some(read) => read,
                    None => return Poll::Pending,
                }
            }
        };
        self.low_water.has_read();
        Poll::Ready(Ok(read))
    }

    /// Bytes that the socket is bound to bring: the expected text, sealed in as few records as can be.
    fn coming_bytes(&self) -> usize {
        let records = self.expected_bytes.div_ceil(TEXT_BYTES_MAX);
        let sealed = self
            .expected_bytes
            .saturating_add(records.saturating_mul(OVERHEAD_BYTES_MIN));
        sealed.saturating_sub(self.undigested.sealed().len())
    }

    /// Sends alerts and key updates that reading has brought about, as far as the socket takes them now.
    /// The rest goes with what is written next; whoever waits to write must stay the one who is woken.
    fn send_unasked(&mut self) {
        while !self.session.outgoing.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES_MAX];
            let count = self.session.outgoing.slices(&mut slices);
            match self.socket.try_write_vectored(&slices[..count]) {
                Ok(sent) if sent > 0 => self.session.outgoing.advance(sent),
                // A socket that is broken tells those who write to it.
                Ok(_) | Err(_) => return,
            }
        }
        self.session.is_sent();
    }

    /// Sends something of what is queued.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); PIECES_MAX];
        let count = self.session.outgoing.slices(&mut slices);
        let socket = Pin::new(&mut self.socket);
        let sent = ready!(socket.poll_write_vectored(cx, &slices[..count]))?;
        if sent == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.session.outgoing.advance(sent);
        if self.session.outgoing.is_empty() {
            self.session.is_sent();
        }
        Poll::Ready(Ok(()))
    }

    fn check_writable(&self) -> io::Result<()> {
        if let Some(failure) = self.session.failure() {
            return Err(failure.clone().into());
        }
        if self.session.is_write_closed() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }

    /// Seals what there is room for, and says how much.
    fn seal(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut pieces = [&[][..]; SLICES_MAX];
        let mut count = 0;
        for slice in slices.iter().filter(|slice| !slice.is_empty()) {
            if count == SLICES_MAX {
                break;
            }
            pieces[count] = slice;
            count += 1;
        }
        self.session.seal_data(&pieces[..count]).map_err(|error| {
            self.session.fail(error.clone());
            self.send_unasked();
            error.into()
        })
    }
}

/// How much lies in the buffer after a gulp: what the reader has room for, sealed, so that little is
/// left over that nobody has reserved memory for; a whole record at least.
fn gulp_bytes(room: usize) -> usize {
    let records = room / TEXT_BYTES_MAX + 1;
    room.saturating_add(records * OVERHEAD_BYTES)
        .clamp(RECORD_BYTES_MAX, GULP_BYTES_MAX)
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let filled = out.filled().len();
        if out.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let queued = this.session.outgoing.bytes();
        let result = loop {
            this.digest_rest(out);
            if out.filled().len() > filled {
                break Poll::Ready(Ok(()));
            }
            if let Some(end) = this.session.read_end() {
                this.undigested = Undigested::default();
                break Poll::Ready(end.map_err(io::Error::from));
            }
            match this.poll_gulp(cx, out) {
                Poll::Ready(Ok(())) if out.filled().len() == filled => {}
                other => break other,
            }
        };
        let read = out.filled().len() - filled;
        this.expected_bytes = this.expected_bytes.saturating_sub(read);
        if this.session.outgoing.bytes() > queued {
            this.send_unasked();
        }
        result
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_writable()?;
        while !this.session.outgoing.has_room() {
            ready!(this.poll_send(cx))?;
        }
        let sealed = this.seal(slices)?;
        if !this.session.outgoing.has_room() {
            // A socket that takes nothing now is waited for by the next write.
            let _ = this.poll_send(cx)?;
        }
        Poll::Ready(Ok(sealed))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.session.outgoing.is_empty() {
            ready!(this.poll_send(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.close();
        ready!(self.as_mut().poll_flush(cx))?;
        match ready!(Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)) {
            // A peer that is gone need not be told.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}

impl std::fmt::Debug for TlsStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TlsStream")
            .field("socket", &self.socket)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}
