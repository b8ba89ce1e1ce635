//! One connection: one task that reads requests, has them served, and writes answers in order.
//!
//! Owns: the order of answers, how much may be under way, when to read and when to give up. Does not
//! own: frames (`inbound`, `outbound`), who the client is (`session`), what requests mean
//! (`dispatch`).
//!
//! ```text
//!   frame -> session, dispatch -> queue of requests -> oldest answer -> socket
//!                                  | submitted in order (back)
//!                                  | answered in order (front)
//! ```
//!
//! Invariants: answers leave in the order of requests; a request is submitted after all before it;
//! nothing further is read while the bounds of `limits` are reached, while the connection is muted,
//! and after an answer that closes it. What came before a frame that ends the connection is answered,
//! within a time.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Instant;
use wire::ApiKey;

use crate::alarm::Alarm;
use crate::call::Answer;
use crate::client::Client;
use crate::dispatch::Step;
use crate::limits::{
    FAREWELL_MAX, FRAME_PLACE_BYTES_MAX, FRAME_STEP_BYTES, IN_FLIGHT_BYTES_MAX,
    IN_FLIGHT_REQUESTS_MAX, LINGER_BYTES_MAX, LINGER_MAX, SIGN_IN_FRAME_STEP_BYTES,
    UNSENT_BYTES_MAX,
};
use crate::memory::Held;
use crate::services::{Services, is_set};
use crate::session::Session;

mod halves;
mod inbound;
mod outbound;
mod serve;
mod turn;

pub(crate) use halves::ExpectBytes;
use halves::{ReadHalf, WriteHalf, split};
use inbound::{Bounds, Frame, Inbound, ReadError};
use outbound::Outbound;
pub(crate) use outbound::Parcel;
use serve::Refused;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    /// The client closed it.
    #[error("closed by the client")]
    Eof,
    /// All that was to be said is said: a refusal, or the gateway shuts down.
    #[error("closed after the last answer")]
    Finished,
    /// The client sent what cannot be understood, or too much.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A request that is not answered.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The socket failed.
    #[error("writing failed: {0}")]
    Write(io::Error),
    /// Nothing happened for too long.
    #[error("{0}")]
    TimedOut(&'static str),
}

/// A request that is under way.
struct Queued {
    step: Step,
    api_key: Option<ApiKey>,
    received_at: Instant,
    bytes: usize,
    /// Whether the connection may be read while this is unanswered.
    may_read_on: bool,
    /// The frame's memory.
    _memory: Arc<Held>,
}

/// What happens next on a connection.
enum Event {
    Drain,
    Submitted,
    Answered(Answer),
    Delivered(io::Result<Vec<Parcel>>),
    Frame(Result<Option<Frame>, ReadError>),
    Alarm,
}

/// See the file's header.
struct Connection<S> {
    services: Arc<Services>,
    client: Arc<Client>,
    session: Session,
    inbound: Inbound<ReadHalf<S>>,
    outbound: Outbound<WriteHalf<S>>,
    queue: VecDeque<Queued>,
    in_flight_bytes: usize,
    opened_at: Instant,
    alarm: Alarm,
    /// Ends when the gateway shuts down.
    draining: BoxFuture<'static, ()>,
    /// Nothing is read any more; what is under way is finished.
    is_closing: bool,
    /// Until when that may take, where the client is at fault or gone.
    farewell_until: Option<Instant>,
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S>(socket: S, client: Client, services: Arc<Services>)
where
    S: AsyncRead + AsyncWrite + ExpectBytes + Unpin + Send + 'static,
{
    let client = Arc::new(client);
    let mut socket = socket;
    if let Some(cluster) = client.known_cluster()
        && !serve::enter(&services, &client, cluster).await
    {
        tracing::debug!(peer = %client.peer, "connection refused: a limit of its virtual cluster");
        // The client may be gone already, which is what is wanted.
        let _ = tokio::time::timeout(LINGER_MAX, socket.shutdown()).await;
        return;
    }
    let (read, write) = split(socket);
    let mut connection = Connection {
        session: Session::new(Arc::clone(&services), client.door),
        inbound: Inbound::new(read),
        outbound: Outbound::new(write),
        queue: VecDeque::new(),
        in_flight_bytes: 0,
        opened_at: Instant::now(),
        alarm: Alarm::new(),
        draining: draining(services.draining.clone()),
        is_closing: false,
        farewell_until: None,
        services,
        client,
    };
    let end = connection.run().await;
    connection.close(&end).await;
}

impl<S: AsyncRead + AsyncWrite + ExpectBytes + Unpin> Connection<S> {
    async fn run(&mut self) -> End {
        let mut cause = None;
        loop {
            if self.is_closing && self.has_said_all() {
                return cause.unwrap_or(End::Finished);
            }
            let outcome = match self.next_event().await {
                Event::Drain => {
                    self.is_closing = true;
                    Ok(())
                }
                Event::Submitted => Ok(()),
                Event::Answered(answer) => self.send(answer),
                Event::Delivered(parcels) => self.delivered(parcels),
                Event::Frame(Ok(Some(frame))) => self.take(frame),
                Event::Frame(Ok(None)) => Err(End::Eof),
                Event::Frame(Err(error)) => Err(error.into()),
                Event::Alarm => self.check_timeouts(),
            };
            let Err(end) = outcome else {
                continue;
            };
            if !self.may_say_farewell(&end) {
                return cause.unwrap_or(end);
            }
            self.is_closing = true;
            self.farewell_until = Some(Instant::now() + FAREWELL_MAX);
            cause = Some(end);
        }
    }

