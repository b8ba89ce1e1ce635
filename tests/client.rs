//! A raw Kafka client on our own codec: what is sent and when is the test's decision.
//!
//! Owns: one connection, its correlation ids, the order of its answers, a deadline for each step.
//! Does not own: retries, batching, partition leaders; a test that wants them does them.
//!
//! ```text
//! send  send  send ──▶   several requests may be unanswered
//! receive ◀──            answers come in the order of the requests, and carry their correlation ids
//! ```

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;
use wire::{ApiKey, DecodeError, RequestHeader, Response};

mod calls;
mod endpoint;
mod exchange;
mod reading;
mod scram;
mod sign_in;

pub use calls::{FetchLimits, fetch_request, partition_of, produce_request};
pub use endpoint::Endpoint;
pub use exchange::{Exchange, usual_version};
pub use scram::{ScramClient, ScramHash};
pub use sign_in::{Credentials, Session, SignInError};
pub use signer::SignedRequest;

/// How long each step may take; then it fails, so that no test hangs.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Largest answer that is read; a longer one is an error, since nothing here asks for more.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// What the client calls itself.
const CLIENT_ID: &str = "tidegate-tests";

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The connection could not be made, or broke, or was closed by the server.
    #[error("connection: {0}")]
    Connection(#[from] io::Error),
    /// Nothing came in time.
    #[error("nothing came within {0:?}")]
    TimedOut(Duration),
    /// An answer that does not decode.
    #[error("garbled answer: {0}")]
    Garbled(#[from] DecodeError),
    /// An answer that does not fit the request.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
}

impl CallError {
    /// Whether the connection is gone, rather than the server at fault.
    #[must_use]
    pub const fn is_connection(&self) -> bool {
        matches!(self, Self::Connection(_))
    }
}

/// A request that was sent.
struct Unanswered {
    correlation_id: i32,
    api_key: ApiKey,
    api_version: i16,
}

/// One connection.
pub struct Client {
    stream: BufReader<Box<dyn Stream>>,
    unanswered: VecDeque<Unanswered>,
    next_correlation_id: i32,
    patience: Duration,
}

impl Client {
    /// Connects, without signing in.
    ///
    /// # Errors
    /// [`CallError::Connection`], [`CallError::TimedOut`].
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, CallError> {
        let stream = within(PATIENCE, endpoint.connect()).await?;
        Ok(Self {
            stream: BufReader::new(stream),
            unanswered: VecDeque::new(),
            next_correlation_id: 1,
            patience: PATIENCE,
        })
    }

    /// Connects and signs in.
    ///
    /// # Errors
    /// Any [`SignInError`].
    pub async fn open(endpoint: &Endpoint, credentials: &Credentials) -> Result<Self, SignInError> {
        let mut client = Self::connect(endpoint).await?;
        client.sign_in(credentials).await?;
        Ok(client)
    }

    /// Gives each step another deadline.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Sends a request in the version that is usual here.
    ///
    /// # Errors
    /// [`CallError::Connection`], [`CallError::TimedOut`].
    pub async fn send<R: Exchange>(&mut self, request: R) -> Result<(), CallError> {
        self.send_at(usual_version(R::KEY), request).await
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`CallError::Connection`], [`CallError::TimedOut`].
    pub async fn send_at<R: Exchange>(
        &mut self,
        api_version: i16,
        request: R,
    ) -> Result<(), CallError> {
        self.unanswered.push_back(Unanswered {
            correlation_id: self.next_correlation_id,
            api_key: R::KEY,
            api_version,
        });
        self.send_unanswered(api_version, request).await
    }

    /// Sends a request that gets no answer (acks=0).
    ///
    /// # Errors
    /// [`CallError::Connection`], [`CallError::TimedOut`].
    pub async fn send_unanswered<R: Exchange>(
        &mut self,
        api_version: i16,
        request: R,
    ) -> Result<(), CallError> {
        let header = RequestHeader {
            api_key: R::KEY,
            api_version,
            correlation_id: self.next_correlation_id,
            client_id: Some(CLIENT_ID.to_owned()),
        };
        self.next_correlation_id += 1;
        let mut frame = request.into().encode(&header);
        let write = async {
            self.stream.write_all_buf(&mut frame).await?;
            self.stream.flush().await
        };
        within(self.patience, write).await
    }

    /// How many requests have no answer yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// The answer to the oldest request without one.
    ///
    /// # Errors
    /// Any [`CallError`].
    ///
    /// # Panics
    /// If there is no such request, or it is of another kind.
    pub async fn receive<R: Exchange>(&mut self) -> Result<R::Response, CallError> {
        let asked = self.unanswered.pop_front().expect("a request was sent");
        assert_eq!(
            asked.api_key,
            R::KEY,
            "answers come in the order of requests"
        );
        let frame = self.receive_frame().await?;
        let (correlation_id, response) = Response::decode(asked.api_key, asked.api_version, frame)?;
        if correlation_id != asked.correlation_id {
            let text = format!("id {correlation_id} instead of {}", asked.correlation_id);
            return Err(CallError::Unexpected(text));
        }
        R::take(response).ok_or_else(|| CallError::Unexpected("another key".to_owned()))
    }

    /// Sends a request and waits for its answer, in the version that is usual here.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn call<R: Exchange>(&mut self, request: R) -> Result<R::Response, CallError> {
        self.call_at(usual_version(R::KEY), request).await
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn call_at<R: Exchange>(
        &mut self,
        api_version: i16,
        request: R,
    ) -> Result<R::Response, CallError> {
        self.send_at(api_version, request).await?;
        self.receive::<R>().await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`CallError::Connection`], [`CallError::TimedOut`].
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), CallError> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        within(self.patience, write).await
    }

    /// Says that nothing more will be sent; answers can still be read.
    ///
    /// # Errors
    /// [`CallError::Connection`], [`CallError::TimedOut`].
    pub async fn finish_sending(&mut self) -> Result<(), CallError> {
        within(self.patience, self.stream.shutdown()).await
    }

    /// The next frame, without its length.
    ///
    /// # Errors
    /// [`CallError::Connection`] also where the server has closed, [`CallError::TimedOut`].
    pub async fn receive_frame(&mut self) -> Result<Bytes, CallError> {
        let stream = &mut self.stream;
        let read = async {
            let length = stream.read_i32().await?;
            let length = usize::try_from(length).ok();
            let length = length.filter(|length| *length <= ANSWER_BYTES_MAX);
            let length = length.ok_or(io::ErrorKind::InvalidData)?;
            let mut frame = BytesMut::zeroed(length);
            stream.read_exact(&mut frame).await?;
            Ok(frame.freeze())
        };
        within(self.patience, read).await
    }

    /// Waits until the server closes, and gives what it sent before.
    ///
    /// # Errors
    /// [`CallError::TimedOut`] where it does not close.
    pub async fn read_to_end(&mut self) -> Result<Vec<u8>, CallError> {
        let mut received = Vec::new();
        // A reset, or TLS without its goodbye, is a close as well.
        let closed = timeout(self.patience, self.stream.read_to_end(&mut received)).await;
        let elapsed = closed.map_err(|_| CallError::TimedOut(self.patience));
        elapsed.map(|_| received)
    }
}

/// Runs one step within a deadline.
async fn within<T>(
    deadline: Duration,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, CallError> {
    match timeout(deadline, step).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(CallError::TimedOut(deadline)),
    }
}
