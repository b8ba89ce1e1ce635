//! CreateTopics (19).
//!
//! Owns: the requests. Does not own: the topics of other scenarios.

use anyhow::Result;
use wire::ApiKey;
use wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};

use super::{creation, topic, versions};
use crate::side::Side;

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::CreateTopics) {
        good(side, version).await?;
        refused(side, version).await?;
        configured(side, version).await?;
        assigned(side, version).await?;
        several(side, version).await?;
    }
    Ok(())
}

/// A name that no other version uses.
fn name(version: i16, what: &str) -> String {
    format!("create-{version}-{what}")
}

async fn one(side: &mut Side, version: i16, case: &str, topic: CreatableTopic) -> Result<()> {
    side.ask(case, version, creation(vec![topic])).await?;
    Ok(())
}

async fn good(side: &mut Side, version: i16) -> Result<()> {
    let plain = name(version, "plain");
    if version < 7 {
        one(side, version, "plain", topic(&plain, 2, &[])).await?;
        side.settle(&plain).await?;
        one(side, version, "exists", topic(&plain, 2, &[])).await?;
    } else {
        // The id comes in the answer, before it has a name of its own here.
        let answer = side
            .ask("plain", version, creation(vec![topic(&plain, 2, &[])]))
            .await?;
        assert!(answer.is_some(), "a topic is made or refused, not ignored");
        side.settle(&plain).await?;
    }
    let defaults = CreatableTopic {
        name: name(version, "defaults"),
        num_partitions: -1,
        replication_factor: -1,
        ..CreatableTopic::default()
    };
    one(side, version, "defaults", defaults).await?;
    let checked = CreateTopicsRequest {
        validate_only: true,
        ..creation(vec![topic(
            &name(version, "checked"),
            3,
            &[("retention.ms", "1000")],
        )])
    };
    side.ask("validate only", version, checked.clone()).await?;
    side.ask("validate only, again", version, checked).await?;
    let known = CreateTopicsRequest {
        validate_only: true,
        ..creation(vec![topic(&plain, 3, &[])])
    };
    side.ask("validate only, exists", version, known).await?;
    side.ask("no topic", version, creation(Vec::new())).await?;
    Ok(())
}

async fn refused(side: &mut Side, version: i16) -> Result<()> {
    let long = "x".repeat(250);
    for bad in [
        "",
        ".",
        "..",
        "a b",
        "a/b",
        "ä",
        &long,
        "__consumer_offsets",
        "__transaction_state",
    ] {
        let shown: String = bad.chars().take(20).collect();
        // The names of internal topics are only checked, so that none comes to be.
        let request = CreateTopicsRequest {
            validate_only: true,
            ..creation(vec![topic(bad, 1, &[])])
        };
        side.ask(&format!("name {shown:?}"), version, request)
            .await?;
    }
    for partitions in [0, -2, i32::MIN] {
        let made = topic(&name(version, "partitions"), partitions, &[]);
        one(side, version, &format!("{partitions} partitions"), made).await?;
    }
    for factor in [0, -2, 5, i16::MAX] {
        let made = CreatableTopic {
            replication_factor: factor,
            ..topic(&name(version, "replicas"), 1, &[])
        };
        one(side, version, &format!("{factor} replicas"), made).await?;
    }
    let (dot, underscore) = (name(version, "a.b"), name(version, "a_b"));
    one(side, version, "with a dot", topic(&dot, 1, &[])).await?;
    side.settle(&dot).await?;
    one(side, version, "colliding", topic(&underscore, 1, &[])).await
}

