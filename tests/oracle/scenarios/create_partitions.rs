//! CreatePartitions (37).
//!
//! Owns: the requests. Does not own: how topics are made.

use anyhow::Result;
use wire::ApiKey;
use wire::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

use super::{TIMEOUT_MS, make, topic, versions};
use crate::side::Side;

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::CreatePartitions) {
        let name = format!("partitions-{version}");
        make(side, topic(&name, 2, &[])).await?;
        counted(side, version, &name).await?;
        assigned(side, version, &name).await?;
        several(side, version, &name).await?;
        let told = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(name),
                ..MetadataRequestTopic::default()
            }]),
            ..MetadataRequest::default()
        };
        side.ask("grown", 9, told).await?;
    }
    Ok(())
}

fn more(name: &str, count: i32) -> CreatePartitionsTopic {
    CreatePartitionsTopic {
        name: name.to_owned(),
        count,
        assignments: None,
    }
}

fn all(topics: Vec<CreatePartitionsTopic>) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics,
        timeout_ms: TIMEOUT_MS,
        validate_only: false,
    }
}

async fn counted(side: &mut Side, version: i16, name: &str) -> Result<()> {
    let checked = CreatePartitionsRequest {
        validate_only: true,
        ..all(vec![more(name, 5)])
    };
    side.ask("only checked", version, checked.clone()).await?;
    side.ask("only checked, again", version, checked).await?;
    for count in [2, 1, 0, -1, i32::MIN, 3] {
        let case = format!("{count} partitions");
        side.ask(&case, version, all(vec![more(name, count)]))
            .await?;
    }
    side.settle(name).await?;
    side.ask("as many again", version, all(vec![more(name, 3)]))
        .await
        .map(drop)
}

async fn assigned(side: &mut Side, version: i16, name: &str) -> Result<()> {
    let broker = side.broker_id();
    for (case, count, assignments) in [
        ("assigned to nobody", 4, vec![vec![broker + 70]]),
        ("assigned to none", 4, vec![vec![]]),
        ("assigned to one twice", 4, vec![vec![broker, broker]]),
        ("assigned too few", 5, vec![vec![broker]]),
        ("assigned too many", 4, vec![vec![broker], vec![broker]]),
        ("no assignment", 4, vec![]),
        ("assigned to a negative", 4, vec![vec![-3]]),
        ("assigned and not more", 3, vec![]),
        ("assigned", 4, vec![vec![broker]]),
    ] {
        let assignment = |broker_ids| CreatePartitionsAssignment { broker_ids };
        let topic = CreatePartitionsTopic {
            assignments: Some(assignments.into_iter().map(assignment).collect()),
            ..more(name, count)
        };
        side.ask(case, version, all(vec![topic])).await?;
    }
    side.settle(name).await
}

async fn several(side: &mut Side, version: i16, name: &str) -> Result<()> {
    for (case, topics) in [
        ("no topic", vec![]),
        ("unknown", vec![more("unknown", 5)]),
        ("bad name", vec![more("a b", 5)]),
        ("no name", vec![more("", 5)]),
        ("twice", vec![more(name, 5), more(name, 6)]),
        ("known and unknown", vec![more(name, 5), more("unknown", 5)]),
    ] {
        side.ask(case, version, all(topics)).await?;
    }
    side.settle(name).await
}
