//! The round by rdkafka, librdkafka's Rust bindings.

mod group;
mod limits;
mod message;
mod topics;
mod user;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::Offset;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::topic_partition_list::TopicPartitionList;
use rust_clients::cluster::{Cluster, SignIn};
use rust_clients::records::{PARTITIONS, Reading, Record, Written};
use rust_clients::round::{self, CODECS, SESSIONS, WAIT};
use tokio::time::timeout;

use crate::message::{from_kafka, to_kafka};
use crate::user::User;

/// For how long nothing more may come.
const QUIET: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> ExitCode {
    round::run("rdkafka", round).await
}

async fn round(cluster: Cluster, sign_in: SignIn) -> Result<String> {
    let owner = User::new(&cluster, &cluster.owner, sign_in);
    let reader = User::new(&cluster, &cluster.users.reader, sign_in);
    let wrong = User::new(&cluster, &cluster.owner.with_wrong_secret(), sign_in);
    let topic = round::topic("rdkafka");
    let bulk = format!("{topic}-bulk");
    // rdkafka's admin client never asks for a token (rust-rdkafka issue 757): it signs in by SCRAM,
    // and is no step of OAUTHBEARER's round.
    let admin = User::new(&cluster, &cluster.owner, SignIn::Scram).admin()?;
    let create = if sign_in == SignIn::Scram {
        "create "
    } else {
        ""
    };
    topics::create(&admin, &[&topic, &bulk]).await?;
    let written = produce(&owner, &topic).await?;
    read(&owner, &topic, &written).await?;
    let group = group::share(&owner, &topic, &written).await?;
    limits::throttle(&owner, &bulk).await?;
    read(&reader, &topic, &written).await?;
    limits::refused(&reader, &topic).await?;
    limits::wrong_secret(&wrong).await?;
    re_authenticated(&cluster, sign_in, &topic, written.end(0)).await?;
    topics::delete(&admin, &group, &[&topic, &bulk]).await?;
    owner.expect_no_error()?;
    let codecs = CODECS.join(" ");
    Ok(format!(
        "{create}produce({codecs} idempotent) read group commit throttle(seen) refused \
         wrong-secret re-authenticated(live)"
    ))
}

/// One batch of each compression, with and without idempotence, by turns into the partitions.
async fn produce(owner: &User, topic: &str) -> Result<Written> {
    let mut written = Written::default();
    let kinds = CODECS
        .iter()
        .flat_map(|codec| [(codec, "false"), (codec, "true")]);
    for ((codec, idempotence), partition) in kinds.zip((0..PARTITIONS).cycle()) {
        let settings = [
            ("compression.type", *codec),
            ("enable.idempotence", idempotence),
        ];
        let producer = owner.producer(&settings)?;
        let label = format!("{codec} {idempotence}");
        let mut sent = Vec::new();
        for record in Record::batch(&label) {
            let delivery = producer.send_result(to_kafka(topic, partition, &record));
            sent.push((delivery.map_err(|(error, _)| error)?, record));
        }
        for (delivery, record) in sent {
            let delivery = delivery.await?.map_err(|(error, _)| error);
            let delivery = delivery.with_context(|| label.clone())?;
            written.acknowledged(delivery.partition, delivery.offset, record)?;
        }
    }
    Ok(written)
}

/// Reads by assignment, from the beginning, until nothing comes any more.
async fn read(user: &User, topic: &str, written: &Written) -> Result<()> {
    let consumer = user.consumer(topic)?;
    let mut all = TopicPartitionList::new();
    all.add_partition_range(topic, 0, PARTITIONS - 1);
    all.set_all_offsets(Offset::Beginning)?;
    consumer.assign(&all)?;
    let mut reading = Reading::of(written);
    while !reading.is_complete() {
        let (partition, offset, record) = next(&consumer).await?;
        let first = reading.read(partition, offset, &record)?;
        ensure!(first, "offset {offset} of partition {partition} came twice");
    }
    let more = timeout(QUIET, consumer.recv()).await;
    ensure!(more.is_err(), "more came than was written");
    Ok(())
}

/// Writes and reads back one record after the other until sessions have ended, all the time by the
/// same connections.
async fn re_authenticated(
    cluster: &Cluster,
    sign_in: SignIn,
    topic: &str,
    from: i64,
) -> Result<()> {
    let user = User::new(cluster, &cluster.owner, sign_in);
    let renewals = cluster.renewals().await?;
    let producer = user.producer(&[])?;
    let consumer = user.consumer(topic)?;
    let mut begin_at = TopicPartitionList::new();
    begin_at.add_partition_offset(topic, 0, Offset::Offset(from))?;
    consumer.assign(&begin_at)?;
    let begin = Instant::now();
    let mut offset = from;
    while begin.elapsed() < SESSIONS {
        let record = Record::nth(5, &offset.to_string());
        let delivery = producer.send(to_kafka(topic, 0, &record), WAIT).await;
        let delivery = delivery.map_err(|(error, _)| error)?;
        ensure!(
            delivery.offset == offset,
            "acknowledged at {}, not {offset}",
            delivery.offset
        );
        let read = next(&consumer).await?;
        ensure!(read == (0, offset, record), "read {read:?} at {offset}");
        offset += 1;
    }
    ensure!(
        cluster.renewals().await? > renewals,
        "no connection signed in again"
    );
    ensure!(
        user.disconnects() == 0,
        "connections ended with their sessions"
    );
    user.expect_no_error()
}

/// The next record, with its partition and offset.
async fn next(consumer: &StreamConsumer<user::Context>) -> Result<(i32, i64, Record)> {
    let message = timeout(WAIT, consumer.recv()).await;
    from_kafka(&message.context("no record came")??)
}