async fn configured(side: &mut Side, version: i16) -> Result<()> {
    for (key, value) in [
        ("retention.ms", "abc"),
        ("retention.ms", "-2"),
        ("retention.ms", ""),
        ("retention.bytes", "-5"),
        ("cleanup.policy", "shred"),
        ("cleanup.policy", "compact,delete"),
        ("cleanup.policy", ""),
        ("compression.type", "brotli"),
        ("compression.type", "zstd"),
        ("max.message.bytes", "-1"),
        ("max.message.bytes", "1000"),
        ("message.timestamp.type", "LogAppendTime"),
        ("message.timestamp.type", "SomeTime"),
        ("segment.bytes", "1"),
        ("segment.bytes", "2000000"),
        ("segment.ms", "0"),
        ("min.insync.replicas", "0"),
        ("min.insync.replicas", "2"),
        ("min.cleanable.dirty.ratio", "2"),
        ("unclean.leader.election.enable", "maybe"),
        ("unclean.leader.election.enable", "true"),
        ("flush.messages", "1"),
        ("preallocate", "true"),
        ("no.such.property", "1"),
        ("message.format.version", "3.0"),
        ("message.timestamp.difference.max.ms", "1000"),
        ("message.timestamp.before.max.ms", "1000"),
        ("remote.storage.enable", "true"),
        ("local.retention.ms", "5"),
        ("retention.ms", " 1000 "),
        ("follower.replication.throttled.replicas", "*"),
    ] {
        let request = CreateTopicsRequest {
            validate_only: true,
            ..creation(vec![topic(&name(version, "checked"), 1, &[(key, value)])])
        };
        side.ask(&format!("checked: {key}={value}"), version, request)
            .await?;
    }
    let null = CreatableTopicConfig {
        name: "retention.ms".to_owned(),
        value: None,
    };
    let made = CreatableTopic {
        configs: vec![null],
        ..topic(&name(version, "null"), 1, &[])
    };
    one(side, version, "retention.ms=null", made).await?;
    let twice = [("retention.ms", "1000"), ("retention.ms", "2000")];
    one(
        side,
        version,
        "property twice",
        topic(&name(version, "twice"), 1, &twice),
    )
    .await?;
    let made = topic(
        &name(version, "configured"),
        1,
        &[("retention.ms", "86400000")],
    );
    one(side, version, "configured", made).await
}

async fn assigned(side: &mut Side, version: i16) -> Result<()> {
    let broker = side.broker_id();
    let unknown = broker + 70;
    for (case, partitions, factor, assignments) in [
        (
            "assigned",
            -1,
            -1,
            vec![(0, vec![broker]), (1, vec![broker])],
        ),
        (
            "assigned and counted",
            2,
            -1,
            vec![(0, vec![broker]), (1, vec![broker])],
        ),
        ("assigned with replicas", -1, 1, vec![(0, vec![broker])]),
        ("assigned to nobody", -1, -1, vec![(0, vec![unknown])]),
        ("assigned to none", -1, -1, vec![(0, vec![])]),
        (
            "assigned to one twice",
            -1,
            -1,
            vec![(0, vec![broker, broker])],
        ),
        (
            "assigned with a gap",
            -1,
            -1,
            vec![(0, vec![broker]), (2, vec![broker])],
        ),
        ("assigned from one", -1, -1, vec![(1, vec![broker])]),
        (
            "assigned twice",
            -1,
            -1,
            vec![(0, vec![broker]), (0, vec![broker])],
        ),
        ("assigned to a negative", -1, -1, vec![(0, vec![-3])]),
    ] {
        let assignment = |(partition_index, broker_ids)| CreatableReplicaAssignment {
            partition_index,
            broker_ids,
        };
        let made = CreatableTopic {
            name: name(version, &case.replace(' ', "-")),
            num_partitions: partitions,
            replication_factor: factor,
            assignments: assignments.into_iter().map(assignment).collect(),
            ..CreatableTopic::default()
        };
        one(side, version, case, made).await?;
    }
    Ok(())
}

async fn several(side: &mut Side, version: i16) -> Result<()> {
    let (twice, once) = (name(version, "duplicate"), name(version, "once"));
    let topics = vec![
        topic(&twice, 1, &[]),
        topic(&once, 1, &[]),
        topic(&twice, 2, &[]),
    ];
    side.ask("named twice", version, creation(topics)).await?;
    let topics = vec![topic(&name(version, "fine"), 1, &[]), topic("a b", 1, &[])];
    side.ask("one good, one bad", version, creation(topics))
        .await?;
    Ok(())
}
