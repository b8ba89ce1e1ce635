//! The writing half of a connection: encoded answers in, bytes out, in order.
//!
//! Owns: answers that are not yet in the client's socket. Does not own: their order (the
//! connection puts them in), metering (it asks for what was delivered).
//!
//! Invariants: an answer counts as delivered when its last byte was written and flushed, so that
//! nothing of it is left in the TLS session. Dropping the future of [`Outbound::write`] loses
//! nothing.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Buf;
use model::{TopicId, VirtualClusterId};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use wire::Segments;

use super::turn::{Turn, pass_once};
use crate::limits::WRITE_PIECES_MAX;
use crate::memory::Held;

/// What goes with an answer until it is delivered.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// Bytes of record batches in it, and who pays for them.
    pub(crate) metered: Option<(VirtualClusterId, u64)>,
    /// The same bytes by topic, for metrics.
    pub(crate) topics: Vec<(TopicId, u64)>,
    /// Memory that it takes.
    pub(crate) memory: Option<Held>,
}

/// See the file's header.
pub(crate) struct Outbound<W> {
    socket: W,
    queue: VecDeque<(Segments, Parcel)>,
    unsent_bytes: usize,
    /// Written whole, but perhaps not flushed.
    unflushed: Vec<Parcel>,
    needs_flush: bool,
    /// An answer was just added to an empty queue.
    lets_others_join: bool,
    last_progress_at: Instant,
    turn: Turn,
}

impl<W: AsyncWrite + Unpin> Outbound<W> {
    pub(crate) fn new(socket: W) -> Self {
        Self {
            socket,
            queue: VecDeque::new(),
            unsent_bytes: 0,
            unflushed: Vec::new(),
            needs_flush: false,
            lets_others_join: false,
            last_progress_at: Instant::now(),
            turn: Turn::default(),
        }
    }

    /// Adds an answer at the end.
    pub(crate) fn push(&mut self, segments: Segments, parcel: Parcel) {
        if self.is_idle() {
            self.last_progress_at = Instant::now();
            self.lets_others_join = true;
        }
        self.unsent_bytes += segments.len();
        self.needs_flush = true;
        self.queue.push_back((segments, parcel));
    }

    /// Bytes that are not written yet.
    pub(crate) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes
    }

    /// Whether everything is written and flushed.
    pub(crate) fn is_idle(&self) -> bool {
        !self.needs_flush
    }

    /// When the socket last took something, or the first answer was added.
    pub(crate) fn last_progress_at(&self) -> Instant {
        self.last_progress_at
    }

    /// Writes until all is delivered, or at least one metered answer is: those are returned.
    pub(crate) async fn write(&mut self) -> io::Result<Vec<Parcel>> {
        // Answers of one commit come by several lanes, one task after the other: one write does for all.
        if std::mem::take(&mut self.lets_others_join) {
            pass_once().await;
        }
        while !self.queue.is_empty() && !self.has_metered_unflushed() {
            self.turn.pass().await;
            let written = {
                let mut slices = [IoSlice::new(&[]); WRITE_PIECES_MAX];
                let count = gather(&self.queue, &mut slices);
                self.turn
                    .wait(self.socket.write_vectored(&slices[..count]))
                    .await?
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.advance(written);
            self.turn.took(written);
        }
        self.socket.flush().await?;
        self.last_progress_at = Instant::now();
        self.needs_flush = !self.queue.is_empty();
        Ok(std::mem::take(&mut self.unflushed))
    }

    /// Tells the client that nothing more comes.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        self.socket.shutdown().await
    }

    fn has_metered_unflushed(&self) -> bool {
        self.unflushed.iter().any(|parcel| parcel.metered.is_some())
    }

    fn advance(&mut self, mut written: usize) {
        self.last_progress_at = Instant::now();
        self.unsent_bytes -= written;
        while let Some((segments, _)) = self.queue.front_mut() {
            let step = written.min(segments.len());
            segments.advance(step);
            written -= step;
            if !segments.is_empty() {
                break;
            }
            let (_, parcel) = self.queue.pop_front().expect("it is at the front");
            self.unflushed.push(parcel);
        }
        assert_eq!(written, 0, "no more is written than was given");
    }
}

/// Lays out what is to be written next; says how many slices are used.
fn gather<'a>(queue: &'a VecDeque<(Segments, Parcel)>, slices: &mut [IoSlice<'a>]) -> usize {
    let mut count = 0;
    for (segments, _) in queue {
        if count == slices.len() {
            break;
        }
        count += segments.chunks_vectored(&mut slices[count..]);
    }
    count
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::io::AsyncReadExt;
    use wire::{Records, Response};

    use super::*;

    /// A fetch answer with `records` in it.
    fn answer(records: &'static [u8]) -> Segments {
        let partition = wire::messages::fetch::PartitionData {
            records: Some(Records::from(Bytes::from_static(records))),
            ..Default::default()
        };
        let topic = wire::messages::fetch::FetchableTopicResponse {
            partitions: vec![partition],
            ..Default::default()
        };
        let response = wire::messages::fetch::FetchResponse {
            responses: vec![topic],
            ..Default::default()
        };
        Response::Fetch(response).encode(7, 4)
    }

    #[tokio::test]
    async fn answers_leave_in_order_and_count_once_they_are_out() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut outbound = Outbound::new(server);
        let expected = [answer(b"first").to_bytes(), answer(b"second").to_bytes()].concat();
        for (records, bytes) in [(&b"first"[..], 5), (b"second", 6)] {
            let parcel = Parcel {
                metered: Some((VirtualClusterId(1), bytes)),
                ..Parcel::default()
            };
            outbound.push(answer(records), parcel);
        }
        assert_eq!(outbound.unsent_bytes(), expected.len());
        let mut received = Vec::new();
        let mut delivered = Vec::new();
        while !outbound.is_idle() {
            // The pipe is narrower than an answer, so writing is interrupted again and again.
            match tokio::time::timeout(Duration::ZERO, outbound.write()).await {
                Ok(parcels) => {
                    for parcel in parcels.unwrap() {
                        delivered.push((parcel.metered.unwrap().1, outbound.unsent_bytes()));
                    }
                }
                Err(_) => {
                    let mut piece = [0; 16];
                    let read = client.read(&mut piece).await.unwrap();
                    received.extend_from_slice(&piece[..read]);
                }
            }
        }
        assert_eq!(delivered.len(), 2);
        assert_eq!(delivered[1], (6, 0));
        assert!(
            delivered[0].1 > 0,
            "the first is reported before the second is written"
        );
        drop(outbound);
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, expected);
    }
}
