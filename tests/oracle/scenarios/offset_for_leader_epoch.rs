//! OffsetForLeaderEpoch (23).
//!
//! Owns: the requests, and the logs whose ends are looked up. Does not own: how topics are made.

use anyhow::Result;
use records::Codec;
use wire::ApiKey;
use wire::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use super::produce::request;
use super::{make, topic, versions};
use crate::batches::batch;
use crate::side::Side;

const LOG: &str = "epochs";

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    make(side, topic(LOG, 2, &[])).await?;
    let filling = request(side, LOG, batch(Codec::Uncompressed, side.start_ms(), 4));
    side.ask("fill", 9, filling).await?;
    for version in versions(ApiKey::OffsetForLeaderEpoch) {
        for current in [-1, 0, 1, -2] {
            for epoch in [0, 1, 99, -1, -2] {
                let case = format!("epoch {epoch} by {current}");
                let asked = ends(LOG, &[(0, current, epoch)]);
                side.ask(&case, version, asked).await?;
            }
        }
        for (case, topic, partitions) in [
            ("empty", LOG, &[(1, -1, 0)][..]),
            ("two partitions", LOG, &[(1, 0, 0), (0, 0, 0)]),
            ("unknown partition", LOG, &[(9, 0, 0)]),
            ("negative partition", LOG, &[(-1, 0, 0)]),
            ("unknown topic", "unknown", &[(0, 0, 0)]),
            ("bad name", "a b", &[(0, 0, 0)]),
        ] {
            side.ask(case, version, ends(topic, partitions)).await?;
        }
        side.ask(
            "no topic",
            version,
            OffsetForLeaderEpochRequest {
                topics: Vec::new(),
                ..ends(LOG, &[])
            },
        )
        .await?;
    }
    Ok(())
}

fn ends(topic: &str, partitions: &[(i32, i32, i32)]) -> OffsetForLeaderEpochRequest {
    let partition = |&(partition, current_leader_epoch, leader_epoch): &(i32, i32, i32)| {
        OffsetForLeaderPartition {
            partition,
            current_leader_epoch,
            leader_epoch,
        }
    };
    OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: vec![OffsetForLeaderTopic {
            topic: topic.to_owned(),
            partitions: partitions.iter().map(partition).collect(),
        }],
    }
}
