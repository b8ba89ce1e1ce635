//! The reading half of a connection: bytes in, whole frames out.
//!
//! Owns: what has arrived of the next frame, and the memory reserved for it. Does not own: what a
//! frame means, when to read.
//!
//! ```text
//! length (4 bytes) -> checked against the cap -> memory reserved -> bytes -> more memory -> ...
//! ```
//!
//! Invariants: no more bytes are kept than memory was reserved for; memory is reserved in steps
//! that follow what has arrived, see [`Bounds::step_bytes`]; a frame that has begun comes on or is
//! given up, see [`FRAME_STALL_MAX`]. Dropping the future of [`Inbound::next`] loses nothing.

use std::io;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wire::frame::{FrameError, check_length};

use super::halves::ExpectBytes;
use super::turn::Turn;
use crate::limits::FRAME_STALL_MAX;
use crate::memory::{Held, Memory};

/// A whole frame without its length, and the memory that is reserved for it.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    pub(crate) memory: Held,
}

/// Why no further frame can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The four bytes are no acceptable length.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The client closed the connection in the middle of a frame.
    #[error("the connection ended within a frame")]
    CutOff,
    /// No byte of a frame came, or no memory for it was free, for too long.
    #[error("a frame did not come whole in time")]
    Stalled,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What bounds the next frame: the cap on its size, and where its memory comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    pub(crate) frame_bytes_max: usize,
    /// Memory that is taken at once; then as much again as has arrived.
    pub(crate) step_bytes: usize,
    /// So long a frame is not moved as it grows: it has its place once its first step is reserved.
    pub(crate) place_bytes_max: usize,
    pub(crate) memory: &'a Arc<Semaphore>,
    /// The share of it that the virtual cluster has, if it is known.
    pub(crate) share: Option<&'a Arc<Semaphore>>,
}

/// See the file's header.
pub(crate) struct Inbound<R> {
    socket: R,
    prefix: [u8; 4],
    prefix_read: usize,
    body: Option<Body>,
    last_byte_at: Instant,
    turn: Turn,
}

/// What has arrived of a frame's body.
struct Body {
    length: usize,
    step_bytes: usize,
    /// Room that is to be made once the first step is reserved, where that is for all of it.
    place_bytes: Option<usize>,
    bytes: BytesMut,
    memory: Reserved,
}

/// Memory that is reserved so far. The wait for more is kept, so that it does not lose its place
/// in the queue when something else happens on the connection.
struct Reserved {
    source: Memory,
    held: Option<Held>,
    waiting: Option<BoxFuture<'static, Held>>,
}

impl Reserved {
    fn reserved(&self) -> usize {
        self.held.as_ref().map_or(0, Held::bytes)
    }

    async fn reserve(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).expect("a frame is shorter than 2 GiB");
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(self.source.clone().take(bytes)));
        let more = waiting.await;
        self.waiting = None;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
    }
}

impl<R: AsyncRead + ExpectBytes + Unpin> Inbound<R> {
    pub(crate) fn new(socket: R) -> Self {
        Self {
            socket,
            prefix: [0; 4],
            prefix_read: 0,
            body: None,
            last_byte_at: Instant::now(),
            turn: Turn::default(),
        }
    }

    /// Whether a frame has begun and is not whole yet.
    pub(crate) fn is_within_frame(&self) -> bool {
        self.prefix_read > 0
    }

    /// When the last byte came.
    pub(crate) fn last_byte_at(&self) -> Instant {
        self.last_byte_at
    }

    /// The next frame; none where the client closed the connection between two.
    pub(crate) async fn next(&mut self, bounds: Bounds<'_>) -> Result<Option<Frame>, ReadError> {
        if self.body.is_none() {
            let Some(length) = self.length(bounds.frame_bytes_max).await? else {
                return Ok(None);
            };
            self.body = Some(Body {
                length,
                step_bytes: bounds.step_bytes,
                place_bytes: Some(length).filter(|&length| length <= bounds.place_bytes_max),
                bytes: BytesMut::new(),
                memory: Reserved {
                    source: Memory::new(bounds.memory, bounds.share),
                    held: None,
                    waiting: None,
                },
            });
        }
        self.fill().await?;
        let body = self.body.take().expect("it was put in above");
        self.prefix_read = 0;
        let memory = match body.memory.held {
            Some(held) => held,
            None => body.memory.source.take(0).await,
        };
        Ok(Some(Frame {
            bytes: body.bytes.freeze(),
            memory,
        }))
    }

