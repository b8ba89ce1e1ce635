//! InitProducerId (key 22), versions 0-5.
//!
//! What differs from Apache Kafka: a transactional id is answered with error 53 until transactions
//! are served. As in Kafka since 2.8, an idempotent producer needs the right to write idempotently,
//! or to write to any topic; here that is any topic that exists.

use auth::{Action, Resource};
use model::ProducerId;
use wire::ErrorCode;
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use crate::call::{Answer, Call};
use crate::error::Fault;
use crate::limits::PRODUCER_ID_TIMEOUT;
use crate::permission::authorize;

/// Stands for no producer id, and for no epoch.
const NONE: i64 = -1;

/// Answers with a fresh id.
pub(crate) async fn handle(call: Call, request: InitProducerIdRequest) -> Answer {
    match init(&call, &request).await {
        Ok(id) => call.answer(InitProducerIdResponse {
            producer_id: id.0,
            ..InitProducerIdResponse::default()
        }),
        Err(fault) => call.answer(refusal(call.refuse(&fault))),
    }
}

/// An answer without an id.
pub(crate) fn refusal(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: code.code(),
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    }
}

async fn init(call: &Call, request: &InitProducerIdRequest) -> Result<ProducerId, Fault> {
    if (request.producer_id == NONE) != (i64::from(request.producer_epoch) == NONE) {
        return Err(Fault::Invalid(
            "Producer id and epoch come together, or not at all.",
        ));
    }
    match request.transactional_id.as_deref() {
        Some("") => return Err(Fault::Invalid("The transactional id must not be empty.")),
        Some(_) => return Err(Fault::TransactionalId),
        None => may_write_idempotently(call)?,
    }
    let services = &call.services;
    let next = services.producer_ids.next(&*services.control);
    let id = tokio::time::timeout(PRODUCER_ID_TIMEOUT, next).await;
    Ok(id.unwrap_or(Err(control_api::Unavailable))?)
}

fn may_write_idempotently(call: &Call) -> Result<(), Fault> {
    let action = Action::WriteDataIdempotently;
    let Err(denied) = authorize(&call.caller, action, Resource::Cluster, ()) else {
        return Ok(());
    };
    let topics = call.map.topics_by_name.get(&call.cluster.id);
    let mut names = topics.iter().flat_map(|topics| topics.keys());
    let may_write = |name: &str| call.caller.may(Action::WriteData, Resource::Topic(name));
    if names.any(|name| may_write(name.as_str())) {
        return Ok(());
    }
    Err(denied.into())
}
