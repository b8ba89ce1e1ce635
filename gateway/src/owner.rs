//! Asks the owner of a partition, and again while there is none.
//!
//! Owns: how often, and until when. Does not own: where partitions live (`router`), what is asked.

use std::sync::Arc;

use model::TopicPartition;
use node_api::{BoxFuture, NodeTransport, ReadError};
use tokio::time::Instant;

use crate::call::Call;
use crate::error::Fault;
use crate::limits::READ_RETRY_AFTER;
use crate::router::Route;

/// What the owner answers to `question`. At `give_up_at`, while nobody owns the partition or the owner is busy or
/// silent, that is the fault.
pub(crate) async fn ask_owner<T>(
    call: &Call,
    partition: TopicPartition,
    give_up_at: Instant,
    question: impl Fn(Arc<dyn NodeTransport>, Route) -> BoxFuture<'static, Result<T, ReadError>>,
) -> Result<T, Fault> {
    let router = &call.services.router;
    loop {
        if Instant::now() >= give_up_at {
            return Err(ReadError::NotOwner.into());
        }
        let route = router.route(partition);
        let route = route.ok_or(Fault::UnknownTopicOrPartition)?;
        let refusal = match router.transport(route.node) {
            None => ReadError::NotOwner,
            Some(node) => match tokio::time::timeout_at(give_up_at, question(node, route)).await {
                Ok(Err(error @ (ReadError::NotOwner | ReadError::Busy))) => error,
                Ok(outcome) => return Ok(outcome?),
                Err(_) => ReadError::NotOwner,
            },
        };
        if Instant::now() + READ_RETRY_AFTER >= give_up_at {
            return Err(refusal.into());
        }
        tokio::time::sleep(READ_RETRY_AFTER).await;
    }
}
