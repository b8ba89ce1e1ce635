//! What is asked: one scenario for each key, each in every version that both servers have.
//!
//! Owns: their order. Does not own: any of them (`scenarios/`).

use anyhow::Result;
use wire::ApiKey;
use wire::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse,
};

use crate::side::Side;

mod alter_configs;
mod cluster;
mod connections;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_configs;
mod fetch;
mod idempotence;
mod init_producer_id;
mod list_offsets;
mod metadata;
mod offset_for_leader_epoch;
mod produce;
mod sign_in;

/// How long the servers may take, as requests say it.
const TIMEOUT_MS: i32 = 15_000;

/// A topic id that nobody has.
pub const UNKNOWN_ID: [u8; 16] = [0x5a; 16];

/// Asks one server everything.
///
/// # Errors
/// If the server cannot be asked, or its answer does not decode.
pub async fn run(side: &mut Side) -> Result<()> {
    sign_in::run(side).await?;
    side.signed_in();
    connections::run(side).await?;
    create_topics::run(side).await?;
    metadata::run(side).await?;
    init_producer_id::run(side).await?;
    produce::run(side).await?;
    idempotence::run(side).await?;
    fetch::run(side).await?;
    list_offsets::run(side).await?;
    offset_for_leader_epoch::run(side).await?;
    delete_records::run(side).await?;
    describe_configs::run(side).await?;
    alter_configs::run(side).await?;
    create_partitions::run(side).await?;
    cluster::run(side).await?;
    delete_topics::run(side).await
}

/// The versions of a key.
fn versions(key: ApiKey) -> impl Iterator<Item = i16> {
    let served = key.versions();
    served.min..=served.max
}

/// A topic with so many partitions and these properties.
fn topic(name: &str, num_partitions: i32, configs: &[(&str, &str)]) -> CreatableTopic {
    let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    };
    CreatableTopic {
        name: name.to_owned(),
        num_partitions,
        replication_factor: 1,
        configs: configs.iter().map(config).collect(),
        ..CreatableTopic::default()
    }
}

/// Creates a topic that is the ground for a scenario.
async fn make(side: &mut Side, made: CreatableTopic) -> Result<()> {
    let name = made.name.clone();
    let request = creation(vec![made]);
    let answer: Option<CreateTopicsResponse> =
        side.ask(&format!("make {name}"), 4, request).await?;
    drop(answer);
    side.settle(&name).await
}

fn creation(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest {
        topics,
        timeout_ms: TIMEOUT_MS,
        validate_only: false,
    }
}
