//! The properties of a broker that clients are known to read, with what holds here.
//!
//! Owns: the list. Does not own: any setting; values come from the virtual cluster, its limits and
//! the gateway's settings. All are read-only: nobody has a broker to configure.

use auth::Mechanism;
use model::Limits;
use model::PropertyType::{self, Boolean, Int, List, Long, String as Text};
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResourceResult, DescribeConfigsSynonym,
};

use super::Configs;
use crate::call::Call;
use crate::client::Door;
use crate::config_source::{ConfigSource, MIN_INSYNC_REPLICAS, type_code};

/// A property: name, type, value (none is null), and where the value comes from.
type Row = (&'static str, PropertyType, Option<String>, ConfigSource);

/// What is set for all brokers: durability is the store's, one replica in sync is enough.
fn min_insync_replicas() -> Row {
    let one = Some("1".to_owned());
    (MIN_INSYNC_REPLICAS, Int, one, ConfigSource::AllBrokers)
}

/// The properties of all brokers together.
pub(super) fn of_all(request: &DescribeConfigsRequest) -> Configs {
    vec![told(min_insync_replicas(), request)]
}

/// The properties of one broker.
pub(super) fn of_one(call: &Call, id: u32, request: &DescribeConfigsRequest) -> Configs {
    let mut rows = of_cluster(call);
    rows.extend(of_gateway(call, id));
    rows.extend(of_topics(&call.cluster.limits));
    rows.push(min_insync_replicas());
    rows.sort_by_key(|(name, ..)| *name);
    rows.into_iter().map(|row| told(row, request)).collect()
}

fn set(name: &'static str, kind: PropertyType, value: impl ToString) -> Row {
    (name, kind, Some(value.to_string()), ConfigSource::Broker)
}

fn of_cluster(call: &Call) -> Vec<Row> {
    let cluster = &call.cluster;
    let (groups, limits) = (&cluster.groups, &cluster.limits);
    let factors = cluster.replication_factors.iter().copied();
    let factor = factors.filter(|factor| *factor > 0).max().unwrap_or(1);
    vec![
        set(
            "auto.create.topics.enable",
            Boolean,
            cluster.auto_create_topics,
        ),
        set("num.partitions", Int, cluster.default_partitions),
        set("default.replication.factor", Int, factor),
        set("max.connections", Int, limits.connections_max),
        set(
            "max.connection.creation.rate",
            Int,
            limits.connection_attempts_per_s,
        ),
        set("fetch.max.bytes", Int, limits.fetch_bytes_max.0),
        set(
            "group.min.session.timeout.ms",
            Int,
            groups.session_timeout_ms_min,
        ),
        set(
            "group.max.session.timeout.ms",
            Int,
            groups.session_timeout_ms_max,
        ),
        set(
            "group.initial.rebalance.delay.ms",
            Int,
            groups.initial_rebalance_delay_ms,
        ),
        set("group.max.size", Int, groups.members_max),
        set(
            "offsets.retention.minutes",
            Int,
            groups.offsets_retention_ms / 60_000,
        ),
        set(
            "offset.metadata.max.bytes",
            Int,
            groups.offset_metadata_bytes_max,
        ),
    ]
}

fn of_gateway(call: &Call, id: u32) -> Vec<Row> {
    let config = &call.services.config;
    let protocol = match call.client.door {
        Door::Tls(_) => "SASL_SSL",
        Door::Plaintext(_) => "PLAINTEXT",
    };
    let host = &call.client.advertised_host;
    let port = call.client.advertised_port;
    let listener = if host.contains(':') {
        format!("{protocol}://[{host}]:{port}")
    } else {
        format!("{protocol}://{host}:{port}")
    };
    let mechanisms = Mechanism::ENABLED.map(Mechanism::name).join(",");
    vec![
        set("broker.id", Int, id),
        set("node.id", Int, id),
        set("advertised.listeners", List, &listener),
        set("connections.max.idle.ms", Long, config.idle_timeout_ms),
        set("connections.max.reauth.ms", Long, config.reauth_ms_max),
        set("sasl.enabled.mechanisms", List, mechanisms),
        set("socket.request.max.bytes", Int, config.request_bytes_max),
    ]
}

/// Defaults of topics, and what Kafka would say of itself.
fn of_topics(limits: &Limits) -> Vec<Row> {
    let row = |name, kind, value: &str| (name, kind, Some(value.to_owned()), ConfigSource::Default);
    let topics = model::topic_property::TOPIC_PROPERTIES.iter();
    let topics = topics.filter_map(|property| {
        let name = property.broker_name?;
        let is_default = name != MIN_INSYNC_REPLICAS;
        is_default.then(|| row(name, property.kind, &property.default_in(limits)))
    });
    let mut rows: Vec<_> = topics.collect();
    rows.extend([
        row("delete.topic.enable", Boolean, "true"),
        row("log.retention.hours", Int, "168"),
        row("log.roll.hours", Int, "168"),
        row("process.roles", List, "broker"),
        ("broker.rack", Text, None, ConfigSource::Default),
        ("log.retention.minutes", Int, None, ConfigSource::Default),
        ("log.retention.ms", Long, None, ConfigSource::Default),
        ("log.roll.ms", Long, None, ConfigSource::Default),
    ]);
    rows
}

fn told(
    (name, kind, value, source): Row,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResourceResult {
    let synonym = DescribeConfigsSynonym {
        name: name.to_owned(),
        value: value.clone(),
        source: source.code(),
    };
    DescribeConfigsResourceResult {
        name: name.to_owned(),
        value,
        read_only: true,
        config_source: source.code(),
        synonyms: request
            .include_synonyms
            .then_some(synonym)
            .into_iter()
            .collect(),
        config_type: type_code(kind),
        documentation: request
            .include_documentation
            .then(|| format!("As Kafka's {name}. It cannot be changed here.")),
        ..DescribeConfigsResourceResult::default()
    }
}
