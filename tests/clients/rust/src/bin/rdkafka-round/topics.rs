//! The topics of a round come and go.

use anyhow::{Result, bail, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rust_clients::records::PARTITIONS;
use rust_clients::round::WAIT;

use crate::user::Context;

/// Creates topics, and finds their partitions with leaders.
pub async fn create(admin: &AdminClient<Context>, topics: &[&str]) -> Result<()> {
    let new = |name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(-1));
    let new: Vec<_> = topics.iter().copied().map(new).collect();
    for created in admin.create_topics(&new, &options()).await? {
        if let Err((topic, error)) = created {
            bail!("creating {topic}: {error}");
        }
    }
    for topic in topics {
        let metadata = admin.inner().fetch_metadata(Some(topic), WAIT)?;
        let partitions = metadata
            .topics()
            .iter()
            .flat_map(|topic| topic.partitions());
        let led = partitions
            .filter(|partition| partition.leader() >= 0)
            .count();
        ensure!(
            led == PARTITIONS as usize,
            "{topic} has {led} partitions with leaders"
        );
    }
    Ok(())
}

/// Deletes the group and the topics.
pub async fn delete(admin: &AdminClient<Context>, group: &str, topics: &[&str]) -> Result<()> {
    let groups = admin.delete_groups(&[group], &options()).await?;
    let deleted = admin.delete_topics(topics, &options()).await?;
    for deleted in groups.into_iter().chain(deleted) {
        if let Err((name, error)) = deleted {
            bail!("deleting {name}: {error}");
        }
    }
    Ok(())
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(WAIT))
}
