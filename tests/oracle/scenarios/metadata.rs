//! Metadata (3).
//!
//! Owns: the requests. Does not own: how topics are made.

use anyhow::Result;
use wire::ApiKey;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

use super::{UNKNOWN_ID, make, topic, versions};
use crate::side::{Side, TopicId};

const KNOWN: &str = "metadata";

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    make(side, topic(KNOWN, 3, &[])).await?;
    for version in versions(ApiKey::Metadata) {
        by_name(side, version).await?;
        rights(side, version).await?;
        by_id(side, version).await?;
        creating(side, version).await?;
    }
    Ok(())
}

fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic {
        name: Some(name.to_owned()),
        ..MetadataRequestTopic::default()
    }
}

fn identified(topic_id: TopicId) -> MetadataRequestTopic {
    MetadataRequestTopic {
        topic_id,
        name: None,
    }
}

fn about(topics: Vec<MetadataRequestTopic>) -> MetadataRequest {
    MetadataRequest {
        topics: Some(topics),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    }
}

async fn by_name(side: &mut Side, version: i16) -> Result<()> {
    side.ask("empty", version, about(Vec::new())).await?;
    side.ask("known", version, about(vec![named(KNOWN)]))
        .await?;
    side.ask(
        "known twice",
        version,
        about(vec![named(KNOWN), named(KNOWN)]),
    )
    .await?;
    if version >= 1 {
        let request = MetadataRequest {
            topics: None,
            ..MetadataRequest::default()
        };
        side.ask("all", version, request).await?;
    }
    // Before version 4 a name that is not known would be created.
    if version >= 4 {
        let unknown = vec![named("unknown"), named(KNOWN)];
        side.ask("unknown and known", version, about(unknown))
            .await?;
    }
    for bad in ["", ".", "a b", &"x".repeat(250)] {
        let shown: String = bad.chars().take(20).collect();
        side.ask(&format!("name {shown:?}"), version, about(vec![named(bad)]))
            .await?;
    }
    Ok(())
}

async fn rights(side: &mut Side, version: i16) -> Result<()> {
    if version < 8 {
        return Ok(());
    }
    for (case, cluster, topics) in [
        ("rights on the cluster", true, false),
        ("rights on topics", false, true),
    ] {
        let request = MetadataRequest {
            include_cluster_authorized_operations: cluster,
            include_topic_authorized_operations: topics,
            ..about(vec![named(KNOWN), named("unknown")])
        };
        side.ask(case, version, request).await?;
    }
    Ok(())
}

async fn by_id(side: &mut Side, version: i16) -> Result<()> {
    if version < 10 {
        return Ok(());
    }
    let known = side.topic_id(KNOWN);
    for (case, topics) in [
        ("by id", vec![identified(known)]),
        ("by unknown id", vec![identified(UNKNOWN_ID)]),
        ("by no id", vec![identified([0; 16])]),
        (
            "by both ids",
            vec![identified(UNKNOWN_ID), identified(known)],
        ),
        (
            "by id and name",
            vec![MetadataRequestTopic {
                topic_id: known,
                ..named(KNOWN)
            }],
        ),
        (
            "by another's id",
            vec![MetadataRequestTopic {
                topic_id: UNKNOWN_ID,
                ..named(KNOWN)
            }],
        ),
        (
            "one by id, one by name",
            vec![identified(known), named(KNOWN)],
        ),
    ] {
        side.ask(case, version, about(topics)).await?;
    }
    Ok(())
}

async fn creating(side: &mut Side, version: i16) -> Result<()> {
    let new = format!("auto-{version}");
    let request = MetadataRequest {
        allow_auto_topic_creation: true,
        ..about(vec![named(&new), named("a b")])
    };
    side.ask("creates", version, request.clone()).await?;
    side.settle(&new).await?;
    side.ask("created", version, request).await?;
    Ok(())
}
