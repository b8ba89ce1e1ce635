//! AlterConfigs (33) and IncrementalAlterConfigs (44).
//!
//! Owns: the requests, and looking at what became of the topic. Does not own: the values that single
//! properties may have (`create_topics`).

use anyhow::Result;
use wire::ApiKey;
use wire::messages::alter_configs as replacing;
use wire::messages::describe_configs::DescribeConfigsRequest;
use wire::messages::incremental_alter_configs as incremental;

use super::describe_configs::{BROKER, CLIENT_METRICS, GROUP, LOGGER, TOPIC, about};
use super::{make, topic, versions};
use crate::side::Side;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

const THROTTLED: &str = "leader.replication.throttled.replicas";

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::IncrementalAlterConfigs) {
        let name = format!("incremental-{version}");
        make(side, topic(&name, 1, &[("segment.ms", "5000")])).await?;
        one_by_one(side, version, &name).await?;
        addressed_one_by_one(side, version, &name).await?;
    }
    for version in versions(ApiKey::AlterConfigs) {
        let name = format!("replacing-{version}");
        let set = [("segment.ms", "5000"), ("cleanup.policy", "delete")];
        make(side, topic(&name, 1, &set)).await?;
        replaced(side, version, &name).await?;
    }
    Ok(())
}

fn changes(
    kind: i8,
    name: &str,
    configs: &[(&str, i8, Option<&str>)],
) -> incremental::AlterConfigsResource {
    let config = |&(name, config_operation, value): &(&str, i8, Option<&str>)| {
        incremental::AlterableConfig {
            name: name.to_owned(),
            config_operation,
            value: value.map(str::to_owned),
        }
    };
    incremental::AlterConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configs: configs.iter().map(config).collect(),
    }
}

fn all(
    resources: Vec<incremental::AlterConfigsResource>,
) -> incremental::IncrementalAlterConfigsRequest {
    incremental::IncrementalAlterConfigsRequest {
        resources,
        validate_only: false,
    }
}

/// Waits until a property that was set is seen, and looks at all.
async fn look(side: &mut Side, case: &str, name: &str) -> Result<()> {
    side.settle(name).await?;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let request = DescribeConfigsRequest {
        include_synonyms: true,
        ..about(TOPIC, name, None)
    };
    side.ask(&format!("after {case}"), 4, request).await?;
    Ok(())
}

async fn one_by_one(side: &mut Side, version: i16, name: &str) -> Result<()> {
    let checked = incremental::IncrementalAlterConfigsRequest {
        validate_only: true,
        ..all(vec![changes(
            TOPIC,
            name,
            &[("retention.ms", SET, Some("77"))],
        )])
    };
    side.ask("only checked", version, checked).await?;
    for (case, configs) in [
        (
            "set",
            &[
                ("retention.ms", SET, Some(" 7777 ")),
                ("compression.type", SET, Some("gzip")),
            ][..],
        ),
        ("delete", &[("segment.ms", DELETE, None)]),
        ("delete what is not set", &[("flush.ms", DELETE, Some("x"))]),
        ("append", &[(THROTTLED, APPEND, Some("0:1,1:1"))]),
        ("append again", &[(THROTTLED, APPEND, Some("1:1,2:1"))]),
        ("subtract", &[(THROTTLED, SUBTRACT, Some("1:1,9:9"))]),
        (
            "subtract the rest",
            &[(THROTTLED, SUBTRACT, Some("0:1,2:1"))],
        ),
        ("set what is set", &[("retention.ms", SET, Some(" 7777 "))]),
        ("nothing", &[]),
    ] {
        let request = all(vec![changes(TOPIC, name, configs)]);
        side.ask(case, version, request).await?;
    }
    look(side, "changes", name).await?;
    refused(side, version, name).await?;
    look(side, "refusals", name).await
}

