//! A connection's socket as two halves, one to read and one to write.
//!
//! Owns: the socket, between the halves. Does not own: what is read and written. tokio's own halves
//! would do, but that they do not tell the socket what is expected.
//!
//! Invariant: both halves are used by one task, so that neither ever waits for the other: the lock is there
//! since two futures of that task hold them, and is never contended.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket that may be told how much is to come, and then need not wake its reader for less.
pub(crate) trait ExpectBytes {
    /// The client is bound to send this many bytes from here on; what is read counts down.
    fn expect_bytes(&mut self, bytes: usize);
}

impl ExpectBytes for gateway_tls::TlsStream {
    fn expect_bytes(&mut self, bytes: usize) {
        gateway_tls::TlsStream::expect_bytes(self, bytes);
    }
}

/// Without TLS nobody is in a hurry: it is for test suites.
impl ExpectBytes for TcpStream {
    fn expect_bytes(&mut self, _: usize) {}
}

#[cfg(test)]
impl ExpectBytes for tokio::io::DuplexStream {
    fn expect_bytes(&mut self, _: usize) {}
}

/// The half that is read.
pub(crate) struct ReadHalf<S>(Arc<Mutex<S>>);

/// The half that is written.
pub(crate) struct WriteHalf<S>(Arc<Mutex<S>>);

/// Makes two halves of a socket, which closes with the last of them.
pub(crate) fn split<S>(socket: S) -> (ReadHalf<S>, WriteHalf<S>) {
    let socket = Arc::new(Mutex::new(socket));
    (ReadHalf(Arc::clone(&socket)), WriteHalf(socket))
}

fn lock<S>(socket: &Mutex<S>) -> MutexGuard<'_, S> {
    socket
        .lock()
        .expect("a panic ends the one task that has both halves")
}

impl<S: ExpectBytes> ExpectBytes for ReadHalf<S> {
    fn expect_bytes(&mut self, bytes: usize) {
        lock(&self.0).expect_bytes(bytes);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadHalf<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_read(context, target)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteHalf<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        lock(&self.0).is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_shutdown(context)
    }
}
