//! DeleteTopics (20).
//!
//! Owns: the requests. Does not own: how topics are made.

use anyhow::Result;
use wire::ApiKey;
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};

use super::{TIMEOUT_MS, UNKNOWN_ID, make, topic, versions};
use crate::side::{Side, TopicId};

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::DeleteTopics) {
        let name = format!("delete-{version}");
        make(side, topic(&name, 1, &[])).await?;
        side.ask("no topic", version, named(&[])).await?;
        side.ask("unknown", version, named(&["unknown"])).await?;
        side.ask("bad name", version, named(&["a b"])).await?;
        side.ask("named twice", version, named(&[&name, &name]))
            .await?;
        side.ask("known and unknown", version, named(&[&name, "unknown"]))
            .await?;
        side.settle_gone(&name).await?;
        side.ask("again", version, named(&[&name])).await?;
        if version >= 6 {
            by_id(side, version).await?;
        }
    }
    Ok(())
}

fn named(names: &[&str]) -> DeleteTopicsRequest {
    let state = |name: &&str| DeleteTopicState {
        name: Some((*name).to_owned()),
        ..DeleteTopicState::default()
    };
    DeleteTopicsRequest {
        topics: names.iter().map(state).collect(),
        topic_names: names.iter().map(|name| (*name).to_owned()).collect(),
        timeout_ms: TIMEOUT_MS,
    }
}

fn identified(ids: &[TopicId]) -> DeleteTopicsRequest {
    let state = |topic_id: &TopicId| DeleteTopicState {
        name: None,
        topic_id: *topic_id,
    };
    DeleteTopicsRequest {
        topics: ids.iter().map(state).collect(),
        ..named(&[])
    }
}

async fn by_id(side: &mut Side, version: i16) -> Result<()> {
    let name = "delete-by-id";
    make(side, topic(name, 1, &[])).await?;
    let id = side.topic_id(name);
    let both = DeleteTopicState {
        name: Some(name.to_owned()),
        topic_id: id,
    };
    let both = DeleteTopicsRequest {
        topics: vec![both],
        ..named(&[])
    };
    side.ask("by name and id", version, both).await?;
    side.ask("by unknown id", version, identified(&[UNKNOWN_ID]))
        .await?;
    side.ask("by no id", version, identified(&[[0; 16]]))
        .await?;
    side.ask("by id twice", version, identified(&[id, id]))
        .await?;
    side.ask("by id", version, identified(&[id])).await?;
    side.settle_gone(name).await?;
    side.ask("by id, again", version, identified(&[id])).await?;
    Ok(())
}
