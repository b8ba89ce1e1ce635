//! InitProducerId (22).
//!
//! Owns: the requests, and the wait for the first id. Does not own: what producers do with ids.

use std::time::Duration;

use anyhow::{Context, Result};
use wire::ApiKey;
use wire::messages::init_producer_id::InitProducerIdRequest;

use super::versions;
use crate::side::Side;

/// How often the first id is asked for: Kafka has none until its controller gave it some.
const TRIES_MAX: usize = 100;

/// How long to wait in between.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    fresh(side, "nobody").await?;
    for version in versions(ApiKey::InitProducerId) {
        side.ask("plain", version, InitProducerIdRequest::default())
            .await?;
        let timeout = InitProducerIdRequest {
            transaction_timeout_ms: -1,
            ..InitProducerIdRequest::default()
        };
        side.ask("negative timeout", version, timeout).await?;
        side.ask("empty transactional id", version, transactional(""))
            .await?;
        if version >= 3 {
            for (case, producer_id, producer_epoch) in [
                ("an id without an epoch", 5, -1),
                ("an epoch without an id", -1, 5),
                ("an id and an epoch", 5, 5),
                ("a negative id", -7, -7),
            ] {
                let request = InitProducerIdRequest {
                    producer_id,
                    producer_epoch,
                    ..InitProducerIdRequest::default()
                };
                side.ask(case, version, request).await?;
            }
        }
    }
    // Making the log of transactions takes Kafka a while; nothing of it is compared but that we refuse.
    side.ask("transactional", 5, transactional("tests")).await?;
    Ok(())
}

fn transactional(id: &str) -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: Some(id.to_owned()),
        transaction_timeout_ms: 60_000,
        ..InitProducerIdRequest::default()
    }
}

/// A producer id that is called `name` in answers.
pub async fn fresh(side: &mut Side, name: &str) -> Result<(i64, i16)> {
    for _ in 0..TRIES_MAX {
        let client = side.connected().await?;
        let answer = client.init_producer_id().await?;
        if answer.error_code == 0 {
            side.call_producer(answer.producer_id, name);
            return Ok((answer.producer_id, answer.producer_epoch));
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
    None.context("no producer id to be had")
}
