//! Fetch (1).
//!
//! Owns: the reads, and the logs that are read. Does not own: how batches are appended (`produce`).

use anyhow::Result;
use records::Codec;
use wire::ApiKey;
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};

use super::produce::request;
use super::{UNKNOWN_ID, make, topic, versions};
use crate::batches::batch;
use crate::side::{Side, TopicId};

const LOG: &str = "fetch";
const STAMPED: &str = "fetch-stamped";

/// Records of each batch, one batch for each codec: the log ends at 20.
const COUNT: i64 = 4;
const END: i64 = 20;

const MANY: i32 = 1 << 20;

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    make(side, topic(LOG, 3, &[])).await?;
    make(
        side,
        topic(STAMPED, 1, &[("message.timestamp.type", "LogAppendTime")]),
    )
    .await?;
    let start = side.start_ms();
    for codec in Codec::ALL {
        let request = request(side, LOG, batch(codec, start, COUNT));
        side.ask("fill", 9, request).await?;
    }
    let stamped = request(side, STAMPED, batch(Codec::Uncompressed, start, COUNT));
    side.ask("fill, append time", 9, stamped).await?;
    for version in versions(ApiKey::Fetch) {
        offsets(side, version).await?;
        limits(side, version).await?;
        addressed(side, version).await?;
        if version >= 7 {
            sessions(side, version).await?;
        }
    }
    Ok(())
}

fn at(partition: i32, fetch_offset: i64, partition_max_bytes: i32) -> FetchPartition {
    FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes,
        ..FetchPartition::default()
    }
}

fn of(name: &str, topic_id: TopicId, partitions: Vec<FetchPartition>) -> FetchTopic {
    FetchTopic {
        topic: name.to_owned(),
        topic_id,
        partitions,
    }
}

fn read(topics: Vec<FetchTopic>) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 0,
        min_bytes: 0,
        max_bytes: MANY,
        topics,
        ..FetchRequest::default()
    }
}

fn from_log(side: &Side, partitions: Vec<FetchPartition>) -> FetchRequest {
    read(vec![of(LOG, side.topic_id(LOG), partitions)])
}

async fn offsets(side: &mut Side, version: i16) -> Result<()> {
    for (case, offset) in [
        ("from the start", 0),
        ("from the second batch", COUNT),
        ("from the middle of a batch", COUNT + 2),
        ("from the last record", END - 1),
        ("from the end", END),
        ("beyond the end", END + 1),
        ("far beyond the end", i64::MAX),
        ("before the start", -1),
        ("far before the start", i64::MIN),
    ] {
        let request = from_log(side, vec![at(0, offset, MANY)]);
        let committed = FetchRequest {
            isolation_level: 1,
            ..request.clone()
        };
        let strange = FetchRequest {
            isolation_level: 2,
            ..request.clone()
        };
        side.ask(case, version, request).await?;
        side.ask(&format!("{case}, committed"), version, committed)
            .await?;
        if offset == 0 {
            side.ask("isolation level 2", version, strange).await?;
        }
    }
    let stamped = read(vec![of(
        STAMPED,
        side.topic_id(STAMPED),
        vec![at(0, 0, MANY)],
    )]);
    side.ask("append time", version, stamped).await?;
    Ok(())
}

async fn limits(side: &mut Side, version: i16) -> Result<()> {
    for (case, of_answer, of_partition) in [
        ("one byte in all", 1, MANY),
        ("one byte of the partition", MANY, 1),
        ("one byte of either", 1, 1),
        ("no byte", 0, 0),
        ("a negative number of bytes", -1, -1),
        ("a batch and a bit", 400, MANY),
        ("a batch and a bit of the partition", MANY, 400),
    ] {
        let request = FetchRequest {
            max_bytes: of_answer,
            ..from_log(side, vec![at(0, 0, of_partition)])
        };
        side.ask(case, version, request).await?;
    }
    for (case, max_wait_ms, min_bytes) in [
        ("waits for more than there is", 50, MANY),
        ("waits for what is there", 5_000, 1),
        ("negative wait", -1, -1),
    ] {
        let request = from_log(side, vec![at(0, 0, MANY)]);
        let request = FetchRequest {
            max_wait_ms,
            min_bytes,
            ..request
        };
        side.ask(case, version, request).await?;
    }
    let request = from_log(side, vec![at(0, END, MANY)]);
    let request = FetchRequest {
        max_wait_ms: 50,
        min_bytes: 1,
        ..request
    };
    side.ask("waits at the end", version, request).await?;
    Ok(())
}

async fn addressed(side: &mut Side, version: i16) -> Result<()> {
    let (log, stamped) = (side.topic_id(LOG), side.topic_id(STAMPED));
    let start = || vec![at(0, 0, MANY)];
    let unknown = || of("unknown", UNKNOWN_ID, start());
    let epoch = |current_leader_epoch, last_fetched_epoch| FetchPartition {
        current_leader_epoch,
        last_fetched_epoch,
        ..at(0, 0, MANY)
    };
    for (case, topics) in [
        ("no topic", vec![]),
        ("no partition", vec![of(LOG, log, vec![])]),
        ("unknown topic", vec![unknown()]),
        ("zero id or no name", vec![of("", [0; 16], start())]),
        (
            "unknown partition",
            vec![of(LOG, log, vec![at(9, 0, MANY)])],
        ),
        (
            "negative partition",
            vec![of(LOG, log, vec![at(-1, 0, MANY)])],
        ),
        (
            "known and unknown",
            vec![
                unknown(),
                of(LOG, log, vec![at(0, 0, MANY), at(9, 0, MANY)]),
            ],
        ),
        (
            "three partitions",
            vec![of(
                LOG,
                log,
                vec![at(2, 0, MANY), at(0, 0, MANY), at(1, 0, MANY)],
            )],
        ),
        (
            "two topics",
            vec![of(STAMPED, stamped, start()), of(LOG, log, start())],
        ),
        (
            "partition twice",
            vec![of(LOG, log, vec![at(0, 0, MANY), at(0, COUNT, MANY)])],
        ),
        (
            "a leader epoch of the future",
            vec![of(LOG, log, vec![epoch(99, -1)])],
        ),
        (
            "the first leader epoch",
            vec![of(LOG, log, vec![epoch(0, 0)])],
        ),
    ] {
        side.ask(case, version, read(topics)).await?;
    }
    Ok(())
}

async fn sessions(side: &mut Side, version: i16) -> Result<()> {
    for (case, session_id, session_epoch) in [
        ("a new session", 0, 0),
        ("no session", 0, -1),
        ("goes on without a session", 0, 1),
        ("goes on with an unknown session", 12_345, 1),
        ("closes an unknown session", 12_345, -1),
        ("begins with an unknown session", 12_345, 0),
        ("a negative session", -5, 3),
    ] {
        let request = from_log(side, vec![at(0, END, MANY)]);
        let request = FetchRequest {
            session_id,
            session_epoch,
            ..request
        };
        side.ask(case, version, request).await?;
    }
    let forgotten = ForgottenTopic {
        topic: LOG.to_owned(),
        topic_id: side.topic_id(LOG),
        partitions: vec![0],
    };
    let request = FetchRequest {
        forgotten_topics_data: vec![forgotten],
        ..from_log(side, vec![at(1, 0, MANY)])
    };
    side.ask("forgets without a session", version, request)
        .await?;
    Ok(())
}