    /// Whether nothing is under way.
    fn has_said_all(&self) -> bool {
        self.queue.is_empty() && self.outbound.is_idle()
    }

    /// Whether the client may still hear the answers that are under way: it sends no more, or what
    /// is not understood, but may read.
    fn may_say_farewell(&self, end: &End) -> bool {
        let may_hear = match end {
            End::Eof | End::Refused(_) => true,
            End::Read(error) => !matches!(error, ReadError::Io(_)),
            End::Finished | End::Write(_) | End::TimedOut(_) => false,
        };
        may_hear && !self.is_closing && !self.has_said_all()
    }

    async fn next_event(&mut self) -> Event {
        let may_read = self.may_read();
        let may_answer = self.outbound.unsent_bytes() < UNSENT_BYTES_MAX;
        let bounds = bounds(&self.services, &self.client, self.session.is_known());
        let deadline = self
            .deadlines()
            .into_iter()
            .flatten()
            .map(|(at, _)| at)
            .min();
        let wake_at = deadline.into_iter().chain(self.client.mute.until()).min();
        let queue = &mut self.queue;
        tokio::select! {
            biased;
            () = &mut self.draining, if !self.is_closing => Event::Drain,
            event = poll_fn(|context| poll_queue(queue, may_answer, context)) => event,
            parcels = self.outbound.write(), if !self.outbound.is_idle() => {
                Event::Delivered(parcels)
            }
            frame = self.inbound.next(bounds), if may_read => Event::Frame(frame),
            () = self.alarm.at(wake_at) => Event::Alarm,
        }
    }

    fn may_read(&self) -> bool {
        let may_follow = match self.queue.back() {
            Some(last) => last.may_read_on && !matches!(last.step, Step::Submitting(_)),
            None => true,
        };
        let is_muted = || self.client.mute.until().is_some();
        !self.is_closing
            && may_follow
            && self.queue.len() < IN_FLIGHT_REQUESTS_MAX
            && self.in_flight_bytes < IN_FLIGHT_BYTES_MAX
            && (self.inbound.is_within_frame() || !is_muted())
    }

