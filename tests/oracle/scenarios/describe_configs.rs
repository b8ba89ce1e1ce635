//! DescribeConfigs (32).
//!
//! Owns: the requests. Does not own: what may be altered (`alter_configs`).

use anyhow::Result;
use wire::ApiKey;
use wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};

use super::{make, topic, versions};
use crate::side::Side;

/// Kafka's numbers of the types.
pub const TOPIC: i8 = 2;
/// A broker by its id.
pub const BROKER: i8 = 4;
/// The loggers of a broker.
pub const LOGGER: i8 = 8;
/// A subscription to metrics of clients.
pub const CLIENT_METRICS: i8 = 16;
/// A group.
pub const GROUP: i8 = 32;

const PLAIN: &str = "configs-plain";
const CHANGED: &str = "configs-changed";

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    make(side, topic(PLAIN, 1, &[])).await?;
    let set = [
        ("retention.ms", " 86400000 "),
        ("cleanup.policy", "delete, compact"),
        ("min.cleanable.dirty.ratio", "1"),
        ("preallocate", "TRUE"),
        ("segment.ms", "604800000"),
        ("min.insync.replicas", "1"),
        ("leader.replication.throttled.replicas", "0:1,1:1"),
    ];
    make(side, topic(CHANGED, 1, &set)).await?;
    for version in versions(ApiKey::DescribeConfigs) {
        topics(side, version).await?;
        others(side, version).await?;
    }
    Ok(())
}

/// A question about these properties of a resource; none for all.
pub fn about(kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsRequest {
    let keys = keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
    DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configuration_keys: keys,
        }],
        ..DescribeConfigsRequest::default()
    }
}

async fn topics(side: &mut Side, version: i16) -> Result<()> {
    for (what, name) in [("plain", PLAIN), ("changed", CHANGED)] {
        side.ask(what, version, about(TOPIC, name, None)).await?;
        let with_synonyms = DescribeConfigsRequest {
            include_synonyms: true,
            ..about(TOPIC, name, None)
        };
        side.ask(&format!("{what}, synonyms"), version, with_synonyms)
            .await?;
    }
    let documented = DescribeConfigsRequest {
        include_documentation: true,
        ..about(TOPIC, PLAIN, Some(&["retention.ms"]))
    };
    side.ask("documented", version, documented).await?;
    for (case, keys) in [
        ("no key", &[][..]),
        ("one key", &["retention.ms"]),
        ("an unknown key", &["no.such", "segment.ms"]),
        ("a key twice", &["segment.ms", "segment.ms"]),
    ] {
        side.ask(case, version, about(TOPIC, PLAIN, Some(keys)))
            .await?;
    }
    for (case, name) in [
        ("unknown topic", "unknown"),
        ("bad name", "a b"),
        ("no name", ""),
    ] {
        side.ask(case, version, about(TOPIC, name, None)).await?;
    }
    let mut twice = about(TOPIC, PLAIN, Some(&["segment.ms"]));
    twice.resources.push(twice.resources[0].clone());
    side.ask("topic twice", version, twice).await?;
    Ok(())
}

/// What every client reads of brokers, and other resources.
async fn others(side: &mut Side, version: i16) -> Result<()> {
    let broker = side.broker_id().to_string();
    let keys = [
        "num.partitions",
        "auto.create.topics.enable",
        "message.max.bytes",
        "log.retention.ms",
        "log.retention.hours",
        "offsets.retention.minutes",
        "min.insync.replicas",
        "log.cleanup.policy",
        "group.max.session.timeout.ms",
        "broker.rack",
    ];
    side.ask("broker", version, about(BROKER, &broker, Some(&keys)))
        .await?;
    let with_synonyms = DescribeConfigsRequest {
        include_synonyms: true,
        ..about(BROKER, "", None)
    };
    side.ask("all brokers", version, with_synonyms).await?;
    for (case, kind, name) in [
        ("unknown broker", BROKER, "77"),
        ("bad broker", BROKER, "x"),
        ("loggers of all", LOGGER, ""),
        ("loggers of an unknown broker", LOGGER, "77"),
        ("loggers", LOGGER, broker.as_str()),
        ("client metrics", CLIENT_METRICS, "x"),
        ("client metrics without name", CLIENT_METRICS, ""),
        ("group", GROUP, "g"),
        ("group without name", GROUP, ""),
        ("type 0", 0, "x"),
        ("type 3", 3, "x"),
        ("type -1", -1, "x"),
    ] {
        side.ask(case, version, about(kind, name, None)).await?;
    }
    let mut mixed = about(TOPIC, PLAIN, Some(&["segment.ms"]));
    mixed.resources.extend(about(3, "x", None).resources);
    side.ask("type 3 beside a topic", version, mixed).await?;
    let none = DescribeConfigsRequest::default();
    side.ask("no resource", version, none).await?;
    Ok(())
}
