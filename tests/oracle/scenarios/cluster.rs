//! DescribeCluster (60) and ListPartitionReassignments (46).
//!
//! Owns: the requests. Does not own: the topics that are named.

use anyhow::Result;
use wire::ApiKey;
use wire::messages::describe_cluster::DescribeClusterRequest;
use wire::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};

use super::{TIMEOUT_MS, make, topic, versions};
use crate::side::Side;

const KNOWN: &str = "cluster";

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    make(side, topic(KNOWN, 1, &[])).await?;
    for version in versions(ApiKey::DescribeCluster) {
        describe(side, version).await?;
    }
    for (case, topics) in [
        ("all", None),
        ("none", Some(vec![])),
        ("known", Some(vec![(KNOWN, vec![0])])),
        ("unknown partition", Some(vec![(KNOWN, vec![9, -1])])),
        ("unknown", Some(vec![("unknown", vec![0])])),
        ("bad name", Some(vec![("a b", vec![0])])),
        ("twice", Some(vec![(KNOWN, vec![0]), (KNOWN, vec![0])])),
    ] {
        let topic = |(name, partition_indexes): (&str, Vec<i32>)| {
            let name = name.to_owned();
            ListPartitionReassignmentsTopics {
                name,
                partition_indexes,
            }
        };
        let request = ListPartitionReassignmentsRequest {
            timeout_ms: TIMEOUT_MS,
            topics: topics.map(|topics| topics.into_iter().map(topic).collect()),
        };
        side.ask(case, 0, request).await?;
    }
    Ok(())
}

async fn describe(side: &mut Side, version: i16) -> Result<()> {
    side.ask("plain", version, DescribeClusterRequest::default())
        .await?;
    let rights = DescribeClusterRequest {
        include_cluster_authorized_operations: true,
        ..DescribeClusterRequest::default()
    };
    side.ask("rights on the cluster", version, rights).await?;
    if version >= 1 {
        for endpoint_type in [2, 0, 3, -1] {
            let request = DescribeClusterRequest {
                endpoint_type,
                ..DescribeClusterRequest::default()
            };
            let case = format!("endpoint type {endpoint_type}");
            side.ask(&case, version, request).await?;
        }
    }
    if version >= 2 {
        let fenced = DescribeClusterRequest {
            include_fenced_brokers: true,
            ..DescribeClusterRequest::default()
        };
        side.ask("fenced", version, fenced).await?;
    }
    Ok(())
}
