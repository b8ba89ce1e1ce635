//! What the server slows down and refuses.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rust_clients::records::{PARTITIONS, Record};
use rust_clients::round::{THROTTLED, WAIT};
use tokio::time::{sleep, timeout};

use crate::message::to_kafka;
use crate::user::User;

/// Writes more at once than the virtual cluster takes in two seconds.
pub async fn throttle(owner: &User, topic: &str) -> Result<()> {
    let producer = owner.producer(&[])?;
    let (records, bytes) = THROTTLED;
    let record = Record::of_bytes(bytes);
    let mut sent = Vec::new();
    for partition in (0..PARTITIONS).cycle().take(records) {
        let delivery = producer.send_result(to_kafka(topic, partition, &record));
        sent.push(delivery.map_err(|(error, _)| error)?);
    }
    for delivery in sent {
        delivery.await?.map_err(|(error, _)| error)?;
    }
    until("no throttle was told", || owner.throttle_ms() > 0).await
}

/// Who may only read may not write.
pub async fn refused(reader: &User, topic: &str) -> Result<()> {
    let producer = reader.producer(&[])?;
    let record = Record::of_bytes(1);
    match producer.send(to_kafka(topic, 0, &record), WAIT).await {
        Err((KafkaError::MessageProduction(RDKafkaErrorCode::TopicAuthorizationFailed), _)) => {
            Ok(())
        }
        other => bail!("who may only read wrote, and got {other:?}"),
    }
}

/// A wrong secret is told to the program.
pub async fn wrong_secret(wrong: &User) -> Result<()> {
    let _producer = wrong.producer(&[])?;
    until("a wrong secret was not refused", || wrong.is_refused()).await
}

async fn until(sentence: &'static str, condition: impl Fn() -> bool) -> Result<()> {
    let wait = async {
        while !condition() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(WAIT, wait).await.context(sentence)
}