async fn refused(side: &mut Side, version: i16, name: &str) -> Result<()> {
    for (case, configs) in [
        ("bad value", &[("retention.ms", SET, Some("x"))][..]),
        (
            "good and bad",
            &[("flush.ms", SET, Some("5")), ("segment.ms", SET, Some("0"))],
        ),
        ("unknown name", &[("no.such", SET, Some("x"))]),
        ("unknown name, delete", &[("no.such", DELETE, None)]),
        ("unknown name, append", &[("no.such", APPEND, Some("x"))]),
        ("append to a number", &[("retention.ms", APPEND, Some("1"))]),
        (
            "subtract from a word",
            &[("compression.type", SUBTRACT, Some("gzip"))],
        ),
        ("append garbage", &[(THROTTLED, APPEND, Some("x"))]),
        ("set null", &[("retention.ms", SET, None)]),
        ("append null", &[(THROTTLED, APPEND, None)]),
        (
            "property twice",
            &[("flush.ms", SET, Some("5")), ("flush.ms", DELETE, None)],
        ),
        ("operation 4", &[("flush.ms", 4, Some("5"))]),
        ("operation -1", &[("flush.ms", -1, Some("5"))]),
        (
            "cleanup.policy as it is",
            &[("cleanup.policy", SET, Some("delete"))],
        ),
        (
            "cleanup.policy",
            &[("cleanup.policy", SET, Some("compact"))],
        ),
    ] {
        let request = all(vec![changes(TOPIC, name, configs)]);
        side.ask(case, version, request).await?;
    }
    Ok(())
}

async fn addressed_one_by_one(side: &mut Side, version: i16, name: &str) -> Result<()> {
    let broker = side.broker_id().to_string();
    let one = [("flush.ms", SET, Some("5"))];
    for (case, kind, name) in [
        ("unknown topic", TOPIC, "unknown"),
        ("bad name", TOPIC, "a b"),
        ("no name", TOPIC, ""),
        ("broker", BROKER, broker.as_str()),
        ("all brokers", BROKER, ""),
        ("unknown broker", BROKER, "77"),
        ("bad broker", BROKER, "x"),
        ("logger", LOGGER, broker.as_str()),
        ("client metrics", CLIENT_METRICS, "x"),
        ("group", GROUP, "g"),
        ("type 3", 3, "x"),
        ("type 0", 0, "x"),
    ] {
        let request = all(vec![changes(kind, name, &one)]);
        side.ask(case, version, request).await?;
    }
    let topic = || changes(TOPIC, name, &one);
    for (case, resources) in [
        ("no resource", vec![]),
        ("topic twice", vec![topic(), topic()]),
        (
            "type 3 beside a topic",
            vec![topic(), changes(3, "x", &one)],
        ),
        (
            "known and unknown",
            vec![topic(), changes(TOPIC, "unknown", &one)],
        ),
    ] {
        side.ask(case, version, all(resources)).await?;
    }
    look(side, "all", name).await
}

fn replacement(
    kind: i8,
    name: &str,
    configs: &[(&str, Option<&str>)],
) -> replacing::AlterConfigsResource {
    let config = |&(name, value): &(&str, Option<&str>)| replacing::AlterableConfig {
        name: name.to_owned(),
        value: value.map(str::to_owned),
    };
    replacing::AlterConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configs: configs.iter().map(config).collect(),
    }
}

async fn replaced(side: &mut Side, version: i16, name: &str) -> Result<()> {
    let broker = side.broker_id().to_string();
    let one = [("flush.ms", Some("5"))];
    for (case, kind, name, configs) in [
        ("set", TOPIC, name, &[("retention.ms", Some("7777"))][..]),
        ("nothing", TOPIC, name, &[]),
        ("bad value", TOPIC, name, &[("segment.ms", Some("0"))]),
        ("unknown name", TOPIC, name, &[("no.such", Some("0"))]),
        ("null", TOPIC, name, &[("retention.ms", None)]),
        (
            "property twice",
            TOPIC,
            name,
            &[("flush.ms", Some("5")), ("flush.ms", Some("6"))],
        ),
        (
            "last",
            TOPIC,
            name,
            &[("flush.ms", Some("6")), ("cleanup.policy", Some("delete"))],
        ),
        ("unknown topic", TOPIC, "unknown", &one),
        ("bad name", TOPIC, "a b", &one),
        ("no name", TOPIC, "", &one),
        ("broker", BROKER, &broker, &one),
        ("logger", LOGGER, &broker, &one),
        ("client metrics", CLIENT_METRICS, "x", &one),
        ("group", GROUP, "g", &one),
        ("type 3", 3, "x", &one),
    ] {
        let request = replacing::AlterConfigsRequest {
            resources: vec![replacement(kind, name, configs)],
            validate_only: false,
        };
        side.ask(case, version, request).await?;
    }
    let topic = || replacement(TOPIC, name, &one);
    for (case, resources) in [
        ("no resource", vec![]),
        ("topic twice", vec![topic(), topic()]),
    ] {
        let request = replacing::AlterConfigsRequest {
            resources,
            validate_only: false,
        };
        side.ask(case, version, request).await?;
    }
    let checked = replacing::AlterConfigsRequest {
        resources: vec![topic()],
        validate_only: true,
    };
    side.ask("only checked", version, checked).await?;
    look(side, "all", name).await
}
