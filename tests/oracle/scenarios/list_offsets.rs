//! ListOffsets (2).
//!
//! Owns: the lookups, and the log with gaps in time that they are made in.

use anyhow::Result;
use wire::ApiKey;
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use super::produce::request;
use super::{TIMEOUT_MS, make, topic, versions};
use crate::batches::{at_times, batch};
use crate::side::Side;
use records::Codec;

const LOG: &str = "list-offsets";
const STAMPED: &str = "list-offsets-stamped";
const EMPTY: &str = "list-offsets-empty";

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    let start = side.start_ms();
    make(side, topic(LOG, 1, &[])).await?;
    make(side, topic(EMPTY, 1, &[])).await?;
    make(
        side,
        topic(STAMPED, 1, &[("message.timestamp.type", "LogAppendTime")]),
    )
    .await?;
    // Times rise and fall within batches and from batch to batch; the largest comes twice.
    for times in [
        &[0, 10, 20][..],
        &[100, 90, 120],
        &[50, 60, 70],
        &[120, 30, 110],
        &[80],
    ] {
        let times: Vec<i64> = times.iter().map(|ms| start + ms).collect();
        let request = request(side, LOG, at_times(&times));
        side.ask("fill", 9, request).await?;
    }
    let packed = request(side, LOG, batch(Codec::Lz4, start + 40, 5));
    side.ask("fill, packed", 9, packed).await?;
    let stamped = request(side, STAMPED, at_times(&[start, start + 10]));
    side.ask("fill, append time", 9, stamped).await?;
    for version in versions(ApiKey::ListOffsets) {
        special(side, version).await?;
        by_time(side, version).await?;
        addressed(side, version).await?;
    }
    Ok(())
}

fn lookup(topic: &str, partitions: &[(i32, i64)]) -> ListOffsetsRequest {
    let partition = |(partition_index, timestamp): &(i32, i64)| ListOffsetsPartition {
        partition_index: *partition_index,
        timestamp: *timestamp,
        ..ListOffsetsPartition::default()
    };
    let topic = ListOffsetsTopic {
        name: topic.to_owned(),
        partitions: partitions.iter().map(partition).collect(),
    };
    ListOffsetsRequest {
        replica_id: -1,
        isolation_level: 0,
        topics: vec![topic],
        timeout_ms: TIMEOUT_MS,
    }
}

async fn special(side: &mut Side, version: i16) -> Result<()> {
    for timestamp in [-1, -2, -3, -4, -5, -6, -7, i64::MIN] {
        for (topic, kind) in [(LOG, ""), (EMPTY, "empty, "), (STAMPED, "append time, ")] {
            let case = format!("{kind}special {timestamp}");
            side.ask(&case, version, lookup(topic, &[(0, timestamp)]))
                .await?;
        }
    }
    for isolation_level in [1, 2] {
        let request = ListOffsetsRequest {
            isolation_level,
            ..lookup(LOG, &[(0, -1)])
        };
        side.ask(
            &format!("isolation level {isolation_level}"),
            version,
            request,
        )
        .await?;
    }
    Ok(())
}

async fn by_time(side: &mut Side, version: i16) -> Result<()> {
    let start = side.start_ms();
    for after in [-1000, 0, 1, 10, 15, 20, 21, 95, 100, 101, 119, 120, 121] {
        let case = format!("time {after}");
        side.ask(&case, version, lookup(LOG, &[(0, start + after)]))
            .await?;
    }
    for (case, time) in [("time 0 of the epoch", 0), ("time without end", i64::MAX)] {
        side.ask(case, version, lookup(LOG, &[(0, time)])).await?;
        side.ask(
            &format!("empty, {case}"),
            version,
            lookup(EMPTY, &[(0, time)]),
        )
        .await?;
    }
    side.ask(
        "append time, time 5",
        version,
        lookup(STAMPED, &[(0, start + 5)]),
    )
    .await?;
    Ok(())
}

async fn addressed(side: &mut Side, version: i16) -> Result<()> {
    for (case, topic, partitions) in [
        ("unknown topic", "unknown", &[(0, -1)][..]),
        ("bad name", "a b", &[(0, -1)]),
        ("unknown partition", LOG, &[(9, -1)]),
        ("negative partition", LOG, &[(-1, -1)]),
        ("unknown and known partition", LOG, &[(9, -1), (0, -1)]),
        ("partition twice", LOG, &[(0, -1), (0, -2)]),
        ("no partition", LOG, &[]),
    ] {
        side.ask(case, version, lookup(topic, partitions)).await?;
    }
    for replica_id in [-2, 0, 5] {
        let request = ListOffsetsRequest {
            replica_id,
            ..lookup(LOG, &[(0, -1)])
        };
        side.ask(&format!("replica {replica_id}"), version, request)
            .await?;
    }
    for current_leader_epoch in [0, 99] {
        let mut request = lookup(LOG, &[(0, -1)]);
        request.topics[0].partitions[0].current_leader_epoch = current_leader_epoch;
        side.ask(
            &format!("leader epoch {current_leader_epoch}"),
            version,
            request,
        )
        .await?;
    }
    let request = ListOffsetsRequest {
        topics: Vec::new(),
        ..lookup(LOG, &[])
    };
    side.ask("no topic", version, request).await?;
    Ok(())
}