    /// When to give up on what, and the reason.
    fn deadlines(&self) -> [Option<(Instant, &'static str)>; 4] {
        let config = &self.services.config;
        let unsigned = !self.session.was_known();
        let sign_in = std::time::Duration::from_millis(config.sign_in_timeout_ms);
        let writing = !self.outbound.is_idle();
        let idle = self.queue.is_empty() && !writing;
        let heard_at = self.inbound.last_byte_at();
        let sent_at = self.outbound.last_progress_at();
        [
            unsigned.then(|| (self.opened_at + sign_in, "no sign-in in time")),
            writing.then(|| (sent_at + config.write_timeout(), "the client does not read")),
            idle.then(|| (heard_at.max(sent_at) + config.idle_timeout(), "idle")),
            self.farewell_until
                .map(|at| (at, "the last answers took too long")),
        ]
    }

    fn check_timeouts(&self) -> Result<(), End> {
        let now = Instant::now();
        let mut passed = self.deadlines().into_iter().flatten();
        match passed.find(|&(at, _)| at <= now) {
            Some((_, reason)) => Err(End::TimedOut(reason)),
            None => Ok(()),
        }
    }

    fn take(&mut self, frame: Frame) -> Result<(), End> {
        let received_at = Instant::now();
        let bytes = frame.bytes.len();
        let memory = Arc::new(frame.memory);
        let frame = (frame.bytes, &memory);
        let served = serve::frame(&self.services, &self.client, &mut self.session, frame)?;
        self.in_flight_bytes += bytes;
        self.queue.push_back(Queued {
            step: served.step,
            api_key: served.api_key,
            received_at,
            bytes,
            may_read_on: served.may_read_on,
            _memory: memory,
        });
        Ok(())
    }

    /// The oldest request is answered.
    fn send(&mut self, answer: Answer) -> Result<(), End> {
        let queued = self
            .queue
            .pop_front()
            .expect("it was answered at the front");
        self.in_flight_bytes -= queued.bytes;
        if let Some(api_key) = queued.api_key {
            let latency = queued.received_at.elapsed();
            self.services.metrics.answered(api_key, latency);
        }
        if let Some(segments) = answer.segments {
            self.services
                .metrics
                .bytes_out
                .increment(segments.len() as u64);
            self.outbound.push(segments, answer.parcel);
        }
        if answer.closes {
            // What came after it is not answered any more.
            self.queue.clear();
            self.is_closing = true;
        }
        Ok(())
    }

    fn delivered(&mut self, parcels: io::Result<Vec<Parcel>>) -> Result<(), End> {
        for parcel in parcels.map_err(End::Write)? {
            if let Some((cluster, bytes)) = parcel.metered {
                self.services.egress.add(cluster, bytes);
                self.services.traffic.count(cluster, &parcel.topics);
            }
        }
        Ok(())
    }

    /// Says once why the connection ended, and closes it so that the last answer arrives.
    async fn close(mut self, end: &End) {
        let peer = self.client.peer;
        match end {
            End::Eof | End::Finished => tracing::debug!(%peer, %end, "connection closed"),
            End::Write(_)
            | End::TimedOut(_)
            | End::Read(ReadError::Io(_) | ReadError::Stalled | ReadError::CutOff) => {
                tracing::debug!(%peer, %end, "connection broken");
            }
            End::Read(_) | End::Refused(_) => {
                self.services.metrics.protocol_errors.increment(1);
                tracing::info!(%peer, %end, "connection refused");
            }
        }
        self.queue.clear();
        let farewell = async {
            // The client may be gone already, which is what is wanted.
            let _ = self.outbound.shutdown().await;
            if matches!(end, End::Finished) || self.farewell_until.is_some() {
                self.inbound.drain(LINGER_BYTES_MAX).await;
            }
        };
        let _ = tokio::time::timeout(LINGER_MAX, farewell).await;
    }
}

/// What bounds the next frame.
fn bounds<'a>(services: &'a Services, client: &'a Client, is_known: bool) -> Bounds<'a> {
    let config = &services.config;
    if is_known {
        Bounds {
            frame_bytes_max: config.request_bytes_max,
            step_bytes: FRAME_STEP_BYTES,
            place_bytes_max: FRAME_PLACE_BYTES_MAX,
            memory: &services.request_memory,
            share: client
                .place
                .get()
                .map(|place| place.gate().request_memory()),
        }
    } else {
        Bounds {
            frame_bytes_max: config.sign_in_request_bytes_max,
            step_bytes: SIGN_IN_FRAME_STEP_BYTES,
            place_bytes_max: SIGN_IN_FRAME_STEP_BYTES,
            memory: &services.sign_in_memory,
            share: None,
        }
    }
}

/// Ends when the flag is set. Made once a connection, since it is looked at in every turn.
fn draining(mut flag: watch::Receiver<bool>) -> BoxFuture<'static, ()> {
    Box::pin(async move { is_set(&mut flag).await })
}

/// Submits the newest request, and answers the oldest if that is allowed.
fn poll_queue(
    queue: &mut VecDeque<Queued>,
    may_answer: bool,
    context: &mut Context<'_>,
) -> Poll<Event> {
    if let Some(last) = queue.back_mut()
        && let Step::Submitting(submitting) = &mut last.step
        && let Poll::Ready(step) = submitting.as_mut().poll(context)
    {
        last.step = step;
        return Poll::Ready(Event::Submitted);
    }
    if !may_answer {
        return Poll::Pending;
    }
    let Some(first) = queue.front_mut() else {
        return Poll::Pending;
    };
    match &mut first.step {
        Step::Submitting(_) => Poll::Pending,
        Step::Waiting(waiting) => waiting.as_mut().poll(context).map(Event::Answered),
        Step::Done(answer) => Poll::Ready(Event::Answered(std::mem::take(answer))),
    }
}
