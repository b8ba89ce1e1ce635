//! A client's end of a connection: frames out, frames in.

use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use wire::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use wire::{ApiKey, Request, RequestHeader, Response};

/// Longest time that a test waits for something that is to happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// See the file's header.
pub(super) struct Peer {
    stream: Box<dyn Stream>,
    /// The gateway's task.
    pub(super) task: JoinHandle<()>,
    pub(super) client_id: String,
    next_correlation_id: i32,
    bytes_sent: usize,
}

impl Peer {
    pub(super) fn new(stream: impl Stream + 'static, task: JoinHandle<()>) -> Self {
        Self {
            stream: Box::new(stream),
            task,
            client_id: "test".to_owned(),
            next_correlation_id: 1,
            bytes_sent: 0,
        }
    }

    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.bytes_sent += bytes.len();
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends a request; gives back the size of its frame.
    pub(super) async fn send_sized(&mut self, version: i16, request: impl Into<Request>) -> usize {
        let before = self.bytes_sent;
        self.send(version, request).await;
        self.bytes_sent - before - 4
    }

    /// Sends a request; gives back its correlation id.
    pub(super) async fn send(&mut self, version: i16, request: impl Into<Request>) -> i32 {
        let request = request.into();
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id += 1;
        let header = RequestHeader {
            api_key: request.api_key(),
            api_version: version,
            correlation_id,
            client_id: Some(self.client_id.clone()),
        };
        self.send_bytes(&request.encode(&header).to_bytes()).await;
        correlation_id
    }

    /// The next frame without its length; none where the gateway has closed the connection.
    pub(super) async fn frame(&mut self) -> Option<Bytes> {
        let frame = async {
            let mut length = [0; 4];
            match self.stream.read_exact(&mut length).await {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
                    return None;
                }
            }
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            self.stream.read_exact(&mut frame).await.unwrap();
            Some(Bytes::from(frame))
        };
        tokio::time::timeout(PATIENCE, frame)
            .await
            .expect("an answer or an end")
    }

    /// The next answer, which is of this key and version.
    pub(super) async fn receive(&mut self, key: ApiKey, version: i16) -> (i32, Response) {
        let frame = self.frame().await.expect("an answer");
        Response::decode(key, version, frame).unwrap()
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn call(&mut self, version: i16, request: impl Into<Request>) -> Response {
        let request = request.into();
        let key = request.api_key();
        let sent = self.send(version, request).await;
        let (received, response) = self.receive(key, version).await;
        assert_eq!(sent, received);
        response
    }

    /// Whether nothing comes for a while.
    pub(super) async fn is_quiet_for(&mut self, time: Duration) -> bool {
        let mut byte = [0; 1];
        tokio::time::timeout(time, self.stream.read(&mut byte))
            .await
            .is_err()
    }

    /// Waits until the gateway has closed the connection, and says how long that took.
    pub(super) async fn closed(&mut self) -> Duration {
        let start = tokio::time::Instant::now();
        assert_eq!(self.frame().await, None);
        start.elapsed()
    }

    /// Sends no more, and still reads.
    pub(super) async fn end_writing(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Closes the client's end.
    pub(super) async fn hang_up(self) {
        drop(self.stream);
        self.task.await.unwrap();
    }

    pub(super) async fn produce(&mut self, request: ProduceRequest) -> ProduceResponse {
        match self.call(9, request).await {
            Response::Produce(response) => response,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn fetch(&mut self, request: FetchRequest) -> FetchResponse {
        match self.call(12, request).await {
            Response::Fetch(response) => response,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn receive_fetch(&mut self) -> FetchResponse {
        match self.receive(ApiKey::Fetch, 12).await.1 {
            Response::Fetch(response) => response,
            other => panic!("{other:?}"),
        }
    }
}

/// Sends a request of a key and waits for its answer, of the same.
macro_rules! called {
    ($peer:expr, $version:expr, $key:ident, $request:expr) => {
        match $peer.call($version, $request).await {
            wire::Response::$key(response) => response,
            other => panic!("{other:?}"),
        }
    };
}

pub(super) use called;

/// A produce request with acks=-1 for one partition.
pub(super) fn produce_to(topic: &str, index: i32, records: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![PartitionProduceData {
                index,
                records: Some(records),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// Error code and base offset of the only partition of an answer.
pub(super) fn outcome(response: &ProduceResponse) -> (i16, i64) {
    let partition = &response.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

/// A fetch of partitions of one topic by index and offset: one byte is enough, wait half a second.
pub(super) fn fetch_of(topic: &str, partitions: &[(i32, i64)]) -> FetchRequest {
    let partitions = partitions
        .iter()
        .map(|&(partition, fetch_offset)| FetchPartition {
            partition,
            fetch_offset,
            partition_max_bytes: 1 << 20,
            ..FetchPartition::default()
        });
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 50 << 20,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: partitions.collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// Error code, high watermark and number of batches of each partition of an answer.
pub(super) fn fetched(response: &FetchResponse) -> Vec<(i16, i64, usize)> {
    let topics = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    topics
        .map(|data| {
            let mut records = data.records.clone().unwrap_or_default().into_bytes();
            let mut batches = 0;
            while records.len() >= 12 {
                let length = (&records[8..12]).get_i32() as usize;
                records.advance(12 + length);
                batches += 1;
            }
            assert!(records.is_empty(), "only whole batches");
            (data.error_code, data.high_watermark, batches)
        })
        .collect()
}
