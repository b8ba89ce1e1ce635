//! From a request to its handler.
//!
//! Owns: which handler serves which key, and how far the connection may read ahead of it. Does not
//! own: signing in (`session`), the handlers.

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use wire::{ErrorCode, Request, RequestHeader, Response};

use crate::call::{Answer, Call};
use crate::handlers::{
    api_versions, create_topics, delete_topics, fetch, init_producer_id, list_offsets, metadata,
    produce, sasl_authenticate, sasl_handshake,
};

/// How far a request has come.
pub(crate) enum Step {
    /// Being handed over, in the order of requests; nothing further is read until it is.
    Submitting(BoxFuture<'static, Step>),
    /// Waits for something; begins when all requests before it are answered, unless it was
    /// submitted.
    Waiting(BoxFuture<'static, Answer>),
    /// Answered.
    Done(Answer),
}

impl Step {
    /// The same, begun at `at` at the earliest. What is submitted waits by itself, batch by batch.
    pub(crate) fn not_before(self, at: Instant) -> Self {
        match self {
            Self::Waiting(waiting) if at > Instant::now() => Self::Waiting(Box::pin(async move {
                tokio::time::sleep_until(at).await;
                waiting.await
            })),
            step => step,
        }
    }
}

/// Whether the connection may be read while the request is unanswered. What follows a request that
/// may create or delete topics must see what it did, as it does in Kafka, which serves the requests
/// of a connection one by one.
pub(crate) fn may_read_on(call: &Call, request: &Request) -> bool {
    match request {
        Request::CreateTopics(_) | Request::DeleteTopics(_) => false,
        Request::Metadata(request) => !metadata::creates(call, request),
        _ => true,
    }
}

/// How many topics, partitions and other things a request names, for each of which there may be
/// something in the answer.
pub(crate) fn items(request: &Request) -> usize {
    match request {
        Request::Produce(request) => {
            let topics = request.topic_data.iter();
            topics.map(|topic| 1 + topic.partition_data.len()).sum()
        }
        Request::Fetch(request) => {
            let topics = request.topics.iter();
            topics.map(|topic| 1 + topic.partitions.len()).sum()
        }
        Request::ListOffsets(request) => {
            let topics = request.topics.iter();
            topics.map(|topic| 1 + topic.partitions.len()).sum()
        }
        Request::Metadata(request) => request.topics.as_ref().map_or(0, Vec::len),
        Request::CreateTopics(request) => {
            let topics = request.topics.iter();
            topics
                .map(|topic| 1 + topic.assignments.len() + topic.configs.len())
                .sum()
        }
        Request::DeleteTopics(request) => request.topics.len() + request.topic_names.len(),
        Request::SaslHandshake(_)
        | Request::ApiVersions(_)
        | Request::InitProducerId(_)
        | Request::SaslAuthenticate(_) => 0,
    }
}

/// Hands a request of a client that has signed in to its handler.
pub(crate) fn dispatch(call: Call, request: Request) -> Step {
    match request {
        Request::Produce(request) => Step::Submitting(Box::pin(produce::submit(call, request))),
        Request::Fetch(request) => Step::Waiting(Box::pin(fetch::handle(call, request))),
        Request::ListOffsets(request) => {
            Step::Waiting(Box::pin(list_offsets::handle(call, request)))
        }
        Request::Metadata(request) => Step::Waiting(Box::pin(metadata::handle(call, request))),
        Request::CreateTopics(request) => {
            Step::Waiting(Box::pin(create_topics::handle(call, request)))
        }
        Request::DeleteTopics(request) => {
            Step::Waiting(Box::pin(delete_topics::handle(call, request)))
        }
        Request::InitProducerId(request) => {
            Step::Waiting(Box::pin(init_producer_id::handle(call, request)))
        }
        Request::ApiVersions(request) => {
            Step::Done(call.answer(api_versions::answer(&request, call.version())))
        }
        // The connection has served these before, as part of the sign-in.
        Request::SaslHandshake(_) | Request::SaslAuthenticate(_) => {
            Step::Done(refusal(&call.header, &request, ErrorCode::IllegalSaslState))
        }
    }
}

/// The answer to a request that is refused as a whole, in the form of its key.
pub(crate) fn refusal(header: &RequestHeader, request: &Request, code: ErrorCode) -> Answer {
    let response: Response = match request {
        Request::Produce(request) if request.acks == 0 => return Answer::close(),
        Request::Produce(request) => produce::refusal(request, code).into(),
        Request::Fetch(request) => fetch::refusal(request, code).into(),
        Request::ListOffsets(request) => list_offsets::refusal(request, code).into(),
        Request::Metadata(request) => metadata::refusal(request, code).into(),
        Request::SaslHandshake(_) => sasl_handshake::refusal(code).into(),
        Request::ApiVersions(_) => api_versions::refusal(code).into(),
        Request::CreateTopics(request) => create_topics::refusal(request, code).into(),
        Request::DeleteTopics(request) => delete_topics::refusal(request, code).into(),
        Request::InitProducerId(_) => init_producer_id::refusal(code).into(),
        Request::SaslAuthenticate(_) => sasl_authenticate::refusal(code).into(),
    };
    Answer::new(header, &response)
}
