//! DeleteRecords (21).
//!
//! Owns: the requests, and the logs that are cut off. Does not own: how topics are made.

use anyhow::Result;
use records::Codec;
use wire::ApiKey;
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use super::produce::request;
use super::{TIMEOUT_MS, make, topic, versions};
use crate::batches::batch;
use crate::side::Side;

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for (policy, name) in [
        ("compact", "delete-records-compact"),
        ("compact,delete", "delete-records-both"),
        ("", "delete-records-neither"),
    ] {
        make(side, topic(name, 1, &[("cleanup.policy", policy)])).await?;
        let case = format!("cleanup.policy {policy:?}");
        side.ask(&case, 2, cut(name, &[(0, -1)])).await?;
    }
    for version in versions(ApiKey::DeleteRecords) {
        let name = format!("delete-records-{version}");
        make(side, topic(&name, 2, &[])).await?;
        for _ in 0..3 {
            let records = batch(Codec::Uncompressed, side.start_ms(), 4);
            let filling = request(side, &name, records);
            side.ask("fill", 9, filling).await?;
        }
        cuts(side, version, &name).await?;
    }
    Ok(())
}

fn cut(topic: &str, partitions: &[(i32, i64)]) -> DeleteRecordsRequest {
    let partition = |&(partition_index, offset): &(i32, i64)| DeleteRecordsPartition {
        partition_index,
        offset,
    };
    DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.to_owned(),
            partitions: partitions.iter().map(partition).collect(),
        }],
        timeout_ms: TIMEOUT_MS,
    }
}

async fn cuts(side: &mut Side, version: i16, name: &str) -> Result<()> {
    for (case, topic, partitions) in [
        ("to 0", name, &[(0, 0)][..]),
        ("between batches", name, &[(0, 4)]),
        ("within a batch", name, &[(0, 6)]),
        ("back", name, &[(0, 5)]),
        ("beyond", name, &[(0, 13)]),
        ("negative", name, &[(0, -2)]),
        ("empty", name, &[(1, 0)]),
        ("empty, all", name, &[(1, -1)]),
        ("empty, beyond", name, &[(1, 1)]),
        ("unknown partition", name, &[(9, 0)]),
        ("negative partition", name, &[(-1, 0)]),
        ("known and unknown partition", name, &[(0, 6), (9, 0)]),
        ("unknown topic", "unknown", &[(0, 0)]),
        ("bad name", "a b", &[(0, 0)]),
        ("no partition", name, &[]),
        ("all", name, &[(0, -1)]),
        ("all again", name, &[(0, -1)]),
    ] {
        side.ask(case, version, cut(topic, partitions)).await?;
        let earliest = ListOffsetsPartition {
            timestamp: -2,
            ..ListOffsetsPartition::default()
        };
        let earliest = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: name.to_owned(),
                partitions: vec![earliest],
            }],
            ..ListOffsetsRequest::default()
        };
        let case = format!("after {case}");
        side.ask(&case, 7, earliest).await?;
    }
    Ok(())
}