    /// Throws away what arrives, up to `bytes_max`, until the client closes the connection.
    pub(crate) async fn drain(&mut self, bytes_max: usize) {
        let mut bin = [0; 4096];
        self.socket.expect_bytes(0);
        let mut left = bytes_max;
        while left > 0 {
            match self.socket.read(&mut bin).await {
                Ok(0) | Err(_) => return,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    }

    async fn length(&mut self, cap: usize) -> Result<Option<usize>, ReadError> {
        while self.prefix_read < self.prefix.len() {
            let rest = &mut self.prefix[self.prefix_read..];
            let reading = self.socket.read(rest);
            let read = if self.prefix_read == 0 {
                reading.await?
            } else {
                in_time(self.last_byte_at, reading).await??
            };
            match read {
                0 if self.prefix_read == 0 => return Ok(None),
                0 => return Err(ReadError::CutOff),
                read => self.prefix_read += read,
            }
            self.last_byte_at = Instant::now();
        }
        Ok(Some(check_length(self.prefix, cap)?))
    }

    async fn fill(&mut self) -> Result<(), ReadError> {
        let body = self.body.as_mut().expect("a frame has begun");
        while body.bytes.len() < body.length {
            let reserved = body.memory.reserved();
            if body.bytes.len() == reserved {
                let step = reserved.max(body.step_bytes).min(body.length - reserved);
                in_time(self.last_byte_at, body.memory.reserve(step)).await?;
                body.bytes.reserve(body.place_bytes.take().unwrap_or(step));
                continue;
            }
            self.turn.pass().await;
            let room = reserved - body.bytes.len();
            self.socket.expect_bytes(body.length - body.bytes.len());
            let mut target = (&mut body.bytes).limit(room);
            let reading = self.socket.read_buf(&mut target);
            let read = self
                .turn
                .wait(in_time(self.last_byte_at, reading))
                .await??;
            if read == 0 {
                return Err(ReadError::CutOff);
            }
            self.last_byte_at = Instant::now();
            self.turn.took(read);
        }
        Ok(())
    }
}

/// Waits for the rest of a frame whose last byte came at `last_byte_at`.
async fn in_time<T>(last_byte_at: Instant, rest: impl Future<Output = T>) -> Result<T, ReadError> {
    let rest = tokio::time::timeout_at(last_byte_at + FRAME_STALL_MAX, rest);
    rest.await.map_err(|_| ReadError::Stalled)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::limits::{FRAME_PLACE_BYTES_MAX, FRAME_STEP_BYTES};

    fn bounds(frame_bytes_max: usize, memory: &Arc<Semaphore>) -> Bounds<'_> {
        Bounds {
            frame_bytes_max,
            step_bytes: FRAME_STEP_BYTES,
            place_bytes_max: FRAME_PLACE_BYTES_MAX,
            memory,
            share: None,
        }
    }

    fn memory(bytes: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(bytes))
    }

    #[tokio::test]
    async fn frames_come_whole_whatever_the_pieces_and_interruptions() {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let mut inbound = Inbound::new(server);
        let memory = memory(1000);
        let bounds = bounds(100, &memory);
        for byte in [0, 0, 0, 3, b'a', b'b'] {
            client.write_all(&[byte]).await.unwrap();
            let interrupted =
                tokio::time::timeout(std::time::Duration::ZERO, inbound.next(bounds)).await;
            assert!(interrupted.is_err());
        }
        assert!(inbound.is_within_frame());
        client.write_all(b"c\0\0\0\0").await.unwrap();
        let frame = inbound.next(bounds).await.unwrap().unwrap();
        assert_eq!((&frame.bytes[..], frame.memory.bytes()), (&b"abc"[..], 3));
        let empty = inbound.next(bounds).await.unwrap().unwrap();
        assert!(empty.bytes.is_empty());
        drop(client);
        assert!(inbound.next(bounds).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_frame_above_the_cap_or_cut_off_is_refused() {
        for (bytes, expected) in [
            (&b"\0\0\0\x65"[..], "above the limit"),
            (b"\xff\xff\xff\xff", "-1 bytes"),
            (b"GET / HTTP/1.1\r\n", "HTTP"),
            (b"\0\0\0\x03ab", "within a frame"),
        ] {
            let (mut client, server) = tokio::io::duplex(1 << 16);
            client.write_all(bytes).await.unwrap();
            drop(client);
            let error = Inbound::new(server).next(bounds(100, &memory(1000))).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn memory_is_reserved_for_what_arrives_not_for_what_is_announced() {
        let (mut client, server) = tokio::io::duplex(1 << 22);
        let mut inbound = Inbound::new(server);
        let memory = memory(100 << 20);
        let bounds = bounds(100 << 20, &memory);
        client
            .write_all(&(80_u32 << 20).to_be_bytes())
            .await
            .unwrap();
        client.write_all(&vec![1; 1 << 20]).await.unwrap();
        let waiting =
            tokio::time::timeout(std::time::Duration::from_millis(50), inbound.next(bounds));
        assert!(waiting.await.is_err());
        let reserved = (100 << 20) - bounds.memory.available_permits();
        assert!((1 << 20..=2 << 20).contains(&reserved), "{reserved}");
    }

    #[tokio::test]
    async fn a_frame_waits_for_memory_and_its_bytes_are_not_read_meanwhile() {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let mut inbound = Inbound::new(server);
        let memory = memory(10);
        let bounds = bounds(100, &memory);
        let taken = Arc::clone(&memory).try_acquire_many_owned(5).unwrap();
        client.write_all(b"\0\0\0\x06abcdef").await.unwrap();
        let waiting =
            tokio::time::timeout(std::time::Duration::from_millis(20), inbound.next(bounds));
        assert!(waiting.await.is_err());
        drop(taken);
        let frame = inbound.next(bounds).await.unwrap().unwrap();
        assert_eq!(&frame.bytes[..], b"abcdef");
        assert_eq!(bounds.memory.available_permits(), 4);
    }
}
